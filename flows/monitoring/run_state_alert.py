"""Started by the automation on flow-state events: tells people that a run of ours did not do its work."""

import datetime as dt
from typing import Literal

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from flows import presentation
from tradeops.domain.incidents.of_runs import RunEnded, observation
from tradeops.errors import TradeOpsError
from tradeops.jobs.alerts import alerting
from tradeops.jobs.monitoring import heartbeats
from tradeops.settings import load_settings
from tradeops.wiring import open_guard


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5, retry_condition_fn=presentation.is_transient)
async def tell(ended: RunEnded, run_id: str) -> tuple[str, ...] | None:
    """Open the incident of the job and hand over what waits; returns what did not work, `None` when it is old news."""
    async with open_guard(load_settings()) as guard:
        if await heartbeats.heard_since(guard.store, ended.deployment, ended.at):
            return None
        return await alerting.tell(guard, [observation(ended)], source="job", run_id=run_id)


@flow(timeout_seconds=30)
async def run_state_alert(
    deployment: str,
    state: Literal["Failed", "Crashed", "TimedOut", "Late"],
    run_id: str,
    occurred: dt.datetime,
    run_name: str = "",
    message: str = "",
) -> State[None]:
    """Alert under the same incident key as the watchdog's, so that nothing is told twice.

    What is told late, because there was no worker for this run either, may be over: a job that has been heard of since
    is left alone, so that its incident does not stay open until its next run.

    Raises:
        MisconfiguredError: a setting is wrong; names it.
        UnavailableError: our store cannot be opened or does not answer.
    """
    ended = RunEnded(deployment, state, run_name or run_id, message, occurred)
    try:
        untold = await tell(ended, f"{run_id}-{state}")
    except TradeOpsError as error:
        return presentation.failed(error)
    if untold is None:
        return presentation.skipped(f"{deployment} has run since it was {state}")
    if untold:
        return Completed(name="Degraded", message="; ".join(untold))
    return Completed(message=f"{deployment} {state}: told")
