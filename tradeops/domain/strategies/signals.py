"""What strategies say: a direction and a confidence for each closed candle."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candle_columns import Floats

Mask = NDArray[np.bool_]
Directions = NDArray[np.int8]


class Direction(IntEnum):
    """The sign of a position."""

    SHORT = -1
    NEUTRAL = 0
    LONG = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """Where it holds, and what it then says.

    Attributes:
        confidence: 0-1; a score, not a probability.
    """

    holds: Mask
    direction: Direction
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """One entry a candle, decided at its close.

    Attributes:
        direction: -1, 0 or 1; 0 while there are too few candles.
        confidence: 0-1; NaN while there are too few candles, never 0.
    """

    direction: Directions
    confidence: Floats

    @classmethod
    def first_of(cls, rules: Iterable[Rule], *, otherwise: float, ready: Mask) -> Self:
        """The first rule that holds wins; neutral with the confidence `otherwise` where none does."""
        direction = np.zeros(len(ready), dtype=np.int8)
        confidence = np.full(len(ready), otherwise)
        for rule in reversed(tuple(rules)):
            np.putmask(direction, rule.holds, np.int8(rule.direction))
            np.putmask(confidence, rule.holds, rule.confidence)
        np.putmask(direction, ~ready, np.int8(0))
        np.putmask(confidence, ~ready, np.nan)
        return cls(direction, confidence)

    def __len__(self) -> int:
        return len(self.direction)

    @property
    def ready(self) -> Mask:
        """Where there were candles enough."""
        return ~np.isnan(self.confidence)


def before(values: Floats) -> Floats:
    """The value of the candle before; NaN for the first."""
    shifted = np.empty_like(values)
    shifted[:1] = np.nan
    shifted[1:] = values[:-1]
    return shifted


def crosses_above(values: Floats, line: Floats) -> Mask:
    """Where the values come from at or below the line to above it."""
    crossed: Mask = (before(values) <= before(line)) & (values > line)
    return crossed
