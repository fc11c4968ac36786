"""Disk and memory of the machine that the tests run on, and a disk that never answers."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from tradeops.adapters.probes import host
from tradeops.errors import MisconfiguredError


class Memory(NamedTuple):
    total: int
    available: int


class Disk(NamedTuple):
    used: int
    free: int


async def test_the_disk_is_as_full_as_psutil_says(tmp_path: Path) -> None:
    assert await host.disk_used_percent(tmp_path) == pytest.approx(psutil.disk_usage(str(tmp_path)).percent, abs=0.2)


async def test_the_share_of_the_disk_is_not_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_usage", lambda _: Disk(used=80_04, free=19_96))
    assert await host.disk_used_percent(Path("/")) == 80.04


async def test_the_share_of_memory_is_what_a_new_process_cannot_get(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory(total=1000, available=149))
    assert await host.memory_used_percent() == pytest.approx(85.1)


async def test_the_memory_of_this_machine_is_a_percentage() -> None:
    assert 0 < await host.memory_used_percent() < 100


async def test_a_path_that_is_not_there_is_told_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"gone cannot be measured: No such file.*TRADEOPS_DISK_PATH"):
        await host.disk_used_percent(tmp_path / "gone")


async def test_a_path_without_a_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "disk_usage", lambda _: Disk(used=0, free=0))
    with pytest.raises(MisconfiguredError, match="/proc is on no disk"):
        await host.disk_used_percent(Path("/proc"))


async def test_no_command_line_tool_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    assert 0 <= await host.disk_used_percent(tmp_path) <= 100
    assert await host.memory_used_percent() > 0


DEAD_DISK = """
import asyncio, threading
from pathlib import Path
from typing import NamedTuple
import psutil
from tradeops.adapters.probes import host

async def look():
    psutil.disk_usage = lambda _: threading.Event().wait()
    try:
        async with asyncio.timeout(0.05):
            await host.disk_used_percent(Path("/"))
    except TimeoutError:
        print("given up")

asyncio.run(look())
"""


def test_a_disk_that_never_answers_keeps_no_process_from_ending() -> None:
    done = subprocess.run([sys.executable, "-c", DEAD_DISK], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("given up\n", "", 0)


async def test_an_answer_that_comes_after_we_gave_up_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    answered = asyncio.Event()

    def late(_: str) -> Disk:
        asyncio.run_coroutine_threadsafe(given_up.wait(), loop).result(5)
        loop.call_soon_threadsafe(answered.set)
        return Disk(1, 1)

    given_up = asyncio.Event()
    monkeypatch.setattr(psutil, "disk_usage", late)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await host.disk_used_percent(Path("/"))
    given_up.set()
    async with asyncio.timeout(5):
        await answered.wait()
    await asyncio.sleep(0)
