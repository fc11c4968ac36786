"""Each indicator against a second, slow implementation, and the contract's special cases."""

import subprocess
import sys
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.domain.strategies import slow_indicators as slow
from tests.unit.domain.strategies.markets import Market, market
from tradeops.domain.strategies import indicators

Floats = NDArray[np.float64]

MARKETS = {
    "walk": market(1, 400),
    "flat stretches": market(2, 400, flat=True),
    "high price": market(3, 300, price=67_000.0),
    "tiny price": market(4, 300, price=1e-5),
    "wild": market(5, 300, volatility=0.2),
    "short": market(6, 36),
    "one candle": market(7, 1),
    "none": market(8, 0),
}


def changes_of(m: Market) -> Floats:
    return np.diff(m.close, prepend=np.nan)


Compared = tuple[Callable[[Market], Floats], Callable[[Market], Sequence[float]]]
PAIRS: dict[str, Compared] = {
    "sma": (lambda m: indicators.sma(m.close, 20), lambda m: slow.sma(m.close, 20)),
    "sma of volume": (lambda m: indicators.sma(m.volume, 20), lambda m: slow.sma(m.volume, 20)),
    "sma 1": (lambda m: indicators.sma(m.close, 1), lambda m: slow.sma(m.close, 1)),
    "ema 12": (lambda m: indicators.ema(m.close, 12), lambda m: slow.ema(m.close, 12)),
    "ema 1": (lambda m: indicators.ema(m.close, 1), lambda m: slow.ema(m.close, 1)),
    "rsi 14": (lambda m: indicators.rsi(m.close, 14), lambda m: slow.rsi(m.close, 14)),
    "rsi 2": (lambda m: indicators.rsi(m.close, 2), lambda m: slow.rsi(m.close, 2)),
    "rsi 1": (lambda m: indicators.rsi(m.close, 1), lambda m: slow.rsi(m.close, 1)),
    "macd line": (lambda m: indicators.macd(m.close, 12, 26, 9).macd, lambda m: slow.macd(m.close, 12, 26, 9)[0]),
    "macd signal": (lambda m: indicators.macd(m.close, 12, 26, 9).signal, lambda m: slow.macd(m.close, 12, 26, 9)[1]),
    "macd rest": (lambda m: indicators.macd(m.close, 5, 8, 3).histogram, lambda m: slow.macd(m.close, 5, 8, 3)[2]),
    "bollinger lower": (
        lambda m: indicators.bollinger(m.close, 20, 2).lower,
        lambda m: slow.bollinger(m.close, 20, 2)[0],
    ),
    "bollinger middle": (
        lambda m: indicators.bollinger(m.close, 20, 2).middle,
        lambda m: slow.bollinger(m.close, 20, 2)[1],
    ),
    "bollinger upper": (
        lambda m: indicators.bollinger(m.close, 5, 2.5).upper,
        lambda m: slow.bollinger(m.close, 5, 2.5)[2],
    ),
    "stochastic k": (
        lambda m: indicators.stochastic(m.high, m.low, m.close, 14, 3).k,
        lambda m: slow.stochastic(m.high, m.low, m.close, 14, 3)[0],
    ),
    "stochastic d": (
        lambda m: indicators.stochastic(m.high, m.low, m.close, 14, 3).d,
        lambda m: slow.stochastic(m.high, m.low, m.close, 14, 3)[1],
    ),
    "stochastic 1": (
        lambda m: indicators.stochastic(m.high, m.low, m.close, 1, 1).d,
        lambda m: slow.stochastic(m.high, m.low, m.close, 1, 1)[1],
    ),
    "atr": (lambda m: indicators.atr(m.high, m.low, m.close, 14), lambda m: slow.atr(m.high, m.low, m.close, 14)),
    "point of control": (
        lambda m: indicators.point_of_control(m.high, m.low, m.close, m.volume),
        lambda m: slow.point_of_control(m.high, m.low, m.close, m.volume),
    ),
    "bullish share": (
        lambda m: indicators.bullish_volume_share(changes_of(m), m.volume, 10, 1e-4),
        lambda m: slow.bullish_volume_share(changes_of(m), m.volume, 10, 1e-4),
    ),
}


@pytest.mark.parametrize("name", MARKETS)
@pytest.mark.parametrize("indicator", PAIRS)
def test_fast_and_obvious_agree(indicator: str, name: str) -> None:
    fast, obvious = PAIRS[indicator]
    expected = np.array(obvious(MARKETS[name]), dtype=float)
    scale = np.max(MARKETS[name].close, initial=0)
    np.testing.assert_allclose(fast(MARKETS[name]), expected, rtol=1e-9, atol=1e-12 * scale)


