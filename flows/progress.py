"""How far long work is, live in Prefect: one progress artifact for each piece of it. It costs no work its result."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

from tradeops.domain.models.training import JobState, Training
from tradeops.jobs.models.training import Told

LOOK_SECONDS = 0.5
STEP_PERCENT = 10
WHOLE_PERCENT = 100
LEAST_SECONDS = 2.0  # between two updates of a training: each is a write on Prefect's server


class Progress:
    """One progress artifact, also in the log; a trouble of Prefect's is logged only.

    Args:
        key: of the artifact.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        self._id: UUID | None = None

    async def show(self, percent: float, text: str) -> None:
        """Move it to `percent`, at most 100, with these words."""
        percent = min(percent, float(WHOLE_PERCENT))
        get_run_logger().info("%.0f %%: %s", percent, text)
        try:
            if self._id is None:
                made = await acreate_progress_artifact(percent, key=self._key, description=text)
                self._id = UUID(str(made))
            else:
                await aupdate_progress_artifact(self._id, percent, description=text)
        except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises: the work matters more
            get_run_logger().warning("the progress of %s was not shown: %s", self._key, error)


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
    following = asyncio.create_task(_follow(Progress(key), what, heard, ends))
    try:
        yield told
    finally:
        ends.set()
        await asyncio.gather(following, return_exceptions=True)


async def _follow(progress: Progress, what: str, heard: dict[str, int], ends: asyncio.Event) -> None:
    shown = -1
    while True:
        last = ends.is_set()
        percent = WHOLE_PERCENT * heard["done"] // heard["total"] if heard["total"] else 0
        if percent // STEP_PERCENT > shown:
            shown = percent // STEP_PERCENT
            text = f"{heard['done']:,} of {heard['total']:,} {what}" if heard["total"] else what
            await progress.show(percent, text)
        if last:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(ends.wait(), LOOK_SECONDS)


def follow(job: str) -> Told:
    """Shows the training that it is told of under the key `JOB-lstm-btcusdt`.

    Args:
        job: the deployment's name.
    """
    progress: Progress | None = None
    shown: tuple[JobState, int] | None = None
    shown_at = float("-inf")

    async def told(training: Training) -> None:
        nonlocal progress, shown, shown_at
        now, state = time.monotonic(), (training.state, len(training.history))
        if state == shown or (now - shown_at < LEAST_SECONDS and not training.state.is_final):
            return
        progress = progress or Progress(f"{job}-{training.model_type}-{training.symbol}".lower())
        await progress.show(training.progress_percent, _words(training))
        shown, shown_at = state, now

    return told


def _words(training: Training) -> str:
    text = f"{training.model_type} {training.symbol}: {training.state.value}"
    if training.history:
        last = training.history[-1]
        text += f", epoch {last.number} of at most {training.epochs}"
        text += f", loss {last.loss:.4f}, validation loss {last.validation_loss:.4f}"
    elif training.state is JobState.RUNNING:
        text += ", the first epoch takes longest: its program is compiled"
    if training.eta_seconds is not None and not training.state.is_final:
        text += f", {training.eta_seconds:.0f} s to go"
    return text
