"""How runs show themselves: states for each verdict, lateness, events, one artifact."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.states import State

from flows import presentation
from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.domain.health import Severity
from tradeops.errors import CriticalVerdictError, RejectedError
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.rendering.page import Page, Text


@flow
async def judged(severity: Severity | None, mishaps: Sequence[object] = ()) -> State[str]:
    return presentation.end_state("some-job", "the report", severity, "it is so", mishaps=mishaps)


@pytest.mark.parametrize(
    ("severity", "lost", "expected"),
    [
        (Severity.HEALTHY, False, ("COMPLETED", "Completed", "it is so")),
        (Severity.DEGRADED, False, ("COMPLETED", "Degraded", "it is so")),
        (Severity.CRITICAL, False, ("FAILED", "Critical", "it is so")),
        (None, False, ("COMPLETED", "InsufficientData", "it is so")),
        (Severity.HEALTHY, True, ("COMPLETED", "Degraded", "it is so; not kept: store: full")),
        (Severity.DEGRADED, True, ("COMPLETED", "Degraded", "it is so; not kept: store: full")),
        (Severity.CRITICAL, True, ("FAILED", "Critical", "it is so; not kept: store: full")),
        (None, True, ("COMPLETED", "Degraded", "it is so; not kept: store: full")),
    ],
)
async def test_each_verdict_has_its_state(
    severity: Severity | None, lost: bool, expected: tuple[str, str, str]
) -> None:
    mishaps = ["kept", RejectedError("store", "full")] if lost else ["kept", None]
    state = await judged(severity, mishaps, return_state=True)
    assert (state.type.value, state.name, state.message) == expected
    if severity is Severity.CRITICAL:
        with pytest.raises(CriticalVerdictError, match="some-job: critical: it is so"):
            await state.aresult()
    else:
        assert await state.aresult() == "the report"


@flow
async def unable() -> State[None]:
    return presentation.failed(RejectedError("engine", "no such day", remedy="ask for another"))


async def test_a_job_that_cannot_do_its_work_fails_with_one_line_and_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = await unable(return_state=True)
    expected = "engine: no such day; ask for another"
    assert (state.type.value, state.name, state.message) == ("FAILED", "Failed", expected)
    assert not [record for record in caplog.records if record.exc_info]
    assert [record.getMessage() for record in caplog.records].count(expected) == 1
    with pytest.raises(RejectedError, match="no such day"):
        await unable()


@pytest.mark.parametrize(("hours", "skipped"), [(0.0, False), (5.9, False), (6.1, True), (100.0, True)])
def test_a_daily_run_later_than_its_grace_is_too_late(
    monkeypatch: pytest.MonkeyPatch, hours: float, skipped: bool
) -> None:
    due = datetime.now(UTC) - timedelta(hours=hours)
    monkeypatch.setattr(presentation.flow_run, "get_scheduled_start_time", lambda: due)
    reason = presentation.too_late(timedelta(hours=6))
    assert bool(reason) is skipped
    if skipped:
        assert reason == f"{hours:.1f} h late, more than 6 h; run it with the parameter `date` to make this report"


def test_how_late_is_never_rounded_to_the_grace_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    due = datetime.now(UTC) - timedelta(hours=6, seconds=1)
    monkeypatch.setattr(presentation.flow_run, "get_scheduled_start_time", lambda: due)
    assert "6.0 h late, more than 6 h" not in presentation.too_late(timedelta(hours=6))


@flow
async def telling(payload: dict[str, object]) -> None:
    presentation.emit("tradeops.test.told", "tradeops.test.thing", payload)


async def test_an_event_names_what_it_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, object]] = []
    monkeypatch.setattr(presentation, "emit_event", lambda **event: told.append(event))
    await telling({"figure": 1})
    assert told == [
        {
            "event": "tradeops.test.told",
            "resource": {"prefect.resource.id": "tradeops.test.thing"},
            "payload": {"figure": 1},
        }
    ]


async def test_an_event_that_cannot_be_told_is_logged_and_costs_no_report(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(presentation, "emit_event", Mock(side_effect=RuntimeError("no events today")))
    state = await telling({"figure": 1}, return_state=True)
    assert state.name == "Completed"
    assert "the event tradeops.test.told was not emitted: no events today" in caplog.text


async def test_an_event_reaches_the_server() -> None:
    mark = str(uuid4())
    await telling({"mark": mark})
    wanted = EventFilter(event=EventNameFilter(name=["tradeops.test.told"]))
    async with get_client() as client:
        for _ in range(1200):
            found = (await client.read_events(filter=wanted, limit=50)).events
            if [event for event in found if event.payload == {"mark": mark}]:
                return
            await asyncio.sleep(0.1)
    pytest.fail("no such event within two minutes")


@flow
async def publishing() -> None:
    await presentation.publish("some-page", Page("All is <b>", Severity.HEALTHY, (Text("well"),)))


async def test_a_page_becomes_the_one_artifact_of_its_run() -> None:
    state = await publishing(return_state=True)
    where = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client:
        [found] = await client.read_artifacts(artifact_filter=where)
    assert (found.type, found.key) == ("markdown", "some-page")
    assert str(found.data) == "# ✓ All is &lt;b&gt;\n\nwell\n"


async def test_the_page_of_the_latest_artifact_is_found_by_its_key() -> None:
    await publishing()
    state = await publishing(return_state=True)
    where = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client, open_pool() as pool:
        [found] = await client.read_artifacts(artifact_filter=where)
        api = PrefectApiClient(
            HttpService(pool, system="prefect", base_url=str(client.api_url).rstrip("/"), policy=HttpPolicy())
        )
        assert await api.artifact_id("some-page") == str(found.id)
        assert await api.artifact_id("no-such-page") is None
