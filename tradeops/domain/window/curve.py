"""Equity over time, thinned so that no peak and no fall is lost. Pure. USDT; percentages 0-100."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from operator import truediv

from tradeops.domain.window.columns import MICROSECOND, moment
from tradeops.domain.window.money import CurvePoint

MOST_POINTS = 360
LENGTHS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 2, 4, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720, 1440)
)


@dataclass(frozen=True, slots=True)
class Curve:
    """A thinned curve, and the deepest fall below a peak before it: the deepest at all, and the one at the end."""

    points: tuple[CurvePoint, ...]
    max_drawdown_percent: float
    drawdown_percent: float


def stretch_of(length: timedelta) -> timedelta:
    """How long one point of a curve of that length is, so that there are at most 361 of them."""
    return next((one for one in LENGTHS if length / one <= MOST_POINTS), length / MOST_POINTS)


def thinned(at: Sequence[int], equity: Sequence[float], *, stretch: timedelta) -> Curve | None:
    """The curve by stretches that begin at round times; `None` without a value.

    Args:
        at: microseconds, rising.
        equity: then.
        stretch: the length of one point.
    """
    if not at:
        return None
    size = stretch // MICROSECOND
    points: list[CurvePoint] = []
    peak, deepest, first = equity[0], 0.0, 0
    while first < len(at):
        end = bisect_left(at, (at[first] // size + 1) * size, first)
        part = equity[first:end]
        low, high = min(part), max(part)
        fall = max(_percent(peak, low), _inside(part))
        peak, deepest, first = max(peak, high), max(deepest, fall), end
        points.append(CurvePoint(moment(at[end - 1]), part[-1], low, high, fall))
    return Curve(tuple(points), deepest, _percent(peak, equity[-1]))


def _inside(part: Sequence[float]) -> float:
    """The deepest fall below a peak of the same stretch; none where equity is not above zero."""
    return max(0.0, 100 * (1 - min(map(truediv, part, accumulate(part, max))))) if part[0] > 0 else 0.0


def _percent(peak: float, value: float) -> float:
    return 100 * (peak - value) / peak if peak > 0 and value < peak else 0.0
