"""How tasks are tried again when the error says that waiting helps: soon for reports, in minutes for long work."""

import asyncio

from prefect import State, Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun

from flows.presentation import is_transient
from tradeops.errors import RateLimitedError

DELAYS = [60, 120, 300]


async def when_welcome(tried: Task[..., object], run: TaskRun, state: State[object]) -> bool:
    """Whether waiting helps; a pause that the other side asks for is over before the delay of the next try begins.

    One that is longer than the longest delay is not waited for: a try before its end would only prolong it.
    """
    error = await state.aresult(raise_on_failure=False)
    pause = error.retry_after.total_seconds() if isinstance(error, RateLimitedError) and error.retry_after else 0.0
    if pause > DELAYS[-1]:
        return False
    await asyncio.sleep(pause)
    return await is_transient(tried, run, state)


patient = task(  # all tries of reading and of recording together end before the five minutes of a report
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[5, 15, 45],
    retry_jitter_factor=0.5,
    retry_condition_fn=is_transient,
)
again = task(
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[*DELAYS],
    retry_jitter_factor=0.5,
    retry_condition_fn=when_welcome,
)
