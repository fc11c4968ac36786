"""The five strategies against the contract's table, read row by row."""

from collections import Counter

import numpy as np
import pytest

from tests.unit.domain.strategies.markets import candles, market
from tests.unit.domain.strategies.slow_rules import TABLE, Signal, bars_of, four_hours
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.registry import strategy_named
from tradeops.domain.strategies.signals import Signals

LETTERS = {"L": 1, "S": -1, "N": 0}
MARKETS = {
    "calm": candles(market(11, 900, volatility=0.003)),
    "usual": candles(market(12, 900), first_hour=500_017),
    "wild": candles(market(13, 700, volatility=0.03), first_hour=500_018),
    "flat stretches": candles(market(14, 700, flat=True), first_hour=500_019),
    "tiny price": candles(market(15, 500, price=1e-5)),
    "dear": candles(market(16, 500, price=60_000)),
}
PARAMETERS: dict[str, tuple[dict[str, float | str], ...]] = {
    "rsi": ({}, {"period": 5, "oversold": 35.0, "overbought": 65.0, "extreme_oversold": 30.0}),
    "macd": ({}, {"fast": 4, "slow": 9, "signal": 3, "threshold": 0.01}, {"scale": "relative"}),
    "bollinger": ({}, {"period": 8, "deviations": 1.2, "squeeze": 0.04}),
    "volume": ({}, {"period": 8, "spike": 1.4, "window": 4}, {"scale": "relative"}),
    "stochastic": ({}, {"k_period": 6, "d_period": 2, "oversold": 30.0, "overbought": 70.0}),
}
CASES = [(name, index) for name, variants in PARAMETERS.items() for index in range(len(variants))]


def expected(rows: list[Signal | None]) -> tuple[list[int], list[float]]:
    return [LETTERS[row[0]] if row else 0 for row in rows], [row[1] if row else np.nan for row in rows]


def slowly(name: str, on: CandleColumns, given: dict[str, float | str]) -> list[Signal | None]:
    one = bars_of(on)
    return TABLE[name](one, four_hours(one), strategy_named(name).resolved(given))  # type: ignore[arg-type]


@pytest.mark.parametrize("name_of_market", MARKETS)
@pytest.mark.parametrize(("name", "variant"), CASES)
def test_every_signal_is_that_of_the_table(name: str, variant: int, name_of_market: str) -> None:
    on, given = MARKETS[name_of_market], PARAMETERS[name][variant]
    signals = strategy_named(name).signals(Frames(on), given)
    directions, confidences = expected(slowly(name, on, given))
    np.testing.assert_array_equal(signals.direction, directions)
    np.testing.assert_array_equal(signals.confidence, confidences)


@pytest.mark.parametrize("name", TABLE)
def test_these_markets_meet_every_row_of_the_table(name: str) -> None:
    met: Counter[Signal | None] = Counter()
    for on in MARKETS.values():
        for given in PARAMETERS[name]:
            met.update(slowly(name, on, given))
    rows = {
        "rsi": [("L", 0.87), ("S", 0.87), ("L", 0.73), ("S", 0.73), ("L", 0.51), ("S", 0.51), ("N", 0.65), ("N", 0.45)],
        "macd": [
            ("L", 0.89),
            ("S", 0.89),
            ("L", 0.71),
            ("S", 0.71),
            ("L", 0.55),
            ("S", 0.55),
            ("N", 0.65),
            ("N", 0.45),
        ],
        "bollinger": [*((side, c) for side in "LS" for c in (0.87, 0.73, 0.69, 0.58)), ("N", 0.65), ("N", 0.45)],
        "volume": [*((side, c) for side in "LS" for c in (0.91, 0.71, 0.51)), ("N", 0.65), ("N", 0.45)],
        "stochastic": [*((side, c) for side in "LS" for c in (0.89, 0.85, 0.72, 0.52)), ("N", 0.63), ("N", 0.47)],
    }[name]
    assert {row for row in rows if not met[row]} == set()


@pytest.mark.parametrize(
    ("name", "candles_needed"), [("rsi", 19), ("macd", 45), ("bollinger", 21), ("volume", 25), ("stochastic", 22)]
)
def test_signals_begin_when_both_timeframes_have_candles_enough(name: str, candles_needed: int) -> None:
    strategy, on = strategy_named(name), MARKETS["usual"]
    ready = strategy.signals(Frames(on)).ready
    first = int(ready.argmax())
    assert ready[first:].all()
    whole_periods = 3 + 4 * candles_needed  # this market begins an hour late, so that its first 4h candle is not whole
    assert first + 1 == (whole_periods if strategy.confirms else candles_needed)
    assert first + 1 <= strategy.warm_up_candles() == (4 * candles_needed + 3 if strategy.confirms else candles_needed)


@pytest.mark.parametrize("name", TABLE)
def test_a_market_that_never_moved_says_nothing(name: str) -> None:
    flat = np.full(400, 7.1)
    signals = strategy_named(name).signals(
        Frames(candles(market(1, 400)._replace(open=flat, high=flat, low=flat, close=flat)))
    )
    assert signals.ready[-1]
    if name != "volume":
        assert not signals.direction.any()


def test_bands_without_width_are_neutral_and_not_sure() -> None:
    flat = np.full(400, 7.1)
    on = candles(market(1, 400)._replace(open=flat, high=flat, low=flat, close=flat))
    assert strategy_named("bollinger").signals(Frames(on)).confidence[-1] == 0.45


def test_a_market_without_volume_has_no_volume_signal() -> None:
    on = candles(market(1, 400)._replace(volume=np.zeros(400)))
    signals = strategy_named("volume").signals(Frames(on))
    assert not signals.direction.any()
    assert signals.confidence[-1] == 0.45


@pytest.mark.parametrize("name", ["macd", "volume"])
@pytest.mark.parametrize("factor", [1024.0, 1 / 1024])
def test_the_relative_variant_does_not_depend_on_the_scale_of_prices(name: str, factor: float) -> None:
    m = market(12, 600)
    scaled = m._replace(**{key: getattr(m, key) * factor for key in ("open", "high", "low", "close")})
    strategy = strategy_named(name)
    one, other = (strategy.signals(Frames(candles(each)), {"scale": "relative"}) for each in (m, scaled))
    assert same(one, other)


def same(one: Signals, other: Signals) -> bool:
    return np.array_equal(one.direction, other.direction) and np.array_equal(
        one.confidence, other.confidence, equal_nan=True
    )
