"""The drills of an installation: kept for ever, and read by the health check."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.store import Point, ReadableStore, Store
from tradeops.adapters.store.interface import Body
from tradeops.domain.drills import Drill, Exercise, Outcome, Standing, standing
from tradeops.errors import ConflictError

SERIES = "drills"
COLLECTION, DOCUMENT = "drill_standing", "known_since"
MILLISECOND = timedelta(milliseconds=1)


async def keep(store: Store, drill: Drill) -> None:
    """Keep a drill, once.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    await store.add_point(SERIES, Point(drill.drill_id, drill.finished_at, as_fields(drill)))


async def last(store: ReadableStore) -> Drill | None:
    """The newest drill; `None` when there was none.

    Raises:
        UnavailableError: the store does not answer.
    """
    point = await store.newest_point(SERIES)
    return None if point is None else _drill(point)


async def look(store: Store, *, every: timedelta, now: datetime) -> Standing:
    """Whether the last drill still proves something; the first look of an installation begins its time.

    Raises:
        UnavailableError: the store does not answer.
    """
    newest = await last(store)
    since = now if newest is not None else await _known_since(store, now)
    return standing(newest, known_since=since, every=every, now=now)


def as_fields(drill: Drill) -> Body:
    """The drill as it is kept and as the terminal prints it as JSON; times are ISO 8601, UTC."""
    return {
        "status": "success" if drill.passed else "failed",
        "run_id": drill.drill_id,
        "ground": drill.ground,
        "operator": drill.operator,
        "started_at": drill.started_at.astimezone(UTC).isoformat(),
        "finished_at": drill.finished_at.astimezone(UTC).isoformat(),
        "data_as_of": drill.started_at.astimezone(UTC).isoformat(),
        "exercises": {
            one.name: {
                "outcome": one.outcome.value,
                "finding": one.finding,
                "took_ms": None if one.took is None else one.took / MILLISECOND,
            }
            for one in drill.exercises
        },
    }


def _drill(point: Point) -> Drill:
    body: Any = point.body
    exercises = tuple(
        Exercise(
            name,
            Outcome(one["outcome"]),
            one["finding"],
            None if one["took_ms"] is None else one["took_ms"] * MILLISECOND,
        )
        for name, one in body["exercises"].items()
    )
    started = datetime.fromisoformat(body["started_at"])
    return Drill(point.key, body["ground"], body["operator"], started, point.timestamp, exercises)


async def _known_since(store: Store, now: datetime) -> datetime:
    kept = await store.get(COLLECTION, DOCUMENT)
    if kept is None:
        try:
            kept = await store.put(COLLECTION, DOCUMENT, {"at": now.isoformat()}, expected_version=None)
        except ConflictError:  # another run was first, a moment ago
            return now
    return datetime.fromisoformat(str(kept.body["at"]))
