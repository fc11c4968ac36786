"""`tradeops brakes`: what is switched off, since when and why."""

import json
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.domain.brakes import Disabled
from tradeops.domain.incidents.wording import lasted
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.drill.drill import FOLDER as DRILLS
from tradeops.settings import load_settings


@click.command()
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(style: str) -> None:
    """List what is switched off, since when and why."""
    home, now = load_settings().home_folder, datetime.now(UTC)
    standing = Journal(home).standing().values()
    if style == "json":
        click.echo(json.dumps([_fields(one) for one in standing], indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("what", "state", "for", "symbols", "by", "why"):
        table.add_column(name, overflow="fold", no_wrap=name in {"state", "for"})
    for one in standing:
        state = Text("off", "green") if one.confirmed else Text("NOT CONFIRMED", "bold red")
        symbols = Text(", ".join(one.symbols) or "–")
        why = Text(one.reason if one.confirmed else f"{one.reason}; {one.problem or 'no answer yet'}")
        table.add_row(Text(one.target), state, lasted(now - one.since), symbols, Text(one.actor), why)
    console = Console(highlight=False)
    if standing:
        console.print(table)
    console.print(f"{len(standing)} switched off", style="dim")
    for target in Journal(home / DRILLS).standing():
        text = f"a drill was broken off, or is at work: {target} is off; `tradeops drill` gives it back"
        console.print(Text(text, "yellow"))


def _fields(one: Disabled) -> dict[str, object]:
    return {
        "target": one.target,
        "since": one.since.isoformat(),
        "confirmed": one.confirmed,
        "method": one.method,
        "symbols": list(one.symbols),
        "switched_off": list(one.switched_off),
        "reason": one.reason,
        "actor": one.actor,
        "problem": one.problem,
        "incident_id": one.incident_id,
    }
