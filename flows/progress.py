"""How far long work is, live in Prefect: one progress artifact for each piece of it. It costs no work its result."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

LOOK_SECONDS = 0.5
STEP_PERCENT = 10
WHOLE_PERCENT = 100

Show = Callable[[float, str], Awaitable[None]]


def artifact(key: str) -> Show:
    """One progress artifact, also in the log, that what is returned moves; a trouble of Prefect's is logged only."""
    made: UUID | None = None

    async def show(percent: float, text: str) -> None:
        nonlocal made
        percent = min(percent, float(WHOLE_PERCENT))
        get_run_logger().info("%.0f %%: %s", percent, text)
        try:
            if made is None:
                made = UUID(str(await acreate_progress_artifact(percent, key=key, description=text)))
            else:
                await aupdate_progress_artifact(made, percent, description=text)
        except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises: the work matters more
            get_run_logger().warning("the progress of %s was not shown: %s", key, error)

    return show


@asynccontextmanager
async def percent_shown(key: str, what: str) -> AsyncGenerator[Callable[[int, int], None]]:
    """Gives a function that any thread tells how many of how many are done; shows every tenth.

    Args:
        key: of the artifact.
        what: is counted, in words.
    """
    heard = {"done": 0, "total": 0}

    def told(done: int, total: int) -> None:
        heard.update(done=done, total=total)

    ends = asyncio.Event()
    following = asyncio.create_task(_follow(artifact(key), what, heard, ends))
    try:
        yield told
    finally:
        ends.set()
        await asyncio.gather(following, return_exceptions=True)


async def _follow(show: Show, what: str, heard: dict[str, int], ends: asyncio.Event) -> None:
    shown = -1
    while True:
        last = ends.is_set()
        percent = WHOLE_PERCENT * heard["done"] // heard["total"] if heard["total"] else 0
        if percent // STEP_PERCENT > shown:
            shown = percent // STEP_PERCENT
            text = f"{heard['done']:,} of {heard['total']:,} {what}" if heard["total"] else what
            await show(percent, text)
        if last:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(ends.wait(), LOOK_SECONDS)
