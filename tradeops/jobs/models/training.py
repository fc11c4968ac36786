"""One training at the trainer: begun or joined, followed to its end, given up at its deadline."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from tradeops.adapters.trainer.interface import Trainer
from tradeops.domain.models.training import JobState, Training, TrainingPlan, TrainingResult
from tradeops.errors import RejectedError, TradeOpsError, TransientError, UnavailableError

OUTAGE = timedelta(minutes=5)  # a trainer that was killed resumes from its checkpoint
MOST_ATTEMPTS = 5  # at the same work, each by somebody who asks for it again

Told = Callable[[Training], Awaitable[None]]
Pause = Callable[[float], Awaitable[None]]

log = logging.getLogger(__name__)


def training_key(plan: TrainingPlan) -> str:
    """The same for the same work: whoever asks for it again joins the one that runs, or gets what it left."""
    digest = hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode()).hexdigest()[:24]
    return f"{plan.model_type}:{plan.symbol}:{digest}"


async def train(
    trainer: Trainer,
    plan: TrainingPlan,
    *,
    deadline: datetime,
    poll_seconds: float,
    told: Told,
    anew: str = "",
    pause: Pause = asyncio.sleep,
) -> tuple[Training, TrainingResult]:
    """Train by this plan, or join the training that was begun by it; one that has failed or was cancelled begins anew.

    Args:
        trainer: see there.
        plan: what to train.
        deadline: aware; then the training is cancelled.
        poll_seconds: how often it is asked for.
        told: hears how far it is, each time.
        anew: makes it a work of its own, though the same was done before: the run that asks.
        pause: waits so many seconds.

    Raises:
        UnavailableError: the trainer is silent for more than 5 minutes, or the deadline has come.
        RejectedError: the training failed; with its reason.
        TradeOpsError: it was not accepted.
    """
    training: Training | None = None
    silent_since: datetime | None = None
    while True:
        if datetime.now(UTC) >= deadline:
            if training is not None:
                await _cancel(trainer, training.job_id)
            raise _time_limit(plan)
        try:  # asking twice is asking once: the key is the same
            training = await (_begun(trainer, plan, anew) if training is None else trainer.training(training.job_id))
            silent_since = None
        except TransientError as error:
            silent_since = silent_since or datetime.now(UTC)
            log.warning("the trainer does not answer, the training may go on: %s", error)
            if datetime.now(UTC) - silent_since > OUTAGE:
                raise
        if training is not None:
            await told(training)
            if training.state.is_final:
                break
        await pause(poll_seconds)
    if training.state is JobState.CANCELLED:
        raise RejectedError("trainer", f"the training of {plan.model_type} {plan.symbol} was cancelled")
    if training.result is None:
        raise RejectedError("trainer", training.problem or f"the training of {plan.model_type} failed without a reason")
    return training, training.result


async def give_up(trainer: Trainer, plan: TrainingPlan, *, anew: str = "") -> None:
    """End the training that was begun by `train`, if it has not ended; a trainer that does not answer is logged."""
    try:
        training = await _begun(trainer, plan, anew)
    except TradeOpsError as error:
        log.warning("the training of %s %s could not be cancelled: %s", plan.model_type, plan.symbol, error)
        return
    if not training.state.is_final:
        await _cancel(trainer, training.job_id)


async def _begun(trainer: Trainer, plan: TrainingPlan, anew: str) -> Training:
    """A key belongs to one training for ever, so each new attempt has its own: the same for all who come to it."""
    key = f"{training_key(plan)}:{anew}" if anew else training_key(plan)
    training = await trainer.train(plan, idempotency_key=key)
    for attempt in range(2, MOST_ATTEMPTS + 1):
        if training.state not in {JobState.FAILED, JobState.CANCELLED}:
            break
        training = await trainer.train(plan, idempotency_key=f"{key}:attempt-{attempt}")
    return training


def _time_limit(plan: TrainingPlan) -> UnavailableError:
    return UnavailableError("training", f"time limit: {plan.model_type} {plan.symbol} was not trained in time")


async def _cancel(trainer: Trainer, job_id: str) -> None:
    try:
        await trainer.cancel(job_id)
    except TradeOpsError as error:
        log.warning("the training %s could not be cancelled: %s", job_id, error)
