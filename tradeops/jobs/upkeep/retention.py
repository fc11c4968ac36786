"""Deletes what has been kept for long enough: once a day, a little at a time, so that nothing else waits for it.

Only the series named here are ever shortened, and messages that have ended lose their texts: their keys stay, so that
no report is sent twice. The audit trail, decisions, brakes, trades, drills and reports stay.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from tradeops.adapters.store import MessageState, Store
from tradeops.errors import ConflictError
from tradeops.jobs.monitoring.health import SERIES as HEALTH
from tradeops.jobs.reports.api_cost_records import SAMPLES
from tradeops.jobs.reports.equity import MINUTES
from tradeops.jobs.reports.equity import SERIES as EQUITY
from tradeops.settings import Settings

COLLECTION, DOCUMENT = "upkeep", "retention"
EVERY = timedelta(days=1)
AT_ONCE = 2000
MESSAGES = "texts of messages"
MESSAGES_AT_ONCE = 200  # each may be of megabytes
ENDED = (MessageState.DELIVERED, MessageState.FAILED)

log = logging.getLogger(__name__)


def kept_for(settings: Settings) -> dict[str, timedelta]:
    """How long the points of each series that is shortened are kept, and the texts of messages."""
    return {
        HEALTH: timedelta(days=settings.keep_health_days),
        MINUTES: timedelta(days=settings.keep_equity_minutes_days),
        EQUITY: timedelta(days=settings.keep_equity_days),
        SAMPLES: timedelta(days=settings.keep_cost_samples_days),
        MESSAGES: timedelta(days=settings.keep_messages_days),
    }


async def shorten(
    store: Store, ages: Mapping[str, timedelta], *, now: datetime, at_once: int = AT_ONCE
) -> dict[str, int]:
    """Delete at most `at_once` points of each series, unless all of them were done within a day; says how many.

    A series is shortened from its newest point, or from now if that is earlier: neither a wrong clock nor a long
    silence takes its whole history. So are the texts of messages, of which no more than 200 are taken.

    Raises:
        UnavailableError: the store is down.
    """
    kept = await store.get(COLLECTION, DOCUMENT)
    if kept is not None and abs(now - datetime.fromisoformat(str(kept.body["done_at"]))) < EVERY:
        return {}
    deleted: dict[str, int] = {}
    some_are_left = False
    for name, age in ages.items():
        newest = await _newest(store, name)
        if newest is None:
            continue
        most = min(at_once, MESSAGES_AT_ONCE) if name == MESSAGES else at_once
        if count := await _delete(store, name, min(now, newest) - age, most):
            deleted[name] = count
            some_are_left = some_are_left or count == most
            log.info("%d of %s were older than %d days and are deleted", count, name, age.days)
    if not some_are_left:
        await _done(store, None if kept is None else kept.version, now)
    return deleted


async def _newest(store: Store, name: str) -> datetime | None:
    if name == MESSAGES:
        ended = [one.message.due_at for state in ENDED for one in await store.outbox(state, limit=1)]
        return max(ended, default=None)
    newest = await store.newest_point(name)
    return None if newest is None else newest.timestamp


async def _delete(store: Store, name: str, before: datetime, most: int) -> int:
    if name == MESSAGES:
        return await store.drop_bodies(before=before, limit=most)
    return await store.prune(name, before=before, limit=most)


async def _done(store: Store, version: int | None, now: datetime) -> None:
    try:
        await store.put(COLLECTION, DOCUMENT, {"done_at": now.isoformat()}, expected_version=version)
    except ConflictError:
        log.debug("another process shortened the series, too")
