"""Says every morning what language models cost, what they will cost this month, and whether that is too much."""

import asyncio
import datetime as dt

from prefect import State, flow
from prefect.runtime import flow_run

from flows import presentation
from flows.retries import patient
from tradeops.domain.costs import Absent, CostReport, Sample
from tradeops.domain.incidents.of_reports import of_cost
from tradeops.errors import RejectedError, TradeOpsError
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.jobs.reports import api_cost
from tradeops.rendering.api_cost import api_cost_alarm, api_cost_page
from tradeops.wiring import Desk, open_desk

NAME = "daily-api-cost-report"


@patient
async def read_counters(desk: Desk, day: dt.date) -> Sample | Absent:
    """Read what the AI service has counted; absent when it is not configured or the day is past."""
    return await api_cost.read_counters(desk, day)


@patient
async def read_kept(desk: Desk, day: dt.date) -> api_cost.Kept:
    """Read earlier counters and our own paid calls from the store."""
    return await api_cost.read_kept(desk, day)


@patient
async def record(desk: Desk, report: CostReport) -> str:
    """Keep the reading, and the day's report once however often this is repeated; says so when there is one already."""
    return await api_cost.record(desk, report, run_id=str(flow_run.get_id()))


@flow(timeout_seconds=300)
async def daily_api_cost_report(date: dt.date | None = None) -> State[CostReport]:
    """Gather, judge, record, publish; ends `Critical` or `Degraded` when a limit is crossed or a source is missing.

    Args:
        date: of a past day in UTC; without it the report is of now, and a run that starts too late ends `Skipped`.

    Raises:
        TradeOpsError: a cost that cannot be true, nothing known at all, a wrong setting, or a day in the future.
    """
    now = dt.datetime.now(dt.UTC)
    try:
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=str(flow_run.get_id())) as sign:
            if date is None and (late := presentation.too_late(desk.settings.late_grace)):
                sign.skipped = True
                return presentation.skipped(late)
            day = api_cost.report_day(date, now)
            gathered = await asyncio.gather(read_counters(desk, day), read_kept(desk, day), return_exceptions=True)
            report = api_cost.decide(desk.settings, day, *gathered, started_at=now, finished_at=dt.datetime.now(dt.UTC))
            kept = await asyncio.gather(record(desk, report), return_exceptions=True)
            stored = "".join(told for told in kept if isinstance(told, str))
            page = api_cost_page(report, desk.settings.zone, stored=stored)
            told = presentation.announce(desk, NAME, page, event="cost_report", day=day, looks=of_cost(report))
            published = await asyncio.gather(told, return_exceptions=True)
    except TradeOpsError as error:
        if not isinstance(error, RejectedError):
            alarm = api_cost_alarm(date or now.date(), str(error))
            await asyncio.gather(presentation.publish(NAME, alarm), return_exceptions=True)
        return presentation.failed(error)
    if report.breaches:
        presentation.emit("tradeops.cost.limit-breached", "tradeops.cost.api", api_cost.breach_payload(report))
    verdict, parts = "; ".join(filter(None, (report.summary, stored))), [alert.text for alert in report.breaches]
    return presentation.end_state(NAME, report, report.severity, verdict, parts=parts, mishaps=[*kept, *published])
