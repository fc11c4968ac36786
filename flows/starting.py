"""Starts runs of deployments from within a run, linked to it in the UI, once for each key."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter, FlowRunFilterIdempotencyKey
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.utilities.urls import url_for

from tradeops.domain.decisions.decision import Decision
from tradeops.errors import RejectedError, TradeOpsError, UnavailableError
from tradeops.jobs.decision.left_behind import left_behind
from tradeops.wiring import Desk

ANALYSIS, RETRAIN = "gpt4-self-analysis", "adaptive-retrain"
QUARTER_MINUTES = 15
FINISHING_SECONDS = 6.0


def link(run_id: str) -> str:
    """Where a run is to be seen; empty when that is not known."""
    return url_for("flow-run", obj_id=run_id) or ""


async def start_retrain(decision: Decision) -> str:
    """Start the retrain of a decision, once; see `start`."""
    key = decision.decision_id
    return await start(f"{RETRAIN}/{RETRAIN}", key=key, parameters={"decision_id": key})


async def find_retrain(decision: Decision) -> str | None:
    """The id of the run that `start_retrain` made of the decision, in whichever run of ours; `None` when it made none.

    Raises:
        UnavailableError: Prefect does not say.
    """
    flow = FlowFilter(name=FlowFilterName(any_=[RETRAIN]))
    key = FlowRunFilter(idempotency_key=FlowRunFilterIdempotencyKey(any_=[decision.decision_id]))
    try:
        async with get_client() as client:
            found = await client.read_flow_runs(flow_filter=flow, flow_run_filter=key, limit=1)
    except Exception as error:  # whatever Prefect's client raises
        problem = f"runs of {RETRAIN} were not read: {type(error).__name__}: {error}"
        raise UnavailableError("prefect", problem[:500], remedy="look at Prefect's server") from error
    return str(found[0].id) if found else None


async def finish_decision(desk: Desk, *, now: datetime) -> None:
    """Bring the next analysis forward where one has left a decision behind; once in each quarter of an hour.

    What goes wrong is in the log alone: whoever calls this looks again then.
    """
    try:
        async with asyncio.timeout(FINISHING_SECONDS):
            if decision_id := await left_behind(desk.store, now=now):
                quarter = f"{now:%Y%m%dT%H}.{now.minute // QUARTER_MINUTES}"
                await again(ANALYSIS, key=f"finish-{decision_id}-{quarter}")
    except (TradeOpsError, TimeoutError) as error:
        why = str(error) or "Prefect or the store did not answer in time"
        get_run_logger().warning("whether a decision waits to be finished is not known: %s", why)


async def again(
    job: str, *, key: str, parameters: dict[str, Any] | None = None, after: timedelta | None = None
) -> None:
    """Schedule the job once more; that it cannot be is told in the log alone, since its schedule comes anyway."""
    try:
        await start(f"{job}/{job}", key=key, parameters=parameters or {}, after=after)
    except TradeOpsError as error:
        get_run_logger().warning("%s is not started once more: %s", job, error)


async def start(deployment: str, *, key: str, parameters: dict[str, Any], after: timedelta | None = None) -> str:
    """Schedule a run and return its id without waiting for it; the same key returns the run that is there.

    Args:
        deployment: `flow/deployment`.
        key: unique for what is wanted.
        parameters: of the flow.
        after: how long from now; `None` is at once.

    Raises:
        RejectedError: there is no such deployment.
        UnavailableError: Prefect did not take it; whether a run was made is not known, so ask again by the same key.
    """
    try:
        run = await arun_deployment(
            deployment,
            parameters=parameters,
            scheduled_time=None if after is None else datetime.now(UTC) + after,
            timeout=0,
            as_subflow=True,
            idempotency_key=key,
        )
    except ObjectNotFound as error:
        remedy = "deploy it: `tradeops up` or `make deploy`"
        raise RejectedError("prefect", f"there is no deployment {deployment}", remedy=remedy) from error
    except Exception as error:  # whatever Prefect's client raises
        problem = f"{deployment} was not started: {type(error).__name__}: {error}"
        raise UnavailableError("prefect", problem[:500], remedy="look at Prefect's server") from error
    return str(run.id)
