"""Uptime, latency and strips of services."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tradeops.domain.window.columns import Columns, micros
from tradeops.domain.window.conditions import Service
from tradeops.domain.window.services import CELLS, code_of, percentile, record_of, services
from tradeops.domain.window.values import Range, State

NOW = datetime(2026, 11, 25, 12, 7, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


def body(word: str = "healthy", *, status: str = "healthy", ms: float | None = 20.0) -> dict[str, Any]:
    return {
        "overall_status": word,
        "services": {
            "engine": {"status": status, "response_time_ms": ms, "error": None if word == "healthy" else "refused"},
            "redis": {"status": "not_configured", "response_time_ms": None, "error": None},
        },
        "severities": {"engine": word, "redis": "healthy", "disk": "degraded"},
        "disk_percent": 84.2,
        "alerts": ["disk degraded: 84.2 % used, above 80 %"],
    }


def checked(*bodies: dict[str, Any], until: datetime = NOW) -> Columns:
    """One check each quarter of an hour, the last one at `until`."""
    columns = Columns(code_of)
    for number, one in enumerate(reversed(bodies)):
        columns.insert(micros(until - number * QUARTER), record_of(one))
    return columns


def named(columns: Columns, newest: dict[str, Any], range_: Range = Range.DAY) -> dict[str, Service]:
    return {one.name: one for one in services(columns, newest, range_, now=NOW)}


def test_uptime_counts_checks_that_found_it_well_of_those_that_asked() -> None:
    down = body("critical", status="down", ms=2500.0)
    found = named(checked(body(), body(), body(), down), down)["engine"]
    assert found.uptime.day.value == 75.0
    assert found.state is State.CRITICAL
    assert found.problem == "refused"


def test_a_slow_answer_is_degraded_and_yet_up() -> None:
    slow = body("degraded", ms=2100.0)
    found = named(checked(slow), slow)["engine"]
    assert (found.state, found.uptime.day.value, found.p95_ms.value) == (State.DEGRADED, 100.0, 2100.0)


def test_a_time_out_is_no_latency() -> None:
    down = body("critical", status="down", ms=2500.0)
    found = named(checked(body(ms=10.0), down), down)["engine"]
    assert (found.p50_ms.value, found.p95_ms.value) == (10.0, 10.0)


def test_what_is_not_configured_has_no_uptime_and_no_state_to_worry_about() -> None:
    found = named(checked(body()), body())["redis"]
    assert found.state is State.NOT_CONFIGURED
    assert found.uptime.day.value is None
    assert {cell.state for cell in found.strip} == {State.UNKNOWN}


def test_disk_is_told_by_its_own_severity_and_share() -> None:
    found = named(checked(body()), body())["disk"]
    assert (found.state, found.used_percent, found.problem) == (State.DEGRADED, 84.2, "84.2 % used, above 80 %")


def test_nobody_looked_is_no_uptime_and_never_zero_percent() -> None:
    found = named(checked(body(), until=NOW - timedelta(days=8)), body())["engine"]
    assert found.uptime.day.value is None
    assert found.uptime.week.reason == "no check in the last 7d"
    assert found.uptime.month.value == 100.0


@pytest.mark.parametrize("range_", list(Range))
def test_a_strip_covers_its_range_in_equal_cells_that_begin_at_round_times(range_: Range) -> None:
    cells = named(checked(body()), body(), range_)["engine"].strip
    count, length = CELLS[range_]
    assert len(cells) == count
    assert {after.start - before.start for before, after in pairwise(cells)} == {length}
    assert cells[-1].start <= NOW < cells[-1].start + length
    assert count * length == range_.length
    assert sum(cell.checks for cell in cells) == 1


def test_the_worst_of_a_cell_is_its_state() -> None:
    bodies = [body(), body("critical", status="down"), body()]
    cell = named(checked(*bodies), body(), Range.QUARTER)["engine"].strip[-1]
    assert (cell.state, cell.checks, cell.good) == (State.CRITICAL, 3, 2)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([7.0], 0.95, 7.0), ([1.0, 2.0], 0.5, 1.0), ([float(n) for n in range(1, 101)], 0.95, 95.0)],
    ids=["one", "two", "a hundred"],
)
def test_a_percentile_is_a_value_that_occurred(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_a_record_of_another_shape_measures_nothing() -> None:
    assert record_of({"services": "none", "severities": {"engine": 3}}) == {}
