"""`tradeops report`: a daily report in the terminal, also of a past day, without Prefect; no report is recorded."""

import asyncio
import importlib
import json
from datetime import UTC, date, datetime
from typing import Any

import click

from tradeops.cli import EXIT_DEGRADED, EXIT_FAILED
from tradeops.domain.health import Severity
from tradeops.rendering.html import to_html
from tradeops.rendering.page import Page
from tradeops.rendering.text import to_text

EXIT_CODES = {Severity.HEALTHY: 0, Severity.DEGRADED: EXIT_DEGRADED, Severity.CRITICAL: EXIT_FAILED, None: 0}
REPORTS = {  # the job with `produce` and `as_fields`, and the page that shows its report
    "portfolio": ("tradeops.jobs.reports.portfolio", "tradeops.rendering.portfolio:portfolio_page"),
    "cost": ("tradeops.jobs.reports.api_cost", "tradeops.rendering.api_cost:api_cost_page"),
    "performance": ("tradeops.jobs.reports.performance", "tradeops.rendering.performance:performance_page"),
}


@click.command()
@click.argument("name", metavar="REPORT", type=click.Choice(list(REPORTS)))
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Day of the report in UTC.  [default: today]")
@click.option("--format", "style", type=click.Choice(["text", "html", "json"]), default="text", show_default=True)
def command(name: str, day: datetime | None, style: str) -> None:
    """Make a daily report: portfolio, cost or performance.

    Exits with 0 when all is well or too little is known, 3 when something is degraded, 1 when something is critical or
    the report cannot be made, 2 for bad usage or settings.
    """
    now = datetime.now(UTC)
    if day is not None and day.date() > now.date():
        raise click.BadParameter(f"{day:%Y-%m-%d} is in the future: it is {now:%Y-%m-%d} in UTC", param_hint="--date")
    fields, page = asyncio.run(_report(name, day.date() if day else None, now))
    match style:
        case "json":
            click.echo(json.dumps(fields, indent=2))
        case "html":
            click.echo(to_html(page), nl=False)
        case _:
            click.echo(to_text(page), nl=False)
    raise SystemExit(EXIT_CODES[page.severity])


async def _report(name: str, day: date | None, now: datetime) -> tuple[dict[str, Any], Page]:
    from tradeops.wiring import open_desk  # noqa: PLC0415 - help needs no clients

    job_name, page_name = REPORTS[name]
    module_name, _, function = page_name.partition(":")
    job, rendering = importlib.import_module(job_name), importlib.import_module(module_name)
    async with open_desk() as desk:
        report = await job.produce(desk, date=day, now=now)
        return job.as_fields(report, run_id="terminal"), getattr(rendering, function)(report, desk.settings.zone)
