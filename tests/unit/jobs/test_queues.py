"""Queues are read from prefect.yaml and arranged on the server; `tests/flows/test_queues.py` does it on a real one."""

import json

import httpx
import pytest
import respx

from tests.unit.adapters.services import ADDRESS, service
from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.prefect_api.queues import WorkQueue
from tradeops.errors import MisconfiguredError, RejectedError
from tradeops.jobs.queues import Arranged, arrange, read_queues

QUEUES = f"{ADDRESS}/work_pools/tradeops/queues"
WANTED = (WorkQueue("monitoring", 1), WorkQueue("research", 2, 3))


def test_they_are_served_in_the_order_of_the_file() -> None:
    text = "definitions: {queues: [{name: monitoring}, {name: research, concurrency_limit: 3}]}"
    assert read_queues(text) == WANTED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("a: [", "prefect.yaml is no YAML", id="no YAML"),
        pytest.param("definitions: {queues: []}", "has no list `queues`", id="none"),
        pytest.param("definitions: {queues: [research]}", "entry 1 of `queues`", id="a bare name"),
        pytest.param("definitions: {queues: [{name: a, limit: 2}]}", "entry 1 of `queues`", id="an unknown key"),
        pytest.param("definitions: {queues: [{name: a, concurrency_limit: 0}]}", "entry 1 of `queues`", id="no slot"),
    ],
)
def test_a_file_without_good_queues_is_told(text: str, problem: str) -> None:
    with pytest.raises(MisconfiguredError, match=problem):
        read_queues(text)


async def test_what_is_in_order_is_left_alone(respx_mock: respx.MockRouter) -> None:
    there = [{"name": q.name, "priority": q.priority, "concurrency_limit": q.most_at_once} for q in WANTED]
    respx_mock.post(f"{QUEUES}/filter").respond(json=[*there, {"name": "theirs", "priority": 3}])
    async with service("prefect") as http:
        assert await arrange(PrefectApiClient(http), "tradeops", WANTED) == Arranged()


async def test_one_that_somebody_else_has_just_made_is_changed(respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{QUEUES}/filter").respond(json=[{"name": "monitoring", "priority": 1}])
    respx_mock.post(QUEUES).respond(409, json={"detail": "it exists"})
    change = respx_mock.patch(f"{QUEUES}/research").respond(204)
    async with service("prefect") as http:
        assert await arrange(PrefectApiClient(http), "tradeops", WANTED) == Arranged(changed=("research",))
    assert json.loads(change.calls.last.request.content) == {"priority": 2, "concurrency_limit": 3}


async def test_a_server_that_takes_none_is_told(respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{QUEUES}/filter").respond(json=[])
    respx_mock.post(QUEUES).mock(httpx.Response(422, json={"detail": "no"}))
    async with service("prefect") as http:
        with pytest.raises(RejectedError, match="HTTP 422"):
            await arrange(PrefectApiClient(http), "tradeops", WANTED)
