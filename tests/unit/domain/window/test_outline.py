"""Anything that is kept can be laid out; heat maps show two parameters at their best."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.window.heat import heat_maps
from tradeops.domain.window.outline import outline, text, titled
from tradeops.domain.window.values import Panel, State, state_of, worst

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), JSON, max_size=5))
def test_no_record_is_too_strange(body: dict[str, object]) -> None:
    sheet = outline(body)
    for table in sheet.tables:
        assert all(len(row) == len(table.columns) for row in table.rows)


def test_facts_say_why_they_are_lacking_and_noise_comes_last() -> None:
    body = {"run_id": "x", "win_rate_percent": None, "pnl": "1.50", "reasons": {"win_rate_percent": "no trades"}}
    facts = [(fact.name, fact.value) for fact in outline(body).facts]
    assert facts == [("Win rate, %", "n/a: no trades"), ("Pnl", "1.50"), ("Run id", "x")]


def test_objects_of_objects_are_rows_and_figures_are_cells() -> None:
    body = {
        "strategies": {"rsi": {"trades": 3, "pnl": "-1"}, "macd": {"trades": 4, "pnl": "2"}},
        "market": {"volatility": {"value": 80.3, "reason": ""}, "trend": {"value": None, "reason": "too short"}},
    }
    first, second = outline(body).tables
    assert (first.columns, first.rows[0], first.numeric) == (
        ("Name", "Trades", "Pnl"),
        ("Rsi", "3", "-1"),
        (False, True, False),
    )
    assert second.rows == (("Volatility", "80.3"), ("Trend", "n/a: too short"))


def test_sentences_are_lines_and_short_lists_are_facts() -> None:
    body = {
        "alerts": ["win rate critical: 43.8 % is below the critical limit of 55 %"],
        "vetoes": [],
        "tags": ["a", "b"],
    }
    sheet = outline(body)
    assert sheet.lines == ("Alerts: win rate critical: 43.8 % is below the critical limit of 55 %",)
    assert [(fact.name, fact.value) for fact in sheet.facts] == [("Vetoes", "none"), ("Tags", "a, b")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-25T08:00:00+00:00", "2026-11-25 15:00 +07"),
        (["2026-10-06", "2026-10-07", "2026-10-08"], "2026-10-06 to 2026-10-08"),
        ({"period": 4, "oversold": 8}, "period 4, oversold 8"),
        (1234567, "1,234,567"),
        (True, "yes"),
        (None, "n/a"),
    ],
    ids=["time", "days", "parameters", "count", "yes", "nothing"],
)
def test_a_value_reads_as_people_write_it(value: object, expected: str) -> None:
    assert text(value, ZoneInfo("Asia/Ho_Chi_Minh")) == expected


def test_titles() -> None:
    assert [titled(name) for name in ("fees_usd", "max_drawdown_pct", "pnl")] == [
        "Fees, USD",
        "Max drawdown, %",
        "Pnl",
    ]


def test_a_heat_map_shows_the_best_over_all_other_parameters_with_its_own_outcome() -> None:
    variations = {
        "parameters": {"period": [7, 7, 14, 14], "low": [20, 20, 20, 30], "stop": [1.0, 2.0, 1.0, 1.0]},
        "in_sample_sharpe": [0.5, 1.5, None, 2.0],
        "out_of_sample_sharpe": [9.0, 0.1, 1.0, None],
    }
    maps = heat_maps(variations, {"period": 0.6, "low": 0.3, "stop": 0.1})
    assert (maps[0].across, maps[0].down) == ("period", "low")
    assert (maps[0].columns, maps[0].rows) == (("7", "14"), ("20", "30"))
    assert maps[0].inside == ((1.5, None), (None, 2.0))
    assert maps[0].outside == ((0.1, None), (None, None))
    assert heat_maps({**variations, "parameters": {"period": [7, 7, 14, 14]}}, {}) == ()


def test_what_is_not_known_is_worse_than_good_and_better_than_bad() -> None:
    assert worst(State.HEALTHY, State.UNKNOWN) is State.UNKNOWN
    assert worst(State.UNKNOWN, State.DEGRADED, State.CRITICAL) is State.CRITICAL
    assert worst() is State.UNKNOWN
    assert state_of("no such word") is State.UNKNOWN


def test_an_empty_panel_must_say_why() -> None:
    with pytest.raises(ValueError, match="says why"):
        Panel(None)
    with pytest.raises(ValueError, match="says why"):
        Panel(1, "and yet")
