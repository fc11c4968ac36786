"""Workers of their own race over one board, or are killed in the middle: each transition is told exactly once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.incidents.watcher import NOON, observe
from tests.contract.store.stores import opened
from tradeops.adapters.store import Store
from tradeops.jobs.alerts import incidents

ROOT = Path(__file__).parents[3]
SCRIPT = ["good", "bad", "bad", "bad", "good", "good", "good"]


class Worker:
    """A process that observes on demand."""

    def __init__(self, kind: str, folder: Path, url: str, database: str, name: str, last: int = -1) -> None:
        command = [sys.executable, "-m", "tests.contract.incidents.watcher"]
        self.process = subprocess.Popen(
            [*command, kind, str(folder), url, database, name, str(last)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert self.hears() == "ready"

    def tell(self, number: int, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number} {word}\n")
        self.process.stdin.flush()

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(30)


async def told(store: Store) -> list[str]:
    return [queued.message.key.partition(":")[2] for queued in await store.outbox()]


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_of_two_workers_that_see_the_same_outage_one_tells(
    kind: str, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    url = "" if kind == "sqlite" else request.getfixturevalue("session_server").url
    workers = [Worker(kind, tmp_path, url, database, name) for name in ("ada", "ben")]
    for number, word in enumerate(SCRIPT):
        for worker in workers:
            worker.tell(number, word)
        assert [worker.hears() for worker in workers] == ["done", "done"]
    assert [worker.end() for worker in workers] == [0, 0]
    async with opened(kind, home=tmp_path, url=url, database=database) as store:
        assert await told(store) == ["opened:slack", "resolved:slack"]
        assert await incidents.open_incidents(store, now=NOON) == ()


@pytest.mark.parametrize("writes", range(5))
async def test_a_worker_killed_between_two_writes_loses_no_message_and_doubles_none(
    writes: int, tmp_path: Path
) -> None:
    """Of an alert: the board, the outbox, the board again, the history."""
    worker = Worker("sqlite", tmp_path, "", "", "ada", writes)
    worker.tell(0, "bad")
    assert worker.hears() == ("" if writes < 4 else "done")
    assert worker.end() == (-signal.SIGKILL if writes < 4 else 0)
    async with opened("sqlite", home=tmp_path) as store:
        kept_before = await told(store)
        assert kept_before == ([] if writes < 2 else ["opened:slack"])
        await observe(store, 1, bad=True, run_id="ben-1")
        assert await told(store) == ["opened:slack"]
        assert (await incidents.read_board(store, now=NOON))[0].pending == ()
        for number in (2, 3):
            await observe(store, number, bad=False, run_id=f"ben-{number}")
        assert await told(store) == ["opened:slack", "resolved:slack"]
