"""Signs of life of the scheduled jobs: left by each run, read by the watchdog."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from tradeops.adapters.store import Store
from tradeops.errors import ConflictError, TradeOpsError

COLLECTION = "heartbeats"
PATIENCE = timedelta(seconds=2)

log = logging.getLogger(__name__)


@asynccontextmanager
async def heartbeat(store: Store, job: str) -> AsyncGenerator[None]:
    """Leave a sign of life of `job` at the end of the block, whatever the verdict and whether it worked: it ran.

    A store that is down or slow costs the sign, never the run.
    """
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await beat(store, job, now=datetime.now(UTC))
        except (TradeOpsError, TimeoutError) as error:
            log.warning("no sign of life was left: %s", str(error) or "the store did not answer in time")


async def beat(store: Store, job: str, *, now: datetime) -> None:
    """Keep the moment as the job's last sign of life; an earlier one never takes the place of a later one.

    Raises:
        UnavailableError: the store is down.
    """
    while True:
        kept = await store.get(COLLECTION, job)
        if kept is not None and datetime.fromisoformat(str(kept.body["at"])) >= now:
            return
        try:
            version = None if kept is None else kept.version
            await store.put(COLLECTION, job, {"at": now.isoformat()}, expected_version=version)
        except ConflictError:
            continue
        return


async def beats(store: Store) -> dict[str, datetime]:
    """The last sign of life of each job that ever left one.

    Raises:
        UnavailableError: the store is down.
    """
    return {one.key: datetime.fromisoformat(str(one.body["at"])) for one in await store.documents(COLLECTION)}
