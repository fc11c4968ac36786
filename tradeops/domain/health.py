"""What "healthy" means for the bot and for what it stands on. Pure: no I/O, no clock, no Prefect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum


class Severity(IntEnum):
    """Ordered, so that the worst of several is their maximum."""

    HEALTHY = 0
    DEGRADED = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """As written in reports and in the store: `healthy`, `degraded`, `critical`."""
        return self.name.lower()


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
        latency: of the attempt that counts, up to its time-out; `None` where nothing was asked (not configured).
        problem: why it is not healthy, one line without secrets; empty when it is.
        note: something worth knowing about a part that may well be healthy (a blip, a measured value).
        attempts: probes made in this run, the first one included; 0 when not configured.
        used_percent: of disk and memory, 0–100; `None` for all others.
        worst: the most this part can weigh in the verdict; a part nobody trades on is never critical.
        least: what its problem weighs at least, whatever `worst` says: a person must act on it.
        ours: a part of the monitor (its host, its Prefect), so no evidence of whether the network works.
    """

    part: str
    status: Status
    latency: timedelta | None = None
    problem: str = ""
    note: str = ""
    attempts: int = 1
    used_percent: float | None = None
    worst: Severity = Severity.CRITICAL
    least: Severity = Severity.HEALTHY
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """One round of probes, not yet judged.

    Attributes:
        results: in probe order.
        started_at: when it began, aware UTC.
        finished_at: when its last probe ended.
        loopback_works: whether this machine could talk to itself meanwhile.
    """

    results: tuple[ProbeResult, ...]
    started_at: datetime
    finished_at: datetime
    loopback_works: bool = True


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
class PreviousRun:
    """What the next run is compared with.

    Attributes:
        finished_at: of the run, aware UTC.
        severities: of each part.
    """

    finished_at: datetime
    severities: Mapping[str, Severity]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """One judged round.

    Attributes:
        overall: the worst severity of all parts.
        findings: in probe order.
        started_at: when the round began, aware UTC.
        finished_at: when its last probe ended.
        suspicion: why the monitor itself may be the problem; empty when nothing points to it.
    """

    overall: Severity
    findings: tuple[Finding, ...]
    started_at: datetime
    finished_at: datetime
    suspicion: str = ""

    def named(self, severity: Severity) -> tuple[str, ...]:
        """Parts judged `severity`, in probe order."""
        return tuple(f.result.part for f in self.findings if f.severity is severity)

    @property
    def summary(self) -> str:
        """The verdict in one line: the parts that are worst, or that there is none."""
        return "all parts are healthy" if self.overall is Severity.HEALTHY else ", ".join(self.named(self.overall))

    def used_percent(self, part: str) -> float | None:
        """What `disk` or `memory` measured, 0–100; `None` when that failed."""
        return next((f.result.used_percent for f in self.findings if f.result.part == part), None)

    @property
    def alerts(self) -> tuple[str, ...]:
        """The suspicion, if any, then each part that is not healthy: the worst first, then in probe order."""
        ranked = sorted((f for f in self.findings if f.problem), key=lambda f: -f.severity)
        lines = (f"{f.result.part} {f.severity.word}: {f.problem}" for f in ranked)
        return ((self.suspicion,) if self.suspicion else ()) + tuple(lines)


def assess(probed: Round, thresholds: Thresholds) -> HealthReport:
    """Judge one round of probes; the worst part decides.

    Raises:
        ValueError: no results; an empty round must never read as healthy.
    """
    if not probed.results:
        raise ValueError("cannot assess a round without results")
    findings = tuple(judge(result, thresholds) for result in probed.results)
    return HealthReport(
        overall=max(f.severity for f in findings),
        findings=findings,
        started_at=probed.started_at,
        finished_at=probed.finished_at,
        suspicion=_suspicion(probed),
    )


def judge(result: ProbeResult, thresholds: Thresholds) -> Finding:
    """What one part weighs."""
    severity, problem = _verdict(result, thresholds)
    weight = min(severity, result.worst)
    return Finding(result, max(weight, result.least) if problem else weight, problem)


def confirmed(attempts: Sequence[ProbeResult], thresholds: Thresholds) -> ProbeResult:
    """What several probes of one part, in order of time, say together: the best of them, of equals the first.

    So a part is down only when it was down each time, and one blip is a note on a healthy part.

    Raises:
        ValueError: no attempts.
    """
    if not attempts:
        raise ValueError("cannot confirm anything without an attempt")
    best = min(attempts, key=lambda attempt: judge(attempt, thresholds).severity)
    first = judge(attempts[0], thresholds)
    note = best.note
    if first.problem and not judge(best, thresholds).problem:
        blip = f"good at attempt {attempts.index(best) + 1}, after: {first.problem}"
        note = f"{note}; {blip}" if note else blip
    return replace(best, attempts=len(attempts), note=note)


def changes(report: HealthReport, before: Mapping[str, Severity]) -> tuple[Change, ...]:
    """Parts that flipped since the run before; a part that was not in it is no change."""
    return tuple(
        Change(f.result.part, before[f.result.part], f.severity)
        for f in report.findings
        if f.result.part in before and before[f.result.part] is not f.severity
    )


def beyond(value: float, limit: float) -> str:
    """`value` with one decimal, or as many more as it takes not to read like the limit that it exceeds."""
    return next((text for digits in range(1, 18) if float(text := f"{value:.{digits}f}") > limit), repr(value))


def _suspicion(probed: Round) -> str:
    asked = [r for r in probed.results if not r.ours and r.status is not Status.NOT_CONFIGURED]
    if not probed.loopback_works:
        return "the monitor may be the problem: this machine cannot even reach itself over loopback"
    if len(asked) > 1 and all(r.status is Status.DOWN for r in asked):
        return f"the monitor may be the problem: all {len(asked)} parts are down at once while loopback works"
    return ""


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
            return Severity.CRITICAL, f"{beyond(result.used_percent, critical)} % used, above {critical:g} %"
        if result.used_percent > degraded:
            return Severity.DEGRADED, f"{beyond(result.used_percent, degraded)} % used, above {degraded:g} %"
    if result.latency is not None and result.latency > thresholds.slow_after:
        took, limit = result.latency.total_seconds(), thresholds.slow_after.total_seconds()
        return Severity.DEGRADED, f"slow: {beyond(took, limit)} s, above {limit:g} s"
    return Severity.HEALTHY, ""
