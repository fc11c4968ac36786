"""Ratios of a sample of returns: Sharpe, Sortino, Calmar."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.performance.columns import NO_TRADES
from tradeops.domain.performance.curves import DUST, DailyReturns
from tradeops.domain.performance.metrics import Sample
from tradeops.domain.performance.windows import DAY, Window

DAYS_A_YEAR: Final = 365
LEAST_ACTIVE_DAYS: Final = 5
LEAST_ANNUAL: Final = 90 * DAY


def sample_of(values: NDArray[np.float64]) -> Sample | None:
    """Mean and moments; `None` of nothing.

    Equal values are found by their range: their computed deviation would be a tiny number, and a ratio by it a huge
    one.
    """
    if not len(values):
        return None
    mean = float(values.mean())
    largest = float(np.abs(values).max())
    if len(values) == 1 or float(np.ptp(values)) <= DUST * largest:
        return Sample(len(values), mean, deviation=None)
    standardised = (values - mean) / values.std()
    squared = standardised * standardised
    return Sample(
        size=len(values),
        mean=mean,
        deviation=float(values.std(ddof=1)),
        skewness=float((squared * standardised).mean()),
        kurtosis=float((squared * squared).mean()),
    )


def sharpe_per_trade(sample: Sample | None) -> Figure:
    """Mean ÷ sample deviation of returns on notional; not annualised, because trades have no period.

    Source: W. F. Sharpe, "The Sharpe Ratio", 1994, for one period, risk-free 0.
    """
    if sample is None:
        return unknown(NO_TRADES)
    if sample.size == 1:
        return unknown("one trade has no deviation")
    if sample.deviation is None:
        return unknown("all trades brought the same return")
    return known(sample.mean / sample.deviation)


def sharpe_ratio(daily: DailyReturns, sample: Sample | None) -> Figure:
    """Mean ÷ sample deviation of daily returns × √365, risk-free 0.

    Below 5 active days it is n/a: with trades on one day of seven it is ±7.22 whatever the profit.
    Source: W. F. Sharpe, "The Sharpe Ratio", 1994; a crypto market has 365 days a year.
    """
    if problem := _too_little(daily):
        return unknown(problem)
    if sample is None or sample.deviation is None:
        return unknown("all daily returns are equal")
    return known(sample.mean / sample.deviation * math.sqrt(DAYS_A_YEAR))


def sortino_ratio(daily: DailyReturns) -> Figure:
    """Mean of daily returns ÷ downside deviation × √365, target 0; n/a below 5 active days.

    The downside deviation is the root of the mean square over all days, those without loss counted as 0. Source:
    T. Rollinger, S. Hoffman, "Sortino: A Sharper Ratio", Red Rock Capital.
    """
    if problem := _too_little(daily):
        return unknown(problem)
    returns = daily.return_fraction
    downside = math.sqrt(float((np.minimum(returns, 0) ** 2).mean()))
    return known(float(returns.mean()) / downside * math.sqrt(DAYS_A_YEAR)) if downside else unknown("no losing day")


def annualized_return_percent(window: Window, total_return_percent: Figure) -> Figure:
    """(equity at the end ÷ at the start) ^ (365 ÷ days of the window) - 1, × 100; n/a below 90 days.

    Source: GIPS 2020, 2.A.12, forbids to annualise periods below one year; 90 days are the product's own bound.
    """
    if total_return_percent.value is None:
        return total_return_percent
    if window.length < LEAST_ANNUAL:
        return unknown("fewer than 90 days are not annualized")
    growth = 1 + total_return_percent.value / 100
    if growth <= 0:
        return unknown("nothing of the equity is left")
    with np.errstate(over="ignore"):
        return known(100 * (float(np.power(growth, DAYS_A_YEAR * DAY / window.length)) - 1))


def calmar_ratio(annualized_percent: Figure, drawdown_percent: Figure) -> Figure:
    """Annualised return ÷ deepest drawdown. Source: T. W. Young, "Calmar Ratio", Futures, 1991."""
    if annualized_percent.value is None:
        return annualized_percent
    if drawdown_percent.value is None:
        return drawdown_percent
    if not drawdown_percent.value:
        return unknown("equity never fell")
    return known(annualized_percent.value / drawdown_percent.value)


def _too_little(daily: DailyReturns) -> str:
    if not daily.active_days:
        return NO_TRADES
    if daily.reason:
        return daily.reason
    if daily.active_days < LEAST_ACTIVE_DAYS:
        return f"trades on {daily.active_days} of {len(daily.days)} days; {LEAST_ACTIVE_DAYS} are needed"
    return ""
