"""Started by the automation on flow-state events: tells people that a run of ours did not do its work."""

from datetime import UTC, datetime
from typing import Literal

from prefect import State, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from flows import presentation
from tradeops.domain.incidents.of_runs import RunEnded, observation
from tradeops.errors import MisconfiguredError
from tradeops.jobs import alerting
from tradeops.settings import load_settings
from tradeops.wiring import open_guard


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5, retry_condition_fn=presentation.is_transient)
async def tell(run: RunEnded, run_id: str) -> tuple[str, ...]:
    """Open the incident of the job and hand over what waits; returns what did not work."""
    async with open_guard(load_settings()) as guard:
        return await alerting.tell(guard, [observation(run)], source="job", run_id=run_id)


@flow(timeout_seconds=30)
async def run_state_alert(
    deployment: str,
    state: Literal["Failed", "Crashed", "TimedOut", "Late"],
    run_id: str,
    run_name: str = "",
    message: str = "",
) -> State[None]:
    """Alert under the same incident key as the watchdog's, so that nothing is told twice.

    Raises:
        MisconfiguredError: a setting is wrong; names it.
    """
    run = RunEnded(deployment, state, run_name or run_id, message, datetime.now(UTC))
    try:
        untold = await tell(run, f"{run_id}-{state}")
    except MisconfiguredError as error:
        return presentation.failed(error)
    if untold:
        return Completed(name="Degraded", message="; ".join(untold))
    return Completed(message=f"{deployment} {state}: told")
