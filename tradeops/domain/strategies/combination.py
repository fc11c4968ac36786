"""Several strategies, one signal: the bot's four ways to combine them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.strategies.signals import Direction, Signals

CONSENSUS_OF: Final = 4
MOST_VOTERS: Final = 5
CONSERVATIVE_OF: Final = 2
CONSERVATIVE_CONFIDENCE: Final = 0.65
CONSERVATIVE_DISCOUNT: Final = 0.9
LEAST_CONFIDENCE: Final = 0.65  # the library's; the bot's settings say 0.5


class Combination(StrEnum):
    """The bot's modes.

    Consensus (the library's default): at least 4 equal signals of at most 5, with the mean confidence of those that
    agree × their share of all. WeightedAverage (the settings' default): the sign of the mean of direction × confidence,
    with its size as confidence; the bot's own weights are not known, ours are the confidences. BestConfidence: the
    signal of the highest confidence; of equals the first. Conservative: at least 2 of confidence 0.65 or more and none
    opposite, with the mean confidence of those that agree × 0.9.
    """

    CONSENSUS = "Consensus"
    WEIGHTED_AVERAGE = "WeightedAverage"
    BEST_CONFIDENCE = "BestConfidence"
    CONSERVATIVE = "Conservative"


def combined(
    signals: Sequence[Signals], mode: Combination = Combination.CONSENSUS, least_confidence: float = LEAST_CONFIDENCE
) -> Signals:
    """One signal a candle; neutral where the mode finds none, or one of less than `least_confidence`.

    It begins where all of them have begun. The confidence of a neutral one is the mean confidence of those who are
    neutral, or 0 where none is.

    Raises:
        ValueError: no signals, more than 5, or of different lengths.
    """
    if not 0 < len(signals) <= MOST_VOTERS:
        raise ValueError(f"1 to {MOST_VOTERS} strategies are combined, not {len(signals)}")
    if len({len(each) for each in signals}) > 1:
        raise ValueError("signals of different lengths are not of the same candles")
    directions = np.stack([each.direction for each in signals]).astype(np.float64)
    confidences = np.stack([each.confidence for each in signals])
    ready = ~np.isnan(confidences).any(axis=0)
    confidences = np.where(ready, confidences, 0.0)
    direction, confidence = _MODES[mode](directions, confidences)
    weak = confidence < least_confidence
    neutral = weak | (direction == Direction.NEUTRAL) | ~ready
    confidence = np.where(neutral, _mean(confidences, directions == Direction.NEUTRAL), confidence)
    return Signals(np.where(neutral, 0, direction).astype(np.int8), np.where(ready, confidence, np.nan))


Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def _consensus(directions: NDArray[np.float64], confidences: NDArray[np.float64]) -> Pair:
    total = len(directions)
    direction, confidence = np.zeros(directions.shape[1]), np.zeros(directions.shape[1])
    for side in (Direction.LONG, Direction.SHORT):
        agreeing = directions == side
        count = agreeing.sum(axis=0)
        won = count >= CONSENSUS_OF
        direction[won] = side
        confidence[won] = (_mean(confidences, agreeing) * count / total)[won]
    return direction, confidence


def _weighted(directions: NDArray[np.float64], confidences: NDArray[np.float64]) -> Pair:
    mean = (directions * confidences).mean(axis=0)
    return np.sign(mean), np.abs(mean)


def _best(directions: NDArray[np.float64], confidences: NDArray[np.float64]) -> Pair:
    place = confidences.argmax(axis=0)[None, :]
    return np.take_along_axis(directions, place, axis=0)[0], np.take_along_axis(confidences, place, axis=0)[0]


def _conservative(directions: NDArray[np.float64], confidences: NDArray[np.float64]) -> Pair:
    direction, confidence = np.zeros(directions.shape[1]), np.zeros(directions.shape[1])
    for side in (Direction.LONG, Direction.SHORT):
        agreeing = (directions == side) & (confidences >= CONSERVATIVE_CONFIDENCE)
        won = (agreeing.sum(axis=0) >= CONSERVATIVE_OF) & ~(directions == -side).any(axis=0)
        direction[won] = side
        confidence[won] = CONSERVATIVE_DISCOUNT * _mean(confidences, agreeing)[won]
    return direction, confidence


def _mean(values: NDArray[np.float64], which: NDArray[np.bool_]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.where(which, values, 0).sum(axis=0) / np.maximum(which.sum(axis=0), 1)
    return mean


_MODES = {
    Combination.CONSENSUS: _consensus,
    Combination.WEIGHTED_AVERAGE: _weighted,
    Combination.BEST_CONFIDENCE: _best,
    Combination.CONSERVATIVE: _conservative,
}
