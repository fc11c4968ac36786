"""A worker of its own: observes what it is told on stdin, round by round, and may be killed before its n-th write."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from tests.contract.store.stores import opened
from tradeops.adapters.store import Store
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level
from tradeops.jobs.alerts import incidents
from tradeops.settings import Settings

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
DEPENDANTS = 30
WRITES = {"put", "enqueue", "append_event"}
SETTINGS = Settings(_env_file=None, SLACK_WEBHOOK_URL="http://127.0.0.1:9/hook", TRADEOPS_STARTUP_GRACE_SECONDS=0)


@dataclass
class Ground:
    settings: Settings
    store: Store


class Mortal:
    """A store whose process is killed before write number `last + 1`; `last` below 0 lives for ever."""

    def __init__(self, store: Store, last: int) -> None:
        self._store = store
        self._left = last

    def __getattr__(self, name: str) -> object:
        if name in WRITES:
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1
        return getattr(self._store, name)


async def observe(store: Store, number: int, *, bad: bool, run_id: str) -> None:
    at = NOON + number * QUARTER
    severity = Level.CRITICAL if bad else None
    parts = [Observation(f"part-{n}", severity, "gone", at, 3, ("mongodb",)) for n in range(DEPENDANTS)]
    looks = [*parts, Observation("mongodb", severity, "refused", at, 3)]
    await incidents.observe(Ground(SETTINGS, store), looks, source="health", run_id=run_id, now=at)


async def main(kind: str, home: str, url: str, database: str, name: str, last: str) -> None:
    async with opened(kind, home=Path(home), url=url, database=database) as store:
        print("ready", flush=True)  # noqa: T201 - the test waits for it
        for line in sys.stdin:
            number, word = line.split()
            mortal = cast("Store", Mortal(store, int(last)))
            await observe(mortal, int(number), bad=word == "bad", run_id=f"{name}-{number}")
            print("done", flush=True)  # noqa: T201 - the test waits for it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
