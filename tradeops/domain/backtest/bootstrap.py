"""How far chance alone could have moved a result: circular block bootstrap of daily returns."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candle_columns import Floats
from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.performance import DailyReturns
from tradeops.domain.performance.columns import NO_TRADES
from tradeops.domain.performance.curves import DUST
from tradeops.domain.performance.ratios import DAYS_A_YEAR

RESAMPLES = 1000
AT_ONCE = 200_000  # days in memory at a time
LEAST_DAYS = 30
COVERAGE_PERCENT = 95.0
TOO_FEW_DAYS = f"fewer than {LEAST_DAYS} days"
ALL_EQUAL = "all daily returns are equal"


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of what resampled days give."""

    low: Figure
    high: Figure


@dataclass(frozen=True, slots=True)
class Intervals:
    """Units as the figures they belong to.

    Attributes:
        block_days: days that stay together, so that what hangs together from day to day does so in the samples.
    """

    total_return_percent: Interval
    sharpe_ratio: Interval
    max_drawdown_percent: Interval
    block_days: int


def intervals(of_days: DailyReturns, seed: int, resamples: int = RESAMPLES) -> Intervals:
    """95 % intervals; n/a below 30 days, or when nothing was left or no trade made.

    Source: D. Politis, J. Romano, "A circular block-resampling procedure for stationary data", 1992; block length
    n^(1/3), rounded up. The Sharpe interval leaves out samples in which all days are equal.
    """
    returns = of_days.return_fraction
    block = max(math.ceil(round(len(returns) ** (1 / 3), 9)), 1)
    problem = of_days.reason or ("" if of_days.active_days else NO_TRADES)
    if not problem and len(returns) < LEAST_DAYS:
        problem = TOO_FEW_DAYS
    if problem:
        nothing = Interval(unknown(problem), unknown(problem))
        return Intervals(nothing, nothing, nothing, block)
    places = _places(len(returns), block, seed, resamples)
    rows = max(AT_ONCE // len(returns), 1)
    parts = [_statistics(returns[places(slice(n, n + rows))]) for n in range(0, resamples, rows)]
    growth, sharpe, fall = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Intervals(
        total_return_percent=_interval(100 * (growth - 1)),
        sharpe_ratio=_interval(sharpe),
        max_drawdown_percent=_interval(100 * fall),
        block_days=block,
    )


def _places(length: int, block: int, seed: int, resamples: int) -> Callable[[slice], NDArray[np.int64]]:
    """Places of the days of some samples, a row each; not of all, which may be too many to hold."""
    starts = np.random.default_rng(seed).integers(0, length, (resamples, -(-length // block)))

    def of(rows: slice) -> NDArray[np.int64]:
        places = (starts[rows, :, None] + np.arange(block)) % length
        whole: NDArray[np.int64] = places.reshape(len(places), -1)[:, :length]
        return whole

    return of


def _statistics(samples: Floats) -> tuple[NDArray[np.floating], ...]:
    """Growth, Sharpe ratio and deepest fall of each row; rows without deviation have no Sharpe ratio."""
    growth = np.cumprod(1 + samples, axis=1)
    peaks = np.maximum(np.maximum.accumulate(growth, axis=1), 1)
    deviation = samples.std(axis=1, ddof=1)
    moved = deviation > DUST * np.abs(samples).max()
    sharpe = samples.mean(axis=1)[moved] / deviation[moved] * math.sqrt(DAYS_A_YEAR)
    return growth[:, -1], sharpe, (1 - growth / peaks).max(axis=1)


def _interval(values: NDArray[np.floating]) -> Interval:
    if not len(values):
        return Interval(unknown(ALL_EQUAL), unknown(ALL_EQUAL))
    tail = (100 - COVERAGE_PERCENT) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Interval(known(low), known(high))
