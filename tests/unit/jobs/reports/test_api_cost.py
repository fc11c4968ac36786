"""The cost report without Prefect: what is gathered, what a gap means, what is kept."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import respx

from tests.unit.adapters.samples import COSTS
from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.costs import Absent
from tradeops.domain.health import Severity
from tradeops.errors import ContractError, RejectedError, UnavailableError
from tradeops.jobs.reports import api_cost
from tradeops.jobs.reports.api_cost import as_fields, produce, read_counters, record
from tradeops.jobs.reports.api_cost_records import CALLS, SAMPLES, call_of, sample_of, sample_point
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

AI = "http://ai.test"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@asynccontextmanager
async def desk(tmp_path: Path, **settings: object) -> AsyncIterator[Desk]:
    values = {
        "RUST_API_URL": "http://engine.test",
        "PYTHON_API_URL": AI,
        "TRADEOPS_HOME": tmp_path,
        "TRADEOPS_STORE": "sqlite",
    } | settings
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


def answer(
    at: datetime, usd: object = 0.9, requests: object = 90, *, daily: object = 1.361, monthly: object = 40.82
) -> dict[str, Any]:
    body = deepcopy(COSTS)
    body["session_statistics"] |= {"total_requests": requests, "total_cost_usd": usd}
    body["projections"] |= {"estimated_daily_cost_usd": daily, "estimated_monthly_cost_usd": monthly}
    return body | {"timestamp": at.isoformat()}


def tells(wire: respx.MockRouter, body: object) -> respx.Route:
    return wire.get(f"{AI}/ai/cost/statistics").respond(content=json.dumps(body))


async def a_run(opened: Desk, wire: respx.MockRouter, at: datetime, run_id: str, **counted: float) -> dict[str, Any]:
    tells(wire, answer(at, **counted))
    report = await produce(opened, date=None, now=at)
    await record(opened, report, run_id=run_id)
    return dict(as_fields(report, run_id))


async def kept(opened: Desk, series: str) -> list[Point]:
    return await opened.store.points(series, since=EVER[0], until=EVER[1])


def truly_spent(times: list[datetime], counters: list[str], since: datetime, until: datetime) -> Fraction:
    total, readings = Fraction(0), list(zip(times, map(Fraction, counters), strict=True))
    for (a, was), (b, reads) in pairwise(readings):
        overlap = max(timedelta(0), min(until, b) - max(since, a))
        total += (reads - was if reads >= was else reads) * Fraction(overlap // MICROSECOND, (b - a) // MICROSECOND)
    return total


async def test_every_number_equals_an_independent_computation(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    """Nineteen mornings, two restarts, own calls at odd times; recomputed here by fractions from the raw readings."""
    counters = [
        "0.3",
        "1.1",
        "2.0",
        "3.3",
        "0.4",
        "1.9",
        "2.2",
        "4.0",
        "5.6",
        "7.1",
        "8.0",
        "0.0",
        "1.5",
        "2.25",
        "2.3",
    ]
    counters += ["3.01", "4.4", "6.02", "6.6"]
    times = [NOW - (len(counters) - 1 - n) * DAY + timedelta(seconds=7 * n % 11) for n in range(len(counters))]
    calls = [(NOW - timedelta(hours=17 * n + 2), Decimal("0.0287") + n) for n in range(5)]
    async with desk(tmp_path, TRADEOPS_VND_PER_USD="26345.5", TRADEOPS_VND_RATE_AS_OF="2026-11-18") as opened:
        await opened.store.add_points(
            CALLS, [Point(f"c{n}", at, {"cost_usd": str(usd)}) for n, (at, usd) in enumerate(calls)]
        )
        for n, (at, usd) in enumerate(zip(times, counters, strict=True)):
            told = await a_run(opened, respx_mock, at, f"run-{n}", usd=float(usd), requests=10 + int(float(usd) * 100))
    now = times[-1]

    def service(since: datetime, until: datetime) -> Fraction:
        return truly_spent(times, counters, since, until)

    def own(since: datetime, until: datetime) -> Fraction:
        return sum((Fraction(usd) for at, usd in calls if since <= at < until), Fraction(0))

    def both(since: datetime, until: datetime) -> Fraction:
        return service(since, until) + own(since, until)

    month, ends = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    mean = both(now - 7 * DAY, now) / 7
    expected = {
        ("daily", "our projection"): mean,
        ("daily", "the ledger's last 24 hours"): both(now - DAY, now),
        ("monthly", "our projection"): both(month, now) + mean * Fraction((ends - now) // timedelta(seconds=1), 86400),
        ("monthly", "the ledger's month to date"): both(month, now),
        ("daily", "the AI service's projection"): Fraction("1.361"),
        ("monthly", "the AI service's projection"): Fraction("40.82"),
    }

    def near(text: str, value: Fraction) -> bool:
        return abs(Fraction(text) - value) < Fraction(1, 10**18)

    def dong(value: Fraction) -> int:
        exact = value * Fraction("26345.5")
        return int((Decimal(exact.numerator) / exact.denominator).quantize(Decimal(1), ROUND_HALF_UP))

    full = told["full_data"]
    for (period, source), value in expected.items():
        found = full[period]["compared"][source]
        assert near(found["usd"], value), (period, source)
        assert found["vnd"] == dong(value)
    for period in ("daily", "monthly"):
        highest = max(value for (of, _), value in expected.items() if of == period)
        projected = max(value for (of, source), value in expected.items() if of == period and "projection" in source)
        assert near(full[period]["highest_usd"], highest)
        assert near(told["projections"][f"{period}_cost_usd"], projected)
        assert told["projections"][f"{period}_cost_vnd"] == dong(projected)
    for day in full["days"][2:]:
        since = datetime.combine(date.fromisoformat(day["date"]), datetime.min.time(), UTC)
        until = min(since + DAY, now)
        assert near(day["service_usd"], service(since, until))
        assert near(day["own_usd"], own(since, until))
        assert near(day["total_usd"], both(since, until))
        assert near(day["month_to_date_usd"], both(month, until))
        assert day["total_vnd"] == dong(both(since, until))
    assert len(full["days"]) == 20
    assert told["session"]["total_cost_usd"] == "6.6"
    assert told["session"]["total_cost_vnd"] == 173880  # 173880.3
    assert near(full["own_month_to_date_usd"], own(month, now))
    assert not told["counter_reset"]
    assert "restarted twice" not in str(full["notes"])
    assert "restarted 2 times" in str(full["notes"])


async def test_the_fields_are_those_of_the_sheet_and_are_what_is_kept(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path) as opened:
        told = await a_run(opened, respx_mock, NOW, "one")
        [point] = await kept(opened, api_cost.SERIES)
        assert point.body == json.loads(json.dumps(told))
        assert (point.key, point.timestamp) == ("2026-11-20", NOW)
        [reading] = await kept(opened, SAMPLES)
        assert (reading.key, reading.timestamp) == ("one", NOW)
        assert sample_of(reading).counters.model == "gpt-4o-mini"
    assert told.keys() == {
        *("status", "run_id", "date", "started_at", "finished_at", "data_as_of", "session", "projections", "alerts"),
        *("sources", "counter_reset", "full_data"),
    }
    assert told["status"] == "success"
    assert told["data_as_of"] == told["started_at"] == "2026-11-20T09:00:00+00:00"
    assert told["session"] == {
        "total_requests": 90,
        "total_input_tokens": 210000,
        "total_output_tokens": 42000,
        "total_cost_usd": "0.9",
        "total_cost_vnd": 22500,
        "model": "gpt-4o-mini",
    }
    assert told["projections"] == {
        "daily_cost_usd": "1.361",
        "daily_cost_vnd": 34025,
        "monthly_cost_usd": "40.82",
        "monthly_cost_vnd": 1020500,
    }
    assert told["sources"] == {"ai_service": "ok", "ledger": "ok"}
    assert told["alerts"] == []


async def test_an_alert_is_kept_with_its_figure_limit_and_source(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    async with desk(tmp_path, TRADEOPS_COST_DAILY_CRITICAL_USD="4.5") as opened:
        tells(respx_mock, answer(NOW, daily=4.51))
        report = await produce(opened, date=None, now=NOW)
    [alert] = as_fields(report, "x")["alerts"]
    assert alert == {
        "severity": "critical",
        "period": "daily",
        "usd": "4.51",
        "limit_usd": "4.5",
        "source": "the AI service's projection",
        "text": report.alerts[0].text,
    }
    assert api_cost.breach_payload(report) == {"date": "2026-11-20", "severity": "critical", "breaches": [alert]}


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -0.01, "1", 1e300], ids=repr)
@pytest.mark.parametrize("field", ["usd", "daily", "monthly"])
async def test_a_cost_that_cannot_be_true_fails_the_report(
    tmp_path: Path, respx_mock: respx.MockRouter, field: str, value: object
) -> None:
    tells(respx_mock, answer(NOW, **{field: value}))
    async with desk(tmp_path) as opened:
        with pytest.raises(ContractError, match="cost_usd"):
            await produce(opened, date=None, now=NOW)


async def test_a_cost_that_is_missing_fails_the_report(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    tells(respx_mock, {key: value for key, value in answer(NOW).items() if key != "session_statistics"})
    async with desk(tmp_path) as opened:
        with pytest.raises(ContractError, match="session_statistics is missing"):
            await produce(opened, date=None, now=NOW)


@pytest.mark.parametrize("body", [{}, {"cost_usd": 0.02}, {"cost_usd": "NaN"}, {"cost_usd": "-1"}, {"cost_usd": "x"}])
async def test_an_own_call_without_a_true_cost_fails_the_report(
    tmp_path: Path, respx_mock: respx.MockRouter, body: dict[str, Any]
) -> None:
    tells(respx_mock, answer(NOW))
    async with desk(tmp_path) as opened:
        await opened.store.add_point(CALLS, Point("call-7", NOW - DAY, body))
        with pytest.raises(ContractError, match=r"llm_calls: cost_usd of call-7 is .* cannot be true"):
            await produce(opened, date=None, now=NOW)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (httpx.ConnectError("refused"), "cannot be read"),
        (httpx.Response(500), "cannot be read"),
        (httpx.Response(404, json={"detail": "Not Found"}), "Not Found"),
        (httpx.Response(401), "cannot be read"),
        (httpx.Response(429), "cannot be read"),
        (httpx.Response(200, json={"error": "no storage"}), "no storage"),
    ],
    ids=["gone", "500", "404", "401", "429", "an error in a 200"],
)
async def test_a_service_that_gives_no_counters_degrades_the_report_to_the_ledger(
    tmp_path: Path, respx_mock: respx.MockRouter, failure: httpx.Response | Exception, words: str
) -> None:
    async with desk(tmp_path) as opened:
        for n in range(2):
            await a_run(opened, respx_mock, NOW - (2 - n) * DAY, f"r{n}", usd=n * 1.5)
        await opened.store.add_point(CALLS, Point("c", NOW - timedelta(hours=1), {"cost_usd": "0.028"}))
        route = respx_mock.get(f"{AI}/ai/cost/statistics")
        route.side_effect = failure if isinstance(failure, Exception) else [failure, failure]
        report = await produce(opened, date=None, now=NOW)
        await record(opened, report, run_id="r2")
        assert len(await kept(opened, SAMPLES)) == 2
    assert report.severity is Severity.DEGRADED
    assert words in report.problems[0]
    fields = as_fields(report, "r2")
    assert fields["sources"] == {"ai_service": "no_data", "ledger": "ok"}
    assert fields["session"]["total_cost_usd"] is None
    assert fields["full_data"]["monthly"]["compared"]["the ledger's month to date"]["usd"] == "1.528"


async def test_a_service_that_is_not_configured_is_no_fault(tmp_path: Path) -> None:
    async with desk(tmp_path, PYTHON_API_URL=None) as opened:
        report = await produce(opened, date=None, now=NOW)
    assert report.severity is Severity.HEALTHY
    assert as_fields(report, "x")["sources"] == {"ai_service": "not_configured", "ledger": "ok"}


async def test_a_first_report_without_a_request_is_insufficient_data(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path) as opened:
        told = await a_run(opened, respx_mock, NOW, "one", usd=0, requests=0, daily=0, monthly=0)
    assert told["status"] == "insufficient_data"
    assert told["full_data"]["overall_status"] == "unknown"
    assert told["projections"]["daily_cost_usd"] is None
    assert (
        "no request since its restart"
        in told["full_data"]["daily"]["compared"]["the AI service's projection"]["reason"]
    )


async def test_a_store_that_is_down_leaves_the_services_own_figures(
    tmp_path: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = tells(respx_mock, answer(NOW))
    async with desk(tmp_path) as opened:
        monkeypatch.setattr(api_cost, "_kept", AsyncMock(side_effect=UnavailableError("store", "locked")))
        report = await produce(opened, date=None, now=NOW)
        assert report.problems == ("the ledger cannot be read: locked",)
        assert as_fields(report, "x")["sources"] == {"ai_service": "ok", "ledger": "no_data"}
        route.side_effect = httpx.ConnectError("refused")
        with pytest.raises(UnavailableError, match="store: locked"):
            await produce(opened, date=None, now=NOW)
        with pytest.raises(UnavailableError, match="store: locked"):
            await produce(opened, date=NOW.date() - DAY, now=NOW)


async def test_a_defect_is_not_taken_for_a_gap(
    tmp_path: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells(respx_mock, answer(NOW))
    monkeypatch.setattr(api_cost, "_kept", AsyncMock(side_effect=ZeroDivisionError))
    async with desk(tmp_path) as opened:
        with pytest.raises(ZeroDivisionError):
            await produce(opened, date=None, now=NOW)


async def test_a_service_that_hangs_is_given_up(
    tmp_path: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(api_cost, "PATIENCE", timedelta(seconds=0.05))
    respx_mock.get(f"{AI}/ai/cost/statistics").side_effect = hang
    async with desk(tmp_path) as opened:
        with pytest.raises(UnavailableError, match=r"ai_service: no answer within 0\.05 s"):
            await read_counters(opened, datetime.now(UTC).date())


@pytest.mark.parametrize(("seconds", "ours"), [(0, False), (30, False), (-30, False), (31, True), (-31, True)])
async def test_a_reading_bears_the_services_time_unless_its_clock_is_wrong(
    tmp_path: Path, respx_mock: respx.MockRouter, seconds: int, ours: bool
) -> None:
    theirs = NOW + timedelta(seconds=seconds)
    tells(respx_mock, answer(theirs))
    async with desk(tmp_path) as opened:
        sample = await read_counters(opened, NOW.date(), now=NOW)
    assert not isinstance(sample, Absent)
    assert sample.at == (NOW if ours else theirs)


async def test_a_second_run_of_the_day_keeps_its_reading_and_the_first_report(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path) as opened:
        await a_run(opened, respx_mock, NOW, "first", usd=1.0)
        later = NOW + timedelta(hours=5)
        tells(respx_mock, answer(later, usd=1.5))
        report = await produce(opened, date=None, now=later)
        told = await record(opened, report, run_id="second")
        assert told.startswith("already reported at 2026-11-20 09:00:0")
        assert told.endswith("; this run's figures are shown, not stored")
        [point] = await kept(opened, api_cost.SERIES)
        assert point.body["run_id"] == "first"
        assert [sample.key for sample in await kept(opened, SAMPLES)] == ["first", "second"]


async def test_recording_again_after_a_lost_answer_is_not_a_second_report(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    tells(respx_mock, answer(NOW))
    async with desk(tmp_path) as opened:
        report = await produce(opened, date=None, now=NOW)
        assert [await record(opened, report, run_id="one") for _ in range(3)] == ["", "", ""]
        assert len(await kept(opened, api_cost.SERIES)) == len(await kept(opened, SAMPLES)) == 1


async def test_of_many_runs_at_once_one_report_is_kept_and_nothing_is_counted_twice(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path) as opened:
        await a_run(opened, respx_mock, NOW - DAY, "before", usd=1.0)
        tells(respx_mock, answer(NOW, usd=3.5))
        reports = await asyncio.gather(*(produce(opened, date=None, now=NOW) for _ in range(8)))
        told = await asyncio.gather(*(record(opened, one, run_id=f"r{n}") for n, one in enumerate(reports)))
        assert sum(text == "" for text in told) == 1
        assert len(await kept(opened, api_cost.SERIES)) == 2
        after = await produce(opened, date=None, now=NOW)
    compared = {one.source: one.usd.value for one in after.daily.candidates}
    assert compared["the ledger's last 24 hours"] == Decimal("2.5")


async def test_a_past_day_is_made_of_what_is_kept_and_the_service_is_not_asked(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path) as opened:
        for n, usd in enumerate([1.0, 3.4, 5.8, 8.2]):
            await a_run(opened, respx_mock, NOW - (3 - n) * DAY, f"r{n}", usd=usd, daily=1 + n / 10)
        calls = len(respx_mock.calls)
        report = await produce(opened, date=date(2026, 11, 18), now=NOW)
        assert len(respx_mock.calls) == calls
        told = await record(opened, report, run_id="again")
        assert told.startswith("already reported at")
        assert len(await kept(opened, SAMPLES)) == 4
    assert report.facts.as_of == datetime(2026, 11, 19, tzinfo=UTC)
    compared = {one.source: one.usd.value for one in report.daily.candidates}
    assert compared["the AI service's projection"] == Decimal("1.1")
    assert compared["the ledger's last 24 hours"] == Decimal("2.4")
    assert report.days[-1].day == date(2026, 11, 18)


async def test_a_missed_day_is_reported_later_without_touching_others(
    tmp_path: Path, respx_mock: respx.MockRouter
) -> None:
    async with desk(tmp_path) as opened:
        for n in (4, 3, 0):
            await a_run(opened, respx_mock, NOW - n * DAY, f"r{n}", usd=float(10 - n))
        before = {point.key: point for point in await kept(opened, api_cost.SERIES)}
        report = await produce(opened, date=date(2026, 11, 18), now=NOW)
        assert await record(opened, report, run_id="late") == ""
        after = {point.key: point for point in await kept(opened, api_cost.SERIES)}
        assert after.keys() - before.keys() == {"2026-11-18"}
        assert {key: after[key] for key in before} == before
        assert after["2026-11-18"].timestamp.date() == date(2026, 11, 18)
        assert len(await kept(opened, SAMPLES)) == 3
    assert report.severity is Severity.DEGRADED
    assert report.problems == ("no reading of the AI service's counters of 2026-11-18 is kept",)
    compared = {one.source: one.usd.value for one in report.daily.candidates}
    assert compared["the ledger's last 24 hours"] == 1


async def test_a_day_in_the_future_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        with pytest.raises(RejectedError, match="2026-11-21 is in the future; ask for 2026-11-20 or before"):
            await produce(opened, date=date(2026, 11, 21), now=NOW)


async def test_days_are_utc_whatever_zone_people_read(tmp_path: Path, respx_mock: respx.MockRouter) -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    async with desk(tmp_path, TRADEOPS_TIME_ZONE="Asia/Ho_Chi_Minh") as opened:
        told = await a_run(opened, respx_mock, late, "one")
    assert told["date"] == "2026-11-20"
    assert told["data_as_of"] == "2026-11-20T23:30:00+00:00"


async def test_more_readings_than_can_be_read_are_an_error_and_not_a_cut(
    tmp_path: Path, respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_cost, "MOST_POINTS", 2)
    async with desk(tmp_path) as opened:
        for n in range(3):
            await opened.store.add_point(CALLS, Point(f"c{n}", NOW - DAY, {"cost_usd": "1"}))
        tells(respx_mock, answer(NOW))
        with pytest.raises(ContractError, match="llm_calls has 2 points or more since 2026-11-01"):
            await produce(opened, date=None, now=NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("total_cost_usd", None),
        ("total_cost_usd", "NaN"),
        ("daily_cost_usd", "-1"),
        ("total_requests", -1),
        ("total_requests", True),
        ("total_input_tokens", "5"),
        ("measured_at", "yesterday"),
        ("measured_at", "2026-11-20T09:00:00"),
        ("measured_at", None),
    ],
)
async def test_a_kept_reading_that_cannot_be_true_is_an_error(
    tmp_path: Path, respx_mock: respx.MockRouter, field: str, value: Json
) -> None:
    tells(respx_mock, answer(NOW))
    async with desk(tmp_path) as opened:
        sample = await read_counters(opened, NOW.date(), now=NOW)
    assert not isinstance(sample, Absent)
    point = sample_point(sample, run_id="r")
    assert sample_of(point) == sample
    with pytest.raises(ContractError, match=f"api_cost_samples: {field} of r is"):
        sample_of(Point("r", point.timestamp, {**point.body, field: value}))


async def test_an_own_call_needs_no_more_than_its_cost() -> None:
    assert call_of(Point("c", NOW, {"cost_usd": "0.028", "model": "m"})).cost_usd == Decimal("0.028")
