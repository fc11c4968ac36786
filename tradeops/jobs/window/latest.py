"""The latest points of a series of many, read in stretches of time: a database finds them without sorting all."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

from tradeops.adapters.store import Point, ReadableStore

FOREVER = timedelta(days=3650)
FIRST, LONGEST = timedelta(days=1), timedelta(days=16)
SOON = timedelta(hours=1)  # a clock of another machine may be before ours
MOST = 2000


async def stretches(
    store: ReadableStore, series: str, *, until: datetime, now: datetime
) -> AsyncGenerator[list[Point]]:
    """The points before `until`, the newest first, stretch by stretch, ten years back; what is empty in strides.

    Raises:
        UnavailableError: the store does not answer.
    """
    until, horizon, stretch = min(until, now + SOON), now - FOREVER, FIRST
    while until > horizon:
        since = max(horizon, until - stretch)
        points = await store.points(series, since=since, until=until, limit=MOST, newest_first=True)
        yield points
        until, stretch = since, min(stretch * 2, LONGEST) if points else stretch * 2


async def latest(store: ReadableStore, series: str, *, until: datetime, now: datetime, limit: int) -> list[Point]:
    """So many points before `until`, the newest first.

    Raises:
        UnavailableError: the store does not answer.
    """
    found: list[Point] = []
    async for points in stretches(store, series, until=until, now=now):
        found += points
        if len(found) >= limit:
            break
    return found[:limit]
