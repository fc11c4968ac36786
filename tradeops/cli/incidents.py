"""`tradeops incidents`: what is broken, who knows, who takes care."""

import asyncio
import json
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.cli.person import whoami
from tradeops.domain.incidents.folding import root_of
from tradeops.domain.incidents.model import Incident, Silence
from tradeops.domain.incidents.wording import STATES, clock, lasted
from tradeops.domain.notices import Level
from tradeops.errors import UnavailableError
from tradeops.jobs.alerts import incidents, silences
from tradeops.jobs.alerts.standin import open_stand_in
from tradeops.settings import load_settings
from tradeops.wiring import our_store

COLOURS = {Level.WARNING: "yellow", Level.ERROR: "red", Level.CRITICAL: "bold red"}


@click.group(invoke_without_command=True)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def command(context: click.Context, style: str) -> None:
    """List what is broken, and take care of it.

    `ack KEY` takes care of one incident, so that nobody is reminded of it.
    """
    if context.invoked_subcommand is None:
        asyncio.run(_list(style))


@command.command()
@click.argument("key")
@click.option("--by", default=whoami, help="Who takes care; you.")
def ack(key: str, by: str) -> None:
    """Take care of an open incident: no reminders until it is over; a rise and its end are still told."""
    incident = asyncio.run(_acknowledge(key, by))
    click.echo(f"{incident.key} is yours, {by}: no reminders until it is over")


@command.command()
def started() -> None:
    """Say that the bot was just started, so that its services get their grace."""
    asyncio.run(_started())
    click.echo("the services of the bot may be starting: they get their grace from now on")


async def _started() -> None:
    async with our_store(load_settings()) as store:
        await incidents.started(store, now=datetime.now(UTC))


async def _acknowledge(key: str, by: str) -> Incident:
    async with our_store(load_settings()) as store:
        return await incidents.acknowledge(store, key, by=by, now=datetime.now(UTC))


async def _list(style: str) -> None:
    now = datetime.now(UTC)
    there, quiet = await _standing(now)
    known = {incident.key: incident for incident in there}
    rows = [(incident, _whom(incident, known, quiet, now)) for incident in there]
    if style == "json":
        click.echo(json.dumps([_fields(incident, whom) for incident, whom in rows], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("incident", "state", "for", "told", "finding"):
        table.add_column(name, overflow="fold", no_wrap=name in {"state", "for"})
    for incident, whom in rows:
        state = Text(STATES[incident.severity], COLOURS[incident.severity])
        table.add_row(
            Text(incident.key), state, lasted(now - (incident.bad_since or now)), Text(whom), Text(incident.summary)
        )
    console = Console(highlight=False)
    if rows:
        console.print(table)
    console.print(f"{len(rows)} open", style="dim")


async def _standing(now: datetime) -> tuple[tuple[Incident, ...], tuple[Silence, ...]]:
    """What is open and what is silent, by this machine's copy while the store is down."""
    settings = load_settings()
    async with our_store(settings) as store, open_stand_in(settings) as stand_in:
        try:
            return await incidents.open_incidents(store, now=now), await silences.lasting(store, now=now)
        except UnavailableError as error:
            if stand_in is None:
                raise
            click.echo(f"this machine's copy is shown: {error}", err=True)
        local = stand_in.store
        return await incidents.open_incidents(local, now=now), await silences.lasting(local, now=now)


def _whom(incident: Incident, known: dict[str, Incident], quiet: tuple[Silence, ...], now: datetime) -> str:
    parts = [f"{clock(incident.told.at)} to {', '.join(incident.told.to)}" if incident.told else "nobody yet"]
    if root := root_of(incident.key, known):
        parts.append(f"part of {root}")
    parts += [f"silenced until {clock(one.until)}" for one in quiet if one.covers(incident.key, now)][:1]
    if incident.flapping:
        parts.append("flapping")
    if incident.acknowledged_by:
        parts.append(f"{incident.acknowledged_by} takes care")
    return "; ".join(parts)


def _fields(incident: Incident, whom: str) -> dict[str, object]:
    return {
        "id": incident.incident_id,
        "key": incident.key,
        "severity": incident.severity.word,
        "summary": incident.summary,
        "since": incident.bad_since.isoformat() if incident.bad_since else None,
        "told": whom,
        "acknowledged_by": incident.acknowledged_by or None,
        "flapping": incident.flapping,
    }
