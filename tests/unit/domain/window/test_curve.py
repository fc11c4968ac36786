"""Thinning an equity curve loses no peak and no fall."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.window.curve import MOST_POINTS, stretch_of, thinned
from tradeops.domain.window.values import Range

MINUTE_MICROS = 60 * 10**6


def slow_drawdowns(values: list[float]) -> list[float]:
    peak, found = values[0], []
    for value in values:
        peak = max(peak, value)
        found.append(100 * (peak - value) / peak)
    return found


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=80), st.integers(1, 17))
def test_drawdowns_are_those_of_every_minute(values: list[float], minutes: int) -> None:
    at = [number * MINUTE_MICROS for number in range(len(values))]
    curve = thinned(at, values, stretch=timedelta(minutes=minutes))
    assert curve is not None
    falls = slow_drawdowns(values)
    assert curve.max_drawdown_percent == pytest.approx(max(falls), abs=1e-9)
    assert curve.drawdown_percent == pytest.approx(falls[-1], abs=1e-9)
    for number, point in enumerate(curve.points):
        part = slice(number * minutes, (number + 1) * minutes)
        assert (point.low, point.high, point.equity) == (min(values[part]), max(values[part]), values[part][-1])
        assert point.drawdown_percent == pytest.approx(max(falls[part]), abs=1e-9)


@pytest.mark.parametrize("range_", list(Range))
def test_a_range_of_minutes_is_drawn_with_few_points(range_: Range) -> None:
    minutes = range_.length // timedelta(minutes=1)
    at = [17 * MINUTE_MICROS + number * MINUTE_MICROS for number in range(minutes)]
    curve = thinned(at, [1.0] * minutes, stretch=stretch_of(range_.length))
    assert curve is not None
    assert MOST_POINTS / 3 < len(curve.points) <= MOST_POINTS + 1
    assert all(before.at < after.at for before, after in pairwise(curve.points))


def test_nothing_kept_is_no_curve() -> None:
    assert thinned([], [], stretch=timedelta(minutes=1)) is None


def test_an_account_without_anything_left_has_no_percentage() -> None:
    curve = thinned([0, MINUTE_MICROS], [-5.0, -9.0], stretch=timedelta(minutes=1))
    assert curve is not None
    assert (curve.max_drawdown_percent, curve.points[-1].low) == (0.0, -9.0)
