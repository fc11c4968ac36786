"""Closed trades, and performances with given figures, for tests of what is made of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown
from tradeops.domain.performance import Performance, Sample, TradeColumns, Window, measure
from tradeops.domain.performance_report import Facts
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side

ON = date(2026, 11, 25)
WINDOW = Window.before(ON, days=7)
NOW = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
EQUITY = known_amount(Decimal(10_000))
NO_DEVIATION = unknown("all returns are equal")


def trade(
    number: int, return_percent: str | Decimal, closed_at: datetime, *, notional: Decimal = Decimal(1000)
) -> ClosedTrade:
    """A trade of 1,000 USDT that brought so much after fees."""
    return ClosedTrade(
        id=f"t{number}",
        symbol="BTCUSDT",
        side=Side.LONG,
        entry_price=notional,
        exit_price=notional,
        quantity=Decimal(1),
        leverage=10,
        pnl=Decimal(return_percent) * notional / 100,
        opened_at=closed_at - timedelta(hours=1),
        closed_at=closed_at,
        duration=timedelta(hours=1),
    )


def week(returns: Sequence[str | Decimal], *, until: datetime = WINDOW.until, days: int = 7) -> list[ClosedTrade]:
    """Trades with these returns, one after the other over the `days` before `until`."""
    step = timedelta(days=days) / max(len(returns), 1)
    first = until - timedelta(days=days)
    return [trade(n, value, first + n * step) for n, value in enumerate(returns)]


def facts(trades: Sequence[ClosedTrade], *, equity: Amount = EQUITY) -> Facts:
    """What is gathered when these trades are all there are."""
    return Facts(
        trades=TradeColumns.of(trades),
        equities={WINDOW.since: equity},
        equity_label="reconstructed",
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=1),
        data_as_of=NOW,
    )


def performance(
    *,
    trades: int = 40,
    win_rate: Figure | float = 75.0,
    profit: Figure | float = 3.0,
    sharpe: Figure | float = 3.0,
    deviation: float | None = 2.0,
) -> Performance:
    """A week whose judged figures are these, whatever its trades would give."""
    empty = measure(TradeColumns.of([]), WINDOW, equity_at_start=EQUITY)
    share, mean, ratio = (f if isinstance(f, Figure) else known(f) for f in (win_rate, profit, sharpe))
    return replace(
        empty,
        trades=trades,
        wins=round(trades * (share.value or 0) / 100),
        win_rate_percent=share,
        average_profit_percent=mean,
        sharpe_ratio=ratio,
        sharpe_per_trade=known(0.5) if deviation else NO_DEVIATION,
        trade_returns_percent=Sample(trades, mean.value or 0.0, deviation),
        daily_returns_fraction=Sample(7, (ratio.value or 0.0) / 365**0.5 * 0.01, 0.01),
    )
