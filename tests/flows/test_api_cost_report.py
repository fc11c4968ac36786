"""The cost flow on a real Prefect server: state, artifact, event, record."""

import asyncio
import datetime as dt
import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock, Mock

import httpx
import pytest
import respx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.tasks import Task

from flows import presentation
from flows.monitoring import api_cost_report
from flows.monitoring.api_cost_report import daily_api_cost_report
from tests.flows import announcing
from tests.flows.test_system_health import without_back_off
from tests.unit.adapters.samples import COSTS
from tradeops.adapters.store import Point
from tradeops.domain.costs import CostReport
from tradeops.domain.notices import Level
from tradeops.errors import ContractError, CriticalVerdictError, MisconfiguredError, RejectedError, UnavailableError
from tradeops.jobs.reports import api_cost
from tradeops.jobs.reports.api_cost_records import CALLS, SAMPLES
from tradeops.wiring import open_desk

AI = "http://ai.test"
DAY = timedelta(days=1)
TASKS: dict[str, Task[..., Any]] = {
    name: getattr(api_cost_report, name) for name in ("read_counters", "read_kept", "record")
}


@pytest.fixture(autouse=True)
def _ai_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_API_URL", AI)


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, task in TASKS.items():
        monkeypatch.setattr(api_cost_report, name, without_back_off(task))


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> Mock:
    emit = Mock()
    monkeypatch.setattr(presentation, "emit", emit)
    return emit


def tells(wire: respx.MockRouter, *, usd: object = 0.9, daily: object = 1.361, monthly: object = 40.82) -> respx.Route:
    body = deepcopy(COSTS) | {"timestamp": datetime.now(UTC).isoformat()}
    body["session_statistics"]["total_cost_usd"] = usd
    body["projections"] |= {"estimated_daily_cost_usd": daily, "estimated_monthly_cost_usd": monthly}
    return wire.get(f"{AI}/ai/cost/statistics").respond(content=json.dumps(body))


async def run(date: dt.date | None = None) -> State[CostReport]:
    return await daily_api_cost_report(date, return_state=True)


async def artifact(state: State[Any]) -> str:
    """The text of the run's one artifact, its broken lines joined."""
    where = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client:
        [found] = await client.read_artifacts(artifact_filter=where)
    assert (found.type, found.key) == ("markdown", "daily-api-cost-report")
    return str(found.data).replace("<br>", " ")


async def kept(series: str = api_cost.SERIES) -> list[Point]:
    async with open_desk() as desk:
        now = datetime.now(UTC)
        return await desk.store.points(series, since=now - 100 * DAY, until=now + DAY)


async def test_a_quiet_day_ends_completed_with_its_report(wire: respx.MockRouter, emitted: Mock) -> None:
    tells(wire)
    state = await run()
    expected = ("COMPLETED", "Completed", "within the limits: daily $1.36, monthly $40.82")
    assert (state.type.value, state.name, state.message) == expected
    report = await state.aresult()
    assert isinstance(report, CostReport)
    text = await artifact(state)
    assert text.startswith(f"# ✓ LLM cost, {report.facts.day}: within the limits\n")
    assert "| daily | the AI service's projection | $1.36 | 34,025 | the highest, so it counts |" in text
    assert "| AI service since restart | 120 | 210,000 | 42,000 | $0.90 | 22,500 |" in text
    [point] = await kept()
    assert point.body == json.loads(json.dumps(api_cost.as_fields(report, str(state.state_details.flow_run_id))))
    assert [sample.key for sample in await kept(SAMPLES)] == [str(state.state_details.flow_run_id)]
    emitted.assert_not_called()


