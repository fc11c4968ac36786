"""`tradeops health`: the probes of the health check in the terminal, without Prefect; nothing is recorded."""

import asyncio
import json

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.cli import EXIT_DEGRADED, EXIT_FAILED
from tradeops.domain.health import Finding, HealthReport, Severity, Status, assess
from tradeops.jobs.monitoring import health
from tradeops.wiring import open_desk

EXIT_CODES = {Severity.HEALTHY: 0, Severity.DEGRADED: EXIT_DEGRADED, Severity.CRITICAL: EXIT_FAILED}
COLOURS = {Severity.HEALTHY: "green", Severity.DEGRADED: "yellow", Severity.CRITICAL: "red"}


@click.command()
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(style: str) -> None:
    """Probe the bot and all it stands on, now.

    Exits with 0 when all is healthy, 3 when something is degraded, 1 when something is critical, 2 for bad settings.
    """
    report = asyncio.run(_report())
    if style == "json":
        click.echo(json.dumps(health.as_fields(report, run_id="terminal"), indent=2))
    else:
        _show(report, Console(highlight=False))
    raise SystemExit(EXIT_CODES[report.overall])


async def _report() -> HealthReport:
    async with open_desk(needs_store=False) as desk:
        return assess(await health.probe_all(desk), health.thresholds(desk.settings))


def _show(report: HealthReport, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("part", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("latency", justify="right", no_wrap=True)
    table.add_column("finding", overflow="fold")
    for finding in report.findings:
        latency = finding.result.latency
        table.add_row(
            finding.result.part,
            _state(finding),
            "" if latency is None else f"{latency.total_seconds() * 1000:.0f} ms",
            Text(finding.problem or finding.result.note),
        )
    console.print(table)
    if report.suspicion:
        console.print(Text(report.suspicion, "yellow"))
    console.print(Text(f"overall: {report.overall.name.lower()}", f"bold {COLOURS[report.overall]}"))


def _state(finding: Finding) -> Text:
    if finding.result.status is Status.NOT_CONFIGURED:
        return Text("not configured", "dim")
    return Text(finding.severity.name.lower(), COLOURS[finding.severity])
