"""`tradeops doctor`: examines an installation and says what to do about each finding."""

import asyncio

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.cli import EXIT_FAILED
from tradeops.domain.diagnosis import Check, Diagnosis, Verdict
from tradeops.errors import TradeOpsError
from tradeops.jobs import doctor, surroundings
from tradeops.jobs.decision import llm_check
from tradeops.settings import Settings, load_settings, unknown_names
from tradeops.wiring import open_services, our_store

COLOURS = {
    Verdict.OK: "green",
    Verdict.ABSENT: "cyan",
    Verdict.NOT_CONFIGURED: "dim",
    Verdict.PROBLEM: "red",
}


@click.command()
def command() -> None:
    """Examine an installation: settings, endpoints, versions. Reads only; exits with 1 when there is a problem."""
    diagnosis = asyncio.run(_diagnosis(load_settings()))
    _show(diagnosis, Console(highlight=False))
    raise SystemExit(EXIT_FAILED if diagnosis.problems else 0)


async def _diagnosis(settings: Settings) -> Diagnosis:
    strangers = [
        Check("settings", name, Verdict.PROBLEM, "no setting has that name", f"do you mean {meant}?" if meant else "")
        for name, meant in unknown_names()
    ]
    async with open_services(settings) as services:
        found = await doctor.examine(services, home=settings.home_folder, contained=surroundings.inside_container())
        model = await llm_check.check_model(services.llm, settings)
    return Diagnosis((*strangers, *found.checks, *model, await _store(settings)))


async def _store(settings: Settings) -> Check:
    try:
        async with our_store(settings) as store:
            detail = await store.describe()
    except TradeOpsError as error:
        return Check("store", settings.store_kind, Verdict.PROBLEM, error.problem, error.remedy)
    return Check("store", settings.store_kind, Verdict.OK, detail)


def _show(diagnosis: Diagnosis, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("part", "what", "verdict", "detail"):
        table.add_column(name, overflow="fold", no_wrap=name in {"part", "verdict"})
    section = ""
    for check in diagnosis.checks:
        shown = "" if check.section == section else check.section
        section = check.section
        detail = f"{check.detail}; {check.remedy}" if check.remedy else check.detail
        verdict = Text(check.verdict.replace("_", " "), COLOURS[check.verdict])
        table.add_row(shown, check.name, verdict, Text(detail))
    console.print(table)
    count = len(diagnosis.problems)
    console.print(f"{count or 'no'} problem{'' if count == 1 else 's'}", style="red" if count else "green")
