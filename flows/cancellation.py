"""Who ends a run: a person, in Prefect's UI or by its CLI, or whatever else ends processes."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

LAST_WORDS_SECONDS = 10.0  # of the 30 after which a worker kills what it has asked to end


async def last_words(work: Coroutine[Any, Any, None]) -> None:
    """Do it before a cancelled run ends, if that is quick; a failure is logged, for the run ends in any case."""
    try:
        await asyncio.wait_for(work, LAST_WORDS_SECONDS)
    except Exception as error:  # noqa: BLE001 - whatever channels, store or Prefect raise
        get_run_logger().warning("the end of this run was not told: %r", error)


async def by_person() -> bool:
    """Whether somebody has asked Prefect to cancel this run; false where Prefect does not say."""
    try:
        async with get_client() as client:
            state = (await client.read_flow_run(UUID(str(flow_run.get_id())))).state
    except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises: the run ends in any case
        get_run_logger().warning("why this run ends is not known: %s", error)
        return False
    return state is not None and (state.is_cancelling() or state.is_cancelled())
