"""The nightly decision on a real Prefect server: state, artifact, linked retrain, event, messages."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import respx
from prefect import State, flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)
from prefect.events.filters import EventFilter, EventNameFilter, EventRelatedFilter
from prefect.tasks import Task

from flows import presentation, starting
from flows.ai import self_analysis
from flows.ai.self_analysis import gpt4_self_analysis
from flows.monitoring.system_health import system_health_check
from sandbox.faults import FaultBook, Kind, Rule
from tests.flows import announcing
from tests.flows.conftest import ENGINE
from tests.flows.test_system_health import without_back_off
from tests.unit.adapters.services import enveloped
from tests.unit.domain.decisions.builders import decision
from tests.unit.jobs.analysis_ground import GOOD, KEY, keep_week, language_model
from tests.unit.jobs.llm_wire import answer_text, responses
from tradeops.domain.decisions.board import Board
from tradeops.domain.decisions.decision import Analysis
from tradeops.domain.decisions.decision import Kind as Came
from tradeops.domain.notices import Level
from tradeops.errors import UnavailableError
from tradeops.jobs.decision import board as decision_board
from tradeops.jobs.decision import decisions
from tradeops.wiring import open_desk

TASKS: dict[str, Task[..., Any]] = {
    name: getattr(self_analysis, name) for name in ("read_market", "read_records", "finish")
}


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, task in TASKS.items():
        monkeypatch.setattr(self_analysis, name, without_back_off(task))


@pytest.fixture
def faults() -> FaultBook:
    return FaultBook()


@pytest.fixture
async def _llm(monkeypatch: pytest.MonkeyPatch, faults: FaultBook) -> AsyncIterator[None]:
    async with language_model(faults) as llm:
        monkeypatch.setenv("OPENAI_BASE_URL", llm)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("TRADEOPS_LLM_VOTE_SECONDS", "3")
        yield


@flow(name="adaptive-retrain")
def stand_in(decision_id: str) -> str:
    return decision_id


@pytest.fixture
async def retrain() -> AsyncIterator[Any]:
    """The id of a deployment `adaptive-retrain/adaptive-retrain` that nothing runs."""
    async with get_client() as client:
        flow_id = await client.create_flow(stand_in)
        deployment_id = await client.create_deployment(flow_id, "adaptive-retrain", enforce_parameter_schema=False)
        yield deployment_id
        await client.delete_deployment(deployment_id)


@pytest.fixture
async def analysis_deployment() -> AsyncIterator[Any]:
    """The id of a deployment `gpt4-self-analysis/gpt4-self-analysis` that nothing runs."""
    async with get_client() as client:
        flow_id = await client.create_flow(gpt4_self_analysis)
        deployment_id = await client.create_deployment(flow_id, "gpt4-self-analysis")
        yield deployment_id
        await client.delete_deployment(deployment_id)


async def run(**parameters: Any) -> State[Analysis]:  # noqa: ANN401 - parameters of the flow
    return await gpt4_self_analysis(**parameters, return_state=True)


async def week(**changed: Any) -> None:  # noqa: ANN401 - as `analysed`
    async with open_desk() as desk:
        await keep_week(desk, **changed)


async def artifact(state: State[Any]) -> str:
    where = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]),
        key=ArtifactFilterKey(any_=["gpt4-self-analysis"]),
    )
    async with get_client() as client:
        [found] = await client.read_artifacts(artifact_filter=where)
    return str(found.data)


async def orders(client: PrefectClient, deployment_id: Any) -> list[Any]:  # noqa: ANN401 - Prefect's
    where = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]))
    return list(await client.read_flow_runs(flow_run_filter=where))


async def made(state: State[Any]) -> list[dict[str, Any]]:
    """The payloads of `tradeops.decision.made` of a run."""
    event = EventFilter(
        event=EventNameFilter(name=["tradeops.decision.made"]),
        related=EventRelatedFilter(id=[f"prefect.flow-run.{state.state_details.flow_run_id}"]),
    )
    async with get_client() as client:
        for _ in range(1200):
            if found := (await client.read_events(filter=event, limit=10)).events:
                return [dict(one.payload) for one in found]
            await asyncio.sleep(0.1)
    pytest.fail("no event within two minutes")


@pytest.mark.usefixtures("_llm")
async def test_a_critical_week_starts_the_retrain_linked_to_the_run_and_warns(
    wire: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
    retrain: Any,  # noqa: ANN401 - Prefect's id
) -> None:
    del wire
    today = datetime.now(UTC).date().isoformat()
    await week()
    async with announcing.webhook(monkeypatch) as sink:
        state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Completed"), state.message
    async with get_client() as client:
        [started] = await orders(client, retrain)
        parent = await client.read_task_run(started.parent_task_run_id)
    assert (started.parameters, started.idempotency_key) == ({"decision_id": today}, today)
    assert parent.flow_run_id == state.state_details.flow_run_id
    analysis = await state.aresult()
    assert analysis.decision
    assert analysis.decision.retrain_run_id == str(started.id)
    text = await artifact(state)
    assert text.startswith(f"# ✓ Self-analysis of {today}: retrain, a retrain is started\n")
    assert str(started.id) in text
    for part in ("## Evidence", "## Votes", "## Rules", "| majority |", "| market | ✗ missing |", "in all."):
        assert part in text
    [message] = [one for one in announcing.arrived(sink) if one["event"] == "llm_decision"]
    assert (message["level"], message["key"]) == ("WARNING", f"decision:{today}:started")
    [payload] = await made(state)
    assert (payload["decision_id"], payload["start_retrain"], payload["retrain_run_id"]) == (
        today,
        True,
        str(started.id),
    )
    assert await announcing.broken() == {}
    assert "gpt4-self-analysis" in await announcing.heard_of()

    second = await run()  # the same night: the schedule after the alert
    assert (second.name, str(second.message).partition(":")[0]) == ("Completed", "decided already")
    async with get_client() as client:
        assert len(await orders(client, retrain)) == 1
    assert len([key for key in await announcing.sent() if key.startswith("decision:")]) == 1


@pytest.mark.usefixtures("_llm")
async def test_a_decision_without_its_deployment_is_kept_told_and_finished_later(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    del wire
    await week()
    async with announcing.webhook(monkeypatch) as sink:
        state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert "there is no deployment adaptive-retrain/adaptive-retrain" in str(state.message)
    assert await announcing.broken() == {"decision:retrain-start": Level.ERROR}
    assert sorted(announcing.events(sink)) == ["decision_degraded", "llm_decision"]
    async with get_client() as client:
        flow_id = await client.create_flow(stand_in)
        deployment_id = await client.create_deployment(flow_id, "adaptive-retrain", enforce_parameter_schema=False)
        later = await run()
        assert later.name == "Completed"
        assert len(await orders(client, deployment_id)) == 1
        await client.delete_deployment(deployment_id)
    assert await announcing.broken() == {}


async def grow_older(by: timedelta) -> None:
    """As if everything that the analysis left had happened so much earlier."""
    async with open_desk() as desk:
        [kept] = await desk.store.documents(decisions.COLLECTION)
        body = decisions.decision_of(kept.body)
        body = decisions.as_body(replace(body, made_at=body.made_at - by))
        await desk.store.put(decisions.COLLECTION, kept.key, body, expected_version=kept.version)
        await decision_board.change(desk.store, lambda board: (replace(board, pending={kept.key: body}), None))


@pytest.mark.usefixtures("_llm")
async def test_an_outage_of_prefect_at_three_is_made_good_by_the_next_health_check(
    wire: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
    retrain: Any,  # noqa: ANN401 - Prefect's id
    analysis_deployment: Any,  # noqa: ANN401 - the same
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    wire.get(f"{ENGINE}/api/health").respond(json=enveloped("Bot is running"))
    await week()
    with monkeypatch.context() as outage:
        outage.setattr(starting, "arun_deployment", down)
        assert (await run()).name == "Degraded"
    async with get_client() as client:
        await system_health_check()
        assert await orders(client, analysis_deployment) == []  # the run that decided may be at it still
        await grow_older(timedelta(minutes=15))
        await system_health_check()
        [called] = await orders(client, analysis_deployment)
        assert called.parent_task_run_id
        finished = await run(**called.parameters)
        assert finished.name == "Completed", finished.message
        [started] = await orders(client, retrain)
    assert str(started.id) in str(finished.message)
    analysis = await finished.aresult()
    assert analysis.decision
    assert await starting.find_retrain(analysis.decision) == str(started.id)
    assert await starting.find_retrain(replace(analysis.decision, decision_id="another")) is None
    assert await announcing.broken() == {}


@pytest.mark.usefixtures("_llm")
async def test_what_was_left_behind_calls_one_analysis_in_each_quarter_of_an_hour(
    wire: respx.MockRouter,
    analysis_deployment: Any,  # noqa: ANN401 - Prefect's id
) -> None:
    del wire
    await week()
    await run()  # there is no retrain to start

    @flow
    async def checks() -> None:
        now = datetime.now(UTC).replace(minute=10) + timedelta(hours=1)
        async with open_desk() as desk:
            for minutes in (0, 1, 15):
                await starting.finish_decision(desk, now=now + timedelta(minutes=minutes))

    await checks()
    async with get_client() as client:
        assert len(await orders(client, analysis_deployment)) == 2


async def test_that_it_is_not_known_what_was_left_behind_costs_no_health_check(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise UnavailableError("store", "down")

    wire.get(f"{ENGINE}/api/health").respond(json=enveloped("Bot is running"))
    monkeypatch.setattr(starting, "left_behind", down)
    assert (await system_health_check(return_state=True)).name == "Completed"
    assert "whether a decision waits to be finished is not known: store: down" in caplog.text


async def test_a_prefect_that_does_not_say_what_it_started_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(starting, "get_client", broken)
    with pytest.raises(UnavailableError, match="were not read: OSError: connection refused"):
        await starting.find_retrain(decision())


@pytest.mark.usefixtures("_llm")
@pytest.mark.parametrize(("changed", "reason"), [(GOOD, "no metric"), ({"trades": 3}, "3 trades in seven days")])
async def test_without_a_reason_the_run_is_skipped_and_says_why(
    wire: respx.MockRouter, changed: dict[str, Any], reason: str
) -> None:
    del wire
    await week(**changed)
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
    assert str(state.message).startswith(reason)
    assert (await artifact(state)).startswith("# ○ Self-analysis: skipped\n")
    assert await announcing.sent() == []
    assert "gpt4-self-analysis" in await announcing.heard_of()


@pytest.mark.usefixtures("_llm")
async def test_a_forced_run_asks_about_a_good_week(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    del wire
    await week(**GOOD)
    async with announcing.webhook(monkeypatch) as sink:
        state = await run(force_analysis=True)
    assert state.name == "Completed"
    assert str(state.message).startswith("wait, confidence 0.8; no retrain (majority, confidence)")
    assert [(one["event"], one["level"]) for one in announcing.arrived(sink)] == [("llm_decision", "INFO")]


async def test_without_a_key_the_run_is_skipped_with_the_analysis_of_the_rules(wire: respx.MockRouter) -> None:
    del wire
    await week()
    state = await run()
    assert state.name == "Skipped"
    assert "OPENAI_API_KEY is not set" in str(state.message)
    assert "## What the rules say (source: rules)" in await artifact(state)


@pytest.mark.usefixtures("_llm")
async def test_a_service_that_fails_ends_degraded_with_the_analysis_of_the_rules(
    wire: respx.MockRouter, faults: FaultBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    del wire
    monkeypatch.setenv("TRADEOPS_ANALYSIS_INTERVAL_SECONDS", "0.001")
    faults.add(Rule("llm", Kind.ERROR, status=500))
    await week()
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert "HTTP 500" in str(state.message)
    assert "## What the rules say (source: rules)" in await artifact(state)
    assert await announcing.broken() == {"decision:llm": Level.WARNING}
    faults.clear()
    assert "retrain" in str((await run()).message)
    assert "decision:llm" not in await announcing.broken()


async def test_a_run_that_is_too_late_is_skipped(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    del wire
    due = datetime.now(UTC) - timedelta(hours=7)
    monkeypatch.setattr(presentation.flow_run, "get_scheduled_start_time", lambda: due)
    state = await run()
    assert (state.name, "start it by hand" in str(state.message)) == ("Skipped", True)


async def test_a_store_that_is_down_fails_the_run(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    del wire
    await week(**GOOD)

    async def down(*_: object, **__: object) -> None:
        raise UnavailableError("store", "down")

    monkeypatch.setattr(decisions, "find", down)
    state = await run()
    assert (state.type.value, state.name, str(state.message)) == ("FAILED", "Failed", "store: down")


def test_all_tries_of_a_read_end_before_the_deadline() -> None:
    for task in TASKS.values():
        assert (task.retries, task.retry_delay_seconds) == (3, [5, 15, 45])
    assert gpt4_self_analysis.timeout_seconds == 300


@pytest.mark.parametrize(
    ("rest", "wait", "forced", "changed"),
    [
        pytest.param(200, 330, False, {}, id="shorter than two analyses may be apart"),
        pytest.param(200, 330, True, GOOD, id="forced, of a good week"),
        pytest.param(1800, 1800, False, {}, id="longer"),
    ],
)
async def test_a_service_that_wants_a_rest_is_asked_again_by_a_run_that_may_ask(
    wire: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
    analysis_deployment: Any,  # noqa: ANN401 - Prefect's id
    rest: int,
    wait: int,
    forced: bool,
    changed: dict[str, Any],
) -> None:
    for name, value in {"OPENAI_BASE_URL": "http://llm.test/v1", "OPENAI_API_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    llm = wire.post("http://llm.test/v1/responses")
    llm.respond(429, json={"error": {}}, headers={"retry-after": str(rest)})
    await week(**changed)
    assert (await run(force_analysis=forced)).name == "Degraded"
    async with get_client() as client:
        [again] = await orders(client, analysis_deployment)
    assert again.expected_start_time
    ahead = again.expected_start_time - datetime.now(UTC)
    assert timedelta(seconds=wait - 60) < ahead <= timedelta(seconds=wait)

    def later(board: Board) -> tuple[Board, None]:
        assert board.asked_at
        return replace(board, asked_at=board.asked_at - ahead), None

    async with open_desk() as desk:  # until that run begins
        await decision_board.change(desk.store, later)
    llm.respond(json=responses(answer_text(recommendation="wait")))
    state = await run(**again.parameters)
    assert (state.name, (await state.aresult()).kind) == ("Completed", Came.DECIDED), state.message


async def test_that_it_cannot_be_asked_again_is_told_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    @flow
    async def asking() -> str:
        await starting.again("no-such-job", key="again", after=timedelta(minutes=1))
        return "went on"

    assert await asking() == "went on"
    assert (
        "no-such-job is not started once more: prefect: there is no deployment no-such-job/no-such-job" in caplog.text
    )


async def test_a_prefect_that_does_not_take_a_run_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(starting, "arun_deployment", broken)
    with pytest.raises(UnavailableError, match="was not started: OSError: connection refused"):
        await starting.start("a/a", key="k", parameters={})
