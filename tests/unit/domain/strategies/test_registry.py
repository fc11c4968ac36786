"""Names and parameters of the strategies."""

import math
from dataclasses import replace

import pytest

from tradeops.domain.strategies.parameters import Parameter
from tradeops.domain.strategies.registry import all_strategies, strategy_named
from tradeops.domain.strategies.strategy import Strategy

TITLES = {
    "rsi": "RSI Strategy",
    "macd": "MACD Strategy",
    "volume": "Volume Strategy",
    "bollinger": "Bollinger Bands Strategy",
    "stochastic": "Stochastic Strategy",
}


def test_the_five_strategies_of_the_bot_are_there() -> None:
    assert {strategy.name: strategy.title for strategy in all_strategies()} == TITLES


@pytest.mark.parametrize("name", TITLES)
def test_a_strategy_is_found_by_either_spelling(name: str) -> None:
    for spelling in (name, TITLES[name], name.upper(), f"  {TITLES[name].lower().replace(' ', '_')} "):
        assert strategy_named(spelling).name == name


@pytest.mark.parametrize("name", ["", "rs", "Moving Average Strategy", "rsi strategy 2"])
def test_an_unknown_strategy_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=r"no strategy .*; there are bollinger \(Bollinger Bands Strategy\), macd"):
        strategy_named(name)


@pytest.mark.parametrize("strategy", all_strategies(), ids=lambda strategy: strategy.name)
def test_defaults_lie_within_their_bounds_and_go_together(strategy: Strategy) -> None:
    values = strategy.resolved()
    assert {p.name: p.checked(values[p.name]) for p in strategy.parameters} == values
    assert all(p.meaning and (p.choices or p.low < p.high) for p in strategy.parameters)


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("rsi", {"speed": 3}, "no parameter 'speed'; there are period, oversold"),
        ("rsi", {"period": 1}, "period lies between 2 and 50, not at 1"),
        ("rsi", {"period": 14.5}, "period is a whole number, not 14.5"),
        ("rsi", {"period": "14"}, "period is a number, not '14'"),
        ("rsi", {"period": True}, "period is a number, not True"),
        ("rsi", {"period": None}, "period is a number, not None"),
        ("rsi", {"oversold": math.nan}, "oversold is a number, not nan"),
        ("rsi", {"oversold": 46}, "oversold lies between 5 and 45, not at 46"),
        ("rsi", {"extreme_oversold": 26}, "extreme_oversold is at most oversold"),
        ("rsi", {"extreme_overbought": 74}, "extreme_overbought is at least overbought"),
        ("stochastic", {"extreme_oversold": 16}, "extreme_oversold is at most oversold"),
        ("macd", {"fast": 26}, "fast is below slow"),
        ("macd", {"scale": "log"}, "scale is one of price, relative, not 'log'"),
    ],
)
def test_parameters_that_are_not_allowed_are_refused_in_words(
    name: str, given: dict[str, object], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        strategy_named(name).resolved(given)


def test_numbers_take_the_type_of_their_parameter() -> None:
    values = strategy_named("rsi").resolved({"period": 10.0, "oversold": 30})
    assert (values["period"], type(values["period"])) == (10, int)
    assert (values["oversold"], type(values["oversold"])) == (30.0, float)


def test_bounds_are_included() -> None:
    parameter = Parameter("level", "a level", default=1.0, low=0.5, high=2)
    assert (parameter.checked(0.5), parameter.checked(2)) == (0.5, 2.0)


def test_a_strategy_that_nothing_confirms_needs_its_own_candles_alone() -> None:
    strategy = strategy_named("rsi")
    assert replace(strategy, confirms=False).warm_up_candles() == 19
    assert strategy.warm_up_candles() == 79
    assert strategy.warm_up_candles(timeframe="4h") == 6 * 19 + 5
