"""The newest values of many series by one product of matrices, against the library of indicators."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.strategies.markets import market
from tradeops.domain.bulk.newest import newest_macd, newest_rsi
from tradeops.domain.strategies.indicators import macd, rsi


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(35, 1500), st.sampled_from([1e-6, 1.0, 9e4]), st.booleans())
def test_they_are_those_of_the_library(seed: int, length: int, price: float, flat: bool) -> None:
    closes = np.stack([market(seed + n, length, price=price, flat=flat).close for n in range(3)])
    assert newest_rsi(closes, 14) == pytest.approx(np.array([rsi(row, 14)[-2:] for row in closes]), abs=1e-6)
    newest = newest_macd(closes, 12, 26, 9)
    for row, close in enumerate(closes):
        wanted = macd(close, 12, 26, 9)
        assert newest.line[row] == pytest.approx(wanted.macd[-2:], abs=1e-11 * price)
        assert newest.histogram[row] == pytest.approx(wanted.histogram[-2:], abs=1e-11 * price, nan_ok=True)


def test_nothing_moves_where_nothing_moved() -> None:
    still = np.full((2, 100), 4.6e-6)
    assert newest_rsi(still, 14).tolist() == [[50, 50], [50, 50]]
    assert not newest_macd(still, 12, 26, 9).histogram.any()


@pytest.mark.parametrize("length", [1, 15])
def test_too_few_candles_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match=f"it takes 16 candles, not {length}"):
        newest_rsi(np.ones((1, length)), 14)
    with pytest.raises(ValueError, match="it takes 35 candles"):
        newest_macd(np.ones((1, length)), 12, 26, 9)
