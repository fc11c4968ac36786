"""`tradeops backtest`: trade a strategy on past candles, look at earlier results, make them again."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import click

from tradeops.cli.laboratory import FORMATS, given_parameters, listed, shown, waiting
from tradeops.rendering.page import Page


@click.group()
def command() -> None:
    """Trade a strategy on past candles; look at results, make them again."""


@command.command()
@click.argument("strategy")
@click.argument("symbol")
@click.argument("start_date", metavar="START")
@click.argument("end_date", metavar="END")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="A parameter that differs from the bot's.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of slippage and intervals.")
@click.option("--format", "style", type=FORMATS, default="text", show_default=True)
def run(
    strategy: str, symbol: str, start_date: str, end_date: str, settings: tuple[str, ...], seed: int, style: str
) -> None:
    """Trade STRATEGY on SYMBOL from START to END (2026-08-01; END is not included), and keep the result."""
    fields, page = asyncio.run(_run(strategy, symbol, start_date, end_date, given_parameters(settings), seed))
    shown(fields, page, style)


@command.command()
@click.argument("result_id", metavar="ID")
@click.option("--format", "style", type=FORMATS, default="text", show_default=True)
def show(result_id: str, style: str) -> None:
    """Make a kept backtest again and compare it to the bit; exits with 1 when it differs.

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
        "trades": lambda one: f"{one['total_trades']:,}",
        "return": lambda one: _known(one["total_return"], " %"),
        "Sharpe": lambda one: _known(one["sharpe_ratio"]),
    }
    listed(asyncio.run(_newest(limit)), style, more, nothing="no backtest is kept yet")


def _known(value: float | None, unit: str = "") -> str:
    return "n/a" if value is None else f"{value:+.2f}{unit}"


async def _run(
    strategy: str, symbol: str, start: str, end: str, parameters: dict[str, Any], seed: int
) -> tuple[dict[str, Any], Page]:
    from tradeops.jobs.laboratory import backtest, backtest_records  # noqa: PLC0415 - help needs no numpy
    from tradeops.rendering.backtest import backtest_page  # noqa: PLC0415
    from tradeops.wiring import open_desk  # noqa: PLC0415

    now = datetime.now(UTC)
    order = backtest.checked(strategy, symbol, start, end, parameters, seed, now=now)
    with waiting() as told:
        async with open_desk() as desk:
            told(f"fetching the candles of {order.symbol}")
            gathered = await backtest.gather(desk, order)
            told(f"trading {len(gathered.candles):,} candles")
            report = await asyncio.to_thread(backtest.made, order, gathered, run_id=str(uuid4()), started_at=now)
            told("keeping the result")
            await backtest_records.record(desk, report)
            return backtest_records.as_fields(report), backtest_page(report, desk.settings.zone)


async def _show(result_id: str) -> tuple[dict[str, Any], Page, list[str]]:
    from tradeops.jobs.laboratory import backtest_records  # noqa: PLC0415 - help needs no numpy
    from tradeops.rendering.backtest import backtest_page  # noqa: PLC0415
    from tradeops.wiring import open_desk  # noqa: PLC0415

    with waiting() as told:
        async with open_desk() as desk:
            kept = await backtest_records.found(desk.store, result_id)
            told("making it again")
            again = await backtest_records.repeated(desk, kept)
            notes = again.differences or ("Made again: the same to the bit.",)
            page = backtest_page(again.report, desk.settings.zone, notes)
            return backtest_records.as_fields(again.report), page, list(again.differences)


async def _newest(limit: int) -> list[dict[str, Any]]:
    from tradeops.jobs.laboratory import backtest_records  # noqa: PLC0415 - help needs no numpy
    from tradeops.settings import load_settings  # noqa: PLC0415
    from tradeops.wiring import our_store  # noqa: PLC0415

    async with our_store(load_settings()) as store:
        return [dict(body) for body in await backtest_records.newest(store, limit=limit)]
