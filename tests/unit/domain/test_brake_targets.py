"""What can be switched off, and how it is written."""

import pytest

from tradeops.domain.brake_targets import means_all, named, strategy_named, strategy_of, symbols_of

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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("rsi", "RSI Strategy"),
        ("  macd   STRATEGY ", "MACD Strategy"),
        ("grid", "Grid"),
        ("Scalper/∆ 2", "Scalper/∆ 2"),
        ("half \ud83d", "half ?"),
        ("portfolio", None),
        ("Symbol:ETHUSDT", None),
        ("  ", None),
        (None, None),
    ],
)
def test_what_a_trade_calls_its_strategy_is_one_target_whatever_it_is(written: str | None, meant: str | None) -> None:
    assert strategy_named(written, ("Grid",)) == meant


def test_what_is_known_already_is_meant_as_it_is_written() -> None:
    assert named("Scalper/∆ 2", ("Scalper/∆ 2",)) == "Scalper/∆ 2"
    assert named("symbol:币安人生USDT", ("symbol:币安人生USDT",)) == "symbol:币安人生USDT"
    with pytest.raises(ValueError, match="no strategy"):
        named("Scalper/∆ 2")


def test_a_strategy_without_symbols_of_its_own_means_all() -> None:
    mapped = {"RSI Strategy": ("ETHUSDT",)}
    means = [means_all(one, mapped) for one in ("portfolio", "MACD Strategy", "RSI Strategy", "symbol:ETHUSDT")]
    assert means == [True, True, False, False]
