"""Signs of life of the scheduled jobs: left by each run, read by the watchdog."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradeops.adapters.store import ReadableStore, Store
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
async def heartbeat(ground: Ground, job: str, *, run_id: str = "") -> AsyncGenerator[Sign]:
    """Leave a sign of life of `job` at the end of the block, whatever the verdict and whether it worked: it ran.

    A block that ends without an error, and is not `skipped`, also ends the job's own incident. A store that is down or
    slow, and a defect of ours here, cost the sign, never the run. The sign keeps `run_id`, that of the flow run.
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
                await beat(ground.store, job, now=now, run_id=run_id)
                if worked and not sign.skipped:
                    well = Observation(key_of_job(job), None, "", now, CERTAIN)
                    await observe(ground, [well], source="job", run_id=f"{job}-{now:%Y%m%dT%H%M%S.%f}", now=now)
        except (TradeOpsError, TimeoutError) as error:
            log.warning("no sign of life was left: %s", str(error) or "the store did not answer in time")
        except Exception:
            log.exception("no sign of life was left: our own code broke")


async def beat(store: Store, job: str, *, now: datetime, run_id: str = "") -> None:
    """Keep moment and run as the job's last sign of life; an earlier one never takes the place of a later one.

    Raises:
        UnavailableError: the store is down.
        ConflictError: others wrote again and again.
    """

    async def attempt() -> None:
        kept = await store.get(COLLECTION, job)
        if kept is None or datetime.fromisoformat(str(kept.body["at"])) < now:
            version = None if kept is None else kept.version
            await store.put(COLLECTION, job, {"at": now.isoformat(), "run_id": run_id}, expected_version=version)

    await until_first(attempt, system="store", what=f"the sign of life of {job}")


async def beats(store: ReadableStore) -> dict[str, datetime]:
    """The last sign of life of each job that ever left one.

    Raises:
        UnavailableError: the store is down.
    """
    return {job: at for job, (at, _) in (await beats_of_runs(store)).items()}


async def beats_of_runs(store: ReadableStore) -> dict[str, tuple[datetime, str]]:
    """The last sign of life of each job, and the id of the flow run that left it; empty when it is not known.

    Raises:
        UnavailableError: the store is down.
    """
    found = await store.documents(COLLECTION)
    return {one.key: (datetime.fromisoformat(str(one.body["at"])), str(one.body.get("run_id") or "")) for one in found}


async def heard_since(store: Store, job: str, moment: datetime) -> bool:
    """Whether the job has left a sign of life after `moment`.

    Raises:
        UnavailableError: the store is down.
    """
    kept = await store.get(COLLECTION, job)
    return kept is not None and datetime.fromisoformat(str(kept.body["at"])) > moment
