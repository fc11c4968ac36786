"""Sharpe ratios of many runs at once, as `performance.ratios` computes one."""

import math

import numpy as np

from tradeops.domain.candle_columns import Floats, Integers
from tradeops.domain.performance.curves import DUST
from tradeops.domain.performance.ratios import DAYS_A_YEAR, LEAST_ACTIVE_DAYS

LEAST_DAYS = 2


def sharpe_ratios(daily_return_fraction: Floats, active_days: Integers) -> Floats:
    """Mean ÷ sample deviation of each row × √365, risk-free 0.

    NaN with trades on fewer than 5 days, when all days are equal, and where returns are NaN.
    """
    returns = daily_return_fraction
    ratios = np.full(len(returns), np.nan)
    if returns.shape[1] < LEAST_DAYS:
        return ratios
    moved = np.ptp(returns, axis=1) > DUST * np.abs(returns).max(axis=1)
    known = moved & (active_days >= LEAST_ACTIVE_DAYS)
    chosen = returns[known]
    ratios[known] = chosen.mean(axis=1) / chosen.std(axis=1, ddof=1) * math.sqrt(DAYS_A_YEAR)
    return ratios
