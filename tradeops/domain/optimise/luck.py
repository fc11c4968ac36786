"""How much of a best result luck explains: the deflated Sharpe ratio and the probability of backtest overfitting."""

from dataclasses import dataclass
from itertools import combinations
from math import comb, e, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candle_columns import Floats

EULER_MASCHERONI: Final = 0.5772156649015329
LEAST_DAYS: Final = 3
BLOCKS: Final = 12
LEAST_DAYS_A_BLOCK: Final = 4
LEAST_BLOCKS: Final = 4
AT_ONCE: Final = 128
DUST: Final = 1e-12
NORMAL: Final = NormalDist()


def luckiest_sharpe(deviation: float, trials: int) -> float:
    """The Sharpe ratio that the best of so many trials without any skill is expected to show.

    Bailey and López de Prado, The Deflated Sharpe Ratio (2014), equation 1.

    Args:
        deviation: of the trials' Sharpe ratios, in the unit that is wanted.
        trials: independent ones; counting related ones makes the answer higher, the judgement stricter.

    Raises:
        ValueError: no trial.
    """
    if trials < 1:
        raise ValueError("the best of no trials is nothing")
    if trials == 1:
        return 0.0
    first, second = (NORMAL.inv_cdf(1 - share) for share in (1 / trials, 1 / (trials * e)))
    return deviation * ((1 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def probabilistic_sharpe(returns: Floats, benchmark: float) -> float:
    """The probability, 0-1, that the true Sharpe ratio is above a benchmark; both are a day's, not annualised.

    With the skewness and kurtosis of the returns. Bailey and López de Prado (2012, 2014), equation 2. NaN with fewer
    than 3 days, with equal returns, and where the formula has no answer.
    """
    days = len(returns)
    if days < LEAST_DAYS:
        return float("nan")
    mean, deviation = returns.mean(), returns.std()
    if not deviation > DUST * max(float(np.abs(returns).max()), DUST):
        return float("nan")
    scores = (returns - mean) / deviation
    sharpe = float(mean / returns.std(ddof=1))
    return from_moments(sharpe, days, float((scores**3).mean()), float((scores**4).mean()), benchmark)


def from_moments(sharpe: float, days: int, skewness: float, kurtosis: float, benchmark: float) -> float:
    """The same from the moments of the returns; a normal distribution has a kurtosis of 3."""
    spread = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if not spread > 0:
        return float("nan")
    return NORMAL.cdf((sharpe - benchmark) * sqrt(days - 1) / sqrt(spread))


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What choosing the best of these trials is worth.

    Attributes:
        probability: that the best on one half of the days is at most average on the other, 0-1.
        loss_probability: that it loses there, 0-1.
        halves: how many ways of halving were tried; each serves as the first half once.
    """

    probability: float
    loss_probability: float
    halves: int


def overfitting(returns: Floats, *, blocks: int = BLOCKS) -> Overfitting | None:
    """By combinatorially symmetric cross-validation of daily returns, a row a trial.

    Bailey, Borwein, López de Prado and Zhu, The Probability of Backtest Overfitting (2015): the days are cut into
    blocks, each half of the blocks chooses, the other half judges. A trial that does not move has a Sharpe ratio of 0;
    of equals the first is chosen, and their ranks are averaged.

    Args:
        returns: at least two rows; days that the blocks do not fill are left out at the beginning.
        blocks: even; fewer are taken where a block would have fewer than 4 days.

    Returns:
        `None` when there are fewer than two trials or 16 days.
    """
    trials, days = returns.shape
    blocks = min(blocks, days // LEAST_DAYS_A_BLOCK) // 2 * 2
    if trials < 2 or blocks < LEAST_BLOCKS:  # noqa: PLR2004 - one trial is not chosen
        return None
    length = days // blocks
    cut = returns[:, days - blocks * length :].reshape(trials, blocks, length)
    sums, squares = cut.sum(axis=2).T, (cut**2).sum(axis=2).T
    chosen = np.zeros((comb(blocks, blocks // 2), blocks))
    for row, half in enumerate(combinations(range(blocks), blocks // 2)):
        chosen[row, half] = 1.0
    count = length * blocks // 2
    overfitted = lost = 0
    for first in range(0, len(chosen), AT_ONCE):
        inside = chosen[first : first + AT_ONCE]
        here, there = (_sharpe(half @ sums, half @ squares, count) for half in (inside, 1.0 - inside))
        best = here.argmax(axis=1)[:, None]
        result = np.take_along_axis(there, best, axis=1)
        rank = (there < result).sum(axis=1) + ((there == result).sum(axis=1) + 1) / 2
        overfitted += int((rank / (trials + 1) <= 0.5).sum())  # noqa: PLR2004 - a logit of at most 0
        lost += int((result < 0).sum())
    return Overfitting(overfitted / len(chosen), lost / len(chosen), len(chosen))


def _sharpe(total: Floats, squares: Floats, count: int) -> Floats:
    mean = total / count
    variance = (squares - total * mean) / (count - 1)
    moves: NDArray[np.bool_] = variance > DUST * squares / count
    return np.divide(mean, np.sqrt(variance, where=moves, out=np.ones_like(mean)), where=moves, out=np.zeros_like(mean))
