"""The lineage of the models for the dashboard: in use, tried, gone back."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tradeops.adapters.store import AuditEvent, Document, Point, ReadableStore
from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.window.judgements import Lineage, ModelVersion
from tradeops.domain.window.values import Panel
from tradeops.jobs.window.links import run_link
from tradeops.jobs.window.series import ACCURACY, PROMOTED, RETRAINS, ROLLED_BACK, WATCHES
from tradeops.settings import Settings

LOOK_BACK = timedelta(days=730)
MOST = 1000
MOST_VERSIONS = 100
NEVER = "no retrain is kept yet: the models in use are those that the bot came with"


async def panel(store: ReadableStore, settings: Settings, *, now: datetime) -> Panel[tuple[Lineage, ...]]:
    """Each model that was ever retrained here, by name.

    Raises:
        UnavailableError: the store is down.
    """
    since, until = now - LOOK_BACK, now + timedelta(hours=1)
    versions, retrains, promoted, back, watches = await asyncio.gather(
        store.points(ACCURACY, since=since, until=until, limit=MOST_VERSIONS, newest_first=True),
        store.points(RETRAINS, since=since, until=until, limit=10, newest_first=True),
        store.events(since=since, until=until, kind=PROMOTED, limit=MOST),
        store.events(since=since, until=until, kind=ROLLED_BACK, limit=MOST),
        store.documents(WATCHES),
    )
    bodies = [*(point.body for point in versions), *(event.body for event in (*promoted, *back))]
    names = sorted({_name(body) for body in bodies} | _tried(retrains))
    if not names:
        return Panel(None, NEVER)
    changes = sorted([*promoted, *back], key=lambda one: one.occurred_at)
    found = tuple(_lineage(name, versions, retrains, changes, watches, settings) for name in names)
    return Panel(found, as_of=max((one.retrained_at for one in found if one.retrained_at), default=None))


def _lineage(
    name: tuple[str, str],
    versions: list[Point],
    retrains: list[Point],
    changes: list[AuditEvent],
    watches: list[Document],
    settings: Settings,
) -> Lineage:
    mine = [point for point in versions if _name(point.body) == name]
    changed = [event for event in changes if _name(event.body) == name]
    last = changed[-1] if changed else None
    in_use = None if last is None else str(last.body["version" if last.kind == PROMOTED else "to_version"])
    challenger = mine[0] if mine else None
    run, tried = next(((point, one) for point in retrains if (one := _of_run(point, name))), (None, {}))
    watch: Any = next((one.body for one in watches if one.key == ":".join(name)), {})
    return Lineage(
        model_type=name[0],
        symbol=name[1],
        champion=None if last is None or in_use is None else _version(in_use, last.occurred_at, mine),
        challenger=None
        if challenger is None
        else _version(str(challenger.body.get("version")), challenger.timestamp, mine),
        deployed=challenger is not None and challenger.body.get("version") == in_use,
        verdict=str(tried.get("error") or tried.get("reason") or ""),
        watch=str(watch.get("says") or ("" if not watch else f"watched since {str(watch.get('promoted_at'))[:16]}")),
        retrained_at=None if run is None else run.timestamp,
        run=None if run is None else run_link(settings, run.key),
        rolled_back_at=next((one.occurred_at for one in reversed(changed) if one.kind == ROLLED_BACK), None),
    )


def _version(version: str, at: datetime, measured: list[Point]) -> ModelVersion:
    body: Mapping[str, Any] = next((p.body for p in measured if p.body.get("version") == version), {})
    return ModelVersion(version, at, _percent(body.get("accuracy")))


def _percent(value: object) -> Figure:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return known(100 * float(value)) if is_number else unknown("not measured here")  # type: ignore[arg-type]


def _name(body: Mapping[str, Any]) -> tuple[str, str]:
    return str(body.get("model_type")), str(body.get("symbol"))


def _tried(retrains: list[Point]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for point in retrains:
        models: Any = point.body.get("models") or {}
        found |= {(name.partition(":")[0], str(one.get("symbol"))) for name, one in models.items()}
    return found


def _of_run(point: Point, name: tuple[str, str]) -> Mapping[str, Any]:
    models: Any = point.body.get("models") or {}
    for key, one in models.items():
        if (key.partition(":")[0], str(one.get("symbol"))) == name:
            found: Mapping[str, Any] = one
            return found
    return {}
