"""The flow on a real Prefect server: state, artifact, record, log."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import respx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort
from prefect.states import Failed
from prefect.tasks import Task

from flows import presentation
from flows.monitoring import system_health
from flows.monitoring.system_health import system_health_check
from tests.flows.conftest import ENGINE
from tests.unit.adapters.samples import AI_HEALTH
from tests.unit.adapters.services import enveloped
from tradeops.domain.health import HealthReport, Severity
from tradeops.errors import CriticalVerdictError, MisconfiguredError, RejectedError, TransientError, UnavailableError
from tradeops.jobs.alerts import alerting, incidents
from tradeops.jobs.alerts import outbox as outbox_delivery
from tradeops.jobs.monitoring import health
from tradeops.wiring import open_desk

AI = "http://ai.test"
RUNNING = enveloped("Bot is running")


async def run() -> State[HealthReport]:
    return await system_health_check(return_state=True)


async def artifact(state: State[Any]) -> str:
    """The text of the run's one artifact."""
    where = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]),
        key=ArtifactFilterKey(any_=["system-health-check"]),
    )
    async with get_client() as client:
        [found] = await client.read_artifacts(artifact_filter=where, sort=ArtifactSort.CREATED_DESC)
    assert found.type == "markdown"
    return str(found.data)


async def kept() -> list[dict[str, Any]]:
    async with open_desk() as desk:
        now = datetime.now(UTC)
        points = await desk.store.points(health.SERIES, since=now - timedelta(hours=1), until=now + timedelta(hours=1))
    return [dict(point.body) for point in points]


async def test_a_healthy_bot_ends_completed_with_its_report(wire: respx.MockRouter) -> None:
    wire.get(f"{ENGINE}/api/health").respond(json=RUNNING)
    state = await run()
    assert (state.type.value, state.name, state.message) == ("COMPLETED", "Completed", "all parts are healthy")
    text = await artifact(state)
    assert text.startswith("# ✓ Healthy\n")
    assert "UTC**, 12 parts in " in text
    assert "4 healthy, 8 not configured" in text
    assert "| redis | ○ not configured | – | – | REDIS_URL is not set |" in text
    assert "## Alerts" not in text
    [record] = await kept()
    assert record["run_id"] == str(state.state_details.flow_run_id)
    assert record["overall_status"] == "healthy"


