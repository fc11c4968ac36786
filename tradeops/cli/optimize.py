"""`tradeops optimize`: search better parameters, look at earlier results, make them again. The bot is not touched."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import click

from tradeops.cli.laboratory import FORMATS, given_parameters, listed, shown, waiting
from tradeops.rendering.page import Page


@click.group()
def command() -> None:
    """Search better parameters; look at results, make them again."""


@command.command()
@click.argument("strategy")
@click.argument("symbol")
@click.argument("start_date", metavar="START")
@click.argument("end_date", metavar="END")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter that does not vary.")
@click.option("--variations", type=int, default=50, show_default=True, help="How many points are tried, 10 to 500.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of slippage and of the search.")
@click.option("--format", "style", type=FORMATS, default="text", show_default=True)
def run(
    *,
    strategy: str,
    symbol: str,
    start_date: str,
    end_date: str,
    settings: tuple[str, ...],
    variations: int,
    seed: int,
    style: str,
) -> None:
    """Search parameters of STRATEGY on SYMBOL from START to END (2026-08-01; END is not included); keep the result."""
    given = (strategy, symbol, start_date, end_date, given_parameters(settings), seed, variations)
    fields, page = asyncio.run(_run(given))
    shown(fields, page, style)


@command.command()
@click.argument("result_id", metavar="ID")
@click.option("--format", "style", type=FORMATS, default="text", show_default=True)
def show(result_id: str, style: str) -> None:
    """Make a kept optimisation again and compare it to the bit; exits with 1 when it differs.

    ID may be the beginning of one.
    """
    fields, page, differences = asyncio.run(_show(result_id))
    shown(fields | {"differences": differences}, page, style)
    raise SystemExit(1 if differences else 0)


@command.command(name="list")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_results(limit: int, style: str) -> None:
    """Name the latest results."""
    more = {
        "tried": lambda one: f"{one['total_variations_tested']:,}",
        "verdict": lambda one: str(one["verdict"]),
    }
    listed(asyncio.run(_newest(limit)), style, more, nothing="no optimisation is kept yet")


async def _run(given: tuple[Any, ...]) -> tuple[dict[str, Any], Page]:
    from tradeops.jobs.laboratory import optimise, optimise_records  # noqa: PLC0415 - help needs no numpy
    from tradeops.rendering.optimise import optimisation_page  # noqa: PLC0415
    from tradeops.wiring import open_desk  # noqa: PLC0415

    now = datetime.now(UTC)
    order = optimise.checked(*given, now=now)
    with waiting() as told:
        async with open_desk() as desk:
            told(f"fetching the candles of {order.widest.symbol}")
            gathered = await optimise.gather(desk, order)
            started = optimise.Started(str(uuid4()), now)
            report = await optimise.made(order, gathered, started=started, told=_counted(told))
            told("keeping the result")
            await optimise_records.record(desk, report)
            return optimise_records.as_fields(report), optimisation_page(report, desk.settings.zone)


async def _show(result_id: str) -> tuple[dict[str, Any], Page, list[str]]:
    from tradeops.jobs.laboratory import optimise_records  # noqa: PLC0415 - help needs no numpy
    from tradeops.rendering.optimise import optimisation_page  # noqa: PLC0415
    from tradeops.wiring import open_desk  # noqa: PLC0415

    with waiting() as told:
        async with open_desk() as desk:
            kept = await optimise_records.found(desk.store, result_id)
            again = await optimise_records.repeated(desk, kept, told=_counted(told))
            notes = again.differences or ("Made again: the same to the bit.",)
            page = optimisation_page(again.report, desk.settings.zone, notes)
            return optimise_records.as_fields(again.report), page, list(again.differences)


async def _newest(limit: int) -> list[dict[str, Any]]:
    from tradeops.jobs.laboratory import optimise_records  # noqa: PLC0415 - help needs no numpy
    from tradeops.settings import load_settings  # noqa: PLC0415
    from tradeops.wiring import our_store  # noqa: PLC0415

    async with our_store(load_settings()) as store:
        return [dict(body) for body in await optimise_records.newest(store, limit=limit)]


def _counted(told: Callable[[str], None]) -> Callable[[int, int], None]:
    def count(done: int, total: int) -> None:
        if done == total or not done % 10:
            told(f"{done:,} of {total:,} variations tried")

    return count
