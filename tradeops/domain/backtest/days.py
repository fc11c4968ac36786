"""A run by UTC days and months: what ratios are computed from."""

from dataclasses import dataclass

import numpy as np

from tradeops.domain.backtest.course import PERCENT, Course, Run
from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.performance import DailyReturns


@dataclass(frozen=True, slots=True)
class Month:
    """One row of the monthly table.

    Attributes:
        month: as in "2026-11".
        trades: closed in it.
        pnl_usd: change of equity, open positions valued at closes.
    """

    month: str
    trades: int
    wins: int
    pnl_usd: float
    return_percent: Figure


def daily(course: Course, run: Run) -> DailyReturns:
    """Equity at the last close of each day by that of the day before; days without candles are 0."""
    span = course.days(run.start, run.stop)
    equity = np.concatenate([[course.rules.balance_usd], run.equity_usd[span.last_candle]])
    exits = run.trades.exit_place if run.trades.closed.all() else run.trades.exit_place[run.trades.closed]
    trades = np.bincount(span.day_of[exits - run.start], minlength=len(span.days)).astype(np.int64)
    pnl, starts = np.diff(equity), equity[:-1]
    if starts.min() <= 0:
        nothing = np.empty(0)
        return DailyReturns(span.days, trades, pnl, nothing, nothing, reason="nothing of the equity was left")
    return DailyReturns(span.days, trades, pnl, starts, pnl / starts)


def monthly(course: Course, run: Run, of_days: DailyReturns) -> tuple[Month, ...]:
    """Calendar months in UTC, the first and the last as far as they are covered."""
    months = of_days.days.astype("datetime64[M]")
    starts = np.flatnonzero(np.diff(months.astype(np.int64), prepend=-1))
    equity = course.rules.balance_usd + np.concatenate([[0.0], np.cumsum(np.add.reduceat(of_days.pnl_usd, starts))])
    closed = run.trades.closed
    exits = course.candles.opened_at[run.trades.exit_place[closed]].astype("datetime64[us]").astype("datetime64[M]")
    won = run.trades.pnl_usd[closed] > 0
    return tuple(
        Month(
            month=str(months[start]),
            trades=int((exits == months[start]).sum()),
            wins=int((won & (exits == months[start])).sum()),
            pnl_usd=float(equity[n + 1] - equity[n]),
            return_percent=known(PERCENT * (equity[n + 1] / equity[n] - 1))
            if equity[n] > 0
            else unknown("nothing of the equity was left"),
        )
        for n, start in enumerate(starts)
    )