@pytest.mark.parametrize(
    ("daily", "monthly", "name", "mark"),
    [
        (2.00, 50.00, "Completed", "✓"),
        (2.01, 50.00, "Degraded", "▲"),
        (2.00, 50.01, "Degraded", "▲"),
        (5.00, 100.00, "Degraded", "▲"),
        (5.01, 50.00, "Critical", "✗"),
        (2.00, 100.01, "Critical", "✗"),
    ],
)
async def test_the_state_the_artifact_the_record_and_the_event_agree_at_each_limit(
    wire: respx.MockRouter, emitted: Mock, daily: float, monthly: float, name: str, mark: str
) -> None:
    tells(wire, daily=daily, monthly=monthly)
    state = await run()
    assert state.name == name
    assert (await artifact(state)).startswith(f"# {mark} LLM cost")
    [point] = await kept()
    alerts = point.body["alerts"]
    assert isinstance(alerts, list)
    if name == "Completed":
        assert alerts == []
        emitted.assert_not_called()
        return
    event, resource, payload = emitted.call_args.args
    assert (event, resource) == ("tradeops.cost.limit-breached", "tradeops.cost.api")
    assert payload == {
        "date": point.key,
        "severity": "critical" if name == "Critical" else "warning",
        "breaches": alerts,
    }
    assert json.dumps(payload)
    if name == "Critical":
        with pytest.raises(CriticalVerdictError, match=r"daily-api-cost-report: critical: .* is above \$"):
            await state.aresult()


@pytest.mark.parametrize("cost", [None, float("nan"), -0.5], ids=repr)
async def test_a_cost_that_cannot_be_true_fails_the_run_and_its_artifact_is_an_alarm(
    wire: respx.MockRouter, emitted: Mock, cost: object
) -> None:
    route = tells(wire, usd=cost)
    state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "total_cost_usd" in str(state.message)
    text = await artifact(state)
    assert text.startswith("# ✗ LLM cost, ")
    assert "not known" in text
    assert "total_cost_usd is" in text
    assert await kept() == await kept(SAMPLES) == []
    assert route.call_count == 1
    emitted.assert_not_called()
    with pytest.raises(ContractError):
        await state.aresult()


