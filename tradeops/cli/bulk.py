"""`tradeops bulk`: what many symbols say at their newest close, in the terminal or as a file."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tradeops.cli import EXIT_DEGRADED
from tradeops.cli.laboratory import shown
from tradeops.rendering.page import Page


@click.command()
@click.argument("symbols", nargs=-1)
@click.option("--timeframe", default="1h", show_default=True, help="Of the candles.")
@click.option(
    "--export", "path", type=click.Path(dir_okay=False, path_type=Path), help="Write a .csv or .parquet file too."
)
@click.option("--format", "style", type=click.Choice(["text", "html", "json"]), default="text", show_default=True)
def command(symbols: tuple[str, ...], timeframe: str, path: Path | None, style: str) -> None:
    """Say what many symbols tell at their newest close; without SYMBOLS the exchange's 50 most traded.

    Exits with 3 when some of them could not be analysed, 1 when none could.
    """
    fields, page = asyncio.run(_analyse(list(symbols) or None, timeframe, path))
    shown(fields, page, style)
    raise SystemExit(EXIT_DEGRADED if fields["symbols_failed"] else 0)


async def _analyse(symbols: list[str] | None, timeframe: str, path: Path | None) -> tuple[dict[str, Any], Page]:
    from tradeops.jobs.exchange_weight import ExchangeWeight  # noqa: PLC0415
    from tradeops.jobs.laboratory import bulk, bulk_export  # noqa: PLC0415 - help needs no numpy
    from tradeops.rendering.bulk import bulk_page  # noqa: PLC0415
    from tradeops.wiring import open_desk  # noqa: PLC0415

    now, order = datetime.now(UTC), bulk.checked(symbols, timeframe)
    if path is not None:
        bulk_export.checked_kind(path)
    bars = Progress(TextColumn("candles"), BarColumn(), MofNCompleteColumn(), console=Console(stderr=True))
    async with open_desk() as desk:
        weight = ExchangeWeight()
        chosen = await bulk.choose(desk, order, weight)
        with bars:
            bar = bars.add_task("candles", total=len(chosen))
            gathered = await bulk.gather(
                desk, order, chosen, weight, now=now, told=lambda done, _: bars.update(bar, completed=done)
            )
        report = await asyncio.to_thread(bulk.made, order, gathered, run_id=str(uuid4()), started_at=now)
        await bulk.record(desk, report)
        if path is not None:
            await asyncio.to_thread(bulk_export.write, report, path)
        return bulk.as_fields(report), bulk_page(report, desk.settings.zone)
