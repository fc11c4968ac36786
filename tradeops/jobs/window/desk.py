"""The desk's own: the last drill, and the signs of life of its jobs."""

import asyncio
from datetime import datetime

from tradeops.adapters.store import ReadableStore
from tradeops.domain.drills import Outcome, standing
from tradeops.domain.heartbeats import RHYTHMS, overdue
from tradeops.domain.incidents.wording import lasted
from tradeops.domain.window.conditions import DrillLine, HeartbeatLine
from tradeops.domain.window.values import Link, Panel, State
from tradeops.jobs.drill import records as drills
from tradeops.jobs.monitoring.heartbeats import beats_of_runs
from tradeops.jobs.window.links import run_link
from tradeops.settings import Settings

JOBS = (  # on-demand jobs last
    "system-health-check",
    "daily-performance-analysis",
    "gpt4-self-analysis",
    "daily-portfolio-report",
    "daily-api-cost-report",
    "model-watch",
    "adaptive-retrain",
    "emergency-strategy-disable",
    "train-model",
    "backtest-strategy",
    "optimize-strategy",
    "bulk-analysis",
)


async def drill(store: ReadableStore, settings: Settings, *, now: datetime) -> Panel[DrillLine]:
    """The last drill and whether it still proves something.

    Raises:
        UnavailableError: the store is down.
    """
    last, since = await asyncio.gather(drills.last(store), store.get(drills.COLLECTION, drills.DOCUMENT))
    known_since = now if since is None else datetime.fromisoformat(str(since.body["at"]))
    stands = standing(last, known_since=known_since, every=settings.drill_every, now=now)
    says = stands.problem or stands.note
    if last is None:
        state = State.DEGRADED if stands.problem else State.UNKNOWN
        return Panel(DrillLine(None, "", state, (), says), as_of=now)
    state = State.CRITICAL if last.named(Outcome.FAILED) else State.DEGRADED if stands.problem else State.HEALTHY
    exercises = tuple((one.name, one.outcome.value, one.finding) for one in last.exercises)
    return Panel(DrillLine(last.finished_at, last.ground, state, exercises, says), as_of=last.finished_at)


async def heartbeats(store: ReadableStore, settings: Settings, *, now: datetime) -> Panel[tuple[HeartbeatLine, ...]]:
    """Every job, the scheduled ones first, each with the run that left its last sign of life.

    Raises:
        UnavailableError: the store is down.
    """
    heard, lines = await beats_of_runs(store), []
    for job in JOBS:
        last, run_id = heard.get(job, (None, ""))
        lines.append(_line(job, last, run_link(settings, run_id or None), now))
    return Panel(tuple(lines), as_of=now)


def _line(job: str, last: datetime | None, run: Link | None, now: datetime) -> HeartbeatLine:
    rhythm = RHYTHMS.get(job)
    if rhythm is None:
        says = "on demand; never ran" if last is None else "on demand"
        return HeartbeatLine(job, last, None, State.UNKNOWN if last is None else State.HEALTHY, says, run)
    if last is None:
        return HeartbeatLine(job, None, rhythm.every, State.UNKNOWN, "never heard of", run)
    late = overdue({job: last}, {job: rhythm}, watched_since=last, now=now)
    says = f"its run is {lasted(late[0].late_by)} late" if late else "in time"
    return HeartbeatLine(job, last, rhythm.every, State.CRITICAL if late else State.HEALTHY, says, run)
