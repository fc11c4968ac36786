"""What can be switched off, and how it is written."""

import pytest

from tradeops.domain.brake_targets import named, strategy_of, symbols_of

THERE = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
MAPPED = {"RSI Strategy": ("BTCUSDT", "DOGEUSDT"), "MACD Strategy": ("SOLUSDT", "ETHUSDT"), "Mine": ("ETHUSDT",)}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("rsi", "RSI Strategy"),
        (" bollinger  bands STRATEGY ", "Bollinger Bands Strategy"),
        ("mine", "Mine"),
        ("symbol:ethusdt", "symbol:ETHUSDT"),
        ("Portfolio", "portfolio"),
    ],
)
def test_a_target_is_found_however_it_is_written(text: str, target: str) -> None:
    assert named(text, MAPPED) == target


@pytest.mark.parametrize(
    ("text", "says"), [("moon", "Mine; or symbol:NAME"), ("symbol:", "no symbol"), ("", "there are")]
)
def test_what_is_no_target_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        named(text, MAPPED)


@pytest.mark.parametrize(
    ("target", "symbols"),
    [
        ("portfolio", THERE),
        ("symbol:ETHUSDT", ("ETHUSDT",)),
        ("RSI Strategy", ("BTCUSDT",)),  # the engine does not have the other one
        ("Volume Strategy", THERE),
    ],
)
def test_a_target_stands_for_its_symbols(target: str, symbols: tuple[str, ...]) -> None:
    assert symbols_of(target, THERE, MAPPED) == symbols


@pytest.mark.parametrize(("target", "there"), [("symbol:DOGEUSDT", THERE), ("portfolio", ()), ("Mine", ("BTCUSDT",))])
def test_a_target_never_stands_for_nothing(target: str, there: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="the engine has no symbol"):
        symbols_of(target, there, MAPPED)


def test_a_symbol_of_two_strategies_tells_of_neither() -> None:
    assert strategy_of("SOLUSDT", MAPPED) == "MACD Strategy"
    assert strategy_of("ETHUSDT", MAPPED) is None
    assert strategy_of("BNBUSDT", MAPPED) is None
