"""What daily reports find as observations: whole data, so one look is enough. Reports of past days alert nobody."""

from tradeops.domain.costs.limits import Comparison
from tradeops.domain.costs.report import CostReport
from tradeops.domain.incidents.model import CERTAIN, LEVELS, Observation
from tradeops.domain.performance_report import PerformanceReport
from tradeops.domain.performance_verdict import Part


def of_cost(report: CostReport) -> tuple[Observation, ...]:
    """One for each period whose cost is known; an unknown cost neither opens nor ends an incident."""
    if report.facts.day != report.facts.started_at.date():
        return ()
    return tuple(_of_period(c, report) for c in (report.daily, report.monthly) if c.highest is not None)


def of_performance(report: PerformanceReport) -> tuple[Observation, ...]:
    """One for each metric that has a verdict; what is not known neither opens nor ends an incident."""
    if not report.is_news:
        return ()
    return tuple(_of_metric(part, report) for part in report.parts if part.severity is not None)


def _of_period(comparison: Comparison, report: CostReport) -> Observation:
    alert, at = comparison.alert, report.facts.finished_at
    severity = None if alert is None else LEVELS[alert.severity]
    return Observation(f"cost:{comparison.period}", severity, "" if alert is None else alert.text, at, CERTAIN)


def _of_metric(part: Part, report: PerformanceReport) -> Observation:
    severity = None if part.severity is None else LEVELS[part.severity]
    key = f"performance:{part.metric.name.lower().replace('_', '-')}"
    return Observation(key, severity, part.alert, report.finished_at, CERTAIN)
