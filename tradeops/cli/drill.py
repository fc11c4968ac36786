"""`tradeops drill`: prove that the brake works, on a canary, and keep what was found."""

import asyncio
import json

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeops.cli import EXIT_FAILED
from tradeops.cli.person import whoami
from tradeops.domain.drills import Drill, Outcome
from tradeops.errors import MisconfiguredError, TradeOpsError
from tradeops.jobs.drill.drill import drill, ground_of
from tradeops.jobs.drill.records import MILLISECOND, as_fields, keep
from tradeops.settings import Settings, load_settings
from tradeops.wiring import open_quick_engine, our_store

COLOURS = {Outcome.PASSED: "green", Outcome.FAILED: "red", Outcome.NOT_CONFIGURED: "dim"}


@click.command()
@click.option("--symbol", help="The canary; without it TRADEOPS_CANARY_SYMBOL, or any symbol of a sandbox.")
@click.option("--operator", default=whoami, help="Who; you.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(symbol: str | None, operator: str, form: str) -> None:
    """Exercise the brake and the channels on a canary.

    Measures them and keeps the result. Switches one symbol off and on again: of a sandbox, or the one of your bot that
    you name. Exits with 0 when it passed, 1 when something failed.
    """
    done, trouble = asyncio.run(_drill(load_settings(), symbol, operator))
    if form == "json":
        click.echo(json.dumps(as_fields(done), indent=2))
    else:
        _show(done, Console(highlight=False))
    if trouble:
        click.echo(f"tradeops: the drill was not kept: {trouble}", err=True)
    raise SystemExit(0 if done.passed and not trouble else EXIT_FAILED)


async def _drill(settings: Settings, symbol: str | None, operator: str) -> tuple[Drill, str]:
    async with open_quick_engine(settings) as engine:
        if engine is None:
            raise MisconfiguredError("settings", "RUST_API_URL is not set", remedy="set it, or run `tradeops up`")
        ground = await ground_of(engine, named=symbol or settings.canary_symbol)
        done = await drill(engine, settings, ground, operator=operator)
    try:
        async with our_store(settings) as store:
            await keep(store, done)
    except TradeOpsError as error:
        return done, str(error)
    return done, ""


def _show(done: Drill, console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("exercise", "outcome", "took", "finding"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "finding")
    for one in done.exercises:
        took = "" if one.took is None else f"{one.took / MILLISECOND:.0f} ms"
        table.add_row(one.name, Text(one.outcome.value, COLOURS[one.outcome]), took, Text(one.finding))
    console.print(table)
    console.print(Text(f"{'passed' if done.passed else 'FAILED'}, on {done.ground}"))
