"""The newest values of recursive averages of many series at once: one product of matrices instead of a loop.

An exponential average is a weighted sum of all values before it; the weights depend on how many there are, not on
what they are. So the newest averages of many equally long series are `series @ weights`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.strategies.indicators import NEUTRAL_PERCENT

Matrix = NDArray[np.float64]
NOT_FELT: Final = 1e-19
NEWEST: Final = 2  # the last value and the one before it: what rules compare


@dataclass(frozen=True, slots=True, eq=False)
class NewestMacd:
    """Two columns each, the one before and the newest; a row a series."""

    line: Matrix
    signal: Matrix

    @property
    def histogram(self) -> Matrix:
        """Line less signal."""
        return self.line - self.signal


def newest_rsi(close: Matrix, period: int) -> Matrix:
    """Wilder's index of each row at its last but one and its last column; as `indicators.rsi` gives it.

    Raises:
        ValueError: fewer than `period` + 2 columns.
    """
    _enough(close, period + NEWEST)
    weights = _wilder_weights(close.shape[1] - 1, period)
    changes = np.diff(close[:, -len(weights) - 1 :], axis=1)
    gain = np.maximum(changes, 0.0) @ weights
    loss = np.maximum(-changes, 0.0) @ weights
    total = gain + loss
    strength = np.full(total.shape, NEUTRAL_PERCENT)
    np.divide(gain * 100, total, out=strength, where=total > 0)
    return strength


def newest_macd(close: Matrix, fast: int, slow: int, signal: int) -> NewestMacd:
    """Of each row at its last but one and its last column; as `indicators.macd` gives it.

    Raises:
        ValueError: fewer than `slow` + `signal` columns.
    """
    _enough(close, slow + signal)
    weights = _macd_weights(close.shape[1], fast, slow, signal)
    close = close[:, -len(weights) :]
    both = (close - close[:, -1:]) @ weights  # what all have in common leaves no dust: the weights add up to zero
    return NewestMacd(both[:, :NEWEST], both[:, NEWEST:])


def _enough(close: Matrix, least: int) -> None:
    if close.shape[1] < least:
        raise ValueError(f"it takes {least} candles, not {close.shape[1]}")


@lru_cache(maxsize=64)
def _wilder_weights(count: int, period: int) -> Matrix:
    return _felt(np.stack([_back(_one(count, ago), period, 1 / period) for ago in (1, 0)], axis=1))


@lru_cache(maxsize=64)
def _macd_weights(count: int, fast: int, slow: int, signal: int) -> Matrix:
    def of_closes(of_line: Matrix) -> Matrix:
        return _back(of_line, fast, 2 / (fast + 1)) - _back(of_line, slow, 2 / (slow + 1))

    began = slow - 1  # where the line begins, and the signal with it
    columns = [of_closes(_one(count, ago)) for ago in (1, 0)]
    for ago in (1, 0):
        of_line = np.zeros(count)
        of_line[began:] = _back(_one(count - began, ago), signal, 2 / (signal + 1))
        columns.append(of_closes(of_line))
    return _felt(np.stack(columns, axis=1))


def _felt(weights: Matrix) -> Matrix:
    """Without those of the distant past that change no bit of the answer."""
    size = np.abs(weights).max(axis=1)
    return np.ascontiguousarray(weights[int((size > NOT_FELT * size.max()).argmax()) :])


def _one(count: int, ago: int) -> Matrix:
    one = np.zeros(count)
    one[count - 1 - ago] = 1.0
    return one


def _back(wanted: Matrix, period: int, factor: float) -> Matrix:
    """Weights of the values, from weights of their exponential averages, seeded by the mean of the first `period`.

    The average is factor × value + (1 - factor) × the one before it, so a value's weight is what all later averages
    hand back to it.
    """
    handed = np.zeros(len(wanted))
    total = 0.0
    for place in range(len(wanted) - 1, period - 2, -1):
        total = wanted[place] + (1 - factor) * total
        handed[place] = total
    seed = handed[period - 1] / period
    handed *= factor
    handed[:period] = seed
    return handed
