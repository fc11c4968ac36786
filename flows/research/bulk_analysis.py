"""Looks at many symbols at once and says what each of them tells at its newest close."""

import asyncio
import datetime as dt
from pathlib import Path

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows import presentation
from flows.progress import percent_shown
from flows.retries import again
from tradeops.domain.bulk.report import BulkReport
from tradeops.errors import TradeOpsError
from tradeops.jobs.exchange_weight import ExchangeWeight
from tradeops.jobs.laboratory import bulk, bulk_export
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.backtest import refused_page
from tradeops.rendering.bulk import bulk_page
from tradeops.wiring import Desk, open_desk

NAME = bulk.JOB


@again
async def gather(desk: Desk, order: bulk.BulkOrder, weight: ExchangeWeight) -> bulk.Gathered:
    """Choose the symbols and fetch their candles, ten at once; what is there already is not fetched again."""
    symbols = await bulk.choose(desk, order, weight)
    async with percent_shown(f"{NAME}-progress", "symbols") as told:
        return await bulk.gather(desk, order, symbols, weight, now=dt.datetime.now(dt.UTC), told=told)


@again
async def record(desk: Desk, report: BulkReport) -> None:
    """Keep the analysis once, however often this is repeated."""
    await bulk.record(desk, report)


@task(cache_policy=NO_CACHE)
async def export(report: BulkReport, path: Path | None) -> None:
    """Write the file that was asked for."""
    if path is not None:
        await asyncio.to_thread(bulk_export.write, report, path)


@flow(timeout_seconds=3600)
async def bulk_analysis(
    symbols: list[str] | None = None, timeframe: str = "1h", export_name: str = ""
) -> State[BulkReport]:
    """Check, gather, analyse all at once; record, export and publish.

    Args:
        symbols: at most 1,000; without them the exchange's 50 most traded.
        timeframe: of the candles.
        export_name: of a .csv or .parquet file in `exports` under TRADEOPS_HOME; empty writes none.

    Raises:
        TradeOpsError: an order that makes no sense, or not one symbol could be analysed.
    """
    now, run_id = dt.datetime.now(dt.UTC), str(flow_run.get_id())
    try:
        order = bulk.checked(symbols, timeframe)
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())):
            path = bulk_export.checked(export_name, desk.settings.home_folder)
            gathered = await gather(desk, order, ExchangeWeight())
            report = await asyncio.to_thread(bulk.made, order, gathered, run_id=run_id, started_at=now)
            page = await asyncio.to_thread(bulk_page, report, desk.settings.zone)
            shown = presentation.publish(NAME, page)
            kept = await asyncio.gather(record(desk, report), export(report, path), shown, return_exceptions=True)
    except TradeOpsError as error:
        page = refused_page("Bulk analysis", str(error))
        await asyncio.gather(presentation.publish(NAME, page), return_exceptions=True)
        return presentation.failed(error)
    return presentation.end_state(NAME, report, report.severity, report.summary, mishaps=kept)
