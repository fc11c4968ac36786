"""A judged round of probes as observations: one for each part, and one for the monitor itself."""

from tradeops.domain.health import Finding, HealthReport, Status
from tradeops.domain.incidents.folding import MONITOR
from tradeops.domain.incidents.model import LEVELS, Observation
from tradeops.domain.notices import Level


def observations(report: HealthReport) -> tuple[Observation, ...]:
    """What incidents make of a report: parts that are well, and parts no longer configured, are good looks.

    All but what is measured on the monitor's own host is explained by a monitor that suspects itself.
    """
    looks = max((f.result.attempts for f in report.findings if f.problem), default=1)
    suspicion = Level.CRITICAL if report.suspicion else None
    monitor = Observation(MONITOR, suspicion, report.suspicion, report.finished_at, looks, may_be_starting=True)
    return (monitor, *(_observation(finding, report) for finding in report.findings))


def _observation(finding: Finding, report: HealthReport) -> Observation:
    result = finding.result
    measured = result.used_percent is not None
    summary = f"down: {finding.problem}" if result.status is Status.DOWN else finding.problem
    return Observation(
        key=result.part,
        severity=LEVELS[finding.severity],
        summary=summary,
        at=report.finished_at,
        looks=max(result.attempts, 1) if finding.problem else 1,
        depends_on=() if measured else (MONITOR,),
        may_be_starting=not measured,
    )
