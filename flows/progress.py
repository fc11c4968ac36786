"""How far a training is, live in Prefect: one progress artifact for each model."""

import time
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

from tradeops.domain.models.training import JobState, Training
from tradeops.jobs.models.training import Told

LEAST_SECONDS = 2.0  # between two updates: each is a write on Prefect's server


def follow(job: str) -> Told:
    """Shows each training that it is told of under the key `JOB-lstm-btcusdt`; a trouble of Prefect's is logged only.

    Args:
        job: the deployment's name.
    """
    shown: dict[str, object] = {}

    async def told(training: Training) -> None:
        now = time.monotonic()
        state = (training.state, len(training.history))
        soon = now - float(str(shown.get("at", "-inf"))) < LEAST_SECONDS
        if state == shown.get("state") or (soon and not training.state.is_final):
            return
        try:
            await _show(job, training, shown)
        except Exception as error:  # noqa: BLE001 - whatever Prefect's client raises: the training matters more
            get_run_logger().warning("the progress of %s was not shown: %s", training.model_type, error)
        shown.update(state=state, at=now)

    return told


async def _show(job: str, training: Training, shown: dict[str, object]) -> None:
    text = f"{training.model_type} {training.symbol}: {training.state.value}"
    if training.history:
        last = training.history[-1]
        text += f", epoch {last.number} of at most {training.epochs}"
        text += f", loss {last.loss:.4f}, validation loss {last.validation_loss:.4f}"
    elif training.state is JobState.RUNNING:
        text += ", the first epoch takes longest: its program is compiled"
    if training.eta_seconds is not None and not training.state.is_final:
        text += f", {training.eta_seconds:.0f} s to go"
    get_run_logger().info(text)
    percent = min(training.progress_percent, 100.0)
    if "id" not in shown:
        key = f"{job}-{training.model_type}-{training.symbol}".lower()
        shown["id"] = await acreate_progress_artifact(percent, key=key, description=text)
    else:
        await aupdate_progress_artifact(UUID(str(shown["id"])), percent, description=text)
