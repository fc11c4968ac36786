"""The health check's page."""

from datetime import timedelta, tzinfo

from tradeops.domain.health import Change, Finding, HealthReport, PreviousRun, Severity, Status, changes
from tradeops.rendering.page import MARKS, Block, Bullets, Column, Heading, Line, Page, Strong, Table, Text
from tradeops.rendering.wording import moment

NOT_CONFIGURED = "○ not configured"
COLUMNS = (
    Column("Part"),
    Column("State"),
    Column("Latency", "right"),
    Column("Attempts", "right"),
    Column("Finding", width=56),  # Prefect's page cuts table cells off instead of wrapping them
)


def health_page(report: HealthReport, before: PreviousRun | None, zone: tzinfo) -> Page:
    """The report for a tired operator: verdict, alerts, what changed, then every part.

    Args:
        report: the verdict.
        before: the run that it is compared with; `None` when none is known.
        zone: of the times shown.
    """
    took = (report.finished_at - report.started_at).total_seconds()
    when = Strong(moment(report.started_at, zone))
    return Page(
        title=_title(report),
        severity=report.overall,
        blocks=(
            Text((when, f", {len(report.findings)} parts in {took:.1f} s: {_counts(report)}")),
            *_alerts(report),
            *_changes(report, before, zone),
            Heading("All parts"),
            Table(COLUMNS, tuple(_row(finding) for finding in report.findings)),
        ),
    )


def _title(report: HealthReport) -> str:
    match report.overall:
        case Severity.HEALTHY:
            return "Healthy"
        case _:
            return f"{report.overall.word.capitalize()}: {', '.join(report.named(report.overall))}"


def _counts(report: HealthReport) -> str:
    absent = sum(f.result.status is Status.NOT_CONFIGURED for f in report.findings)
    counted = {severity.word: len(report.named(severity)) for severity in sorted(Severity, reverse=True)}
    counted["healthy"] -= absent
    counted["not configured"] = absent
    return ", ".join(f"{number} {word}" for word, number in counted.items() if number)


def _alerts(report: HealthReport) -> list[Block]:
    if not report.alerts:
        return []
    split = (alert.partition(": ") for alert in report.alerts)
    return [Heading("Alerts"), Bullets(tuple((Strong(head), f": {tail}") for head, _, tail in split))]


def _changes(report: HealthReport, before: PreviousRun | None, zone: tzinfo) -> list[Block]:
    if before is None:
        return [Text("No run before this one is known to compare with.")]
    flips = changes(report, before.severities)
    since = f"since the run of {moment(before.finished_at, zone)}"
    if not flips:
        return [Text(f"Nothing changed {since}.")]
    return [Heading(f"Changed {since}"), Bullets(tuple(_change(flip) for flip in flips))]


def _change(flip: Change) -> Line:
    return (f"{flip.part}: {flip.before.word} → {MARKS[flip.after]} ", Strong(flip.after.word))


def _row(finding: Finding) -> tuple[str, ...]:
    result = finding.result
    used = "" if result.used_percent is None or finding.problem else f"{result.used_percent:.1f} % used"
    texts = "; ".join(text for text in (finding.problem, used, result.note) if text)
    return (result.part, _state(finding), _latency(result.latency), str(result.attempts or "–"), texts)


def _state(finding: Finding) -> str:
    match finding.result.status:
        case Status.NOT_CONFIGURED:
            return NOT_CONFIGURED
        case Status.HEALTHY:
            return f"{MARKS[finding.severity]} {finding.severity.word}"
        case status:
            return f"{MARKS[finding.severity]} {status}"


def _latency(latency: timedelta | None) -> str:
    if latency is None:
        return "–"
    seconds = latency.total_seconds()
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
