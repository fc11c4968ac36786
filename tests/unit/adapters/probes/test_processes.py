"""Whether the process of a run is on this machine, by real processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import psutil
import pytest

from tradeops.adapters.probes.processes import lives_here


@pytest.fixture
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {"PREFECT__FLOW_RUN_ID": "r-1"}
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(flush=True); input()", stdin=-1, stdout=-1, env=environment
    )
    assert started.stdout
    await started.stdout.readline()  # before it is there, its environment is not
    yield started
    if started.returncode is None:
        started.kill()
    await started.wait()


async def test_a_process_of_the_run_lives_here_until_it_is_killed(process: asyncio.subprocess.Process) -> None:
    assert await lives_here(process.pid, "r-1")
    os.kill(process.pid, 9)
    await process.wait()
    assert not await lives_here(process.pid, "r-1")


async def test_a_process_that_bears_the_same_number_by_chance_says_nothing(
    process: asyncio.subprocess.Process,
) -> None:
    assert not await lives_here(process.pid, "r-2")
    assert not await lives_here(None, "r-1")


@pytest.mark.parametrize(
    ("command", "lives"), [(["python", "-m", "prefect.engine"], True), (["sleep", "9"], False)], ids=["engine", "else"]
)
async def test_a_process_of_another_user_is_known_by_its_command(
    process: asyncio.subprocess.Process, monkeypatch: pytest.MonkeyPatch, command: list[str], *, lives: bool
) -> None:
    def denied(_: psutil.Process) -> dict[str, str]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil.Process, "environ", denied)
    monkeypatch.setattr(psutil.Process, "cmdline", lambda _: command)
    assert await lives_here(process.pid, "r-1") is lives


async def test_what_cannot_be_told_counts_as_alive(
    process: asyncio.subprocess.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: psutil.Process) -> str:
        raise psutil.Error

    monkeypatch.setattr(psutil.Process, "status", broken)
    assert await lives_here(process.pid, "r-1")
