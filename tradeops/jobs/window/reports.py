"""The archive of reports: what each job found, as it was kept."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from tradeops.adapters.store import Point, ReadableStore
from tradeops.domain.candles import EPOCH
from tradeops.domain.window.outline import outline
from tradeops.domain.window.pages import ReportLine, ReportList, ReportPage
from tradeops.domain.window.values import State, state_of
from tradeops.errors import RejectedError
from tradeops.jobs.brake import records as brakes
from tradeops.jobs.drill import records as drills
from tradeops.jobs.window.latest import latest, stretches
from tradeops.jobs.window.links import run_link
from tradeops.jobs.window.series import BULK, COSTS, HEALTH, PERFORMANCE, PORTFOLIO, RETRAINS, TRAININGS
from tradeops.settings import Settings

PAGE, AT_ONCE = 50, 200
SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of report.

    Attributes:
        series: of the store.
        title: what one of them is called.
        verdict: the dotted path of its verdict; empty for those that judge nothing.
    """

    series: str
    title: str
    verdict: str = ""


KINDS: Mapping[str, Kind] = {
    "portfolio": Kind(PORTFOLIO, "Portfolio report"),
    "cost": Kind(COSTS, "LLM cost report", "full_data.overall_status"),
    "performance": Kind(PERFORMANCE, "Performance analysis", "performance_status"),
    "health": Kind(HEALTH, "Health check", "overall_status"),
    "retrain": Kind(RETRAINS, "Retrain", "status"),
    "training": Kind(TRAININGS, "Training", "status"),
    "bulk": Kind(BULK, "Bulk analysis"),
    "drill": Kind(drills.SERIES, "Drill", "status"),
    "brake": Kind(brakes.SERIES, "Emergency disable"),
}
HEADLINES: Mapping[str, str] = {
    "portfolio": "equity {equity} USDT, {total_trades} trades",
    "cost": "within the limits",
    "retrain": "{successful_count} trained, {deployed_count} deployed",
    "training": "{model_type} {symbol}: {status}",
    "bulk": "{symbols_analyzed} symbols, {symbols_failed} failed",
    "drill": "on {ground}, by {operator}",
    "brake": "{target}: {phase}; {reason}",
}
SHOWN = frozenset(re.findall(r"{(\w+)}", " ".join(HEADLINES.values())))
SUMMARY = (
    "portfolio",
    "cost",
    "performance",
    "retrain",
    "training",
    "bulk",
    "drill",
    "brake",
)  # health would drown them


async def listed(
    store: ReadableStore, settings: Settings, kind: str | None, *, before: datetime | None, now: datetime
) -> ReportList:
    """A page of one kind, or of all but the health checks.

    Raises:
        RejectedError: there is no such kind.
        UnavailableError: the store is down.
    """
    kinds = SUMMARY if kind is None else (_checked(kind),)
    until = min(before or now + SOON, now + SOON)
    found = await asyncio.gather(*(_latest(store, KINDS[one].series, until, now) for one in kinds))
    lines = [_line(one, point, settings) for one, points in zip(kinds, found, strict=True) for point in points]
    lines.sort(key=lambda line: line.at, reverse=True)
    shown = lines[:PAGE]
    return ReportList(tuple(KINDS), tuple(shown), shown[-1].at if len(lines) >= PAGE else None)


async def page(
    store: ReadableStore, settings: Settings, kind: str, key: str, *, zone: tzinfo, now: datetime
) -> ReportPage:
    """One report, with times in that zone.

    Raises:
        RejectedError: there is none of that kind and key.
        UnavailableError: the store is down.
    """
    point = await _found(store, KINDS[_checked(kind)].series, key, now)
    if point is None:
        raise RejectedError("reports", f"there is no {kind} report {key[:200]!r}", remedy="see the list of reports")
    return ReportPage(_line(kind, point, settings), outline(point.body, zone=zone))


async def _latest(store: ReadableStore, series: str, until: datetime, now: datetime) -> list[Point]:
    if series == HEALTH:
        return await latest(store, series, until=until, now=now, limit=PAGE)
    return await store.points(series, since=EPOCH, until=until, limit=PAGE, newest_first=True)


async def _found(store: ReadableStore, series: str, key: str, now: datetime) -> Point | None:
    if series == HEALTH:
        async for stretch in stretches(store, series, until=now + SOON, now=now):
            if found := _keyed(stretch, key):
                return found
        return None
    until, page = now + SOON, [Point("", now, {})]
    while page:
        page = await store.points(series, since=EPOCH, until=until, limit=AT_ONCE, newest_first=True)
        if found := _keyed(page, key):
            return found
        until = page[-1].timestamp if page else until
    return None


def _keyed(points: list[Point], key: str) -> Point | None:
    return next((point for point in points if point.key == key), None)


def _checked(kind: str) -> str:
    if kind not in KINDS:
        raise RejectedError("reports", f"there is no kind {kind[:50]!r}", remedy=f"there are {', '.join(KINDS)}")
    return kind


def _line(kind: str, point: Point, settings: Settings) -> ReportLine:
    body: Any = point.body
    verdict: Any = body
    for name in filter(None, KINDS[kind].verdict.split(".")):
        verdict = verdict.get(name) if isinstance(verdict, Mapping) else None
    date = body.get("date")
    return ReportLine(
        kind=kind,
        key=point.key,
        at=point.timestamp,
        title=f"{KINDS[kind].title} of {date}" if date else KINDS[kind].title,
        state=state_of(verdict) if KINDS[kind].verdict else State.NOT_CONFIGURED,
        headline=_headline(kind, body),
        run=run_link(settings, body.get("run_id")),
    )


def _headline(kind: str, body: Mapping[str, Any]) -> str:
    alerts = [one.get("text") if isinstance(one, Mapping) else one for one in body.get("alerts") or ()]
    if alerts:
        return "; ".join(map(str, alerts[:2])) + (f"; and {len(alerts) - 2} more" if len(alerts) > 2 else "")  # noqa: PLR2004 - two fit
    shown: dict[str, str] = {name: _or(value) for name, value in body.items() if name in SHOWN}
    return HEADLINES.get(kind, "nothing to report").format_map(_Known(shown))


class _Known(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "n/a"


def _or(value: object) -> str:
    return "n/a" if value is None else str(value)
