"""What the watchdog looks at: the signs of life of the jobs, Prefect and its worker, messages that are stuck."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.adapters.store import Backlog, Store
from tradeops.domain.heartbeats import RHYTHMS, Overdue, Rhythm, key_of_job, overdue
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.incidents.wording import clock, lasted
from tradeops.domain.notices import Level
from tradeops.errors import RejectedError, TradeOpsError
from tradeops.jobs.monitoring import heartbeats
from tradeops.jobs.monitoring.parts import POOL

SERVER, WORKER = "prefect:server", "prefect:worker"
STUCK_AFTER = timedelta(minutes=15)
SILENT_AFTER = timedelta(seconds=75)  # a worker is heard of every 30 s
WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Post:
    """What a look needs.

    Attributes:
        store: signs of life and outbox.
        prefect_api: `None` is "not configured": neither server nor worker is looked at.
        targets: the channels in use; a target without one is never stuck.
        rhythms: of the scheduled jobs.
    """

    store: Store
    prefect_api: PrefectApiClient | None
    targets: tuple[str, ...]
    rhythms: Mapping[str, Rhythm] = field(default_factory=lambda: RHYTHMS)


async def look(post: Post, *, watched_since: datetime, now: datetime) -> list[Observation]:
    """One look at everything; what is well is in it too, except for jobs, whose own runs say when they are well again.

    Raises:
        UnavailableError: the store is down.
    """
    prefect, jobs, stuck = await asyncio.gather(
        _prefect(post.prefect_api, now), _jobs(post, watched_since, now), _outbox(post, now)
    )
    return [*prefect, *jobs, *stuck]


async def _jobs(post: Post, watched_since: datetime, now: datetime) -> list[Observation]:
    beats = await heartbeats.beats(post.store)
    late = overdue(beats, post.rhythms, watched_since=watched_since, now=now)
    return [
        Observation(key_of_job(one.job), Level.CRITICAL, _told(one), now, CERTAIN, (WORKER, SERVER)) for one in late
    ]


def _told(one: Overdue) -> str:
    heard = "never heard of" if one.last is None else f"last heard of at {clock(one.last)}"
    return f"{heard}; its run is {lasted(one.late_by)} late: look at the schedule and the worker in the Prefect UI"


async def _prefect(api: PrefectApiClient | None, now: datetime) -> list[Observation]:
    if api is None:
        return []
    try:
        await api.health(within=WITHIN)
    except TradeOpsError as error:
        return [Observation(SERVER, Level.CRITICAL, f"no job will start: {error.problem}; start it", now)]
    server = Observation(SERVER, None, "", now)
    try:
        workers = await api.workers(POOL, within=WITHIN)
    except RejectedError:
        problem = f"the pool {POOL} is not there: nothing of ours is deployed; run `tradeops up`"
        return [server, Observation(WORKER, Level.CRITICAL, problem, now)]
    except TradeOpsError as error:
        return [server, Observation(WORKER, Level.CRITICAL, f"not known: {error.problem}", now)]
    heard = [w.last_heartbeat_at for w in workers if w.online and w.last_heartbeat_at is not None]
    if any(now - moment <= SILENT_AFTER for moment in heard):
        return [server, Observation(WORKER, None, "", now)]
    last = f", last heard of at {clock(max(heard))}" if heard else ""
    problem = f"no worker of the pool {POOL} is alive{last}: no job will start; start one"
    return [server, Observation(WORKER, Level.CRITICAL, problem, now, depends_on=(SERVER,))]


async def _outbox(post: Post, now: datetime) -> list[Observation]:
    old = await post.store.backlogs(created_before=now - STUCK_AFTER)
    return [
        Observation(f"outbox:{target}", Level.WARNING, _stuck(old[target]), now, CERTAIN)
        if target in old
        else Observation(f"outbox:{target}", None, "", now)
        for target in post.targets
    ]


def _stuck(backlog: Backlog) -> str:
    what = "a message waits" if backlog.count == 1 else f"{backlog.count} messages wait"
    return f"{what} since {clock(backlog.oldest)}; `tradeops outbox` says why"
