"""Says every morning what the account is worth, what its trades brought and what is at stake."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows import presentation
from flows.retries import patient
from tradeops.domain.portfolio.remarks import attention, severity_of
from tradeops.domain.portfolio.report import PortfolioReport, portfolio_report
from tradeops.errors import TradeOpsError
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.jobs.reports import portfolio
from tradeops.rendering.portfolio import headline, portfolio_page
from tradeops.wiring import Desk, open_desk

NAME = "daily-portfolio-report"


@task(
    cache_policy=NO_CACHE,
    task_run_name="read {name}",
    retries=3,
    retry_delay_seconds=[5, 15, 45],
    retry_jitter_factor=0.5,
    retry_condition_fn=presentation.is_transient,
)
async def read(name: str, step: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401, ARG001 - `name` names the run
    """Make one read of the engine."""
    return await step()


@patient
async def record(desk: Desk, report: PortfolioReport) -> str:
    """Keep the report of its day, once however often this is repeated; says so when the day has one already."""
    return await portfolio.record(desk, report, run_id=str(flow_run.get_id()))


@flow(timeout_seconds=300)
async def daily_portfolio_report(date: dt.date | None = None) -> State[PortfolioReport]:
    """Gather, decide, record and publish; ends `Degraded` when something is missing or wrong.

    Args:
        date: of a past day in UTC; without it the report is of now, and a run that starts too late ends `Skipped`.

    Raises:
        TradeOpsError: the engine does not tell its account, a setting is wrong, or the day is in the future.
    """
    try:
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())) as sign:
            if date is None and (late := presentation.too_late(desk.settings.late_grace)):
                sign.skipped = True
                return presentation.skipped(late)
            facts = await portfolio.gather(desk, date=date, now=dt.datetime.now(dt.UTC), read=read)
            report = portfolio_report(facts, finished_at=dt.datetime.now(dt.UTC))
            kept = await asyncio.gather(record(desk, report), return_exceptions=True)
            again = "".join(told for told in kept if isinstance(told, str))
            page = portfolio_page(report, desk.settings.zone, stored=again)
            told = presentation.announce(desk, NAME, page, event="portfolio_report", day=report.day)
            published = await asyncio.gather(told, return_exceptions=True)
    except TradeOpsError as error:
        return presentation.failed(error)
    verdict = "; ".join([headline(report), *attention(report), *([again] if again else [])])
    return presentation.end_state(NAME, report, severity_of(report), verdict, mishaps=[*kept, *published])
