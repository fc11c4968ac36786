"""What "healthy" means for the bot and for what it stands on. Pure: no I/O, no clock, no Prefect."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """Ordered, so that the worst of several is their maximum."""

    HEALTHY = 0
    DEGRADED = 1
    CRITICAL = 2


class Status(StrEnum):
    """What one part was found to be."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DOWN = "down"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe of one part found, re-probes included.

    Attributes:
        part: the name in the report (`engine`, `mongodb`, `disk` …).
        status: `DOWN` is no usable answer at all, `UNHEALTHY` an answer that is bad.
        latency: of the last attempt; `None` where nothing was asked (not configured, disk, memory).
        problem: why it is not healthy, one line without secrets; empty when it is.
        note: something worth knowing about a part that may well be healthy (a blip, a measured value).
        attempts: probes made in this run, the first one included.
        used_percent: of disk and memory, 0–100; `None` for all others.
        worst: the most this part can weigh in the verdict; a part nobody trades on is never critical.
    """

    part: str
    status: Status
    latency: timedelta | None = None
    problem: str = ""
    note: str = ""
    attempts: int = 1
    used_percent: float | None = None
    worst: Severity = Severity.CRITICAL


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where good ends. A value exactly at a limit is still good.

    Attributes:
        slow_after: answers that took longer are degraded.
        disk_percent: used share of the disk, 0–100: above the first degraded, above the second critical.
        memory_percent: the same for memory.
    """

    slow_after: timedelta = timedelta(seconds=2)
    disk_percent: tuple[float, float] = (80.0, 90.0)
    memory_percent: tuple[float, float] = (85.0, 95.0)


@dataclass(frozen=True, slots=True)
class Finding:
    """One part and what it weighs; `problem` is empty exactly when the severity is healthy."""

    result: ProbeResult
    severity: Severity
    problem: str


@dataclass(frozen=True, slots=True)
class Change:
    """A part whose severity differs from the run before."""

    part: str
    before: Severity
    after: Severity


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One judged round.

    Attributes:
        overall: the worst severity of all parts.
        findings: in probe order.
        started_at: when the round began, aware UTC.
        finished_at: when its last probe ended.
        monitor_suspected: every part that was asked is down while loopback works, so the fault may be the monitor's.
    """

    overall: Severity
    findings: tuple[Finding, ...]
    started_at: datetime
    finished_at: datetime
    monitor_suspected: bool = False

    def named(self, severity: Severity) -> tuple[str, ...]:
        """Parts judged `severity`, in probe order."""
        return tuple(f.result.part for f in self.findings if f.severity is severity)

    @property
    def alerts(self) -> tuple[str, ...]:
        """One line for each part that is not healthy, the worst first, in probe order within a severity."""
        ranked = sorted((f for f in self.findings if f.problem), key=lambda f: -f.severity)
        return tuple(f"{f.result.part} {f.severity.name.lower()}: {f.problem}" for f in ranked)


def assess(
    results: Sequence[ProbeResult],
    thresholds: Thresholds,
    *,
    started_at: datetime,
    finished_at: datetime,
    loopback_works: bool = True,
) -> HealthReport:
    """Judge one round of probes; the worst part decides.

    Raises:
        ValueError: no results; an empty round must never read as healthy.
    """
    if not results:
        raise ValueError("cannot assess a round without results")
    findings = tuple(_judge(result, thresholds) for result in results)
    asked = [r for r in results if r.latency is not None]
    all_down = len(asked) > 1 and all(r.status is Status.DOWN for r in asked)
    return HealthReport(
        overall=max(f.severity for f in findings),
        findings=findings,
        started_at=started_at,
        finished_at=finished_at,
        monitor_suspected=all_down and loopback_works,
    )


def changes(report: HealthReport, before: dict[str, Severity]) -> tuple[Change, ...]:
    """Parts that flipped since the run before; a part that was not in it is no change."""
    return tuple(
        Change(f.result.part, before[f.result.part], f.severity)
        for f in report.findings
        if f.result.part in before and before[f.result.part] is not f.severity
    )


def _judge(result: ProbeResult, thresholds: Thresholds) -> Finding:
    severity, problem = _verdict(result, thresholds)
    return Finding(result, min(severity, result.worst), problem)


def _verdict(result: ProbeResult, thresholds: Thresholds) -> tuple[Severity, str]:
    match result.status:
        case Status.DOWN:
            return Severity.CRITICAL, result.problem
        case Status.UNHEALTHY:
            return Severity.DEGRADED, result.problem
        case Status.NOT_CONFIGURED:
            return Severity.HEALTHY, ""
        case Status.HEALTHY:
            return _level(result, thresholds)


def _level(result: ProbeResult, thresholds: Thresholds) -> tuple[Severity, str]:
    if result.used_percent is not None:
        degraded, critical = thresholds.memory_percent if result.part == "memory" else thresholds.disk_percent
        if result.used_percent > critical:
            return Severity.CRITICAL, f"{_beyond(result.used_percent, critical)} % used, above {critical:g} %"
        if result.used_percent > degraded:
            return Severity.DEGRADED, f"{_beyond(result.used_percent, degraded)} % used, above {degraded:g} %"
    if result.latency is not None and result.latency > thresholds.slow_after:
        took, limit = result.latency.total_seconds(), thresholds.slow_after.total_seconds()
        return Severity.DEGRADED, f"slow: {_beyond(took, limit)} s, above {limit:g} s"
    return Severity.HEALTHY, ""


def _beyond(value: float, limit: float) -> str:
    """`value` with one decimal, or as many more as it takes not to read like the limit it exceeds."""
    return next(text for digits in range(1, 18) if float(text := f"{value:.{digits}f}") > limit)
