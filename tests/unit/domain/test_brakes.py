"""What must be off, by what was written down."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tradeops.domain.brakes import Kind, Record, drift, holds, is_over, standing_after

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
RSI = "RSI Strategy"
MAPPED = {RSI: ("BTCUSDT", "DOGEUSDT")}
BOTH = {"symbols": ["BTCUSDT", "DOGEUSDT"], "switched_off": ["BTCUSDT"]}
ONE = {"symbols": ["BTCUSDT"], "switched_off": ["DOGEUSDT"]}


def written(*lines: tuple[Kind, str, dict[str, Any]], target: str = RSI) -> list[Record]:
    return [
        Record(kind, target, incident, NOON + timedelta(seconds=number), body)
        for number, (kind, incident, body) in enumerate(lines)
    ]


def test_what_must_be_off_is_never_less_than_before() -> None:
    standing = standing_after(written((Kind.INTENT, "i-1", {}), (Kind.PLAN, "i-1", BOTH), (Kind.PLAN, "i-1", ONE)))
    assert standing[RSI].symbols == standing[RSI].switched_off == ("BTCUSDT", "DOGEUSDT")
    assert drift(standing, frozenset({"DOGEUSDT", "ETHUSDT"}), {}) == {RSI: ("DOGEUSDT", "ETHUSDT")}
    assert drift(standing, frozenset({"DOGEUSDT", "ETHUSDT"}), {RSI: ("BTCUSDT",)}) == {RSI: ("DOGEUSDT",)}


def test_a_symbol_of_it_that_was_not_listed_at_the_brake_must_be_off_too() -> None:
    standing = standing_after(written((Kind.INTENT, "i-1", {}), (Kind.PLAN, "i-1", ONE)))
    assert drift(standing, frozenset({"DOGEUSDT", "ETHUSDT"}), MAPPED) == {RSI: ("DOGEUSDT",)}


@pytest.mark.parametrize(
    ("target", "symbol", "held"),
    [
        ("portfolio", "ETHUSDT", True),
        ("symbol:ETHUSDT", "ETHUSDT", True),
        ("symbol:ETHUSDT", "BTCUSDT", False),
        (RSI, "DOGEUSDT", True),
        (RSI, "ETHUSDT", False),
        ("MACD Strategy", "ETHUSDT", True),
    ],
)
def test_a_brake_holds_what_it_means_before_the_engine_has_said_what_there_is(
    target: str, symbol: str, held: bool
) -> None:
    [disabled] = standing_after(written((Kind.INTENT, "i-1", {}), target=target)).values()
    assert holds(disabled, symbol, MAPPED) is held


OFF = (Kind.INTENT, "i-1", {})
END = (Kind.RELEASE, "i-1", {})


@pytest.mark.parametrize(
    ("lines", "over"),
    [
        pytest.param((), False, id="left no trace"),
        pytest.param((OFF,), False, id="stands"),
        pytest.param((OFF, END), True, id="released"),
        pytest.param((OFF, (Kind.RELEASE, "its name elsewhere", {})), True, id="released elsewhere"),
        pytest.param(((Kind.ADOPTED, "i-1", {}), END), True, id="learnt of, and released"),
        pytest.param((OFF, (Kind.VOID, "i-1", {})), True, id="meant nothing"),
        pytest.param((OFF, END, (Kind.INTENT, "i-2", {})), True, id="released, and another stands"),
        pytest.param((END,), False, id="its intent is spoilt"),
    ],
)
def test_a_disable_is_over_when_it_was_written_down_and_stands_no_longer(
    lines: tuple[tuple[Kind, str, dict[str, Any]], ...], over: bool
) -> None:
    assert is_over(written(*lines), RSI, "i-1") is over
