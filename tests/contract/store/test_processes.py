"""Several processes write at once and are killed in mid-write: what was acknowledged is there, once, undamaged."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.store.conftest import UNHURRIED
from tests.contract.store.stores import MongoServer, opened

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVER = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=1), "limit": 1_000_000}
ROOT = Path(__file__).parents[3]
NAMES = ("ada", "ben", "cid", "dot")
KINDS = ("sqlite", "mongodb", "spooling")


class Writers:
    """Four processes, each with a file of what it was told was kept."""

    def __init__(self, kind: str, folder: Path, *, url: str, database: str, rounds: int = 0) -> None:
        self._outputs = [folder / f"{name}.txt" for name in NAMES]
        self.processes = []
        for name, path in zip(NAMES, self._outputs, strict=True):
            command = [sys.executable, "-m", "tests.contract.store.writer"]
            with path.open("w") as output:
                self.processes.append(
                    subprocess.Popen(
                        [*command, kind, str(folder), url, database, name, str(rounds)],
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=ROOT,
                        env=os.environ | {"PYTHONPATH": str(ROOT)},
                    )
                )

    def finish(self) -> None:
        for process in self.processes:
            assert process.wait(240) == 0, self.words()

    def kill_in_mid_write(self, *, after: int) -> None:
        """SIGKILL all, when each has been acknowledged at least so many writes."""
        ends_at = time.monotonic() + 180
        try:
            while min(len(path.read_text().splitlines()) for path in self._outputs) < after:
                assert time.monotonic() < ends_at, self.words()
                assert all(process.poll() is None for process in self.processes), self.words()
                time.sleep(0.01)
        finally:
            for process in self.processes:
                process.send_signal(signal.SIGKILL)
                process.wait(10)

    def words(self) -> list[tuple[str, str]]:
        """What they said, without a line that the kill cut short."""
        texts = "".join(path.read_text().rpartition("\n")[0] + "\n" for path in self._outputs)
        return [(word, rest) for word, _, rest in (line.partition(" ") for line in texts.splitlines()) if word]

    def said(self, word: str) -> list[str]:
        return [rest for said, rest in self.words() if said == word]


def intact(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


def files(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


@pytest.mark.parametrize("kind", KINDS)
async def test_of_four_processes_exactly_one_wins_each_key(
    kind: str, tmp_path: Path, database: str, session_server: MongoServer
) -> None:
    writers = Writers(kind, tmp_path, url=session_server.url, database=database, rounds=40)
    writers.finish()
    assert Counter(writers.said("won")) == dict.fromkeys(map(str, range(40)), 1)
    assert len(writers.said("lost")) == 3 * 40
    async with opened(kind, home=tmp_path, url=session_server.url, database=database) as store:
        assert len(await store.events(**EVER)) == 40
        assert {p.key for p in await store.points("marks", **EVER)} == set(writers.said("kept"))
        assert len(writers.said("kept")) == 4 * 40


@pytest.mark.parametrize("kind", KINDS)
async def test_what_killed_writers_were_told_is_kept_is_there(
    kind: str, tmp_path: Path, database: str, session_server: MongoServer
) -> None:
    writers = Writers(kind, tmp_path, url=session_server.url, database=database)
    writers.kill_in_mid_write(after=60)
    async with opened(kind, home=tmp_path, url=session_server.url, database=database) as store:
        kept = [p.key for p in await store.points("marks", **EVER)]
        events = [e.event_id for e in await store.events(**EVER)]
    assert set(writers.said("kept")) <= set(kept)
    assert len(kept) == len(set(kept))
    assert max(Counter(writers.said("won")).values()) == 1
    assert {f"shared-{n}" for n in writers.said("won")} <= set(events)
    assert len(events) == len(set(events))
    assert all(map(intact, files(tmp_path, "*.sqlite")))


async def test_what_killed_writers_spooled_is_replayed_by_another_process_once(
    tmp_path: Path, own_server: MongoServer
) -> None:
    writers = Writers("spooling", tmp_path, url=own_server.url, database="tradeops_test")
    writers.kill_in_mid_write(after=60)
    assert intact(tmp_path / "spool.sqlite")
    own_server.start()
    url, name = own_server.url, "tradeops_test"
    async with opened("spooling", home=tmp_path, url=url, database=name, patience=UNHURRIED) as store:
        await store.replay()
        kept = [p.key for p in await store.points("marks", **EVER)]
        events = [e.event_id for e in await store.events(**EVER)]
    assert set(writers.said("kept")) <= set(kept)
    assert {f"shared-{n}" for n in writers.said("won")} <= set(events)
    assert max(Counter(writers.said("won")).values()) == 1, "a key that waits is not spooled twice"


async def test_writers_killed_while_they_replay_neither_lose_nor_repeat(
    tmp_path: Path, own_server: MongoServer
) -> None:
    before = Writers("spooling", tmp_path, url=own_server.url, database="tradeops_test")
    before.kill_in_mid_write(after=200)
    own_server.start()
    acknowledged = set(before.said("kept"))
    for _ in range(3):
        during = Writers("spooling", tmp_path, url=own_server.url, database="tradeops_test")
        during.kill_in_mid_write(after=1)
        acknowledged |= set(during.said("kept"))
    url, name = own_server.url, "tradeops_test"
    async with opened("spooling", home=tmp_path, url=url, database=name, patience=UNHURRIED) as store:
        await store.replay()
        assert (await store.pending()).waiting == 0
        kept = {p.key for p in await store.points("marks", **EVER)}
    assert acknowledged <= kept
    assert intact(tmp_path / "spool.sqlite")
