"""Equity over time, thinned so that no peak and no fall is lost. Pure. USDT; percentages 0-100."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tradeops.domain.window.columns import MICROSECOND, moment
from tradeops.domain.window.overview import CurvePoint

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
        ends = (at[first] // size + 1) * size
        last = first
        while last + 1 < len(at) and at[last + 1] < ends:
            last += 1
        part = equity[first : last + 1]
        peak, fall = _fall(part, peak)
        deepest = max(deepest, fall)
        points.append(CurvePoint(moment(at[last]), part[-1], min(part), max(part), fall))
        first = last + 1
    return Curve(tuple(points), deepest, _percent(peak, equity[-1]))


def _fall(part: Sequence[float], peak: float) -> tuple[float, float]:
    """The peak after it, and the deepest fall in it below the peak of the time."""
    if max(part) <= peak:
        return peak, _percent(peak, min(part))
    deepest = 0.0
    for value in part:
        peak = max(peak, value)
        deepest = max(deepest, _percent(peak, value))
    return peak, deepest


def _percent(peak: float, value: float) -> float:
    return 100 * (peak - value) / peak if peak > 0 and value < peak else 0.0
