"""Asks a person in Prefect's UI before something happens: the run pauses, and goes on by itself after its deadline."""

import asyncio
import datetime as dt
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.flow_runs import apause_flow_run, aresume_flow_run
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from tradeops.domain.retraining import ModelOutcome
from tradeops.jobs.models.retrain import Run
from tradeops.wiring import Desk

SPARE_SECONDS = 3600  # Prefect fails a run whose own pause ends: ours ends first


async def refusal(what: str, *, within: dt.timedelta) -> str:
    """Pause the run until a person resumes it; empty then, or the reason why not, once the deadline has passed.

    Args:
        what: is to be approved; a line in the log.
        within: the deadline.
    """
    seconds = max(within.total_seconds(), 0.0)
    get_run_logger().info("%s waits for a person: resume this run to approve it, within %.0f s", what, seconds)
    paused = apause_flow_run(timeout=int(seconds) + SPARE_SECONDS, poll_interval=max(1, min(10, int(seconds / 4))))
    try:
        await asyncio.wait_for(paused, seconds)
    except TimeoutError:
        run_id = UUID(str(flow_run.get_id()))
        async with get_client() as client:
            state = (await client.read_flow_run(run_id)).state
        if state is not None and state.is_paused():
            await aresume_flow_run(run_id)  # the run goes on, without what was not approved
        return f"nobody approved {what} within {seconds / 60:.0f} min"
    return ""


async def of_model(desk: Desk, run: Run, outcome: ModelOutcome) -> str:
    """Why a person, or the lack of one, keeps a model that passed the gate from use; empty where nobody is asked."""
    if not desk.settings.retrain_approval or outcome.verdict is None or not outcome.verdict.promoted:
        return ""
    deadline = dt.timedelta(seconds=desk.settings.retrain_approval_seconds)
    within = min(deadline, run.deadline - dt.datetime.now(dt.UTC))
    return await refusal(f"{outcome.name} {outcome.version}", within=within)
