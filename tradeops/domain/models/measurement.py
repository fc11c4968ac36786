"""How good a model is on what it has never seen, in figures that cannot flatter.

The truth is whether the close after the window was higher. Honest models of hourly candles are right in 50 to 55.5 of a
hundred cases.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.models.columns import Floats, UnfitDataError
from tradeops.domain.models.dataset import Part
from tradeops.domain.models.labels import went_up
from tradeops.domain.performance.certainty import win_rate_interval_percent

LONG_FROM, SHORT_UNTIL = 0.55, 0.45
FEE_FRACTION = 0.0004
TOO_GOOD = 0.60
BINS = 10
CERTAIN = 1e-7


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Predictions of about one probability: how many, what they said on average, how often it came true."""

    count: int
    said: float
    came: float


@dataclass(frozen=True, slots=True)
class Scores:
    """What the predictions of one model are worth; fractions are 0-1.

    Attributes:
        samples: how many predictions.
        accuracy: how often a probability above 0.5 met a rise, or another one none.
        accuracy_low, accuracy_high: 95 % interval of it (Wilson), as if candles were independent.
        balanced_accuracy: mean of the accuracies on rises and on the rest; 0.5 when only one of them occurred.
        f1_score: of rises; 0 when none was foretold.
        log_loss: mean cross entropy in nats; 0.693 is a coin.
        brier_score: mean squared error of the probability; 0.25 is a coin.
        calibration_error: mean distance of said and come, weighted by count, ten bins.
        pnl_percent: sum of the returns of long from 0.55 and short up to 0.45, after fees, of a constant stake.
        trades: changes of position that the fees were paid for.
        suspicious: better than honest models of such data can be: look for a leak before you believe it.
    """

    samples: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    balanced_accuracy: float
    f1_score: float
    log_loss: float
    brier_score: float
    calibration_error: float
    calibration: tuple[CalibrationBin, ...]
    pnl_percent: float
    trades: int
    suspicious: bool

    def to_json(self) -> dict[str, Any]:
        """As it is kept and sent."""
        return asdict(self) | {"calibration": [asdict(one) for one in self.calibration]}


def measure(probabilities: Floats, returns: Floats, *, fee_fraction: float = FEE_FRACTION) -> Scores:
    """Score predicted probabilities of a rise against what followed.

    Args:
        probabilities: 0-1.
        returns: of the next candle, as fractions, in order of time.
        fee_fraction: of the stake, for each opening and each closing.

    Raises:
        UnfitDataError: nothing to measure, lengths that differ, or a value that is no probability or not finite.
    """
    _check(probabilities, returns)
    up, said = went_up(returns), probabilities > 0.5  # noqa: PLR2004 - as likely as not
    hits = int((up == said).sum())
    low, high = win_rate_interval_percent(hits, len(returns))
    certain = np.clip(probabilities, CERTAIN, 1 - CERTAIN)
    bins = _calibration(probabilities, up)
    pnl, trades = _traded(probabilities, returns, fee_fraction)
    accuracy = hits / len(returns)
    return Scores(
        samples=len(returns),
        accuracy=accuracy,
        accuracy_low=(low.value or 0.0) / 100,
        accuracy_high=(high.value or 0.0) / 100,
        balanced_accuracy=_balanced(up, said),
        f1_score=_f1(up, said),
        log_loss=float(-np.where(up, np.log(certain), np.log1p(-certain)).mean()),
        brier_score=float(((probabilities - up) ** 2).mean()),
        calibration_error=sum(one.count * abs(one.said - one.came) for one in bins) / len(returns),
        calibration=bins,
        pnl_percent=100 * pnl,
        trades=trades,
        suspicious=accuracy > TOO_GOOD,
    )


def hits(probabilities: Floats, returns: Floats) -> NDArray[np.bool_]:
    """Which predictions were right."""
    right: NDArray[np.bool_] = went_up(returns) == (probabilities > 0.5)  # noqa: PLR2004
    return right


def majority_probabilities(train: Part, judged: Part) -> Floats:
    """Always the share of rises in training: what one knows without looking."""
    return np.full(len(judged), float(went_up(train.returns).mean()))


def persistence_probabilities(train: Part, judged: Part) -> Floats:
    """What the last candle did, it does again, as often as it did in training."""
    same = float((went_up(train.returns) == went_up(train.last_returns)).mean())
    same = max(same, 0.5 + CERTAIN)  # it stays persistence where the market reversed more often
    return np.where(went_up(judged.last_returns), same, 1 - same)


def _check(probabilities: Floats, returns: Floats) -> None:
    if len(returns) == 0 or len(probabilities) != len(returns):
        raise UnfitDataError(f"{len(probabilities)} predictions and {len(returns)} outcomes cannot be measured")
    if not np.isfinite(returns).all():
        raise UnfitDataError("an outcome is not known")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise UnfitDataError("a prediction is no probability")


def _balanced(up: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    if up.all() or not up.any():
        return 0.5
    return float((said[up].mean() + (~said[~up]).mean()) / 2)


def _f1(up: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    both = int((up & said).sum())
    either = int(up.sum()) + int(said.sum())
    return 2 * both / either if both else 0.0


def _calibration(probabilities: Floats, up: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    place = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    found = [place == one for one in range(BINS)]
    return tuple(
        CalibrationBin(int(mask.sum()), float(probabilities[mask].mean()), float(up[mask].mean()))
        for mask in found
        if mask.any()
    )


def _traded(probabilities: Floats, returns: Floats, fee_fraction: float) -> tuple[float, int]:
    position = np.where(probabilities >= LONG_FROM, 1, np.where(probabilities <= SHORT_UNTIL, -1, 0))
    turnover = np.abs(np.diff(position, prepend=0, append=0))
    return float((position * returns).sum() - fee_fraction * turnover.sum()), int((turnover > 0).sum())