async def test_an_alarm_that_cannot_be_published_does_not_hide_its_cause(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells(wire, usd=None)
    monkeypatch.setattr(presentation, "publish", AsyncMock(side_effect=RuntimeError("no artifact today")))
    state = await run()
    assert state.name == "Failed"
    assert "total_cost_usd is null" in str(state.message)


async def test_a_service_that_is_gone_degrades_the_report_and_our_own_calls_are_judged(
    wire: respx.MockRouter, emitted: Mock
) -> None:
    route = wire.get(f"{AI}/ai/cost/statistics").mock(side_effect=httpx.ConnectError("refused"))
    async with open_desk() as desk:
        call = Point("call", datetime.now(UTC) - timedelta(hours=1), {"cost_usd": "0.028"})
        await desk.store.add_point(CALLS, call)
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert "the AI service cannot be read" in str(state.message)
    text = await artifact(state)
    assert "| daily | the ledger's last 24 hours | $0.03 | 700 | the highest, so it counts; at least |" in text
    assert "| AI service since restart | n/a | n/a | n/a | n/a | n/a |" in text
    assert [point.body["status"] for point in await kept()] == ["success"]
    assert route.call_count >= 4
    emitted.assert_not_called()


async def test_a_service_that_was_taken_away_ends_completed(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = tells(wire)
    monkeypatch.delenv("PYTHON_API_URL")
    state = await run()
    assert state.name == "Completed"
    assert "not configured" in await artifact(state)
    assert not route.called


async def test_a_moment_of_silence_is_asked_again(wire: respx.MockRouter) -> None:
    route = tells(wire)
    good = route.return_value
    route.side_effect = [httpx.Response(503), httpx.Response(429), good]
    assert (await run()).name == "Completed"
    assert route.call_count == 3


async def test_a_ledger_that_cannot_be_read_degrades_the_report_to_the_services_figures(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells(wire)
    monkeypatch.setattr(api_cost, "read_kept", AsyncMock(side_effect=UnavailableError("store", "locked")))
    state = await run()
    assert (state.name, state.message) == ("Degraded", "the ledger cannot be read: locked")
    text = await artifact(state)
    assert "| daily | our projection | n/a | n/a | the ledger cannot be read: locked |" in text
    assert "No picture: no cost is known yet." in text
    assert len(await kept(SAMPLES)) == 1


async def test_a_reset_is_told_and_is_no_negative_spend(wire: respx.MockRouter) -> None:
    tells(wire, usd=7.5)
    first = await run()
    tells(wire, usd=0.4)
    state = await run()
    report = await state.aresult()
    assert report.counter_reset
    assert report.month_to_date is not None
    assert str(report.month_to_date.cost_usd) == "0.4"
    assert "restarted once this month" in await artifact(state)
    assert first.name == "Completed"


async def test_a_second_run_of_the_day_stores_once_and_says_so(wire: respx.MockRouter) -> None:
    tells(wire)
    first = await run()
    tells(wire, usd=1.1)
    second = await run()
    assert "; already reported at " in str(second.message)
    assert "this run's figures are shown, not stored" in await artifact(second)
    assert "| $1.10 | 27,500 |" in await artifact(second)
    [point] = await kept()
    assert point.body["run_id"] == str(first.state_details.flow_run_id)
    assert len(await kept(SAMPLES)) == 2


async def test_two_runs_at_once_store_one_report(wire: respx.MockRouter) -> None:
    tells(wire)
    states = await asyncio.gather(run(), run())
    assert sorted("already reported" in str(state.message) for state in states) == [False, True]
    assert len(await kept()) == 1


async def test_a_missed_day_is_made_of_what_is_kept_however_late(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        presentation.flow_run, "get_scheduled_start_time", lambda: datetime.now(UTC) - timedelta(hours=9)
    )
    route = tells(wire)
    day = datetime.now(UTC).date() - 3 * DAY
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    async with open_desk() as desk:
        for n, usd in enumerate(["1.0", "2.2", "4.6"]):
            at = noon + (n - 1) * DAY
            body = {
                **{f"{of}_cost_{money}": "0" for of in ("daily", "monthly") for money in ("usd", "vnd")},
                "total_requests": n,
                "total_cost_usd": usd,
                "total_cost_vnd": "0",
                "measured_at": at.isoformat(),
            }
            await desk.store.add_point(SAMPLES, Point(f"run-{n}", at, body))
    state = await run(day)
    assert state.name == "Completed"
    report = await state.aresult()
    assert report.facts.day == day
    assert report.last_24_hours is not None
    assert report.last_24_hours.cost_usd == Decimal("1.8")
    assert f"| {day} | $1.80 | $0.00 | $1.80 | 45,000 |" in await artifact(state)
    assert [point.key for point in await kept()] == [day.isoformat()]
    assert len(await kept(SAMPLES)) == 3
    assert not route.called


async def test_a_day_in_the_future_is_refused_at_once(wire: respx.MockRouter) -> None:
    route = tells(wire)
    state = await run(datetime.now(UTC).date() + 2 * DAY)
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "is in the future" in str(state.message)
    assert not route.called
    assert await kept() == []
    with pytest.raises(RejectedError):
        await state.aresult()


async def test_a_run_that_starts_too_late_is_skipped(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        presentation.flow_run, "get_scheduled_start_time", lambda: datetime.now(UTC) - timedelta(hours=7)
    )
    route = tells(wire)
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
    assert "run it with the parameter `date`" in str(state.message)
    assert not route.called


async def test_a_report_that_cannot_be_recorded_is_published_and_the_run_says_so(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells(wire)
    monkeypatch.setattr(api_cost, "record", AsyncMock(side_effect=UnavailableError("store", "locked")))
    state = await run()
    assert state.name == "Degraded"
    assert str(state.message).endswith("not kept: store: locked")
    assert "What is compared" in await artifact(state)
    assert api_cost.record.await_count == 4


async def test_a_report_that_cannot_be_published_is_recorded(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells(wire)
    monkeypatch.setattr(presentation, "publish", AsyncMock(side_effect=RuntimeError("no artifact today")))
    state = await run()
    assert (state.name, str(state.message).endswith("not kept: no artifact today")) == ("Degraded", True)
    assert len(await kept()) == 1


async def test_a_missing_address_fails_with_a_line_that_names_it(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = tells(wire)
    monkeypatch.delenv("RUST_API_URL")
    state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "RUST_API_URL is not set" in str(state.message)
    assert "RUST_API_URL is not set" in await artifact(state)
    with pytest.raises(MisconfiguredError):
        await state.aresult()
    assert not route.called


async def test_days_are_utc_whatever_zone_people_read(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_TIME_ZONE", "Pacific/Kiritimati")
    tells(wire)
    state = await run()
    [point] = await kept()
    assert point.key == point.timestamp.date().isoformat() == (await state.aresult()).facts.day.isoformat()
    assert f"# ✓ LLM cost, {point.key}" in (text := await artifact(state))
    assert f"as of {point.timestamp + timedelta(hours=14):%Y-%m-%d %H:%M:%S} UTC+14:00" in text


async def test_all_tries_end_before_the_deadline_of_the_flow() -> None:
    longest = 0.0
    for steps in (("read_counters", "read_kept"), ("record",)):
        longest += max(duration(TASKS[name]) for name in steps)
    assert longest < (daily_api_cost_report.timeout_seconds or 0)


def duration(task: Task[..., Any]) -> float:
    """How long all tries of a task can take, in seconds."""
    delays = task.retry_delay_seconds
    assert isinstance(delays, list)
    trying = (task.retries + 1) * api_cost.PATIENCE.total_seconds()
    return trying + sum(delays) * (1 + (task.retry_jitter_factor or 0))


# what it tells besides


async def test_a_breach_is_told_beside_the_report_once_and_a_good_day_ends_it(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, emitted: Mock
) -> None:
    async with announcing.webhook(monkeypatch) as sink:
        tells(wire, daily=5.01, monthly=50.01)
        state = await run()
        assert await announcing.broken() == {"cost:daily": Level.CRITICAL, "cost:monthly": Level.WARNING}
        tells(wire, daily=5.01, monthly=50.01)
        await run()
        assert sorted(announcing.events(sink)) == ["cost_critical", "cost_report"]
        tells(wire)
        assert (await run()).name == "Completed"
    assert state.name == "Critical"
    assert await announcing.broken() == {}
    assert sorted(announcing.events(sink)) == ["cost_critical", "cost_recovered", "cost_report"]
    [report] = [one for one in announcing.arrived(sink) if one["event"] == "cost_report"]
    [alert] = [one for one in announcing.arrived(sink) if one["event"] == "cost_critical"]
    assert (report["level"], alert["level"]) == ("INFO", "CRITICAL")
    assert "daily cost $5.01" in alert["body"]
    assert "monthly cost $50.01" in alert["body"]
    assert emitted.call_count == 2


@pytest.mark.parametrize(
    ("daily", "monthly", "expected"),
    [(2.01, 50.0, {"cost:daily": Level.WARNING}), (2.0, 100.01, {"cost:monthly": Level.CRITICAL})],
)
async def test_each_period_has_its_own_incident(
    wire: respx.MockRouter, emitted: Mock, daily: float, monthly: float, expected: dict[str, Level]
) -> None:
    tells(wire, daily=daily, monthly=monthly)
    await run()
    assert await announcing.broken() == expected
    assert emitted.called


async def test_a_cost_that_is_not_known_ends_no_incident(wire: respx.MockRouter, emitted: Mock) -> None:
    tells(wire, daily=5.01)
    await run()
    wire.get(f"{AI}/ai/cost/statistics").mock(side_effect=httpx.Response(500))
    await run()
    assert "cost:daily" in await announcing.broken()
    assert emitted.call_count == 1


async def test_a_past_day_is_sent_and_opens_no_incident(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, emitted: Mock
) -> None:
    tells(wire)
    yesterday = datetime.now(UTC) - DAY
    async with open_desk() as desk:
        await desk.store.add_point(CALLS, Point("call", yesterday, {"cost_usd": "7"}))
    async with announcing.webhook(monkeypatch) as sink:
        state = await run(yesterday.date())
    assert state.name == "Critical"
    assert [one["key"] for one in announcing.arrived(sink)] == [f"daily-api-cost-report:{yesterday.date()}"]
    assert await announcing.broken() == {}
    assert emitted.called


async def test_a_channel_that_refuses_stands_in_the_artifact_and_changes_no_verdict(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tells(wire)
    async with announcing.webhook(monkeypatch, announcing.REFUSES):
        state = await run()
    assert (state.name, state.message) == ("Completed", "within the limits: daily $1.36, monthly $40.82")
    text = await artifact(state)
    assert "Alerting is degraded" in text
    assert "HTTP 400" in text
    assert len(await kept()) == 1


@pytest.mark.parametrize(("usd", "name"), [(0.9, "Completed"), (None, "Failed")])
async def test_a_run_leaves_a_sign_of_life_whether_it_works_or_not(
    wire: respx.MockRouter, usd: object, name: str
) -> None:
    tells(wire, usd=usd)
    assert (await run()).name == name
    assert await announcing.heard_of() == {"daily-api-cost-report"}
