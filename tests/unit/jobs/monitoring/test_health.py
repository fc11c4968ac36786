"""The health check without Prefect: how often a part is asked, what its answers mean, what is kept."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
import pytest
import respx

from tests.unit.adapters.samples import AI_HEALTH
from tests.unit.adapters.services import enveloped
from tradeops.adapters.probes import host, mongodb, rabbitmq, redis
from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.drills import Drill, Exercise, Outcome
from tradeops.domain.health import ProbeResult, Round, Severity, Status, Thresholds, assess, judge
from tradeops.errors import (
    ContractError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnavailableError,
)
from tradeops.jobs.drill import records as drill_records
from tradeops.jobs.monitoring import health
from tradeops.jobs.monitoring.health import Pace, probe
from tradeops.jobs.monitoring.parts import Observed, Part, parts_of
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

LIMITS = Thresholds()
NO_PAUSE = Pace(pauses=(timedelta(0), timedelta(0)))
ENGINE, AI, FRONTEND, EXCHANGE, LLM, PREFECT = (
    f"http://{name}.test" for name in ("engine", "ai", "frontend", "exchange", "llm", "prefect")
)


def part(*answers: Observed | Exception, path_setting: str = "") -> tuple[Part, list[timedelta]]:
    """A part that gives these answers, one a look, the last one for ever; and the time that each look was given."""
    looks: list[timedelta] = []

    async def look(within: timedelta) -> Observed:
        looks.append(within)
        answer = answers[min(len(looks), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Part("engine", "RUST_API_URL", look, path_setting), looks


@asynccontextmanager
async def desk(tmp_path: Path, **settings: object) -> AsyncIterator[Desk]:
    values = {"RUST_API_URL": ENGINE, "TRADEOPS_HOME": tmp_path, "TRADEOPS_STORE": "sqlite"} | settings
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


async def look_at(name: str, opened: Desk) -> ProbeResult:
    [one] = [part for part in parts_of(opened) if part.name == name]
    return await probe(one, health.thresholds(opened.settings), Pace(pauses=()))


# how often and how long


async def test_a_good_part_is_asked_once() -> None:
    good, looks = part(Observed())
    assert (await probe(good, LIMITS, NO_PAUSE)).attempts == len(looks) == 1


async def test_one_blip_is_no_outage() -> None:
    blipping, looks = part(UnavailableError("engine", "reset"), Observed())
    result = await probe(blipping, LIMITS, NO_PAUSE)
    assert judge(result, LIMITS).severity is Severity.HEALTHY
    assert result.note == "good at attempt 2, after: reset"
    assert len(looks) == 2


async def test_a_part_that_stays_down_is_critical_in_the_same_run() -> None:
    dead, looks = part(UnavailableError("engine", "refused", remedy="start it"))
    result = await probe(dead, LIMITS, NO_PAUSE)
    assert judge(result, LIMITS).severity is Severity.CRITICAL
    assert (result.problem, result.attempts, len(looks)) == ("refused; start it", 3, 3)


async def test_a_full_disk_is_not_measured_again() -> None:
    full, looks = part(Observed(used_percent=99.0))
    await probe(full, LIMITS, NO_PAUSE)
    assert len(looks) == 1


async def test_a_part_that_is_not_configured_is_shown_and_never_asked() -> None:
    result = await probe(Part("redis", "REDIS_URL", None), LIMITS, NO_PAUSE)
    assert (result.status, result.note, result.attempts) == (Status.NOT_CONFIGURED, "REDIS_URL is not set", 0)
    assert judge(result, LIMITS).severity is Severity.HEALTHY


async def test_a_slow_part_is_asked_again_and_its_best_answer_counts() -> None:
    async def slow_once(_: timedelta) -> Observed:
        await asyncio.sleep(0 if looks else 0.5)
        looks.append(1)
        return Observed()

    looks: list[int] = []
    slow = Thresholds(slow_after=timedelta(seconds=0.4))
    result = await probe(Part("engine", "RUST_API_URL", slow_once), slow, NO_PAUSE)
    assert judge(result, slow).severity is Severity.HEALTHY
    assert result.note.startswith("good at attempt 2, after: slow")


async def test_a_part_that_hangs_ends_in_time_even_when_it_resists() -> None:
    async def resist(_: timedelta) -> Observed:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(30)
        return Observed()

    pace = Pace(probe=timedelta(seconds=0.2), part=timedelta(seconds=0.55), pauses=(timedelta(0),) * 9)
    started = asyncio.get_running_loop().time()
    result = await probe(Part("engine", "RUST_API_URL", resist), LIMITS, pace)
    assert asyncio.get_running_loop().time() - started < 10
    assert result.status is Status.DOWN
    assert result.problem.startswith("no answer within 0.")
    assert result.attempts in {1, 2, 3}  # one that the machine held up leaves less for the others


async def test_each_look_is_told_how_long_it_may_take_and_the_last_gets_what_is_left() -> None:
    dead, looks = part(UnavailableError("engine", "refused"))
    pace = Pace(probe=timedelta(seconds=2.5), part=timedelta(seconds=1.2), pauses=(timedelta(seconds=0.1),))
    await probe(dead, LIMITS, pace)
    assert looks[0] == timedelta(seconds=2.4)
    assert timedelta(seconds=0.9) < looks[1] <= timedelta(seconds=1)


async def test_a_look_that_is_cancelled_from_within_is_no_answer() -> None:
    async def cancelled(_: timedelta) -> Observed:
        raise asyncio.CancelledError

    assert (await probe(Part("engine", "RUST_API_URL", cancelled), LIMITS, NO_PAUSE)).status is Status.DOWN


def test_the_pace_keeps_what_was_promised() -> None:
    pace = health.PACE
    assert pace.probe == timedelta(seconds=2.5)
    assert pace.part == timedelta(seconds=9)
    assert pace.pauses == (timedelta(seconds=0.5), timedelta(seconds=2))


# what errors mean


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        pytest.param(UnavailableError("x", "refused", remedy="start it"), Status.DOWN, "refused; start it", id="down"),
        pytest.param(MisconfiguredError("x", "untrusted"), Status.DOWN, "untrusted", id="no answer for our fault"),
        pytest.param(MisconfiguredError("x", "HTTP 401", http_status=401), Status.UNHEALTHY, "HTTP 401", id="401"),
        pytest.param(
            MisconfiguredError("x", "HTTP 403", http_status=403, remedy="check its key"),
            Status.UNHEALTHY,
            "HTTP 403; it is up, but forbids us: check its key",
            id="403",
        ),
        pytest.param(
            RejectedError("x", "HTTP 404", http_status=404),
            Status.UNHEALTHY,
            "HTTP 404; the path may be wrong: check TRADEOPS_ENGINE_HEALTH_PATH",
            id="404",
        ),
        pytest.param(RejectedError("x", "no"), Status.UNHEALTHY, "no", id="success false"),
        pytest.param(TransientError("x", "HTTP 500"), Status.UNHEALTHY, "HTTP 500", id="500"),
        pytest.param(RateLimitedError("x", "HTTP 429", retry_after=None), Status.UNHEALTHY, "HTTP 429", id="429"),
        pytest.param(ContractError("x", "HTML"), Status.UNHEALTHY, "HTML", id="wrong shape"),
    ],
)
async def test_an_error_is_down_only_when_there_was_no_answer(error: Exception, status: Status, says: str) -> None:
    failing, _ = part(error, path_setting="TRADEOPS_ENGINE_HEALTH_PATH")
    result = await probe(failing, LIMITS, Pace(pauses=()))
    assert (result.status, result.problem) == (status, says)


async def test_a_defect_of_ours_is_logged_whole_and_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    broken, _ = part(ZeroDivisionError("sesame"))
    with caplog.at_level(logging.ERROR):
        result = await probe(broken, LIMITS, Pace(pauses=()))
    assert result.problem == "not known: our own check broke (ZeroDivisionError, see the log)"
    assert judge(result, LIMITS).severity is Severity.DEGRADED
    assert "ZeroDivisionError: sesame" in caplog.text


# what each part's answer means


def date(shift: timedelta = timedelta(0)) -> dict[str, str]:
    return {"date": format_datetime(datetime.now(UTC) + shift, usegmt=True)}


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        pytest.param(httpx.Response(200, json=enveloped("Bot is running")), Status.HEALTHY, "", id="well"),
        pytest.param(
            httpx.Response(200, json={"success": False, "data": None, "error": "halted"}),
            Status.UNHEALTHY,
            "refused: halted",
            id="success false",
        ),
        pytest.param(httpx.Response(200, html="<html>"), Status.UNHEALTHY, "with HTML", id="proxy page"),
        pytest.param(httpx.Response(500), Status.UNHEALTHY, "HTTP 500", id="500"),
        pytest.param(httpx.Response(401), Status.UNHEALTHY, "HTTP 401", id="401"),
        pytest.param(httpx.Response(403), Status.UNHEALTHY, "it is up, but forbids us", id="403"),
        pytest.param(httpx.Response(404), Status.UNHEALTHY, "check TRADEOPS_ENGINE_HEALTH_PATH", id="404"),
    ],
)
@respx.mock
async def test_the_engine(tmp_path: Path, answer: httpx.Response, status: Status, says: str) -> None:
    respx.get(f"{ENGINE}/api/health").mock(return_value=answer)
    async with desk(tmp_path) as opened:
        result = await look_at("engine", opened)
    assert result.status is status
    assert says in result.problem


@pytest.mark.parametrize(
    ("shift", "says"),
    [
        pytest.param(timedelta(seconds=95), "s ahead of ours, limit 30 s", id="ahead"),
        pytest.param(timedelta(seconds=-95), "s behind ours, limit 30 s", id="behind"),
    ],
)
@respx.mock
async def test_the_engine_with_another_clock_is_unwell(tmp_path: Path, shift: timedelta, says: str) -> None:
    respx.get(f"{ENGINE}/api/health").respond(json=enveloped("Bot is running"), headers=date(shift))
    async with desk(tmp_path) as opened:
        result = await look_at("engine", opened)
    assert result.status is Status.UNHEALTHY
    assert says in result.problem


@respx.mock
async def test_a_health_path_can_be_changed(tmp_path: Path) -> None:
    respx.get(f"{ENGINE}/healthz").respond(json=enveloped("Bot is running"))
    async with desk(tmp_path, TRADEOPS_ENGINE_HEALTH_PATH="/healthz") as opened:
        assert (await look_at("engine", opened)).status is Status.HEALTHY


@respx.mock
async def test_a_refused_connection_is_down(tmp_path: Path) -> None:
    respx.get(f"{ENGINE}/api/health").mock(side_effect=httpx.ConnectError("refused"))
    async with desk(tmp_path) as opened:
        assert (await look_at("engine", opened)).status is Status.DOWN


@pytest.mark.parametrize(
    ("changed", "status", "problem", "note"),
    [
        pytest.param({}, Status.HEALTHY, "", "", id="well"),
        pytest.param({"mongodb_connected": False}, Status.UNHEALTHY, "it has lost its MongoDB", "", id="no mongodb"),
        pytest.param(
            {"gpt4_available": False, "api_key_configured": False},
            Status.HEALTHY,
            "",
            "no API key and no GPT-4",
            id="no key",
        ),
    ],
)
@respx.mock
async def test_the_ai_service(
    tmp_path: Path, changed: dict[str, object], status: Status, problem: str, note: str
) -> None:
    respx.get(f"{AI}/health").respond(json=AI_HEALTH | changed)
    async with desk(tmp_path, PYTHON_API_URL=AI) as opened:
        result = await look_at("ai_service", opened)
    assert result.status is status
    assert problem in result.problem
    assert bool(problem) is bool(result.problem)
    assert note in result.note


@respx.mock
async def test_the_frontend_must_serve_html(tmp_path: Path) -> None:
    respx.get(FRONTEND).mock(side_effect=[httpx.Response(200, html="<!doctype html>"), httpx.Response(200, text="hm")])
    async with desk(tmp_path, FRONTEND_URL=FRONTEND) as opened:
        assert (await look_at("frontend", opened)).status is Status.HEALTHY
        assert (await look_at("frontend", opened)).status is Status.UNHEALTHY


@respx.mock
async def test_a_kept_alive_connection_that_the_frontend_reset_is_no_problem(tmp_path: Path) -> None:
    route = respx.get(FRONTEND).mock(side_effect=[httpx.ReadError("reset"), httpx.Response(200, html="<html>")])
    async with desk(tmp_path, FRONTEND_URL=FRONTEND) as opened:
        result = await look_at("frontend", opened)
    assert (result.status, result.attempts, route.call_count) == (Status.HEALTHY, 1, 2)


def kline(closed_ago: timedelta) -> list[object]:
    minute = timedelta(minutes=1)
    closes = datetime.now(UTC) - closed_ago
    opens = int((closes - minute).timestamp() // 60) * 60_000
    return [opens, "1.0", "2.0", "0.5", "1.5", "3.0", opens + 59_999, "4.0", 5, "1.0", "1.0", "0"]


@pytest.mark.parametrize(
    ("closed_ago", "shift", "status", "says"),
    [
        pytest.param(timedelta(seconds=30), None, Status.HEALTHY, "", id="fresh"),
        pytest.param(timedelta(minutes=6), None, Status.UNHEALTHY, "s ago, limit 180 s", id="stale"),
        pytest.param(None, None, Status.UNHEALTHY, "no candle of BTCUSDT within the last 13 min", id="none"),
        pytest.param(timedelta(seconds=30), timedelta(seconds=61), Status.UNHEALTHY, "its clock is", id="clock"),
    ],
)
@respx.mock
async def test_the_exchange(
    tmp_path: Path, closed_ago: timedelta | None, shift: timedelta | None, status: Status, says: str
) -> None:
    rows = [] if closed_ago is None else [kline(closed_ago)]
    headers = {} if shift is None else date(shift)

    def page(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["startTime"])
        return httpx.Response(200, json=[row for row in rows if row[0] >= start], headers=headers)

    respx.get(f"{EXCHANGE}/api/v3/klines").mock(side_effect=page)
    async with desk(tmp_path, BINANCE_API_URL=EXCHANGE) as opened:
        result = await look_at("exchange", opened)
    assert result.status is status
    assert says in result.problem
    assert ("newest candle of BTCUSDT closed" in result.note) is (status is Status.HEALTHY)


@respx.mock
async def test_an_llm_that_is_gone_is_never_critical(tmp_path: Path) -> None:
    respx.get(f"{LLM}/models").mock(side_effect=[httpx.Response(200, json={"data": []}), httpx.ConnectError("gone")])
    async with desk(tmp_path, OPENAI_API_KEY="sk-sesame", OPENAI_BASE_URL=LLM) as opened:
        assert (await look_at("llm", opened)).status is Status.HEALTHY
        result = await look_at("llm", opened)
    assert (result.status, judge(result, LIMITS).severity) == (Status.DOWN, Severity.DEGRADED)


@pytest.mark.parametrize(
    ("listed", "severity", "words"),
    [
        pytest.param({"id": "gpt-6-luna", "shutdown_date": None}, Severity.HEALTHY, "", id="no end in sight"),
        pytest.param({"id": "gpt-6-luna", "shutdown_date": 31}, Severity.HEALTHY, "", id="in 31 days"),
        pytest.param({"id": "gpt-6-luna", "shutdown_date": 29}, Severity.DEGRADED, "in 29 days", id="in 29 days"),
        pytest.param({"id": "gpt-6-luna", "shutdown_date": "soon"}, Severity.HEALTHY, "", id="an end that is no date"),
        pytest.param({"id": "gpt-7"}, Severity.CRITICAL, "gpt-6-luna is no longer offered", id="gone"),
    ],
)
@respx.mock
async def test_a_model_that_ends_is_told_30_days_before_and_one_that_is_gone_is_critical(
    tmp_path: Path, listed: dict[str, object], severity: Severity, words: str
) -> None:
    if isinstance(days := listed.get("shutdown_date"), int):
        listed = listed | {"shutdown_date": f"{(datetime.now(UTC) + timedelta(days=days)).date()}"}
    respx.get(f"{LLM}/models").respond(json={"data": [listed]})
    async with desk(tmp_path, OPENAI_API_KEY="sk-sesame", OPENAI_BASE_URL=LLM) as opened:
        finding = judge(await look_at("llm", opened), LIMITS)
    assert finding.severity is severity
    assert words in finding.problem


def late_run(name: str) -> dict[str, object]:
    return {"id": "7d5c3a48-0d2c-4a55-9f43-6f1c8d0c1c11", "name": name, "estimated_run_time": 0.0}


def worker(status: str) -> dict[str, object]:
    return {"name": "w", "status": status}


@pytest.mark.parametrize(
    ("late", "workers", "says"),
    [
        pytest.param([], httpx.Response(200, json=[worker("OFFLINE"), worker("ONLINE")]), "", id="well"),
        pytest.param(
            [], httpx.Response(200, json=[worker("OFFLINE")]), "no worker of the pool tradeops", id="no worker"
        ),
        pytest.param([], httpx.Response(404), "it has no work pool tradeops", id="no pool"),
        pytest.param([late_run("calm-ox")], None, "run calm-ox is more than 300 s late", id="one late run"),
        pytest.param([late_run("a"), late_run("b")], None, "2 runs are more than 300 s late", id="late runs"),
    ],
)
@respx.mock
async def test_prefect(tmp_path: Path, late: list[object], workers: httpx.Response | None, says: str) -> None:
    respx.get(f"{PREFECT}/health").respond(json=True)
    respx.post(f"{PREFECT}/flow_runs/filter").respond(json=late)
    respx.post(f"{PREFECT}/work_pools/tradeops/workers/filter").mock(return_value=workers)
    async with desk(tmp_path, PREFECT_API_URL=PREFECT) as opened:
        result = await look_at("prefect", opened)
    assert (result.status is Status.HEALTHY) is (not says)
    assert says in result.problem
    assert result.ours


Ask = Callable[..., Awaitable[None]]


def answering(error: Exception | None = None) -> Ask:
    return AsyncMock(return_value=None, side_effect=error)


@pytest.mark.parametrize(
    ("login", "alarms", "status", "says"),
    [
        pytest.param(None, None, Status.HEALTHY, "", id="well"),
        pytest.param(
            None,
            RejectedError("rabbitmq", "an alarm", remedy="free it"),
            Status.UNHEALTHY,
            "an alarm; free it",
            id="alarm",
        ),
        pytest.param(
            None,
            UnavailableError("rabbitmq", "gone"),
            Status.UNHEALTHY,
            "its alarms are not known: gone",
            id="no answer",
        ),
        pytest.param(
            None,
            MisconfiguredError("rabbitmq", "HTTP 401", http_status=401),
            Status.UNHEALTHY,
            "its alarms are not known: HTTP 401",
            id="management refuses us",
        ),
        pytest.param(UnavailableError("rabbitmq", "gone"), None, Status.DOWN, "gone", id="broker gone"),
        pytest.param(None, ZeroDivisionError(), Status.UNHEALTHY, "our own check broke", id="our defect"),
    ],
)
async def test_rabbitmq_with_its_alarms(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    login: Exception | None,
    alarms: Exception | None,
    status: Status,
    says: str,
) -> None:
    monkeypatch.setattr(rabbitmq, "login", answering(login))
    monkeypatch.setattr(rabbitmq, "check_alarms", answering(alarms))
    urls = {"RABBITMQ_URL": "amqp://b.test/", "TRADEOPS_RABBITMQ_MANAGEMENT_URL": "http://m.test"}
    async with desk(tmp_path, **urls) as opened:
        result = await look_at("rabbitmq", opened)
    assert result.status is status
    assert says in result.problem
    assert bool(says) is bool(result.problem)


@pytest.mark.parametrize(
    ("name", "setting", "url", "module", "function"),
    [
        ("mongodb", "MONGODB_URL", "mongodb://m.test", mongodb, "ping_and_query"),
        ("redis", "REDIS_URL", "redis://r.test", redis, "ping_and_info"),
        ("rabbitmq", "RABBITMQ_URL", "amqp://b.test/", rabbitmq, "login"),
    ],
    ids=["mongodb", "redis", "rabbitmq without management"],
)
async def test_a_driver_is_asked_with_the_address_and_its_error_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, setting: str, url: str, module: object, function: str
) -> None:
    ask = AsyncMock(side_effect=[None, MisconfiguredError(name, "refuses our login")])
    monkeypatch.setattr(module, function, ask)
    async with desk(tmp_path, **{setting: url}) as opened:
        assert (await look_at(name, opened)).status is Status.HEALTHY
        assert (await look_at(name, opened)).status is Status.DOWN
    assert ask.await_args is not None
    assert ask.await_args.args[0].get_secret_value() == url


async def test_disk_and_memory_are_measured_by_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = AsyncMock(return_value=91.0)
    monkeypatch.setattr(host, "disk_used_percent", measure)
    monkeypatch.setattr(host, "memory_used_percent", AsyncMock(return_value=86.0))
    limits = {"TRADEOPS_DISK_PATH": tmp_path, "TRADEOPS_DISK_CRITICAL_PERCENT": 92.0}
    async with desk(tmp_path, **limits) as opened:
        disk, memory = await look_at("disk", opened), await look_at("memory", opened)
        judged = health.thresholds(opened.settings)
    measure.assert_awaited_once_with(tmp_path)
    assert judge(disk, judged).severity is Severity.DEGRADED
    assert judge(memory, judged).severity is Severity.DEGRADED
    assert disk.note == f"path {tmp_path}"


async def test_a_drill_that_is_too_old_is_degraded_and_a_new_installation_has_time(tmp_path: Path) -> None:
    async with desk(tmp_path, TRADEOPS_DRILL_DAYS=7) as opened:
        fresh = await look_at("drill", opened)
        at = datetime.now(UTC) - timedelta(days=8)
        brake = Exercise("brake", Outcome.PASSED, "off", timedelta(milliseconds=120))
        await drill_records.keep(opened.store, Drill("d-1", "sandbox", "me", at, at, (brake,)))
        old = await look_at("drill", opened)
    assert (fresh.status, fresh.note) == (Status.HEALTHY, "never drilled; `tradeops drill` proves that the brake works")
    assert judge(old, LIMITS).severity is Severity.DEGRADED
    assert "more than 7 days ago; run `tradeops drill`" in old.problem


async def test_a_store_that_is_down_is_no_question_of_drills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill_records, "last", AsyncMock(side_effect=UnavailableError("store", "gone")))
    async with desk(tmp_path) as opened:
        result = await look_at("drill", opened)
    assert (result.status, result.note) == (Status.HEALTHY, "the last drill is not known: gone")


# the whole round, and what is kept


@respx.mock
async def test_all_parts_are_in_the_report_and_only_the_configured_ones_are_asked(tmp_path: Path) -> None:
    respx.get(f"{ENGINE}/api/health").respond(json=enveloped("Bot is running"))
    async with desk(tmp_path) as opened:
        probed = await health.probe_all(opened)
    report = assess(probed, LIMITS)
    names = "engine ai_service frontend mongodb redis rabbitmq exchange llm prefect drill disk memory"
    assert [f.result.part for f in report.findings] == names.split()
    absent = {f.result.part for f in report.findings if f.result.status is Status.NOT_CONFIGURED}
    assert absent == set(names.split()) - {"engine", "drill", "disk", "memory"}
    assert probed.loopback_works
    assert probed.started_at <= probed.finished_at


def a_round(*results: ProbeResult, at: datetime) -> Round:
    return Round(results, at, at + timedelta(seconds=1))


DOWN = ProbeResult("engine", Status.DOWN, latency=timedelta(seconds=2.4), problem="refused")
FULL = ProbeResult("disk", Status.HEALTHY, used_percent=85.0)
ABSENT = ProbeResult("redis", Status.NOT_CONFIGURED, attempts=0)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_what_is_kept_has_the_fields_of_the_job_sheet() -> None:
    fields = health.as_fields(assess(a_round(DOWN, FULL, ABSENT, at=NOON), LIMITS), run_id="r-1")
    assert json.loads(json.dumps(fields)) == {
        "status": "success",
        "run_id": "r-1",
        "started_at": "2026-11-24T12:00:00+00:00",
        "finished_at": "2026-11-24T12:00:01+00:00",
        "data_as_of": "2026-11-24T12:00:00+00:00",
        "overall_status": "critical",
        "services": {
            "engine": {"status": "down", "response_time_ms": 2400.0, "error": "refused"},
            "redis": {"status": "not_configured", "response_time_ms": None, "error": None},
        },
        "severities": {"engine": "critical", "disk": "degraded", "redis": "healthy"},
        "disk_percent": 85.0,
        "memory_percent": None,
        "alerts": ["engine critical: refused", "disk degraded: 85.0 % used, above 80 %"],
    }


async def test_a_run_that_is_repeated_is_kept_once_and_remembered_by_the_next(tmp_path: Path) -> None:
    report = assess(a_round(DOWN, FULL, at=NOON), LIMITS)
    async with desk(tmp_path) as opened:
        assert await health.previous_run(opened) is None
        await health.record(opened, report, run_id="r-1")
        await health.record(opened, report, run_id="r-1")
        kept = await opened.store.points(health.SERIES, since=NOON, until=NOON + timedelta(days=1))
        before = await health.previous_run(opened)
    assert [point.key for point in kept] == ["r-1"]
    assert before is not None
    assert before.finished_at == report.finished_at
    assert before.severities == {"engine": Severity.CRITICAL, "disk": Severity.DEGRADED}


@pytest.mark.parametrize(
    "severities", [None, {"engine": 3}, {"engine": "odd"}], ids=["absent", "a number", "an unknown word"]
)
async def test_a_record_that_we_do_not_understand_is_no_comparison(tmp_path: Path, severities: Json) -> None:
    async with desk(tmp_path) as opened:
        await opened.store.add_point(health.SERIES, Point("r-0", NOON, {"severities": severities}))
        before = await health.previous_run(opened)
    assert before is not None
    assert before.severities == {}


@pytest.mark.parametrize(
    "trouble", [UnavailableError("store", "gone"), TimeoutError()], ids=["store down", "store hanging"]
)
async def test_a_store_that_is_down_hides_only_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trouble: Exception
) -> None:
    async with desk(tmp_path) as opened:
        monkeypatch.setattr(type(opened.store), "newest_point", AsyncMock(side_effect=trouble))
        assert await health.previous_run(opened) is None
    assert "the run before is not known" in caplog.text
