"""What an open position puts at stake. USDT; percentages are 0–100."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown, unknown_amount
from tradeops.domain.portfolio.portfolio import OpenTrade, Side

NO_STOP = "it has no stop loss"
NO_FEE_RATE = "the fee rate is not known"


@dataclass(frozen=True, slots=True)
class PositionRisk:
    """One open position.

    Attributes:
        unrealised_usd: at the engine's last mark.
        stop_distance_percent: from the last price to the stop, of the price; negative when the price is beyond it.
        pnl_if_stopped_usd: result of a close at the stop's price, estimated fees of entry and exit included.
    """

    trade: OpenTrade
    unrealised_usd: Amount
    stop_distance_percent: Figure
    pnl_if_stopped_usd: Amount


def risk_of(
    trade: OpenTrade, *, last_price: Decimal | None, price_problem: str, fee_fraction: Decimal | None
) -> PositionRisk:
    """The risk of one position.

    Args:
        trade: the position.
        last_price: of its symbol; `None` when it is not known.
        price_problem: why it is not.
        fee_fraction: of the notional, at entry and at exit; `None` when it is not known.
    """
    unrealised = trade.unrealised_pnl
    return PositionRisk(
        trade,
        unknown_amount("the engine has no mark yet") if unrealised is None else known_amount(unrealised),
        _stop_distance(trade, last_price, price_problem),
        _pnl_if_stopped(trade, fee_fraction),
    )


def risks_of(
    trades: tuple[OpenTrade, ...],
    *,
    prices: Mapping[str, Decimal] | None,
    price_problem: str,
    fee_fraction: Decimal | None,
) -> tuple[PositionRisk, ...]:
    """The risk of each position; `prices` are the last ones by symbol, `None` when they could not be read."""
    known_prices = prices or {}
    return tuple(
        risk_of(
            trade,
            last_price=known_prices.get(trade.symbol),
            price_problem=price_problem or f"the engine has no price of {trade.symbol}",
            fee_fraction=fee_fraction,
        )
        for trade in trades
    )


def total(amounts: tuple[Amount, ...]) -> Amount:
    """Their sum; n/a when one is, with its reason: a sum without it would be another figure."""
    missing = next((amount for amount in amounts if amount.value is None), None)
    return missing or known_amount(sum((amount.value for amount in amounts if amount.value is not None), Decimal(0)))


def _stop_distance(trade: OpenTrade, price: Decimal | None, problem: str) -> Figure:
    if trade.stop_loss is None:
        return unknown(NO_STOP)
    if price is None:
        return unknown(problem)
    return known(float((price - trade.stop_loss) * _sign(trade) / price * 100))


def _pnl_if_stopped(trade: OpenTrade, fee_fraction: Decimal | None) -> Amount:
    if trade.stop_loss is None:
        return unknown_amount(NO_STOP)
    if fee_fraction is None:
        return unknown_amount(NO_FEE_RATE)
    fees = (trade.entry_price + trade.stop_loss) * trade.quantity * fee_fraction
    return known_amount((trade.stop_loss - trade.entry_price) * _sign(trade) * trade.quantity - fees)


def _sign(trade: OpenTrade) -> int:
    return 1 if trade.side is Side.LONG else -1