async def test_a_bad_answer_ends_degraded_and_names_the_part(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_API_URL", AI)
    wire.get(f"{ENGINE}/api/health").respond(json=RUNNING)
    wire.get(f"{AI}/health").respond(json=AI_HEALTH | {"mongodb_connected": False})
    state = await run()
    assert (state.type.value, state.name, state.message) == ("COMPLETED", "Degraded", "ai_service")
    text = await artifact(state)
    assert text.startswith("# ▲ Degraded: ai_service\n")
    assert "- **ai_service degraded**: it has lost its MongoDB" in text
    report = await state.aresult()
    assert isinstance(report, HealthReport)
    assert report.overall is Severity.DEGRADED


async def test_a_dead_engine_ends_failed_as_critical_without_a_traceback(
    wire: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    wire.get(f"{ENGINE}/api/health").mock(side_effect=httpx.ConnectError("refused"))
    state = await run()
    assert (state.type.value, state.name, state.message) == ("FAILED", "Critical", "engine")
    text = await artifact(state)
    assert text.startswith("# ✗ Critical: engine\n")
    assert "| engine | ✗ down |" in text
    assert "| 3 | http://engine.test/api/health" in text
    assert [record["overall_status"] for record in await kept()] == ["critical"]
    assert not [record for record in caplog.records if record.exc_info]
    with pytest.raises(CriticalVerdictError, match="critical: engine"):
        await state.aresult()


async def test_one_blip_ends_completed_with_a_note(wire: respx.MockRouter) -> None:
    wire.get(f"{ENGINE}/api/health").mock(
        side_effect=[httpx.ConnectError("refused"), httpx.Response(200, json=RUNNING)]
    )
    state = await run()
    assert state.name == "Completed"
    assert "good at attempt 2" in await artifact(state)


async def test_what_changed_since_the_run_before_is_told(wire: respx.MockRouter) -> None:
    route = wire.get(f"{ENGINE}/api/health")
    route.respond(json=RUNNING)
    assert "No run before this one is known" in await artifact(await run())
    assert "Nothing changed since the run of " in await artifact(await run())
    route.mock(side_effect=httpx.ConnectError("refused"))
    assert "- engine: healthy → ✗ **critical**" in await artifact(await run())
    route.mock(side_effect=None, return_value=httpx.Response(200, json=RUNNING))
    text = await artifact(await run())
    assert "## Changed since the run of " in text
    assert "- engine: critical → ✓ **healthy**" in text


async def test_everything_down_at_once_makes_the_monitor_suspect_itself(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_API_URL", AI)
    wire.get(f"{ENGINE}/api/health").mock(side_effect=httpx.ConnectError("unreachable"))
    wire.get(f"{AI}/health").mock(side_effect=httpx.ConnectError("unreachable"))
    state = await run()
    assert state.message == "engine, ai_service"
    assert "**the monitor may be the problem**: all 2 parts are down at once while loopback" in await artifact(state)


async def test_an_outage_is_told_once_and_its_end_once(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://slack.test/hook")
    monkeypatch.setenv("TRADEOPS_STARTUP_GRACE_SECONDS", "0")
    slack = wire.post("http://slack.test/hook").respond(text="ok")
    engine = wire.get(f"{ENGINE}/api/health").mock(side_effect=httpx.ConnectError("refused"))
    await run()
    await run()
    assert [b"engine is critical" in call.request.content for call in slack.calls] == [True]
    engine.mock(side_effect=None, return_value=httpx.Response(200, json=RUNNING))
    await run()
    assert len(slack.calls) == 1
    state = await run()
    assert [b"engine recovered after" in call.request.content for call in slack.calls] == [False, True]
    assert "Alerting is degraded" not in await artifact(state)


async def test_a_channel_that_refuses_us_is_told_in_the_artifact_and_changes_no_verdict(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://slack.test/hook")
    monkeypatch.setenv("TRADEOPS_STARTUP_GRACE_SECONDS", "0")
    wire.post("http://slack.test/hook").respond(404, text="no_service")
    wire.get(f"{ENGINE}/api/health").mock(side_effect=httpx.ConnectError("refused"))
    state = await run()
    assert (state.name, state.message) == ("Critical", "engine")
    text = await artifact(state)
    assert "## Alerting is degraded" in text
    assert "was not delivered" in text


async def test_alerting_that_breaks_changes_no_verdict(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    wire.get(f"{ENGINE}/api/health").respond(json=RUNNING)
    monkeypatch.setattr(incidents, "observe", AsyncMock(side_effect=ZeroDivisionError("a defect")))
    state = await run()
    assert (state.name, state.message) == ("Completed", "all parts are healthy")
    assert "incidents were not counted: our own code broke (ZeroDivisionError, see the log)" in await artifact(state)


async def test_a_damaged_store_costs_the_record_alone(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://slack.test/hook")
    monkeypatch.setattr(system_health, "record", without_back_off(system_health.record))
    slack = wire.post("http://slack.test/hook").respond(text="ok")
    wire.get(f"{ENGINE}/api/health").mock(side_effect=httpx.ConnectError("refused"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "tradeops.sqlite").write_bytes(b"no database" * 100)
    state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Critical")
    assert str(state.message).startswith("engine; not kept: store: ")
    text = await artifact(state)
    assert text.startswith("# ✗ Critical: engine\n")
    assert "tradeops.sqlite is damaged or no database" in text
    assert "## Alerting is degraded" in text
    [told] = [call.request.content.decode() for call in slack.calls]
    assert "engine is critical" in told


async def test_telling_ends_before_the_deadline_of_the_flow() -> None:
    telling = alerting.PATIENCE + outbox_delivery.BOUND + outbox_delivery.SETTLING
    assert 9 + telling.total_seconds() < (system_health_check.timeout_seconds or 0) - 5
    assert 9 + telling.total_seconds() + system_health.DIRECTLY_SECONDS < (system_health_check.timeout_seconds or 0)


async def test_text_from_outside_is_shown_letter_by_letter(wire: respx.MockRouter) -> None:
    evil = "</b><script>alert(1)</script> | a\r\n# head [x](javascript:1) ![i](//x) *b* `c` _d_ \x1b[31m"
    wire.get(f"{ENGINE}/api/health").respond(json={"success": False, "data": None, "error": evil})
    text = await artifact(await run())
    assert "<script" not in text
    assert "&lt;/b&gt;&lt;script&gt;alert(1)&lt;/script&gt; \\| a \\# head \\[x\\](javascript:1) !\\[i\\](//x)" in text
    assert "\\*b\\* \\`c\\` \\_d\\_" in text
    assert "\x1b" not in text
    [row] = [line for line in text.splitlines() if line.startswith("| engine")]
    assert row.replace("\\|", "").count("|") == 6


async def test_a_missing_address_fails_with_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("RUST_API_URL")
    state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "RUST_API_URL is not set" in str(state.message)
    assert "\n" not in str(state.message)
    assert not [record for record in caplog.records if record.exc_info]
    with pytest.raises(MisconfiguredError, match="RUST_API_URL"):
        await system_health_check()


@pytest.mark.parametrize(
    ("engine", "name", "message"),
    [
        (httpx.Response(200, json=RUNNING), "Degraded", "all parts are healthy; not kept: store: disk full"),
        (httpx.Response(500), "Degraded", "engine; not kept: store: disk full"),
        (httpx.ConnectError("refused"), "Critical", "engine; not kept: store: disk full"),
    ],
    ids=["healthy", "degraded", "critical"],
)
async def test_a_report_that_cannot_be_recorded_is_still_published_and_the_run_says_so(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, engine: httpx.Response | Exception, name: str, message: str
) -> None:
    wire.get(f"{ENGINE}/api/health").mock(side_effect=[engine] * 3)
    monkeypatch.setattr(health, "record", AsyncMock(side_effect=RejectedError("store", "disk full")))
    state = await run()
    assert (state.name, state.message) == (name, message)
    assert "## All parts" in await artifact(state)
    assert health.record.await_count == 1


async def test_a_report_that_cannot_be_published_is_still_recorded(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.get(f"{ENGINE}/api/health").respond(json=RUNNING)
    monkeypatch.setattr(presentation, "publish", AsyncMock(side_effect=RuntimeError("no artifact today")))
    state = await run()
    assert (state.name, state.message) == ("Degraded", "all parts are healthy; not kept: no artifact today")
    assert len(await kept()) == 1


@pytest.mark.parametrize(
    ("trouble", "tries", "name"),
    [
        ([UnavailableError("store", "gone"), None], 2, "Completed"),
        ([UnavailableError("store", "gone")] * 3, 3, "Degraded"),
        ([RejectedError("store", "no")], 1, "Degraded"),
        ([ZeroDivisionError()], 1, "Degraded"),
    ],
    ids=["a moment", "for long", "refused", "our defect"],
)
async def test_only_what_waiting_cures_is_recorded_again(
    wire: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
    trouble: list[Exception | None],
    tries: int,
    name: str,
) -> None:
    wire.get(f"{ENGINE}/api/health").respond(json=RUNNING)
    monkeypatch.setattr(health, "record", AsyncMock(side_effect=trouble))
    monkeypatch.setattr(system_health, "record", without_back_off(system_health.record))
    state = await run()
    assert state.name == name
    assert health.record.await_count == tries


def without_back_off(task: Task[..., Any]) -> Task[..., Any]:
    return task.with_options(retry_delay_seconds=0, retry_jitter_factor=None)


async def test_the_tries_of_recording_end_before_the_deadline_of_the_flow() -> None:
    record = system_health.record
    delays = record.retry_delay_seconds
    assert isinstance(delays, list)
    jitter = 1 + (record.retry_jitter_factor or 0)
    recording = (record.retries + 1) * (record.timeout_seconds or 0) + sum(delays[: record.retries]) * jitter
    assert 9 + recording < (system_health_check.timeout_seconds or 0)


@pytest.mark.parametrize("late", [14, 16, 600], ids=lambda minutes: f"{minutes} min")
async def test_a_run_that_starts_when_the_next_is_due_is_skipped(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    route = wire.get(f"{ENGINE}/api/health").respond(json=RUNNING)
    due = datetime.now(UTC) - timedelta(minutes=late)
    monkeypatch.setattr(presentation.flow_run, "get_scheduled_start_time", lambda: due)
    state = await run()
    if late < 15:
        assert state.name == "Completed"
    else:
        assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
        assert state.message == f"{late} min late: the next run is due"
        assert not route.called


async def test_a_defect_fails_the_run_and_is_logged_whole(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(health, "probe_all", AsyncMock(side_effect=ZeroDivisionError("a defect")))
    with caplog.at_level(logging.ERROR):
        state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "a defect" in caplog.text


async def test_a_transient_error_is_known_by_its_type_alone() -> None:
    assert await presentation.is_transient(None, None, Failed(data=TransientError("store", "a moment")))
    assert not await presentation.is_transient(None, None, Failed(data=RejectedError("store", "no")))
