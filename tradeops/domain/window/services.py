"""Uptime, latency and history strips of services, from health checks in columns. Pure."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.window.columns import EPOCH, MICROSECOND, Columns, micros, moment
from tradeops.domain.window.conditions import Cell, Service, Uptime
from tradeops.domain.window.values import Range, State, state_of

CELLS: Mapping[Range, tuple[int, timedelta]] = {
    Range.DAY: (48, timedelta(minutes=30)),
    Range.WEEK: (56, timedelta(hours=3)),
    Range.MONTH: (60, timedelta(hours=12)),
    Range.QUARTER: (90, timedelta(days=1)),
}
SEVERITIES = {State.HEALTHY: 0, State.DEGRADED: 1, State.CRITICAL: 2}
STATES = (State.HEALTHY, State.DEGRADED, State.CRITICAL)
NOT_MEASURED = "not measured in this time"
NOT_CONFIGURED = "not configured"


def record_of(body: Mapping[str, Any]) -> dict[str, float]:
    """The fields of one kept health check: `PART:severity`, `PART:up` (1 or 0) and `PART:ms`.

    A part that is not configured has none, and so counts for nothing.
    """
    services = body.get("services")
    services = services if isinstance(services, Mapping) else {}
    severities = body.get("severities")
    found: dict[str, float] = {}
    for part, word in severities.items() if isinstance(severities, Mapping) else ():
        service = services.get(part)
        service = service if isinstance(service, Mapping) else {}
        status, severity = str(service.get("status", word)), SEVERITIES.get(state_of(word))
        if severity is None or status == State.NOT_CONFIGURED:
            continue
        found[f"{part}:severity"] = severity
        found[f"{part}:up"] = int(status == State.HEALTHY)
        took = service.get("response_time_ms")
        if isinstance(took, int | float) and status == State.HEALTHY:
            found[f"{part}:ms"] = float(took)
    return found


def code_of(field: str) -> str:
    """How the columns of health checks keep a field."""
    return "f" if field.endswith(":ms") else "b"


def services(checks: Columns, newest: Mapping[str, Any], range_: Range, *, now: datetime) -> tuple[Service, ...]:
    """All parts of the newest check, in its order, with their history.

    Args:
        checks: records as `record_of` makes them.
        newest: the kept check that is the latest.
        range_: of strips and percentiles; uptimes have their own.
        now: aware.
    """
    listed = newest.get("services")
    listed = listed if isinstance(listed, Mapping) else {}
    severities = newest.get("severities")
    severities = severities if isinstance(severities, Mapping) else {}
    return tuple(
        _service(part, listed.get(part), severities.get(part), newest, checks, range_, now)
        for part in dict.fromkeys((*listed, *severities))
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank: a value that occurred. `ordered` is not empty; `share` is above 0, at most 1."""
    return ordered[math.ceil(share * len(ordered)) - 1]


def uptime(checks: Columns, part: str, *, now: datetime) -> Uptime:
    """Of the last 24 hours, 7 days and 30 days."""
    return Uptime(*(_up(checks, part, range_, now) for range_ in (Range.DAY, Range.WEEK, Range.MONTH)))


def strip(checks: Columns, part: str, range_: Range, *, now: datetime) -> tuple[Cell, ...]:
    """The range in cells that begin at round times, the newest one not over yet."""
    count, length = CELLS[range_]
    ends = EPOCH + (-((EPOCH - now) // length)) * length
    since = micros(ends - count * length)
    size = length // MICROSECOND
    cells = []
    for begin in range(since, since + count * size, size):
        places = checks.between(begin, begin + size)
        severities, ups = checks.column(f"{part}:severity", places), checks.column(f"{part}:up", places)
        asked = len(severities) - severities.count(-1)
        state = STATES[int(max(severities))] if asked else State.UNKNOWN
        cells.append(Cell(moment(begin), state, asked, ups.count(1)))
    return tuple(cells)


def _service(
    part: str,
    listed: object,
    word: object,
    newest: Mapping[str, Any],
    checks: Columns,
    range_: Range,
    now: datetime,
) -> Service:
    service: Mapping[str, Any] = listed if isinstance(listed, Mapping) else {}
    is_configured = service.get("status") != State.NOT_CONFIGURED
    used = newest.get(f"{part}_percent")
    took = service.get("response_time_ms")
    places = checks.between(micros(now - range_.length), micros(now) + 1)
    measured = sorted(checks.column(f"{part}:ms", places))
    del measured[bisect_left(measured, math.inf) :]  # checks that did not measure it
    none = unknown(NOT_MEASURED if is_configured else NOT_CONFIGURED)
    return Service(
        name=part,
        state=state_of(word) if is_configured else State.NOT_CONFIGURED,
        problem=_problem(part, service, newest),
        latency_ms=known(took) if isinstance(took, int | float) else none,
        uptime=uptime(checks, part, now=now),
        p50_ms=known(percentile(measured, 0.5)) if measured else none,
        p95_ms=known(percentile(measured, 0.95)) if measured else none,
        used_percent=float(used) if isinstance(used, int | float) else None,
        strip=strip(checks, part, range_, now=now),
    )


def _problem(part: str, service: Mapping[str, Any], newest: Mapping[str, Any]) -> str:
    if service.get("error"):
        return str(service["error"])
    alerts = newest.get("alerts")
    lines = [str(line) for line in alerts] if isinstance(alerts, list | tuple) else []
    return next((line.partition(": ")[2] for line in lines if line.startswith(f"{part} ")), "")


def _up(checks: Columns, part: str, range_: Range, now: datetime) -> Figure:
    ups = checks.column(f"{part}:up", checks.between(micros(now - range_.length), micros(now) + 1))
    good, bad = ups.count(1), ups.count(0)
    return known(100 * good / (good + bad)) if good + bad else unknown(f"no check in the last {range_}")
