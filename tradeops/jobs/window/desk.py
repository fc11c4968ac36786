"""The desk's own: the last drill, and the signs of life of its jobs."""

import asyncio
from datetime import datetime

from tradeops.adapters.store import Point, ReadableStore
from tradeops.domain.drills import Outcome, standing
from tradeops.domain.heartbeats import RHYTHMS, overdue
from tradeops.domain.incidents.wording import lasted
from tradeops.domain.window.conditions import DrillLine, HeartbeatLine
from tradeops.domain.window.values import Link, Panel, State
from tradeops.jobs.decision.decisions import HISTORY
from tradeops.jobs.drill import records as drills
from tradeops.jobs.monitoring.heartbeats import beats
from tradeops.jobs.window.links import run_link
from tradeops.jobs.window.series import (
    BACKTESTS,
    BULK,
    COSTS,
    HEALTH,
    PERFORMANCE,
    PORTFOLIO,
    RETRAINS,
    SEARCHES,
    TRAININGS,
)
from tradeops.settings import Settings

RECORDS = {  # of each job, where its runs leave their id; on-demand jobs last
    "system-health-check": HEALTH,
    "daily-performance-analysis": PERFORMANCE,
    "gpt4-self-analysis": HISTORY,
    "daily-portfolio-report": PORTFOLIO,
    "daily-api-cost-report": COSTS,
    "model-watch": None,
    "adaptive-retrain": RETRAINS,
    "emergency-strategy-disable": None,
    "train-model": TRAININGS,
    "backtest-strategy": BACKTESTS,
    "optimize-strategy": SEARCHES,
    "bulk-analysis": BULK,
}


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


async def heartbeats(
    store: ReadableStore, settings: Settings, check: Point | None, *, now: datetime
) -> Panel[tuple[HeartbeatLine, ...]]:
    """Every job, the scheduled ones first; `check` is the last health check.

    Raises:
        UnavailableError: the store is down.
    """
    series = [name for name in RECORDS.values() if name is not None and name != HEALTH]
    heard, newest = await asyncio.gather(beats(store), asyncio.gather(*(store.newest_point(name) for name in series)))
    found = {HEALTH: check, **dict(zip(series, newest, strict=True))}
    lines = []
    for job, name in RECORDS.items():
        point = None if name is None else found[name]
        link = None if point is None else run_link(settings, point.body.get("run_id"))
        lines.append(_line(job, heard.get(job), link, now))
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
