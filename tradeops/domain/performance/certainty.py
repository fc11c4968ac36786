"""How sure a figure of few trades is: intervals, and how much of the posterior lies beyond a limit.

All take trades for independent of one another, which those of one market are not quite: the truth is less sure.
"""

import math
from statistics import NormalDist

from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.performance.columns import NO_TRADES
from tradeops.domain.performance.metrics import Performance
from tradeops.domain.performance.ratios import DAYS_A_YEAR

NORMAL = NormalDist()
CONFIDENCE_FRACTION = 0.95


def win_rate_interval_percent(wins: int, trades: int) -> tuple[Figure, Figure]:
    """Both ends of Wilson's score interval at 95 %, without continuity correction.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927);
    `scipy.stats.binomtest(...).proportion_ci(method="wilson")` gives the same after a second of import.
    """
    if not trades:
        return unknown(NO_TRADES), unknown(NO_TRADES)
    z = NORMAL.inv_cdf((1 + CONFIDENCE_FRACTION) / 2)
    rate = wins / trades
    shrink = 1 + z * z / trades
    centre = (rate + z * z / (2 * trades)) / shrink
    half = z * math.sqrt(rate * (1 - rate) / trades + z * z / (4 * trades * trades)) / shrink
    low = 0.0 if wins == 0 else centre - half
    high = 1.0 if wins == trades else centre + half
    return known(100 * low), known(100 * high)


def win_rate_below(performance: Performance, limit_percent: float) -> Figure:
    """Probability (0-1) that the true win rate is below the limit: the share of the Beta posterior, uniform prior.

    Source: A. Gelman et al., "Bayesian Data Analysis", 3rd ed., 2.4: with prior Beta(1, 1) the posterior is
    Beta(1 + wins, 1 + others). A zero-profit trade is no win.
    """
    if not performance.trades:
        return unknown(NO_TRADES)
    # scipy costs a quarter of a second, which only those who ask for certainty shall wait
    from scipy.special import betainc  # type: ignore[import-untyped]  # noqa: PLC0415

    others = performance.trades - performance.wins
    limit = min(max(limit_percent / 100, 0.0), 1.0)
    return known(float(betainc(1 + performance.wins, 1 + others, limit)))


def average_profit_below(performance: Performance, limit_percent: float) -> Figure:
    """Probability (0-1) that the true mean profit is below the limit: the share of the t posterior, Jeffreys prior.

    Source: A. Gelman et al., "Bayesian Data Analysis", 3rd ed., 3.2: the mean less its estimate, over deviation ÷ √n,
    is t-distributed with n - 1 degrees of freedom.
    """
    sample = performance.trade_returns_percent
    if sample is None or sample.deviation is None:
        return unknown(performance.sharpe_per_trade.reason)
    from scipy.special import stdtr  # noqa: PLC0415

    t = (limit_percent - sample.mean) / (sample.deviation / math.sqrt(sample.size))
    return known(float(stdtr(sample.size - 1, t)))


def sharpe_below(performance: Performance, limit: float) -> Figure:
    """Probability (0-1) that the true annualised Sharpe ratio is below the limit; rough for a week of days.

    Source: D. Bailey, M. López de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15 (2012): one less
    their probabilistic Sharpe ratio, which allows for skewness and fat tails.
    """
    sample = performance.daily_returns_fraction
    if performance.sharpe_ratio.value is None or sample is None or sample.deviation is None:
        return unknown(performance.sharpe_ratio.reason)
    ratio = sample.mean / sample.deviation
    variance = 1 - sample.skewness * ratio + (sample.kurtosis - 1) / 4 * ratio * ratio
    if variance <= 0:
        return unknown("the daily returns are too one-sided to say")
    distance = limit / math.sqrt(DAYS_A_YEAR) - ratio
    return known(NORMAL.cdf(distance * math.sqrt((sample.size - 1) / variance)))
