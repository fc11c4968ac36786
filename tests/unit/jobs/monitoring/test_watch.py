"""What the watchdog finds, by a real store and Prefect's answers on the wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.unit.adapters.services import ADDRESS, service
from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.store import Store, open_store
from tradeops.adapters.store.interface import Message
from tradeops.domain.heartbeats import Rhythm
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level
from tradeops.jobs.monitoring.heartbeats import beat
from tradeops.jobs.monitoring.watch import Post, look

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUARTERLY = {"system-health-check": Rhythm(15 * MINUTE, 10 * MINUTE)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


def worker(heard: datetime, status: str = "ONLINE") -> dict[str, Any]:
    return {"name": "w", "status": status, "last_heartbeat_time": heard.isoformat().replace("+00:00", "Z")}


@asynccontextmanager
async def prefect(
    *workers: dict[str, Any], health: httpx.Response | Exception | None = None, status: int = 200
) -> AsyncIterator[PrefectApiClient]:
    with respx.mock(assert_all_called=False) as wire:
        answer = health or httpx.Response(200, json=True)
        wire.get(f"{ADDRESS}/health").mock(side_effect=[answer, answer])
        wire.post(f"{ADDRESS}/work_pools/tradeops/workers/filter").respond(status, json=list(workers))
        async with service("prefect") as http:
            yield PrefectApiClient(http)


async def found(post: Post, *, now: datetime = NOON, since: datetime = NOON) -> dict[str, Observation]:
    return {one.key: one for one in await look(post, watched_since=since, now=now)}


async def test_a_job_in_time_is_not_mentioned_so_that_only_its_own_run_ends_its_incident(store: Store) -> None:
    await beat(store, "system-health-check", now=NOON)
    assert await found(Post(store, None, (), QUARTERLY), now=NOON + 25 * MINUTE) == {}


async def test_a_job_later_than_its_grace_is_critical_and_says_since_when(store: Store) -> None:
    await beat(store, "system-health-check", now=NOON)
    [late] = (await found(Post(store, None, (), QUARTERLY), now=NOON + 26 * MINUTE)).values()
    assert (late.key, late.severity, late.looks) == ("job:system-health-check", Level.CRITICAL, 1000)
    assert "last heard of at 2026-01-01 12:00 UTC; its run is 11 min late" in late.summary
    assert late.depends_on == ("prefect:worker", "prefect:server")


async def test_a_job_that_never_ran_is_told_too(store: Store) -> None:
    [late] = (await found(Post(store, None, (), QUARTERLY), now=NOON + 26 * MINUTE)).values()
    assert late.summary.startswith("never heard of; its run is 11 min late")


async def test_a_living_server_and_worker_are_well(store: Store) -> None:
    async with prefect(worker(NOON - 3 * MINUTE), worker(NOON - timedelta(seconds=75))) as api:
        seen = await found(Post(store, api, (), {}))
    assert {key: one.severity for key, one in seen.items()} == {"prefect:server": None, "prefect:worker": None}


@pytest.mark.parametrize(
    ("workers", "says"),
    [
        pytest.param([], "no worker of the pool tradeops is alive: ", id="none"),
        pytest.param([worker(NOON - 5 * MINUTE)], "last heard of at 2026-01-01 11:55 UTC", id="silent"),
        pytest.param([worker(NOON, "OFFLINE")], "no worker of the pool tradeops is alive: ", id="offline"),
    ],
)
async def test_a_worker_that_is_gone_is_critical(store: Store, workers: list[dict[str, Any]], says: str) -> None:
    async with prefect(*workers) as api:
        seen = await found(Post(store, api, (), {}))
    assert (seen["prefect:server"].severity, seen["prefect:worker"].severity) == (None, Level.CRITICAL)
    assert says in seen["prefect:worker"].summary


@pytest.mark.parametrize(
    ("status", "says"), [(404, "run `tradeops up`"), (500, "not known: ")], ids=["no pool", "server error"]
)
async def test_a_pool_that_cannot_be_read_is_told(store: Store, status: int, says: str) -> None:
    async with prefect(status=status) as api:
        seen = await found(Post(store, api, (), {}))
    assert seen["prefect:worker"].severity is Level.CRITICAL
    assert says in seen["prefect:worker"].summary


async def test_a_server_that_is_gone_is_told_alone(store: Store) -> None:
    async with prefect(health=httpx.ConnectError("refused")) as api:
        seen = await found(Post(store, api, (), {}))
    assert list(seen) == ["prefect:server"]
    assert "no job will start" in seen["prefect:server"].summary


async def test_messages_that_wait_for_long_are_told_for_their_target(store: Store) -> None:
    for number, age in enumerate((5, 16, 90)):
        at = NOON - age * MINUTE
        await store.enqueue(Message(f"m-{number}", "slack", {}, created_at=at, due_at=at))
    await store.enqueue(Message("gone", "discord", {}, created_at=NOON - 90 * MINUTE, due_at=NOON))
    seen = await found(Post(store, None, ("email", "slack"), {}))
    assert {key: one.severity for key, one in seen.items()} == {"outbox:email": None, "outbox:slack": Level.WARNING}
    assert seen["outbox:slack"].summary == "2 messages wait since 2026-01-01 10:30 UTC; `tradeops outbox` says why"
