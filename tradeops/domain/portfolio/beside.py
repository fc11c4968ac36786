"""The engine's own figures beside ours, where they differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tradeops.domain.engine_claims import Claim
from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.portfolio.report import PortfolioReport
from tradeops.domain.portfolio.trading import Trading


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure that the engine gives otherwise than we do, or that we cannot give.

    Attributes:
        why: they differ, in one line.
        digits: after the point, of both.
    """

    name: str
    ours: Figure
    engine: Claim
    why: str
    digits: int = 2


def beside(report: PortfolioReport) -> tuple[Beside, ...]:
    """What differs to a reader of two decimals; nothing for a past day, since the engine's figures are of now."""
    if report.facts.past:
        return ()
    rows = [*_of_trades(report, report.trading), *_of_account(report)] if report.trading else [*_of_account(report)]
    return tuple(row for row in rows if row.ours.value is None or not row.engine.agrees_with(row.ours.value))


def _of_trades(report: PortfolioReport, trading: Trading) -> Iterator[Beside]:
    account, whole = report.facts.account.value, trading.whole
    claims = account.claims
    rows = (
        ("win rate, %", whole.win_rate_percent, claims.win_rate_percent, "it counts open trades as not won"),
        ("profit factor", whole.profit_factor, claims.profit_factor, "its own is average win ÷ average loss"),
        ("Sharpe ratio", whole.sharpe_ratio, claims.sharpe_ratio, "its own is per trade, on margin, not annualised"),
        ("trades", known(whole.trades), _claim(account.total_trades), "it counts open trades, and forgets old ones"),
        ("winning trades", known(whole.wins), _claim(account.winning_trades), "ours are closed ones above zero"),
        ("losing trades", known(whole.losses), _claim(account.losing_trades), "ours are closed ones below zero"),
        (
            "deepest drawdown, %",
            trading.drawdown.percent,
            _claim(account.max_drawdown_percent),
            "its own follows unrealised profit too",
        ),
        (
            "average profit, %",
            whole.average_profit_percent,
            claims.average_profit,
            "ours is of the notional",
        ),
    )
    for name, ours, theirs, why in rows:
        if theirs is not None:
            yield Beside(name, ours, theirs, why, digits=0 if "trades" in name else 2)


def _of_account(report: PortfolioReport) -> Iterator[Beside]:
    account = report.facts.account.value
    ours = report.total_return_percent
    yield Beside("total return, %", ours, Claim(account.total_return_percent), "ours is equity over initial balance")
    if account.total_pnl is not None:
        why = "ours contains the trades that it forgot"
        yield Beside("total P/L, USDT", _total_pnl(report), Claim(account.total_pnl), why)


def _claim(figure: Decimal | int | None) -> Claim | None:
    return None if figure is None else Claim(Decimal(figure))


def _total_pnl(report: PortfolioReport) -> Figure:
    if report.trading is None:
        return unknown(report.trading_problem)
    realised, unrealised = report.trading.whole.realized_pnl_usd, report.unrealised
    if realised.value is None or unrealised.value is None:
        return unknown(realised.reason or unrealised.reason)
    return known(float(realised.value + unrealised.value))
