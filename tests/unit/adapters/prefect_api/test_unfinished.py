"""Runs that have not ended, in shapes as Prefect 3.8.8 sent them; the ways of a real server are met in tests/flows."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import respx

from tests.unit.adapters.services import ADDRESS, service
from tradeops.adapters.prefect_api.unfinished import AT_ONCE, DeployedJob, UnfinishedRun, UnfinishedRuns

RUN_ID, DEPLOYMENT_ID = "d89863b3-c00a-4753-86e4-6ca5284ae02d", "9f9db214-c8f5-4716-af85-15f129f47e3e"
STARTED = "2026-11-25T19:49:28.056091Z"
RUN: dict[str, Any] = {
    "id": RUN_ID,
    "name": "ubiquitous-bettong",
    "deployment_id": DEPLOYMENT_ID,
    "parameters": {"symbols": ["BTCUSDT"]},
    "idempotency_key": "again-of-x",
    "start_time": STARTED,
    "estimated_run_time": 3.5,
    "infrastructure_pid": "19155",
    "state": {"id": "01a21441-234b-71ca-8106-4ce0ff8f679b", "type": "RUNNING", "name": "Running", "message": None},
}
DEPLOYMENT: dict[str, Any] = {
    "id": DEPLOYMENT_ID,
    "name": "adaptive-retrain",
    "flow_id": "7a7c12ff-ad44-43bb-b859-6a1a6c365db5",
    "updated": "2026-11-25T19:49:00.595000Z",
    "job_variables": {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}},
    "global_concurrency_limit": {"limit": 1, "active_slots": 1, "active": True},
    "concurrency_options": {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": None},
}


@pytest.fixture
async def runs() -> AsyncIterator[UnfinishedRuns]:
    async with service("prefect") as http:
        yield UnfinishedRuns(http)


@pytest.mark.parametrize(
    ("infrastructure", "pid"), [("19155", 19155), (None, None), ("host:0a1b2c", None)], ids=["process", "none", "else"]
)
async def test_a_run_is_read_with_what_it_takes_to_do_its_work_again(
    runs: UnfinishedRuns, respx_mock: respx.MockRouter, infrastructure: str | None, pid: int | None
) -> None:
    route = respx_mock.post(f"{ADDRESS}/flow_runs/filter").respond(json=[RUN | {"infrastructure_pid": infrastructure}])
    assert await runs.at_work(["b", "a"]) == (
        UnfinishedRun(
            run_id=RUN_ID,
            name="ubiquitous-bettong",
            deployment_id=DEPLOYMENT_ID,
            state_type="RUNNING",
            state_id="01a21441-234b-71ca-8106-4ce0ff8f679b",
            message="",
            started_at=datetime.fromisoformat(STARTED),
            idempotency_key="again-of-x",
            pid=pid,
            parameters={"symbols": ["BTCUSDT"]},
        ),
    )
    asked = json.loads(route.calls.last.request.content)
    assert asked["deployments"] == {"name": {"any_": ["a", "b"]}}
    assert asked["flow_runs"] == {"state": {"type": {"any_": ["PENDING", "RUNNING", "CANCELLING"]}}}


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        pytest.param({"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}, 30, id="as deployed"),
        pytest.param({"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": 45}}, 45, id="a number"),
        pytest.param({"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "soon"}}, 180, id="nonsense"),
        pytest.param({"env": {}}, 180, id="Prefect's default"),
        pytest.param({}, 180, id="no environment"),
    ],
)
async def test_how_often_runs_of_a_deployment_beat_is_read_from_it(
    runs: UnfinishedRuns, respx_mock: respx.MockRouter, variables: dict[str, Any], seconds: int
) -> None:
    route = respx_mock.post(f"{ADDRESS}/deployments/filter")
    route.respond(json=[DEPLOYMENT | {"job_variables": variables}])
    [deployed] = (await runs.deployed([DEPLOYMENT_ID])).values()
    assert deployed.beat == timedelta(seconds=seconds)
    assert (deployed.name, deployed.limit, deployed.taken, deployed.cancels_new) == ("adaptive-retrain", 1, 1, True)


@pytest.mark.parametrize(("minutes", "seconds"), [(-1, 180), (1, 30), (None, 30)], ids=["before", "after", "not yet"])
def test_a_run_that_began_before_its_deployment_changed_may_beat_as_before(minutes: int | None, seconds: int) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    deployed = DeployedJob("d", "n", timedelta(seconds=30), noon, None, 0, cancels_new=False)
    began = None if minutes is None else noon + timedelta(minutes=minutes)
    run = UnfinishedRun("r", "n", "d", "RUNNING", "s", "", began, None, None)
    assert deployed.beat_of(run) == timedelta(seconds=seconds)


async def test_heartbeats_are_asked_for_in_pages_and_sorted_by_run(
    runs: UnfinishedRuns, respx_mock: respx.MockRouter
) -> None:
    beats = [{"id": f"e-{n}", "resource": {"prefect.resource.id": "prefect.flow-run.r-7"}} for n in range(2)]
    other = {"id": "e-9", "resource": {"prefect.resource.id": "prefect.flow-run.unasked"}}
    route = respx_mock.post(f"{ADDRESS}/events/filter").respond(json={"events": [*beats, other], "total": 3})
    found = await runs.beats([f"r-{n}" for n in range(AT_ONCE + 1)])
    assert route.call_count == 2
    assert {run_id: ids for run_id, ids in found.items() if ids} == {"r-7": {"e-0", "e-1"}}


@pytest.mark.parametrize(("status", "taken"), [("ACCEPT", True), ("ABORT", False), ("REJECT", False)])
async def test_a_run_that_has_ended_by_itself_keeps_its_end(
    runs: UnfinishedRuns, respx_mock: respx.MockRouter, status: str, *, taken: bool
) -> None:
    route = respx_mock.post(f"{ADDRESS}/flow_runs/{RUN_ID}/set_state").respond(201, json={"status": status})
    assert await runs.end(RUN_ID, state="CRASHED", name="Crashed", message="quiet") is taken
    asked = json.loads(route.calls.last.request.content)
    assert asked == {"state": {"type": "CRASHED", "name": "Crashed", "message": "quiet"}, "force": False}
