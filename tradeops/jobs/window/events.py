"""Reads the audit trail as pages want it: the newest first, or all of some kinds."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from tradeops.adapters.store import AuditEvent, ReadableStore

PAGE = 1000
MOST = 20_000
FIRST = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


async def all_of(store: ReadableStore, *, since: datetime, until: datetime, kinds: Iterable[str]) -> list[AuditEvent]:
    """Events of these kinds, the oldest first; of very many the latest `MOST`.

    Raises:
        UnavailableError: the store is down.
    """
    of_each = await asyncio.gather(*(_all_of_kind(store, since, until, kind) for kind in kinds))
    return sorted((event for events in of_each for event in events), key=lambda e: (e.occurred_at, e.event_id))[-MOST:]


async def _all_of_kind(store: ReadableStore, since: datetime, until: datetime, kind: str) -> list[AuditEvent]:
    found: dict[str, AuditEvent] = {}
    while True:
        page = await store.events(since=since, until=until, kind=kind, limit=PAGE)
        new = [event for event in page if event.event_id not in found]
        found |= {event.event_id: event for event in new}
        if len(page) < PAGE or not new:
            return list(found.values())
        since = page[-1].occurred_at


async def newest(
    store: ReadableStore, *, until: datetime, since: datetime, kind: str | None = None, limit: int
) -> list[AuditEvent]:
    """The latest events before `until`, the newest first: about `limit` of them, of one moment all.

    The store gives the oldest first, so the time before `until` is read in stretches that grow.

    Raises:
        UnavailableError: the store is down.
    """
    found: list[AuditEvent] = []
    stretch, end = FIRST, until
    while until > since and len(found) < limit:
        begin = max(since, until - stretch)
        page = await store.events(since=begin, until=until, kind=kind, limit=PAGE)
        if len(page) == PAGE and stretch > MICROSECOND * PAGE:
            stretch /= 8
            continue
        found += reversed(page)
        until = begin
        stretch *= 4
        if found:  # no more than what is lacking needs, should events be half as frequent there
            stretch = min(stretch, max(FIRST / 24, 2 * (end - until) * ((limit - len(found)) / len(found))))
    cut = limit
    while limit <= cut < len(found) and found[cut].occurred_at == found[cut - 1].occurred_at:
        cut += 1  # a moment is not torn apart, for the list goes on before it
    return found[:cut]