@pytest.mark.parametrize("indicator", PAIRS)
def test_an_entry_depends_on_nothing_after_it(indicator: str) -> None:
    fast = PAIRS[indicator][0]
    whole, m = fast(MARKETS["walk"]), MARKETS["walk"]
    for length in (1, 9, 10, 26, 34, 35, 150, 399):
        np.testing.assert_array_equal(fast(Market(*(column[:length] for column in m))), whole[:length])


def test_many_chunks_of_a_profile_are_one_profile() -> None:
    m = market(9, 2 * indicators.PROFILE_CHUNK + 30)
    whole = indicators.point_of_control(m.high, m.low, m.close, m.volume)
    tail = indicators.point_of_control(*(column[-9000:] for column in (m.high, m.low, m.close, m.volume)))
    np.testing.assert_array_equal(whole[-8000:], tail[-8000:])


def test_the_rsi_of_a_market_that_never_moved_is_50_and_of_one_that_only_rose_100() -> None:
    assert indicators.rsi(np.full(30, 7.1), 14)[-1] == 50
    assert indicators.rsi(np.arange(1.0, 31.0), 14)[-1] == 100
    assert indicators.rsi(np.arange(31.0, 1.0, -1), 14)[-1] == 0


def test_the_rsi_follows_a_worked_example() -> None:
    # the closes of the table that textbooks print for Wilder's RSI of 14; first value 70.53, then 66.32, 66.55
    close = [
        44.34,
        44.09,
        44.15,
        43.61,
        44.33,
        44.83,
        45.10,
        45.42,
        45.84,
        46.08,
        45.89,
        46.03,
        45.61,
        46.28,
        46.28,
        46.00,
        46.03,
    ]
    np.testing.assert_allclose(indicators.rsi(np.array(close), 14)[14:], [70.46, 66.25, 66.48], atol=0.01)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6])
def test_the_rsi_does_not_depend_on_the_scale_of_prices(scale: float) -> None:
    close = MARKETS["flat stretches"].close
    np.testing.assert_allclose(indicators.rsi(close * scale, 14), indicators.rsi(close, 14), rtol=1e-9)


def test_an_rsi_keeps_its_value_while_nothing_moves() -> None:
    close = np.concatenate([market(1, 60).close, np.full(600, market(1, 60).close[-1])])
    strength = indicators.rsi(close, 14)
    assert 0 < strength[59] < 100
    np.testing.assert_allclose(strength[59:], strength[59], rtol=1e-9)


@pytest.mark.parametrize("price", [0.1, 7.1, 67_123.45, 1e-7])
def test_a_flat_market_leaves_no_dust(price: float) -> None:
    flat = np.full(100, price)
    bands = indicators.bollinger(flat, 20, 2)
    assert bands.lower[-1] == bands.middle[-1] == bands.upper[-1] == price
    assert indicators.sma(flat, 20)[-1] == price
    assert indicators.ema(flat, 12)[-1] == price
    assert (indicators.macd(flat, 12, 26, 9).histogram[33:] == 0).all()
    assert indicators.stochastic(flat, flat, flat, 14, 3).d[-1] == 50
    assert indicators.atr(flat, flat, flat, 14)[-1] == 0


def test_volume_that_ended_leaves_no_dust_in_its_mean() -> None:
    volume = np.concatenate([np.full(30, 1e9 / 3), np.zeros(30)])
    assert indicators.sma(volume, 20)[-1] == 0


def test_without_trading_there_is_no_point_of_control() -> None:
    m = market(1, 30)
    assert np.isnan(indicators.point_of_control(m.high, m.low, m.close, np.zeros(30))).all()


def test_without_a_change_that_counts_the_bulls_have_half() -> None:
    changes = np.concatenate([[np.nan], np.full(20, 1e-5)])
    assert indicators.bullish_volume_share(changes, np.ones(21), 10, 1e-4)[-1] == 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused_by_its_place(bad: float) -> None:
    close = np.arange(1.0, 40.0)
    close[20] = bad
    for indicator in (indicators.rsi, indicators.ema, indicators.sma, indicators.highest_of):
        with pytest.raises(ValueError, match=f"entry 20 is {bad}"):
            indicator(close, 14)


def test_an_infinite_first_value_is_no_warm_up() -> None:
    with pytest.raises(ValueError, match="entry 0 is inf"):
        indicators.sma(np.array([np.inf, 1.0, 2.0]), 1)


def test_a_period_below_one_and_columns_of_different_lengths_are_refused() -> None:
    values = np.arange(10.0)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        indicators.rsi(values, 0)
    with pytest.raises(ValueError, match="columns of one length, not 10, 10, 9"):
        indicators.atr(values, values, values[:9], 3)


def test_importing_the_library_does_not_import_talib() -> None:
    code = "import sys, tradeops.domain.strategies.indicators; sys.exit('talib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
