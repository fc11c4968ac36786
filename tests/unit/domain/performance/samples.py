"""Trades to measure: USDT profits on a notional of 1,000, an hour each."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

from hypothesis import HealthCheck, settings

from tradeops.domain.figures import Amount, known_amount
from tradeops.domain.performance import Performance, TradeColumns, Window, measure
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = Window(START, START + 7 * DAY)
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
EQUITY = known_amount(Decimal(10_000))


def trade(
    pnl: str | Decimal,
    *,
    closed: datetime = START + HOUR,
    held: timedelta = HOUR,
    notional: str | Decimal = "1000",
    identity: str = "1",
    symbol: str = "ETHUSDT",
) -> ClosedTrade:
    return ClosedTrade(
        id=identity,
        symbol=symbol,
        side=Side.LONG,
        entry_price=Decimal(notional),
        exit_price=Decimal(notional),
        quantity=Decimal(1),
        leverage=10,
        pnl=Decimal(pnl),
        opened_at=closed - held,
        closed_at=closed,
    )


def row(pnls: Iterable[str | Decimal], *, every: timedelta = HOUR, start: datetime = START) -> list[ClosedTrade]:
    """One after another; the first closes one period after the start."""
    return [trade(pnl, closed=start + n * every, identity=f"{n:06}") for n, pnl in zip(count(1), pnls, strict=False)]


def daily(pnls: Iterable[str | Decimal], *, start: datetime = START) -> list[ClosedTrade]:
    """One trade a day, closed at noon UTC."""
    return row(pnls, every=DAY, start=start - DAY / 2)


def measured(
    trades: Sequence[ClosedTrade],
    *,
    window: Window = WEEK,
    equity: Amount = EQUITY,
    open_since: Sequence[datetime] | None = (),
) -> Performance:
    return measure(TradeColumns.of(trades), window, equity_at_start=equity, open_since=open_since)
