"""`jobs.automations` against a real Prefect server."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.events import emit_event
from prefect.settings import PREFECT_API_URL

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.errors import MisconfiguredError, RejectedError
from tradeops.http import HttpPolicy, HttpService
from tradeops.jobs.automations import Applied, apply, read_definitions
from tradeops.jobs.reports.performance import CRITICAL_EVENT, RESOURCE

ROOT = Path(__file__).parents[2]
ALERT = """
automations:
  - name: run did not work
    trigger:
      type: event
      posture: Reactive
      expect: [prefect.flow-run.Failed]
      threshold: 1
      within: 0
    actions:
      - type: run-deployment
        deployment: run-state-alert/run-state-alert
        parameters:
          state: {__prefect_kind: jinja, template: "{{ flow_run.state.name }}"}
"""
EXAMPLE = """
  - name: example
    enabled: false
    trigger: {type: event, posture: Reactive, expect: [prefect.flow-run.Critical], threshold: 1, within: 0}
    actions: [{type: do-nothing}]
"""
DEPLOYED = {"run-state-alert/run-state-alert": "00000000-0000-4000-8000-000000000001"}


class Patient(httpx.AsyncHTTPTransport):
    """Asks again while Prefect's SQLite is busy, as `tradeops deploy` does, call by call."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(100):
            answer = await super().handle_async_request(request)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await answer.aclose()
            await asyncio.sleep(0.2)
        return answer


@pytest.fixture
async def api() -> AsyncIterator[PrefectApiClient]:
    async with httpx.AsyncClient(transport=Patient()) as pool:
        policy = HttpPolicy(read=timedelta(seconds=20))
        client = PrefectApiClient(HttpService(pool, system="prefect", base_url=PREFECT_API_URL.value(), policy=policy))
        yield client
        for left in await client.automations():
            await client.delete_automation(left.automation_id)


@flow(name="gpt4-self-analysis")
def stand_in(*, force_analysis: bool = False) -> bool:
    return force_analysis


async def test_a_critical_week_starts_the_decision(api: PrefectApiClient) -> None:
    [ours] = [
        one
        for one in read_definitions((ROOT / "automations.yaml").read_text())
        if one["name"] == "tradeops: a critical week is analysed at once"
    ]
    async with get_client() as client:
        flow_id = await client.create_flow(stand_in)
        deployment_id = await client.create_deployment(flow_id, "gpt4-self-analysis")
        await apply(api, [ours], {"gpt4-self-analysis/gpt4-self-analysis": str(deployment_id)})
        emit_event("tradeops.performance.other", {"prefect.resource.id": RESOURCE}, payload={})
        started = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]))
        sent, runs = 0, []
        while not runs and sent < 8:  # Prefect tries an action once, and its SQLite may be busy just then
            emit_event(CRITICAL_EVENT, {"prefect.resource.id": RESOURCE}, payload={"date": "2026-11-25"})
            sent += 1
            for _ in range(150):
                if runs := await client.read_flow_runs(flow_run_filter=started):
                    break
                await asyncio.sleep(0.1)
        await client.delete_deployment(deployment_id)
    assert 1 <= len(runs) <= sent
    assert {run.parameters.get("force_analysis", False) for run in runs} == {False}


async def names(api: PrefectApiClient) -> list[str]:
    return sorted(one.name for one in await api.automations())


async def test_what_is_missing_is_created_and_a_second_time_changes_nothing(api: PrefectApiClient) -> None:
    definitions = read_definitions(ALERT + EXAMPLE)
    assert await apply(api, definitions, DEPLOYED) == Applied(created=("run did not work", "example"))
    before = await api.automations()
    assert await apply(api, definitions, DEPLOYED) == Applied(unchanged=("run did not work", "example"))
    assert await api.automations() == before


async def test_what_changed_in_the_file_is_replaced_in_its_place(api: PrefectApiClient) -> None:
    await apply(api, read_definitions(ALERT), DEPLOYED)
    [before] = await api.automations()
    changed = read_definitions(ALERT.replace("Failed", "Crashed"))
    assert await apply(api, changed, DEPLOYED) == Applied(replaced=("run did not work",))
    [after] = await api.automations()
    assert (after.automation_id, after.tags == before.tags) == (before.automation_id, False)


async def test_a_deployment_with_another_id_is_a_change(api: PrefectApiClient) -> None:
    await apply(api, read_definitions(ALERT), DEPLOYED)
    elsewhere = {name: one.replace("1", "2") for name, one in DEPLOYED.items()}
    assert (await apply(api, read_definitions(ALERT), elsewhere)).replaced == ("run did not work",)


async def test_what_is_no_longer_in_the_file_is_removed_and_what_is_not_ours_stays(api: PrefectApiClient) -> None:
    [theirs] = read_definitions("automations:" + EXAMPLE.replace("example", "theirs"))
    await api.put_automation(theirs)
    await apply(api, read_definitions(ALERT + EXAMPLE), DEPLOYED)
    assert (await apply(api, read_definitions(ALERT), DEPLOYED)).removed == ("example",)
    assert await names(api) == ["run did not work", "theirs"]


async def test_removing_what_is_gone_already_is_no_error(api: PrefectApiClient) -> None:
    await api.delete_automation("00000000-0000-4000-8000-000000000009")


async def test_an_action_on_a_deployment_that_is_not_there_is_told_before_anything_is_changed(
    api: PrefectApiClient,
) -> None:
    with pytest.raises(MisconfiguredError, match="run did not work starts run-state-alert/run-state-alert"):
        await apply(api, read_definitions(ALERT), {})
    assert await names(api) == []


async def test_a_definition_that_prefect_does_not_take_is_refused(api: PrefectApiClient) -> None:
    with pytest.raises(RejectedError):
        await apply(api, read_definitions(ALERT.replace("posture: Reactive", "posture: Sleepy")), DEPLOYED)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("automations: [", "is no YAML", id="no YAML"),
        pytest.param("[]", "has no list `automations`", id="no mapping"),
        pytest.param("automations: {}", "has no list `automations`", id="no list"),
        pytest.param("automations: [{trigger: {}}]", "has no list `automations` of entries with a name", id="no name"),
        pytest.param("automations: [{name: a}, {name: a}]", "names twice: a", id="one name twice"),
    ],
)
def test_a_file_of_another_shape_is_told(text: str, problem: str) -> None:
    with pytest.raises(MisconfiguredError, match=problem):
        read_definitions(text)
