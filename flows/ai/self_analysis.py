"""Decides every night, or on the alert of a critical week, whether the models are retrained, and starts it."""

import asyncio
import datetime as dt

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from flows import presentation, starting
from flows.retries import patient
from tradeops.domain.decisions.decision import Analysis, Kind
from tradeops.domain.decisions.evidence import Evidence, Missing
from tradeops.domain.decisions.market import MarketConditions
from tradeops.domain.health import Severity
from tradeops.domain.incidents.of_decisions import of_analysis
from tradeops.errors import TradeOpsError
from tradeops.jobs.decision import decisions, self_analysis
from tradeops.jobs.decision import evidence as known
from tradeops.jobs.decision import starts as decision_starts
from tradeops.jobs.decision.outcomes import read_reliability
from tradeops.jobs.decision.self_analysis import Opened
from tradeops.jobs.monitoring.heartbeats import heartbeat
from tradeops.rendering.decision import decision_page
from tradeops.rendering.decision_notices import decision_notices
from tradeops.wiring import Desk, open_desk

NAME = self_analysis.JOB


@patient
async def read_market(desk: Desk, now: dt.datetime) -> MarketConditions | Missing:
    """Read a month of candles, and what they say of the market."""
    return await known.read_market(desk, now)


@patient
async def read_records(desk: Desk, now: dt.datetime) -> known.Records:
    """Read from the store how the weeks before went, how good the models are, what was retrained and paid."""
    return await known.read_records(desk, now)


@task(cache_policy=NO_CACHE)
async def ask_and_decide(desk: Desk, opened: Opened, evidence: Evidence) -> Analysis:
    """Ask for votes, let the gate decide, keep the decision; the votes have retries of their own, and a bill."""
    return await self_analysis.decide(desk, opened, evidence)


@patient
async def finish(desk: Desk, opened: Opened, analysis: Analysis) -> Analysis:
    """Start the retrain that was decided, and what a killed run left behind."""
    start, find = starting.start_retrain, starting.find_retrain
    return await decision_starts.finish(desk, opened, analysis, start, find, now=dt.datetime.now(dt.UTC))


async def gather(desk: Desk, mine: Opened) -> Evidence:
    """Everything a decision rests on; what cannot be had is missing, with the reason."""
    market = known.attempt(read_market(desk, mine.now))
    return known.united(mine.week, *await asyncio.gather(market, read_records(desk, mine.now)), gathered_at=mine.now)


async def tell(desk: Desk, opened: Opened, analysis: Analysis) -> State[Analysis]:
    """Ask again later where the model's service wants that; emit, notify, publish; the end state is the verdict's."""
    decision, now = analysis.decision, analysis.now
    if decision is not None and (analysis.kind is Kind.DECIDED or analysis.takes_over):
        presentation.emit(self_analysis.MADE_EVENT, self_analysis.RESOURCE, decisions.event_payload(decision))
    if isinstance(after := await known.attempt(self_analysis.asks_again_after(desk, analysis)), dt.timedelta):
        parameters = {"force_analysis": opened.forced}
        await starting.again(NAME, key=f"again-{opened.run_id}", parameters=parameters, after=after)
    reliability = await known.attempt(read_reliability(desk, now))
    page = decision_page(analysis, reliability, desk.settings.zone, starting.link)
    notices = decision_notices(analysis, page, starting.link)
    await presentation.pass_on(desk, NAME, page, notices, source="decision", looks=of_analysis(analysis))
    if analysis.kind is Kind.SKIPPED and analysis.severity is Severity.HEALTHY:
        return presentation.skipped(analysis.summary)
    return presentation.end_state(NAME, analysis, analysis.severity, analysis.summary)


@flow(timeout_seconds=300)
async def gpt4_self_analysis(force_analysis: bool = False) -> State[Analysis]:
    """Gather, ask, decide, start; ends `Skipped`, `Completed`, or `Degraded` when the language model fails.

    Args:
        force_analysis: also when nothing is critical; never without trades, a budget or an allowance to retrain.
    """
    run_id, now = str(flow_run.get_id()), dt.datetime.now(dt.UTC)
    try:
        async with open_desk() as desk, heartbeat(desk, NAME, run_id=run_id) as sign:
            if late := presentation.too_late(desk.settings.late_grace, remedy="start it by hand"):
                sign.skipped = True
                return presentation.skipped(late)
            async with self_analysis.opened(desk, forced=force_analysis, run_id=run_id, now=now) as opened:
                found = opened.settled or await ask_and_decide(desk, opened, await gather(desk, opened))
            analysis = await finish(desk, opened, found)
            return await tell(desk, opened, analysis)
    except TradeOpsError as error:
        return presentation.failed(error)
