"""The steps of the health check: probe everything at once, ask again where it was not good, keep the report."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradeops.adapters.probes import loopback
from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.health import (
    HealthReport,
    PreviousRun,
    ProbeResult,
    Round,
    Severity,
    Status,
    Thresholds,
    confirmed,
    judge,
)
from tradeops.errors import MisconfiguredError, RejectedError, TradeOpsError, UnavailableError
from tradeops.jobs.monitoring.parts import Look, Observed, Part, parts_of
from tradeops.settings import Settings
from tradeops.wiring import Desk

SERIES = "health_checks"
HOST = ("disk", "memory")
MILLISECOND = timedelta(milliseconds=1)
CLEANING_UP = timedelta(seconds=0.1)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one part may take.

    Attributes:
        probe: one probe, in all.
        part: a part's probe with its re-probes and the pauses between them.
        pauses: before each re-probe; there are as many re-probes as pauses.
    """

    probe: timedelta = timedelta(seconds=2.5)
    part: timedelta = timedelta(seconds=9)
    pauses: tuple[timedelta, ...] = (timedelta(seconds=0.5), timedelta(seconds=2))


PACE = Pace()


def thresholds(settings: Settings) -> Thresholds:
    """Where good ends, by the settings."""
    return Thresholds(
        slow_after=settings.slow_after,
        disk_percent=(settings.disk_alert_percent, settings.disk_critical_percent),
        memory_percent=(settings.memory_alert_percent, settings.memory_critical_percent),
    )


async def probe_all(desk: Desk) -> Round:
    """Probe all parts at once, and again those that were not good; never raises for a part, ends within `PACE.part`."""
    started_at = datetime.now(UTC)
    limits = thresholds(desk.settings)
    results, loopback_works = await asyncio.gather(
        asyncio.gather(*(probe(part, limits, PACE) for part in parts_of(desk))), loopback.works(within=PACE.probe)
    )
    return Round(tuple(results), started_at, datetime.now(UTC), loopback_works=loopback_works)


async def record(desk: Desk, report: HealthReport, *, run_id: str) -> None:
    """Keep the report as a point of `health_checks`; a second one of the same run changes nothing.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside for later.
    """
    await desk.store.add_point(SERIES, Point(run_id, report.finished_at, as_fields(report, run_id=run_id)))


async def previous_run(desk: Desk) -> PreviousRun | None:
    """What the newest kept run found; `None` when there is none, or when the store cannot tell in time."""
    try:
        async with asyncio.timeout(PACE.probe.total_seconds()):
            point = await desk.store.newest_point(SERIES)
    except (TradeOpsError, TimeoutError) as error:
        log.warning("the run before is not known: %s", str(error) or "the store did not answer in time")
        return None
    return None if point is None else _remembered(point)


def as_fields(report: HealthReport, *, run_id: str) -> dict[str, Json]:
    """The report as it is kept: `services` has all parts but disk and memory, `severities` has all.

    Percentages are 0–100; `None` is "not measured" or "not asked". Times are ISO 8601, UTC.
    """
    return {
        "status": "success",
        "run_id": run_id,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": report.started_at.isoformat(),
        "overall_status": report.overall.word,
        "services": {
            finding.result.part: {
                "status": finding.result.status.value,
                "response_time_ms": None if (took := finding.result.latency) is None else took / MILLISECOND,
                "error": finding.problem or None,
            }
            for finding in report.findings
            if finding.result.part not in HOST
        },
        "severities": {finding.result.part: finding.severity.word for finding in report.findings},
        "disk_percent": report.used_percent("disk"),
        "memory_percent": report.used_percent("memory"),
        "alerts": list(report.alerts),
    }


def _remembered(point: Point) -> PreviousRun:
    kept = point.body.get("severities")
    words = kept if isinstance(kept, Mapping) else {}
    known = {severity.word: severity for severity in Severity}
    severities = {part: known[word] for part, word in words.items() if isinstance(word, str) and word in known}
    return PreviousRun(point.timestamp, severities)


async def probe(part: Part, limits: Thresholds, pace: Pace) -> ProbeResult:
    """Probe one part, and again while it is not good; a measured value is not measured again."""
    if part.look is None:
        note = f"{part.setting} is not set"
        return ProbeResult(part.name, Status.NOT_CONFIGURED, note=note, attempts=0, worst=part.worst, ours=part.ours)
    ends_at = time.monotonic() + pace.part.total_seconds()
    attempts = [await _attempt(part, part.look, pace.probe)]
    for pause in pace.pauses:
        if attempts[-1].used_percent is not None or judge(attempts[-1], limits).severity is Severity.HEALTHY:
            break
        await asyncio.sleep(pause.total_seconds())
        left = timedelta(seconds=ends_at - time.monotonic())
        if left <= CLEANING_UP:
            break
        attempts.append(await _attempt(part, part.look, min(pace.probe, left)))
    return confirmed(attempts, limits)


async def _attempt(part: Part, look: Look, within: timedelta) -> ProbeResult:
    """One look, over after `within`: what a driver still does to clean up is not waited for."""
    started = time.perf_counter()
    task = asyncio.create_task(_observe(part, look, within - CLEANING_UP))
    try:
        await asyncio.wait({task}, timeout=within.total_seconds())
    finally:
        task.cancel()
    latency = timedelta(seconds=time.perf_counter() - started)
    if task.done() and not task.cancelled():
        status, observed = task.result()
    else:
        status, observed = Status.DOWN, Observed(f"no answer within {within.total_seconds():.1f} s")
    return ProbeResult(
        part.name,
        status,
        latency=latency,
        problem=observed.problem,
        note=observed.note,
        used_percent=observed.used_percent,
        worst=part.worst,
        least=observed.least,
        ours=part.ours,
    )


async def _observe(part: Part, look: Look, within: timedelta) -> tuple[Status, Observed]:
    try:
        observed = await look(within)
    except TradeOpsError as error:
        return _status_of(error), Observed(_explained(error, part))
    except Exception as error:
        log.exception("the check of %s broke", part.name)
        return Status.UNHEALTHY, Observed(f"not known: our own check broke ({type(error).__name__}, see the log)")
    return Status.UNHEALTHY if observed.problem else Status.HEALTHY, observed


def _status_of(error: TradeOpsError) -> Status:
    match error:
        case UnavailableError() | MisconfiguredError(http_status=None):
            return Status.DOWN
        case _:
            return Status.UNHEALTHY


def _explained(error: TradeOpsError, part: Part) -> str:
    match error:
        case MisconfiguredError(http_status=403):
            remedy = f"it is up, but forbids us: {error.remedy}"
        case RejectedError(http_status=404):
            remedy = f"the path may be wrong: check {part.path_setting or part.setting}"
        case _:
            remedy = error.remedy
    return f"{error.problem}; {remedy}" if remedy else error.problem
