"""What happened over time: daily returns, the equity curve of realised profit, and its deepest fall."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.figures import Amount, Figure
from tradeops.domain.performance.columns import TradeColumns
from tradeops.domain.performance.windows import Window


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
    raise NotImplementedError


def equity_curve(columns: TradeColumns, window: Window, equity_at_start: Decimal) -> EquityCurve:
    """The curve that drawdown is measured on; one point more than the window has trades."""
    raise NotImplementedError


def drawdown(columns: TradeColumns, window: Window, equity_at_start: Amount) -> Drawdown:
    """The deepest fall; n/a without trades, without equity at the start, or when that is not above zero."""
    raise NotImplementedError
