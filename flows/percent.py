"""How far a long computation is, live in Prefect: a progress artifact that moves on every tenth."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

LOOK_SECONDS = 0.5
STEP_PERCENT = 10
WHOLE_PERCENT = 100


@asynccontextmanager
async def percent_shown(key: str, what: str) -> AsyncGenerator[Callable[[int, int], None]]:
    """Gives a function that any thread tells how many of how many are done; a trouble of Prefect's is logged only.

    Args:
        key: of the artifact.
        what: is counted, in words.
    """
    heard = {"done": 0, "total": 0}

    def told(done: int, total: int) -> None:
        heard.update(done=done, total=total)

    ends = asyncio.Event()
    following = asyncio.create_task(_follow(key, what, heard, ends))
    try:
        yield told
    finally:
        ends.set()
        await asyncio.gather(following, return_exceptions=True)


async def _follow(key: str, what: str, heard: dict[str, int], ends: asyncio.Event) -> None:
    shown, artifact = -1, None
    while True:
        last = ends.is_set()
        percent = WHOLE_PERCENT * heard["done"] // heard["total"] if heard["total"] else 0
        if percent // STEP_PERCENT > shown:
            shown = percent // STEP_PERCENT
            text = f"{heard['done']:,} of {heard['total']:,} {what}" if heard["total"] else what
            try:
                artifact = await _show(key, text, float(min(percent, WHOLE_PERCENT)), artifact)
            except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises: the work matters more
                get_run_logger().warning("progress was not shown: %s", error)
        if last:
            return
        await asyncio.wait({asyncio.ensure_future(ends.wait())}, timeout=LOOK_SECONDS)


async def _show(key: str, text: str, percent: float, artifact: UUID | None) -> UUID:
    get_run_logger().info("%.0f %%: %s", percent, text)
    if artifact is not None:
        await aupdate_progress_artifact(artifact, percent, description=text)
        return artifact
    made = await acreate_progress_artifact(percent, key=key, description=text)
    assert isinstance(made, UUID)  # noqa: S101 - what Prefect gives to an async caller
    return made
