"""What happened over time: daily returns, the equity curve of realised profit, and its deepest fall."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.figures import Amount, Figure, known, known_amount, unknown, unknown_amount
from tradeops.domain.performance.columns import NO_TRADES, TradeColumns, exact_sum, microseconds, moment
from tradeops.domain.performance.windows import Window

DUST = 1e-12  # what binary fractions leave behind, relative to the values they came from
NOT_ABOVE_ZERO = "equity at the start is not above zero"
EMPTY: NDArray[np.float64] = np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class DailyReturns:
    """One entry for each UTC day that the window touches, days without trades included.

    Attributes:
        days: `datetime64[D]`.
        trades: closed on that day.
        pnl_usd: realised on that day.
        equity_at_start_usd: at 00:00 UTC; empty when unknown, like `return_fraction`.
        return_fraction: realised profit of the day ÷ equity at its start; 0 without trades.
        reason: why returns are n/a; empty when they are known.
    """

    days: NDArray[np.datetime64]
    trades: NDArray[np.int64]
    pnl_usd: NDArray[np.float64]
    equity_at_start_usd: NDArray[np.float64]
    return_fraction: NDArray[np.float64]
    reason: str = ""

    @property
    def active_days(self) -> int:
        """Days on which a trade was closed."""
        return int(np.count_nonzero(self.trades))


@dataclass(frozen=True, slots=True, eq=False)
class EquityCurve:
    """Realised equity at the window's start and after each close in it.

    Attributes:
        at: `datetime64[us]` in UTC, ascending; the first is the window's start.
        equity_usd: USDT.
        drawdown_percent: how far below the highest point so far, positive.
    """

    at: NDArray[np.datetime64]
    equity_usd: NDArray[np.float64]
    drawdown_percent: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of the equity curve, measured after each closed trade (not at the end of days).

    Attributes:
        percent: of the peak, positive; 0 when the curve never fell.
        usd: the fall in USDT, positive.
        now_percent: how far the curve's end is below its highest point.
        peak_at: when the fall began; `None` without a fall, like `trough_at`.
        recovered_at: when the peak was reached again; `None` when it was not.
    """

    percent: Figure
    usd: Amount
    now_percent: Figure
    peak_at: datetime | None = None
    trough_at: datetime | None = None
    recovered_at: datetime | None = None


def daily_returns(columns: TradeColumns, window: Window, equity_at_start: Amount) -> DailyReturns:
    """Returns of the window's UTC days; n/a when the equity at the start of a day is unknown or not above zero."""
    inside = columns.within(window)
    dates = window.dates()
    days: NDArray[np.datetime64] = np.array(dates, dtype="datetime64[D]")
    day_of_trade = (inside.closed_at.astype("datetime64[D]") - days[0]).astype(np.int64)
    trades = np.bincount(day_of_trade, minlength=len(days)).astype(np.int64)
    pnl = np.bincount(day_of_trade, weights=inside.pnl_usd, minlength=len(days)).astype(np.float64)
    if equity_at_start.value is None:
        return DailyReturns(days, trades, pnl, EMPTY, EMPTY, reason=no_equity(equity_at_start))
    equity = float(equity_at_start.value) + np.concatenate([[0.0], np.cumsum(pnl)[:-1]])
    if (equity <= 0).any():
        day = days[int(np.argmax(equity <= 0))]
        return DailyReturns(days, trades, pnl, EMPTY, EMPTY, reason=f"equity at the start of {day} is not above zero")
    return DailyReturns(days, trades, pnl, equity, pnl / equity)


def equity_curve(columns: TradeColumns, window: Window, equity_at_start: Decimal) -> EquityCurve:
    """The curve that drawdown is measured on; one point more than the window has trades.

    Raises:
        ValueError: equity at the start is not above zero: a fall from there has no percentage.
    """
    if equity_at_start <= 0:
        raise ValueError(f"equity at the start is {equity_at_start}, not above zero")
    inside = columns.within(window)
    equity = float(equity_at_start) + np.concatenate([[0.0], np.cumsum(inside.pnl_usd)])
    peak = np.maximum.accumulate(equity)
    fall = peak - equity
    fall[fall <= DUST * peak] = 0.0
    return EquityCurve(
        at=np.concatenate([microseconds([window.since]), inside.closed_at]),
        equity_usd=equity,
        drawdown_percent=100 * fall / peak,
    )


def drawdown(columns: TradeColumns, window: Window, equity_at_start: Amount) -> Drawdown:
    """The deepest fall; n/a without trades, without equity at the start, or when that is not above zero."""
    if equity_at_start.value is None:
        return _unknown_drawdown(no_equity(equity_at_start))
    if equity_at_start.value <= 0:
        return _unknown_drawdown(NOT_ABOVE_ZERO)
    inside = columns.within(window)
    if not len(inside):
        return _unknown_drawdown(NO_TRADES)
    curve = equity_curve(inside, window, equity_at_start.value)
    percent = curve.drawdown_percent
    now = known(percent[-1])
    trough = int(np.argmax(percent))
    if percent[trough] == 0:
        return Drawdown(percent=known(0), usd=known_amount(Decimal(0)), now_percent=now)
    heights = np.flatnonzero(percent == 0)
    after = int(np.searchsorted(heights, trough))
    peak = int(heights[after - 1])
    return Drawdown(
        percent=known(percent[trough]),
        usd=known_amount(-exact_sum(inside.pnl[peak:trough])),
        now_percent=now,
        peak_at=moment(curve.at[peak]),
        trough_at=moment(curve.at[trough]),
        recovered_at=moment(curve.at[heights[after]]) if after < len(heights) else None,
    )


def no_equity(equity: Amount) -> str:
    """Why something relative to equity is n/a."""
    return f"equity at the start is not known: {equity.reason}"


def _unknown_drawdown(reason: str) -> Drawdown:
    return Drawdown(percent=unknown(reason), usd=unknown_amount(reason), now_percent=unknown(reason))
