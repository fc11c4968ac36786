"""Trades one strategy on past candles, with all costs, and says what would have come of it."""

import asyncio
import datetime as dt
from typing import Any

from prefect import State, flow
from prefect.runtime import flow_run

from flows import presentation
from flows.retries import again
from tradeops.domain.backtest.orders import BacktestOrder
from tradeops.domain.backtest.report import BacktestReport
from tradeops.domain.health import Severity
from tradeops.errors import TradeOpsError
from tradeops.jobs.laboratory import backtest, backtest_records
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.backtest import backtest_page, refused_page
from tradeops.wiring import Desk, open_desk

NAME = backtest.JOB


@again
async def gather(desk: Desk, order: BacktestOrder) -> backtest.Gathered:
    """Fetch the candles of the window and its warm-up; what is there already is not fetched again."""
    return await backtest.gather(desk, order)


@again
async def record(desk: Desk, report: BacktestReport) -> None:
    """Keep the result and all its trades once, however often this is repeated."""
    await backtest_records.record(desk, report)


@flow(timeout_seconds=3600)
async def backtest_strategy(
    strategy_name: str,
    symbol: str,
    start_date: str,
    end_date: str,
    parameters: dict[str, Any] | None = None,
    random_seed: int = 0,
) -> State[BacktestReport]:
    """Check, gather, trade; record and publish.

    Args:
        strategy_name: rsi, macd, bollinger, volume or stochastic, or as the bot writes it.
        symbol: as the exchange spells it, BTCUSDT.
        start_date: first day, UTC, as in 2026-08-01.
        end_date: the day after the last, at most today.
        parameters: of the strategy, those that differ from the bot's.
        random_seed: of slippage and intervals; the same one gives the same result to the bit.

    Raises:
        TradeOpsError: an order that cannot be done, or no candles.
    """
    now, run_id = dt.datetime.now(dt.UTC), str(flow_run.get_id())
    try:
        order = backtest.checked(strategy_name, symbol, start_date, end_date, parameters, random_seed, now=now)
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())):
            gathered = await gather(desk, order)
            report = await asyncio.to_thread(backtest.made, order, gathered, run_id=run_id, started_at=now)
            page = await asyncio.to_thread(backtest_page, report, desk.settings.zone)
            kept = await asyncio.gather(record(desk, report), presentation.publish(NAME, page), return_exceptions=True)
    except TradeOpsError as error:
        page = refused_page("Backtest", str(error))
        await asyncio.gather(presentation.publish(NAME, page), return_exceptions=True)
        return presentation.failed(error)
    return presentation.end_state(NAME, report, Severity.HEALTHY, report.summary, mishaps=kept)
