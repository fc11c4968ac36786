"""Signs of life of the scheduled jobs: left by each run, read by the watchdog."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradeops.adapters.store import Store
from tradeops.domain.heartbeats import key_of_job
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.errors import TradeOpsError
from tradeops.jobs.alerts.incidents import Ground, observe
from tradeops.jobs.races import until_first
from tradeops.logs import about

COLLECTION = "heartbeats"
PATIENCE = timedelta(seconds=2)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sign:
    """The sign that a run is about to leave; `skipped` when it ran and did not do its job, such as one too late."""

    skipped: bool = False


@asynccontextmanager
async def heartbeat(ground: Ground, job: str) -> AsyncGenerator[Sign]:
    """Leave a sign of life of `job` at the end of the block, whatever the verdict and whether it worked: it ran.

    A block that ends without an error, and is not `skipped`, also ends the job's own incident. A store that is down or slow, and a defect of
    ours here, cost the sign, never the run.
    """
    sign, worked = Sign(), False
    try:
        with about(job=job):
            yield sign
        worked = True
    finally:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                now = datetime.now(UTC)
                await beat(ground.store, job, now=now)
                if worked and not sign.skipped:
                    well = Observation(key_of_job(job), None, "", now, CERTAIN)
                    await observe(ground, [well], source="job", run_id=f"{job}-{now:%Y%m%dT%H%M%S.%f}", now=now)
        except (TradeOpsError, TimeoutError) as error:
            log.warning("no sign of life was left: %s", str(error) or "the store did not answer in time")
        except Exception:
            log.exception("no sign of life was left: our own code broke")


async def beat(store: Store, job: str, *, now: datetime) -> None:
    """Keep the moment as the job's last sign of life; an earlier one never takes the place of a later one.

    Raises:
        UnavailableError: the store is down.
        ConflictError: others wrote again and again.
    """

    async def attempt() -> None:
        kept = await store.get(COLLECTION, job)
        if kept is None or datetime.fromisoformat(str(kept.body["at"])) < now:
            version = None if kept is None else kept.version
            await store.put(COLLECTION, job, {"at": now.isoformat()}, expected_version=version)

    await until_first(attempt, system="store", what=f"the sign of life of {job}")


async def beats(store: Store) -> dict[str, datetime]:
    """The last sign of life of each job that ever left one.

    Raises:
        UnavailableError: the store is down.
    """
    return {one.key: datetime.fromisoformat(str(one.body["at"])) for one in await store.documents(COLLECTION)}


async def heard_since(store: Store, job: str, moment: datetime) -> bool:
    """Whether the job has left a sign of life after `moment`.

    Raises:
        UnavailableError: the store is down.
    """
    kept = await store.get(COLLECTION, job)
    return kept is not None and datetime.fromisoformat(str(kept.body["at"])) > moment
