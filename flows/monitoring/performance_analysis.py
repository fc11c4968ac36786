"""Says every night whether the bot's last seven days reach their targets, and raises the alarm when they do not."""

import asyncio
import datetime as dt
from decimal import Decimal
from typing import Annotated

from prefect import State, flow
from prefect.runtime import flow_run
from pydantic import Field

from flows import presentation
from flows.retries import patient
from tradeops.domain.health import Severity
from tradeops.domain.incidents.of_reports import of_performance
from tradeops.domain.performance_report import PerformanceReport
from tradeops.errors import TradeOpsError
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.jobs.reports import performance
from tradeops.jobs.reports.trades import Collected
from tradeops.rendering.performance import performance_page, summary
from tradeops.wiring import Desk, open_desk

NAME = performance.JOB


@patient
async def collect_trades(desk: Desk) -> Collected:
    """Read the engine's closed trades and unite them with those of our archive."""
    return await performance.collect(desk)


@patient
async def read_balance(desk: Desk) -> Decimal:
    """Read what the account holds."""
    return await performance.read_balance(desk)


@patient
async def read_initial_balance(desk: Desk) -> Decimal:
    """Read what the account begins with after a reset."""
    return await performance.read_initial_balance(desk)


@patient
async def record(desk: Desk, report: PerformanceReport) -> None:
    """Keep the analysis of its day in the store, once however often this is repeated."""
    await performance.record(desk, report, run_id=str(flow_run.get_id()))


@patient
async def share(desk: Desk, report: PerformanceReport) -> None:
    """Put the analysis into Redis, where one is configured, for those who read it there."""
    await performance.share(desk, report, run_id=str(flow_run.get_id()))


async def gather(desk: Desk, asked: performance.Asked) -> PerformanceReport:
    """Make each read of the engine a task of its own, so that one's retry does not repeat the others; then decide."""
    collected, balance, initial, earlier, aside = await asyncio.gather(
        performance.attempt(collect_trades(desk)),
        performance.attempt(read_balance(desk)),
        performance.attempt(read_initial_balance(desk)),
        performance.attempt(performance.earlier_days(desk, asked.on)),
        performance.beside(desk, asked.window),
    )
    account = performance.Account(balance, initial)
    return await asyncio.to_thread(performance.decide, asked, collected, account, earlier, aside, desk.settings)


@flow(timeout_seconds=300)
async def daily_performance_analysis(
    date: dt.date | None = None, days: Annotated[int, Field(ge=1, le=90)] = 7
) -> State[PerformanceReport]:
    """Gather, judge, tell, record and publish; ends by the verdict.

    Args:
        date: the UTC day before which the window ends; without it today, and a run that starts too late is skipped.
        days: whole UTC days of the window; only windows of 7 are stored and sent.
    """
    try:
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())) as sign:
            if date is None and (late := presentation.too_late(desk.settings.late_grace)):
                sign.skipped = True
                return presentation.skipped(late)
            report = await gather(desk, performance.checked(date, days=days, now=dt.datetime.now(dt.UTC)))
            page, day = performance_page(report, desk.settings.zone), report.date if report.is_weekly else None
            looks = of_performance(report)
            told = presentation.announce(desk, NAME, page, event="performance_report", day=day, looks=looks)
            kept = await asyncio.gather(told, record(desk, report), share(desk, report), return_exceptions=True)
            if report.triggers_ai_analysis and report.is_news:  # not before it is kept, for whom it starts reads that
                presentation.emit(performance.CRITICAL_EVENT, performance.RESOURCE, performance.event_payload(report))
    except TradeOpsError as error:
        return presentation.failed(error)
    parts = report.named(Severity.CRITICAL)
    return presentation.end_state(NAME, report, report.severity, summary(report), parts=parts, mishaps=kept)
