"""The night goes on while Prefect's server is busy, and starts nothing twice."""

import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from rich.console import Console

from tradeops.adapters.prefect_api.client import Deployment, PrefectApiClient
from tradeops.cli import night
from tradeops.errors import TransientError
from tradeops.http import HttpPolicy, HttpService, open_pool

API = "http://prefect.test/api"
BUSY = httpx.Response(503, json={"exception_message": "Service Unavailable"})
DEPLOYED = Deployment("d1", "system-health-check/system-health-check")


def a_run(state: str) -> httpx.Response:
    body: dict[str, Any] = {"id": "r1", "name": "wise-owl", "deployment_id": "d1"}
    body |= {"state_type": state, "state_name": state.title(), "state": {"type": state, "name": state.title()}}
    return httpx.Response(200, json=body)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "LOOK_AGAIN_SECONDS", 0.001)


@pytest.fixture
async def api() -> AsyncIterator[PrefectApiClient]:
    async with open_pool() as pool:
        yield PrefectApiClient(HttpService(pool, system="prefect", base_url=API, policy=HttpPolicy()))


async def the_night(api: PrefectApiClient) -> list[night.Job]:
    return await night.run_night(api, [DEPLOYED], {}, ui="http://ui", console=Console(file=io.StringIO()))


async def test_a_busy_server_is_asked_again_and_runs_each_job_once(api: PrefectApiClient) -> None:
    with respx.mock() as server:
        start = server.post(f"{API}/deployments/d1/create_flow_run").mock(side_effect=[BUSY, BUSY, a_run("SCHEDULED")])
        server.get(f"{API}/flow_runs/r1").mock(side_effect=[a_run("RUNNING"), BUSY, a_run("COMPLETED")])
        [job] = await the_night(api)
    assert job.as_expected
    assert len({json.loads(call.request.content)["idempotency_key"] for call in start.calls}) == 1
    assert start.call_count == 3


async def test_a_server_that_stays_away_ends_the_night(api: PrefectApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "BUSY_SERVER", timedelta(seconds=0.05))
    with respx.mock() as server:
        server.post(f"{API}/deployments/d1/create_flow_run").mock(return_value=BUSY)
        with pytest.raises(TransientError, match="503"):
            await the_night(api)
