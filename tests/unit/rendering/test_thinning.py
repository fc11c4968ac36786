"""Fewer points, the same picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tradeops.rendering.thinning import Floats, alone, thinned

VALUES = st.one_of(st.floats(-1e6, 1e6), st.just(np.nan))


@given(arrays(np.float64, st.integers(101, 400), elements=VALUES), st.integers(1, 20))
def test_no_peak_no_valley_and_no_gap_is_lost(y: Floats, buckets: int) -> None:
    x = np.arange(len(y), dtype=np.float64)
    few_x, few_y = thinned(x, y, buckets)
    assert len(few_x) == len(few_y) <= max(5 * buckets, len(y) if len(y) <= 5 * buckets else 0)
    assert np.isin(few_x, x).all()
    assert np.array_equal(few_y, y[few_x.astype(int)], equal_nan=True)
    assert (np.diff(few_x) > 0).all()
    known = np.isfinite(y)
    assert np.isfinite(few_y).any() == known.any()
    if known.any():
        assert (few_y[np.isfinite(few_y)].min(), few_y[np.isfinite(few_y)].max()) == (y[known].min(), y[known].max())
    if not known.all():
        assert np.isnan(few_y).any()


def test_a_stretch_without_points_is_no_point() -> None:
    x = np.concatenate((np.arange(100.0), np.arange(9_900.0, 10_000.0)))
    few_x, _ = thinned(x, x, buckets=10)
    assert len(few_x) <= 20
    assert not ((few_x > 99) & (few_x < 9_900)).any()


def test_few_points_are_left_alone() -> None:
    x = np.arange(10.0)
    assert thinned(x, x)[0] is x


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([1.0], [True]),
        ([1.0, 2.0], [False, False]),
        ([1.0, np.nan, 2.0, 3.0], [True, False, False, False]),
        ([np.nan, 1.0, np.nan], [False, True, False]),
        ([], []),
    ],
)
def test_points_between_gaps_are_found(y: list[float], expected: list[bool]) -> None:
    assert alone(np.array(y, dtype=np.float64)).tolist() == expected
