"""What Prefect 3.8.8 answers, shapes as a real server sent them, and what we make of it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import respx

from tests.unit.adapters.services import ADDRESS, service
from tradeops.adapters.prefect_api.client import PAGE, Deployment, Event, PrefectApiClient, Run, Worker
from tradeops.errors import (
    ContractError,
    MisconfiguredError,
    RejectedError,
    TradeOpsError,
    TransientError,
    UnavailableError,
)

POOL = "tradeops"
FLOW_ID = "b6afa240-2a9b-4a82-b896-cd2809515e93"
DEPLOYMENT_ID = "e45652aa-b5a2-47f4-a958-cf27e8e52643"
RUN_ID = "7046b05d-c0f3-440f-9fba-1d4c9db9387a"
RECORD_ID, ARTIFACT_ID = "f26f8e16-436e-4568-87ab-e92d34662754", "f6a3037d-98ae-4fff-a1f0-417726b1e54a"
STAMPS = {"created": "2026-11-25T13:13:50.667197Z", "updated": "2026-11-25T13:13:57.719000Z"}
CRITICAL_RUN: dict[str, Any] = {
    "id": RUN_ID,
    **STAMPS,
    "name": "petite-herring",
    "flow_id": FLOW_ID,
    "deployment_id": DEPLOYMENT_ID,
    "parameters": {},
    "idempotency_key": None,
    "tags": ["monitoring", "tradeops"],
    "state_type": "FAILED",
    "state_name": "Critical",
    "run_count": 1,
    "expected_start_time": "2026-11-25T13:13:50.645458Z",
    "next_scheduled_start_time": None,
    "start_time": "2026-11-25T13:13:54.715964Z",
    "end_time": "2026-11-25T13:13:57.695596Z",
    "total_run_time": 2.979632,
    "estimated_run_time": 2.979632,
    "auto_scheduled": False,
    "work_pool_name": POOL,
    "state": {
        "id": "01a212d7-6cbf-7545-8065-d833c78aec0a",
        "type": "FAILED",
        "name": "Critical",
        "timestamp": "2026-11-25T13:13:57.695596Z",
        "message": "frontend",
        "data": None,
    },
    "job_variables": {},
}
SCHEDULED_RUN: dict[str, Any] = CRITICAL_RUN | {
    "state_type": "SCHEDULED",
    "state_name": "Scheduled",
    "run_count": 0,
    "start_time": None,
    "end_time": None,
    "total_run_time": 0.0,
    "estimated_run_time": 0.0,
    "state": CRITICAL_RUN["state"] | {"type": "SCHEDULED", "name": "Scheduled", "message": None},
}
WORKER = {
    "id": "ead02d71-1880-430e-aa7d-f8f25bcea958",
    **STAMPS,
    "name": "tradeops-up-14851",
    "work_pool_id": "46dfb788-3497-4e28-b8b1-69cb5ee1e74c",
    "last_heartbeat_time": "2026-11-25T13:13:50.360844Z",
    "heartbeat_interval_seconds": 30,
    "status": "ONLINE",
}
DEPLOYED = {"id": DEPLOYMENT_ID, **STAMPS, "name": "system-health-check", "flow_id": FLOW_ID, "work_pool_name": POOL}
FLOW = {"id": FLOW_ID, **STAMPS, "name": "system-health-check", "tags": [], "labels": {}}
LATEST = {"id": RECORD_ID, **STAMPS, "key": "system-health-check", "latest_id": ARTIFACT_ID, "type": "markdown"}


@pytest.fixture
async def api() -> AsyncIterator[PrefectApiClient]:
    async with service("prefect") as http:
        yield PrefectApiClient(http)


def sent(route: respx.Route) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


async def test_a_server_that_says_true_is_well(api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{ADDRESS}/health").respond(json=True)
    reading = await api.health(within=timedelta(seconds=1))
    assert reading.value is True
    assert api.base_url == ADDRESS


@pytest.mark.parametrize("body", [False, "true", {"status": "ok"}, 1], ids=str)
async def test_anything_else_is_not_well(body: object, api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{ADDRESS}/health").respond(json=body)
    with pytest.raises(RejectedError, match="not true"):
        await api.health()


async def test_the_version_is_a_bare_text(api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(f"{ADDRESS}/admin/version").respond(json="3.8.8")
    assert await api.version() == "3.8.8"
    route.respond(json={"version": "3.8.8"})
    with pytest.raises(ContractError, match="no version text"):
        await api.version()


async def test_a_run_is_read_as_it_stands(api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{ADDRESS}/flow_runs/{RUN_ID}").respond(json=CRITICAL_RUN)
    run = await api.run(RUN_ID)
    assert run == Run(
        run_id=RUN_ID,
        name="petite-herring",
        state_type="FAILED",
        state_name="Critical",
        message="frontend",
        expected_at=datetime(2026, 11, 25, 13, 13, 50, 645458, UTC),
        started_at=datetime(2026, 11, 25, 13, 13, 54, 715964, UTC),
        ended_at=datetime(2026, 11, 25, 13, 13, 57, 695596, UTC),
        duration=timedelta(seconds=2.979632),
    )
    assert run.is_final


async def test_a_run_that_is_at_work_counts_the_time_that_has_passed(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    state = {"type": "RUNNING", "name": "Running", "message": ""}
    running = CRITICAL_RUN | {"total_run_time": 0.0, "estimated_run_time": 1.5, "end_time": None, "state": state}
    respx_mock.get(f"{ADDRESS}/flow_runs/{RUN_ID}").respond(json=running)
    run = await api.run(RUN_ID)
    assert (run.duration, run.is_final, run.message) == (timedelta(seconds=1.5), False, "")


@pytest.mark.parametrize(
    ("state", "final"),
    [
        ("SCHEDULED", False),
        ("PENDING", False),
        ("RUNNING", False),
        ("PAUSED", False),
        ("CANCELLING", False),
        ("COMPLETED", True),
        ("FAILED", True),
        ("CRASHED", True),
        ("CANCELLED", True),
    ],
)
async def test_which_states_are_the_end(
    state: str, final: bool, api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    found = CRITICAL_RUN | {"state": {"type": state, "name": state.title()}}
    respx_mock.get(f"{ADDRESS}/flow_runs/{RUN_ID}").respond(json=found)
    assert (await api.run(RUN_ID)).is_final is final


async def test_a_run_before_its_first_state_is_not_at_its_end(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(f"{ADDRESS}/flow_runs/{RUN_ID}").respond(json=SCHEDULED_RUN | {"state": None})
    run = await api.run(RUN_ID)
    assert (run.state_type, run.state_name, run.message, run.is_final) == ("", "", "", False)


async def test_a_run_that_is_not_there_is_a_refusal(api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(f"{ADDRESS}/flow_runs/{RUN_ID}").respond(404, json={"detail": "Flow run not found"})
    with pytest.raises(RejectedError, match="Flow run not found"):
        await api.run(RUN_ID)


async def test_a_field_that_is_missing_is_named_and_never_zero(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    found = {name: value for name, value in CRITICAL_RUN.items() if name != "estimated_run_time"}
    respx_mock.get(f"{ADDRESS}/flow_runs/{RUN_ID}").respond(json=found)
    with pytest.raises(ContractError, match="estimated_run_time is missing"):
        await api.run(RUN_ID)


async def test_late_runs_are_asked_for_by_state_and_time(api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    late = SCHEDULED_RUN | {"state": {"type": "SCHEDULED", "name": "Late", "message": None}}
    route = respx_mock.post(f"{ADDRESS}/flow_runs/filter").respond(json=[late])
    before = datetime(2026, 11, 25, 13, 10, tzinfo=UTC)
    (run,) = await api.late_runs(expected_before=before)
    assert run.state_name == "Late"
    assert sent(route) == {
        "flow_runs": {
            "state": {"name": {"any_": ["Late"]}},
            "expected_start_time": {"before_": "2026-11-25T13:10:00+00:00"},
        },
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": PAGE,
    }


async def test_the_next_runs_are_the_scheduled_ones_of_the_deployments(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(f"{ADDRESS}/flow_runs/filter").respond(json=[SCHEDULED_RUN])
    (run,) = await api.next_runs([DEPLOYMENT_ID], limit=1)
    assert run.expected_at == datetime(2026, 11, 25, 13, 13, 50, 645458, UTC)
    assert sent(route) == {
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "deployments": {"id": {"any_": [DEPLOYMENT_ID]}},
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": 1,
    }


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False)])
async def test_whether_a_pool_is_there(
    status: int, there: bool, api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(f"{ADDRESS}/work_pools/my%20pool").respond(status, json={"name": "my pool"})
    assert await api.has_pool("my pool") is there


async def test_a_server_in_trouble_is_no_answer_about_a_pool(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(f"{ADDRESS}/work_pools/{POOL}").respond(503, text="Service Unavailable")
    with pytest.raises(TransientError, match="503"):
        await api.has_pool(POOL)


async def test_workers_that_are_gone_are_told_from_those_at_work(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    gone = WORKER | {"name": "gone", "status": "OFFLINE", "last_heartbeat_time": None}
    respx_mock.post(f"{ADDRESS}/work_pools/{POOL}/workers/filter").respond(json=[WORKER, gone])
    assert await api.workers(POOL) == (
        Worker("tradeops-up-14851", online=True, last_heartbeat_at=datetime(2026, 11, 25, 13, 13, 50, 360844, UTC)),
        Worker("gone", online=False, last_heartbeat_at=None),
    )


async def test_workers_of_a_pool_that_is_not_there_are_a_refusal(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    answer = {"detail": 'Work pool "nothing" not found.'}
    respx_mock.post(f"{ADDRESS}/work_pools/nothing/workers/filter").respond(404, json=answer)
    with pytest.raises(RejectedError, match="not found"):
        await api.workers("nothing")


async def test_a_deployment_bears_the_name_that_prefect_deployment_run_takes(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    just_deleted = DEPLOYED | {"id": "0" * 36, "flow_id": "1" * 36}
    deployed = respx_mock.post(f"{ADDRESS}/deployments/filter").respond(json=[DEPLOYED, just_deleted])
    flows = respx_mock.post(f"{ADDRESS}/flows/filter").respond(json=[FLOW])
    expected = (Deployment(DEPLOYMENT_ID, "system-health-check/system-health-check"),)
    assert await api.deployments(POOL) == expected
    assert sent(deployed)["work_pools"] == {"name": {"any_": [POOL]}}
    assert sent(flows)["flows"] == {"id": {"any_": [FLOW_ID, "1" * 36]}}


@pytest.mark.parametrize(
    ("options", "more"),
    [
        pytest.param({}, {"parameters": {}}, id="plain"),
        pytest.param(
            {"parameters": {"days": 7}, "idempotency_key": "once"},
            {"parameters": {"days": 7}, "idempotency_key": "once"},
            id="with parameters, once",
        ),
    ],
)
async def test_a_started_run_is_scheduled_for_now(
    options: dict[str, Any], more: dict[str, Any], api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(f"{ADDRESS}/deployments/{DEPLOYMENT_ID}/create_flow_run").respond(201, json=SCHEDULED_RUN)
    run = await api.start(DEPLOYMENT_ID, **options)
    assert (run.run_id, run.state_name, run.is_final) == (RUN_ID, "Scheduled", False)
    assert sent(route) == {"state": {"type": "SCHEDULED"}} | more


async def test_the_last_run_of_a_deployment_is_found_whoever_started_it(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(f"{ADDRESS}/flow_runs/filter").respond(json=[CRITICAL_RUN])
    run = await api.last_run(DEPLOYMENT_ID)
    assert run is not None
    assert (run.run_id, run.state_name) == (RUN_ID, "Critical")
    assert sent(route) == {
        "deployments": {"id": {"any_": [DEPLOYMENT_ID]}},
        "sort": "EXPECTED_START_TIME_DESC",
        "limit": 1,
    }
    route.respond(json=[])
    assert await api.last_run(DEPLOYMENT_ID) is None


async def test_a_start_is_never_sent_twice(api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.post(f"{ADDRESS}/deployments/{DEPLOYMENT_ID}/create_flow_run")
    route.side_effect = httpx.ReadError("reset")
    with pytest.raises(UnavailableError):
        await api.start(DEPLOYMENT_ID)
    assert route.call_count == 1


async def test_the_latest_artifact_is_not_the_record_of_its_key(
    api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(f"{ADDRESS}/artifacts/latest/filter").respond(json=[LATEST])
    assert await api.artifact_id("system-health-check") == ARTIFACT_ID
    assert sent(route) == {"artifacts": {"key": {"any_": ["system-health-check"]}}, "limit": 1}
    route.respond(json=[])
    assert await api.artifact_id("system-health-check") is None


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(401, '{"exception_message": "Unauthorized"}', MisconfiguredError, id="unauthorised"),
        pytest.param(403, "", MisconfiguredError, id="forbidden"),
        pytest.param(422, '{"detail": "Invalid limit"}', RejectedError, id="refused"),
        pytest.param(503, '{"exception_message": "Internal Server Error"}', TransientError, id="SQLite is busy"),
        pytest.param(200, "<!doctype html>", ContractError, id="a page instead of an API"),
        pytest.param(200, "{}", ContractError, id="no list"),
        pytest.param(200, "", ContractError, id="empty"),
        pytest.param(200, '[{"name": "x"}]', ContractError, id="another shape"),
    ],
)
async def test_trouble_is_typed(
    status: int, body: str, expected: type[TradeOpsError], api: PrefectApiClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.post(f"{ADDRESS}/flow_runs/filter").respond(status, text=body)
    with pytest.raises(expected, match=ADDRESS) as raised:
        await api.next_runs([DEPLOYMENT_ID])
    assert raised.value.system == "prefect"


async def test_an_event_is_handed_over_with_its_payload(api: PrefectApiClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.post(f"{ADDRESS}/events").respond(204)
    happened = Event(
        event_id=UUID(RUN_ID),
        name="tradeops.strategy.loss-limit-breached",
        resource_id="tradeops.strategy.portfolio",
        resource_name="portfolio",
        occurred_at=datetime(2026, 11, 25, 13, 13, 50, tzinfo=UTC),
        payload={"strategy": "portfolio", "loss": {"percent": "10.01"}},
    )
    await api.emit_event(happened, within=timedelta(seconds=1))
    assert json.loads(route.calls.last.request.content) == [
        {
            "id": RUN_ID,
            "occurred": "2026-11-25T13:13:50+00:00",
            "event": "tradeops.strategy.loss-limit-breached",
            "resource": {
                "prefect.resource.id": "tradeops.strategy.portfolio",
                "prefect.resource.name": "portfolio",
            },
            "payload": {"strategy": "portfolio", "loss": {"percent": "10.01"}},
        }
    ]
    route.respond(422, json={"detail": "Invalid event"})
    with pytest.raises(RejectedError, match="Invalid event"):
        await api.emit_event(happened)
