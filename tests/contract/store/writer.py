"""A process that writes until it is done or killed, and says after each write what the store acknowledged."""

import asyncio
import itertools
import sys
from datetime import UTC, datetime
from pathlib import Path

from tests.contract.store.stores import opened
from tradeops.adapters.store import AuditEvent, Point

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


async def main(kind: str, home: str, url: str, database: str, name: str, rounds: str) -> None:
    """Each round: an event that all writers want, and a point of our own. 0 rounds are endless."""
    async with opened(kind, home=Path(home), url=url, database=database) as store:
        for number in itertools.islice(itertools.count(), int(rounds) or None):
            won = await store.append_event(AuditEvent(f"shared-{number}", "race", NOON, name))
            print("won" if won else "lost", number, flush=True)  # noqa: T201 - the test reads it
            await store.add_point("marks", Point(f"{name}-{number}", NOON, {"number": number}))
            print("kept", f"{name}-{number}", flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
