"""How far a training is, live in Prefect, under a key of its own."""

import time

from flows.progress import Show, artifact
from tradeops.domain.models.training import JobState, Training
from tradeops.jobs.models.training import Told

LEAST_SECONDS = 2.0  # between two updates: each is a write on Prefect's server


def follow(job: str) -> Told:
    """Shows the training that it is told of under the key `JOB-lstm-btcusdt`.

    Args:
        job: the deployment's name.
    """
    show: Show | None = None
    shown: tuple[JobState, int] | None = None
    shown_at = float("-inf")

    async def told(training: Training) -> None:
        nonlocal show, shown, shown_at
        now, state = time.monotonic(), (training.state, len(training.history))
        if state == shown or (now - shown_at < LEAST_SECONDS and not training.state.is_final):
            return
        show = show or artifact(f"{job}-{training.model_type}-{training.symbol}".lower())
        await show(training.progress_percent, _words(training))
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
