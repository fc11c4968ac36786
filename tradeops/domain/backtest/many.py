"""Many runs over the same candles, as arrays: what a search ranks by, without a table a run."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.backtest.course import PERCENT, REASONS, Course, Raw, Reason
from tradeops.domain.backtest.ratios import sharpe_ratios
from tradeops.domain.candle_columns import Floats, Integers

STILL_OPEN = REASONS.index(Reason.STILL_OPEN)


@dataclass(frozen=True, slots=True, eq=False)
class ManyRuns:
    """One entry a run. What cannot be known is NaN, never 0.

    Attributes:
        trades: closed ones.
        sharpe_ratio: of daily returns, annualised by √365; NaN with trades on fewer than 5 days or equal returns.
        daily_return_fraction: a row a run, a column a UTC day from `first_day` on; NaN when nothing was left.
    """

    trades: Integers
    win_rate_percent: Floats
    total_return_percent: Floats
    sharpe_ratio: Floats
    max_drawdown_percent: Floats
    profit_factor: Floats
    daily_return_fraction: NDArray[np.float64]
    first_day: np.datetime64

    def __len__(self) -> int:
        return len(self.trades)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One run; equity at the last close of each day, the balance before the first."""

    trades: int
    wins: int
    active_days: int
    gross_profit_usd: float
    gross_loss_usd: float
    deepest_drawdown_fraction: float
    equity_by_day_usd: Floats
    start: int
    stop: int


def row_of(course: Course, raw: Raw, start: int) -> Row:
    """The few figures of a run that a search needs."""
    stop = start + len(raw.equity_usd)
    span = course.days(start, stop)
    count = len(raw.places)
    if count and raw.places[-1, 3] == STILL_OPEN:
        count -= 1
    pnl, days = raw.amounts[:count, 5], span.day_of[raw.places[:count, 1]]
    won = pnl > 0
    gross_profit = float(pnl[won].sum())
    equity = np.empty(len(span.days) + 1)
    equity[0] = course.rules.balance_usd
    equity[1:] = raw.equity_usd[span.last_candle]
    return Row(
        trades=count,
        wins=int(np.count_nonzero(won)),
        active_days=int(np.count_nonzero(days[1:] != days[:-1])) + (count > 0),
        gross_profit_usd=gross_profit,
        gross_loss_usd=-float(pnl[pnl < 0].sum()),
        deepest_drawdown_fraction=raw.deepest_drawdown_fraction,
        equity_by_day_usd=equity,
        start=start,
        stop=stop,
    )


def table_of(course: Course, rows: Sequence[Row]) -> ManyRuns:
    """The rows in columns.

    Raises:
        ValueError: no rows, or rows of different stretches.
    """
    if len({(row.start, row.stop) for row in rows}) != 1:
        raise ValueError("runs over one stretch of candles make a table, and at least one")
    equity = np.stack([row.equity_by_day_usd for row in rows])
    with np.errstate(all="ignore"):
        returns = np.diff(equity, axis=1) / equity[:, :-1]
    returns[(equity[:, :-1] <= 0).any(axis=1)] = np.nan
    trades, wins, active_days = (
        np.array([getattr(row, name) for row in rows], dtype=np.int64) for name in ("trades", "wins", "active_days")
    )
    profit, loss, fall = (
        np.array([getattr(row, name) for row in rows])
        for name in ("gross_profit_usd", "gross_loss_usd", "deepest_drawdown_fraction")
    )
    return ManyRuns(
        trades=trades,
        win_rate_percent=_quotient(PERCENT * wins, trades),
        total_return_percent=PERCENT * (equity[:, -1] / equity[:, 0] - 1),
        sharpe_ratio=sharpe_ratios(returns, active_days),
        max_drawdown_percent=PERCENT * fall,
        profit_factor=_quotient(profit, loss),
        daily_return_fraction=returns,
        first_day=course.days(rows[0].start, rows[0].stop).days[0],
    )


def _quotient(above: Floats | Integers, below: Floats | Integers) -> Floats:
    quotient = np.full(len(above), np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient
