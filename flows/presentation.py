"""How runs show themselves: one Markdown artifact each, and end states that operators and automations read."""

import html
import re
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import State, Task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import TaskRun
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from tradeops.domain.health import Change, Finding, HealthReport, PreviousRun, Severity, Status, changes
from tradeops.errors import CriticalVerdictError, MisconfiguredError, TransientError

MARKS = {Severity.HEALTHY: "✓", Severity.DEGRADED: "▲", Severity.CRITICAL: "✗"}  # no emoji: not every browser has them
NOT_CONFIGURED = "○ not configured"
MARKUP = re.compile(r"([\\`*\[\]~|#]|(?<![^\W_])_|_(?![^\W_]))")  # an underscore within a word is no markup
LONGEST_TEXT = 400
FINDING_WIDTH = 56  # Prefect's page cuts table cells off instead of wrapping them


async def publish(key: str, markdown: str) -> None:
    """Make the run's one artifact; a second one under the same key would hide it."""
    await acreate_markdown_artifact(markdown, key=key)


async def is_transient(_task: Task[..., object], _run: TaskRun, state: State[object]) -> bool:
    """The condition of every retry: the error says that waiting helps."""
    return isinstance(await state.aresult(raise_on_failure=False), TransientError)


def lateness() -> timedelta:
    """How long after its time this run began."""
    return datetime.now(UTC) - flow_run.get_scheduled_start_time()


def skipped(reason: str) -> State[Any]:
    """The state of a run that decided to do nothing."""
    return Completed(name="Skipped", message=reason)


def misconfigured(error: MisconfiguredError) -> State[Any]:
    """The state of a run that cannot begin: what to set, without a traceback; raises the error in a plain caller."""
    get_run_logger().error(str(error))
    return Failed(message=str(error), data=error)


def end_state(report: HealthReport, mishaps: Sequence[object] = ()) -> State[HealthReport]:
    """The state that operators and automations see; a critical one raises `CriticalVerdictError` in a plain caller.

    Args:
        report: the verdict.
        mishaps: outcomes of publishing and recording; an exception among them is told, and takes the run from good to
            `Degraded`.
    """
    failed = [f"not kept: {outcome}" for outcome in mishaps if isinstance(outcome, Exception)]
    for text in failed:
        get_run_logger().error(text)
    match report.overall:
        case Severity.CRITICAL:
            parts = report.named(Severity.CRITICAL)
            message = "; ".join([", ".join(parts), *failed])
            return Failed(name="Critical", message=message, data=CriticalVerdictError("system-health-check", parts))
        case Severity.DEGRADED:
            message = "; ".join([", ".join(report.named(Severity.DEGRADED)), *failed])
            return Completed(name="Degraded", message=message, data=report)
        case _ if failed:
            return Completed(name="Degraded", message="; ".join(["all parts are healthy", *failed]), data=report)
        case _:
            return Completed(message="all parts are healthy", data=report)


def health_markdown(report: HealthReport, before: PreviousRun | None, untold: Sequence[str] = ()) -> str:
    """The report for a tired operator: verdict, alerts, what changed, then every part.

    Args:
        report: the verdict.
        before: the run that it is compared with; `None` when none is known.
        untold: why somebody was not told, a line each.
    """
    took = (report.finished_at - report.started_at).total_seconds()
    return "\n".join(
        [
            f"# {MARKS[report.overall]} {_headline(report)}",
            "",
            f"**{_time(report.started_at)}**, {len(report.findings)} parts in {took:.1f} s: {_counts(report)}",
            "",
            *_alerts(report),
            *_untold(untold),
            *_changes(report, before),
            "## All parts",
            "",
            "| Part | State | Latency | Attempts | Finding |",
            "|:--|:--|--:|--:|:--|",
            *(_row(finding) for finding in report.findings),
            "",
        ]
    )


def plain(text: str) -> str:
    """`text` from outside, so that Markdown and HTML show it letter by letter, on one line and not endlessly."""
    return MARKUP.sub(r"\\\1", html.escape(_one_line(text), quote=False))


def _one_line(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def _headline(report: HealthReport) -> str:
    match report.overall:
        case Severity.HEALTHY:
            return "Healthy"
        case _:
            return f"{report.overall.word.capitalize()}: {plain(', '.join(report.named(report.overall)))}"


def _counts(report: HealthReport) -> str:
    absent = sum(f.result.status is Status.NOT_CONFIGURED for f in report.findings)
    counted = {severity.word: len(report.named(severity)) for severity in sorted(Severity, reverse=True)}
    counted["healthy"] -= absent
    counted["not configured"] = absent
    return ", ".join(f"{number} {word}" for word, number in counted.items() if number)


def _alerts(report: HealthReport) -> list[str]:
    if not report.alerts:
        return []
    split = (alert.partition(": ") for alert in report.alerts)
    return ["## Alerts", "", *(f"- **{plain(head)}**: {plain(tail)}" for head, _, tail in split), ""]


def _untold(lines: Sequence[str]) -> list[str]:
    return ["## Alerting is degraded", "", *(f"- {plain(line)}" for line in lines), ""] if lines else []


def _changes(report: HealthReport, before: PreviousRun | None) -> list[str]:
    if before is None:
        return ["No run before this one is known to compare with.", ""]
    flips = changes(report, before.severities)
    since = f"since the run of {_time(before.finished_at)}"
    if not flips:
        return [f"Nothing changed {since}.", ""]
    return [f"## Changed {since}", "", *(_change(flip) for flip in flips), ""]


def _change(flip: Change) -> str:
    return f"- {plain(flip.part)}: {flip.before.word} → {MARKS[flip.after]} **{flip.after.word}**"


def _row(finding: Finding) -> str:
    result = finding.result
    used = "" if result.used_percent is None or finding.problem else f"{result.used_percent:.1f} % used"
    texts = _one_line("; ".join(text for text in (finding.problem, used, result.note) if text))
    lines = (plain(line) for line in textwrap.wrap(texts, FINDING_WIDTH))
    attempts = str(result.attempts or "–")
    cells = (plain(result.part), _state(finding), _latency(result.latency), attempts, "<br>".join(lines))
    return f"| {' | '.join(cells)} |"


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


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
