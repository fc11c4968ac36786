"""The settings of the limits: read as written, and refused where they are not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tradeops.domain.loss_limits import Own
from tradeops.errors import MisconfiguredError
from tradeops.settings import Settings, load_settings
from tradeops.settings.brake import parse_own, parse_symbols


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.chdir(str(tmp_path))


def test_the_symbols_of_strategies_are_read() -> None:
    assert parse_symbols("rsi=BTCUSDT, ETHUSDT,BTCUSDT; My  Own=SOLUSDT;") == {
        "RSI Strategy": ("BTCUSDT", "ETHUSDT"),
        "My Own": ("SOLUSDT",),
    }


def test_the_limits_of_single_targets_are_read() -> None:
    assert parse_own("rsi=8/6; symbol:ethusdt=5/; portfolio=/12; Mine=2.5") == {
        "RSI Strategy": Own(Decimal(8), 6),
        "symbol:ETHUSDT": Own(Decimal(5), None),
        "portfolio": Own(None, 12),
        "Mine": Own(Decimal("2.5"), None),
    }


@pytest.mark.parametrize("written", ["Rsi  Strategy", "rsi", "RSI STRATEGY"])
def test_a_strategy_is_the_same_however_it_is_written(written: str) -> None:
    assert parse_symbols(f"{written}=BTCUSDT") == {"RSI Strategy": ("BTCUSDT",)}
    assert parse_own(f"{written}=5/3") == {"RSI Strategy": Own(Decimal(5), 3)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRADEOPS_STRATEGY_SYMBOLS", "rsi"),
        ("TRADEOPS_STRATEGY_SYMBOLS", "rsi=eth usdt"),
        ("TRADEOPS_STRATEGY_SYMBOLS", "=BTCUSDT"),
        ("TRADEOPS_STRATEGY_SYMBOLS", "portfolio=BTCUSDT"),
        ("TRADEOPS_LOSS_LIMITS", "rsi"),
        ("TRADEOPS_LOSS_LIMITS", "rsi=/"),
        ("TRADEOPS_LOSS_LIMITS", "rsi=NaN/3"),
        ("TRADEOPS_LOSS_LIMITS", "rsi=101/3"),
        ("TRADEOPS_LOSS_LIMITS", "rsi=5/0"),
        ("TRADEOPS_LOSS_LIMITS", "=5/3"),
        ("TRADEOPS_LOSS_LIMITS", "symbol:=5/3"),
        ("TRADEOPS_LOSS_LIMITS", "symbl:ETHUSDT=5/3"),
        ("TRADEOPS_DAILY_LOSS_LIMIT_PERCENT", "0"),
        ("TRADEOPS_LOSS_STREAK_LIMIT", "0"),
    ],
)
def test_a_value_that_makes_no_sense_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(MisconfiguredError, match=name):
        load_settings()


def test_the_limits_are_as_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_DAILY_LOSS_LIMIT_PERCENT", "7.5")
    monkeypatch.setenv("TRADEOPS_LOSS_LIMITS", "rsi=8/6; MINE=3/")
    monkeypatch.setenv("TRADEOPS_STRATEGY_SYMBOLS", "rsi=BTCUSDT; Mine=SOLUSDT")
    settings = load_settings()
    limits = settings.loss_limits(stale_after=timedelta(seconds=9), marks_still_after=timedelta(minutes=3))
    assert (limits.daily_loss_of("portfolio"), limits.losses_of("portfolio")) == (Decimal("7.5"), 10)
    assert (limits.daily_loss_of("RSI Strategy"), limits.losses_of("RSI Strategy")) == (Decimal(8), 6)
    assert limits.daily_loss_of("Mine") == Decimal(3)
    symbols = {"RSI Strategy": ("BTCUSDT",), "Mine": ("SOLUSDT",)}
    assert (limits.symbols_of, limits.stale_after) == (symbols, timedelta(seconds=9))
    assert limits.marks_still_after == timedelta(minutes=3)
    assert settings.release_cool_off == timedelta(hours=1)
    assert not settings.disable_when_unknown
