"""Starts runs of deployments from within a run, linked to it in the UI, once for each key."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger
from prefect.utilities.urls import url_for

from tradeops.domain.decisions.decision import Decision
from tradeops.errors import RejectedError, TradeOpsError, UnavailableError

RETRAIN = "adaptive-retrain/adaptive-retrain"


def link(run_id: str) -> str:
    """Where a run is to be seen; empty when that is not known."""
    return url_for("flow-run", obj_id=run_id) or ""


async def start_retrain(decision: Decision) -> str:
    """Start the retrain of a decision, once; see `start`."""
    key = decision.decision_id
    return await start(RETRAIN, key=key, parameters={"decision_id": key})


async def again(job: str, *, key: str, after: timedelta) -> None:
    """Schedule the job once more; that it cannot be is told in the log alone, since its schedule comes anyway."""
    try:
        await start(f"{job}/{job}", key=key, parameters={}, after=after)
    except TradeOpsError as error:
        get_run_logger().warning("it is not asked again: %s", error)


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
