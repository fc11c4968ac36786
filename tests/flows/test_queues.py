"""A long run does not hold up what watches the bot: a real worker, real queues, the real health check."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import psutil
import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import get_current_settings

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.prefect_api.queues import WorkQueue
from tradeops.cli.patience import patiently
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.jobs.queues import Arranged, arrange

ROOT = Path(__file__).parents[2]
POOL = "queues-tested"
MONITORING, DEFAULT, RESEARCH = WorkQueue("monitoring", 1), WorkQueue("default", 2), WorkQueue("research", 3, 1)
PATIENCE = 150.0  # for a busy machine; a few seconds on a quiet one
LONG = """
import time
from pathlib import Path
from prefect import flow

@flow
def optimise():
    while Path(__file__).exists():
        time.sleep(0.2)
"""


@pytest.fixture
async def prefect() -> AsyncIterator[PrefectClient]:
    async with get_client() as client:
        yield client


def server() -> str:
    url = get_current_settings().api.url
    assert url is not None
    return url


async def deploy(prefect: PrefectClient, entrypoint: str, folder: Path, queue: WorkQueue) -> UUID:
    flow_id = await prefect.create_flow_from_name(f"queues-tested-{queue.name}")
    there = {"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}  # a `path` would be copied
    return await prefect.create_deployment(
        flow_id,
        name=queue.name,
        entrypoint=entrypoint,
        pull_steps=[there],
        work_pool_name=POOL,
        work_queue_name=queue.name,
    )


@contextmanager
def worker(folder: Path) -> Iterator[None]:
    """A worker with two slots, gone with all its runs at exit."""
    environment = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"} | {
        "PREFECT_API_URL": server(),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "TMPDIR": str(folder),  # what a killed worker leaves behind goes with the test
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--limit", "2"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    family = [psutil.Process(process.pid)]
    try:
        yield
    finally:
        family += family[0].children(recursive=True)
        for one in reversed(family):
            one.kill()
        process.wait()


async def test_a_long_run_does_not_hold_up_the_health_check(prefect: PrefectClient, tmp_path: Path) -> None:
    await prefect.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    async with open_pool() as pool:
        api = PrefectApiClient(HttpService(pool, system="prefect", base_url=server(), policy=HttpPolicy()))
        wanted = (MONITORING, DEFAULT, RESEARCH)
        arranged = await patiently(partial(arrange, api, POOL, wanted))  # on SQLite Prefect is too busy now and then
        assert set(arranged.created) <= {"monitoring", "research"}
        assert await patiently(partial(arrange, api, POOL, wanted)) == Arranged(), "a second time changes nothing"
        assert await patiently(partial(api.queues.of, POOL)) == {queue.name: queue for queue in wanted}

    (tmp_path / "long.py").write_text(LONG)
    long = await deploy(prefect, "long.py:optimise", tmp_path, RESEARCH)
    check = await deploy(prefect, "flows/monitoring/system_health.py:system_health_check", ROOT, MONITORING)
    runs = [await prefect.create_flow_run_from_deployment(long) for _ in range(3)]  # more than the worker has slots

    with worker(tmp_path):
        first = await until(prefect, runs, StateType.RUNNING)
        asked = await prefect.create_flow_run_from_deployment(check)
        checked = await until(prefect, [asked], StateType.COMPLETED, StateType.FAILED)
        states = {run.id: (await prefect.read_flow_run(run.id)).state_type for run in runs}
    assert checked.state_name in {"Critical", "Degraded", "Completed"}, checked.state
    assert states.pop(first.id) is StateType.RUNNING, "it came to its end while the long run was at work"
    assert set(states.values()) == {StateType.SCHEDULED}, "and the others wait, for the limit of their queue"


async def until(prefect: PrefectClient, runs: list[FlowRun], *wanted: StateType) -> FlowRun:
    """The first of the runs in one of these states."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for run in runs:
            found = await prefect.read_flow_run(run.id)
            if found.state_type in wanted:
                return found
        await asyncio.sleep(0.25)
    raise AssertionError("waited in vain")
