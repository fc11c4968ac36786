"""Whether there is something new to see, by a handful of cheap reads."""

import asyncio
from collections.abc import Mapping

from tradeops.adapters.store import ReadableStore
from tradeops.jobs.alerts import incidents, silences
from tradeops.jobs.brake import records as brakes
from tradeops.jobs.decision.decisions import HISTORY
from tradeops.jobs.drill import records as drills
from tradeops.jobs.monitoring import heartbeats
from tradeops.jobs.window.histories import Histories
from tradeops.jobs.window.series import (
    BACKTESTS,
    COSTS,
    PORTFOLIO,
    RETRAINS,
    ROLLBACKS,
    SEARCHES,
)

SERIES: Mapping[str, tuple[str, ...]] = {
    "costs": (COSTS,),
    "decisions": (HISTORY,),
    "models": (RETRAINS, ROLLBACKS),
    "drill": (drills.SERIES,),
    "reports": (PORTFOLIO,),
    "laboratory": (BACKTESTS, SEARCHES),
}
DOCUMENTS: Mapping[str, tuple[str, ...]] = {
    "incidents": (incidents.COLLECTION, silences.COLLECTION),
    "brakes": (brakes.COLLECTION,),
    "heartbeats": (heartbeats.COLLECTION,),
}


async def read(store: ReadableStore) -> dict[str, str]:
    """For each topic but those of the histories a text that changes with what is kept of it.

    Raises:
        UnavailableError: the store is down.
    """
    found = await asyncio.gather(
        *(_of_series(store, names) for names in SERIES.values()),
        *(_of_documents(store, names) for names in DOCUMENTS.values()),
    )
    return dict(zip((*SERIES, *DOCUMENTS), found, strict=True))


def of(histories: Histories) -> dict[str, str]:
    """The same of what is in memory."""
    return {
        "health": f"{histories.health.mark}",
        "money": f"{histories.equity.mark} {histories.trades.mark}",
        "performance": f"{histories.performance.mark}",
    }


async def _of_series(store: ReadableStore, names: tuple[str, ...]) -> str:
    points = await asyncio.gather(*(store.newest_point(name) for name in names))
    return " ".join("-" if point is None else point.key for point in points)


async def _of_documents(store: ReadableStore, names: tuple[str, ...]) -> str:
    found = await asyncio.gather(*(store.documents(name) for name in names))
    return " ".join(f"{one.key}:{one.version}" for documents in found for one in documents)
