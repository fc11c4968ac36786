"""Deletes what has been kept for long enough: once a day, a little at a time, so that nothing else waits for it.

Only the series named here are ever shortened. The audit trail, decisions, brakes, trades, drills and reports stay.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from tradeops.adapters.store import Store
from tradeops.errors import ConflictError
from tradeops.jobs.monitoring.health import SERIES as HEALTH
from tradeops.jobs.reports.api_cost_records import SAMPLES
from tradeops.jobs.reports.equity import MINUTES
from tradeops.jobs.reports.equity import SERIES as EQUITY
from tradeops.settings import Settings

COLLECTION, DOCUMENT = "upkeep", "retention"
EVERY = timedelta(days=1)
AT_ONCE = 2000

log = logging.getLogger(__name__)


def kept_for(settings: Settings) -> dict[str, timedelta]:
    """How long the points of each series that is shortened are kept."""
    return {
        HEALTH: timedelta(days=settings.keep_health_days),
        MINUTES: timedelta(days=settings.keep_equity_minutes_days),
        EQUITY: timedelta(days=settings.keep_equity_days),
        SAMPLES: timedelta(days=settings.keep_cost_samples_days),
    }


async def shorten(
    store: Store, ages: Mapping[str, timedelta], *, now: datetime, at_once: int = AT_ONCE
) -> dict[str, int]:
    """Delete at most `at_once` points of each series, unless all of them were done within a day; says how many.

    A series is shortened from its newest point, or from now if that is earlier: neither a wrong clock nor a long
    silence takes its whole history.

    Raises:
        UnavailableError: the store is down.
    """
    kept = await store.get(COLLECTION, DOCUMENT)
    if kept is not None and abs(now - datetime.fromisoformat(str(kept.body["done_at"]))) < EVERY:
        return {}
    deleted: dict[str, int] = {}
    for series, age in ages.items():
        newest = await store.newest_point(series)
        if newest is None:
            continue
        if count := await store.prune(series, before=min(now, newest.timestamp) - age, limit=at_once):
            deleted[series] = count
            log.info("%d points of %s were older than %d days and are deleted", count, series, age.days)
    if max(deleted.values(), default=0) < at_once:
        await _done(store, None if kept is None else kept.version, now)
    return deleted


async def _done(store: Store, version: int | None, now: datetime) -> None:
    try:
        await store.put(COLLECTION, DOCUMENT, {"done_at": now.isoformat()}, expected_version=version)
    except ConflictError:
        log.debug("another process shortened the series, too")
