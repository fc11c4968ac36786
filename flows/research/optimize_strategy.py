"""Searches better parameters of a strategy, judges them on days that the search never saw, and changes nothing."""

import asyncio
import datetime as dt
from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run

from flows import presentation
from flows.progress import percent_shown
from flows.retries import again
from tradeops.domain.health import Severity
from tradeops.domain.optimise.report import OptimisationReport
from tradeops.errors import TradeOpsError
from tradeops.jobs.laboratory import optimise, optimise_records
from tradeops.jobs.laboratory.backtest import Gathered
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.backtest import refused_page
from tradeops.rendering.optimise import optimisation_page
from tradeops.wiring import Desk, open_desk

NAME = optimise.JOB


@again
async def gather(desk: Desk, order: optimise.SearchOrder) -> Gathered:
    """Fetch the candles of the window and its warm-up; what is there already is not fetched again."""
    return await optimise.gather(desk, order)


async def search(order: optimise.SearchOrder, gathered: Gathered, started: optimise.Started) -> OptimisationReport:
    """Try, judge, and show how far it is."""
    async with percent_shown(f"{NAME}-progress", "variations tried") as told:
        return await optimise.made(order, gathered, started=started, told=told)


@again
async def record(desk: Desk, report: OptimisationReport) -> None:
    """Keep the result once, however often this is repeated."""
    await optimise_records.record(desk, report)


@flow(timeout_seconds=7200)
async def optimize_strategy(
    strategy_name: str,
    symbol: str,
    start_date: str,
    end_date: str,
    parameters: dict[str, Any] | None = None,
    random_seed: int = 0,
    parameter_variations: int = 50,
) -> State[OptimisationReport]:
    """Check, gather, search, judge; record and publish. `InsufficientData` when nothing can be ranked.

    Args:
        strategy_name: rsi, macd, bollinger, volume or stochastic, or as the bot writes it.
        symbol: as the exchange spells it, BTCUSDT.
        start_date: first day, UTC, as in 2026-08-01.
        end_date: the day after the last, at most today.
        parameters: of the strategy, those that do not vary.
        random_seed: of slippage and the search; the same one gives the same result to the bit.
        parameter_variations: how many points are tried, 10 to 500.

    Raises:
        TradeOpsError: an order that cannot be done, or no candles.
    """
    now, given = dt.datetime.now(dt.UTC), (strategy_name, symbol, start_date, end_date, parameters, random_seed)
    try:
        order = optimise.checked(*given, parameter_variations, now=now)
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())):
            gathered = await gather(desk, order)
            report = await search(order, gathered, optimise.Started(str(flow_run.get_id()), now))
            page = await asyncio.to_thread(optimisation_page, report, desk.settings.zone)
            kept = await asyncio.gather(record(desk, report), presentation.publish(NAME, page), return_exceptions=True)
    except TradeOpsError as error:
        page = refused_page("Optimisation", str(error))
        await asyncio.gather(presentation.publish(NAME, page), return_exceptions=True)
        return presentation.failed(error)
    severity = Severity.HEALTHY if report.judgement.best else None
    return presentation.end_state(NAME, report, severity, report.summary, mishaps=kept)
