"""From what the trainer sends to the words of training, with what a wire model cannot check: lists in step."""

import numpy as np

from tradeops.adapters.trainer import wire
from tradeops.adapters.wire import parse
from tradeops.domain.models.training import (
    Epoch,
    JobState,
    ModelRecord,
    Predictions,
    TrainerHealth,
    Training,
    TrainingResult,
)
from tradeops.errors import ContractError
from tradeops.http import Answer


def health_of(answer: Answer) -> TrainerHealth:
    """How it is.

    Raises:
        ContractError: another shape.
    """
    parsed = parse(wire.Health, answer.json(), system=answer.system, source=answer.address)
    return TrainerHealth(parsed.free_disk_gib, parsed.backend, tuple(parsed.running))


def dataset_of(answer: Answer, *, expected: str) -> str:
    """The id of uploaded candles.

    Raises:
        ContractError: another shape, or it keeps other candles than were sent.
    """
    parsed = parse(wire.Uploaded, answer.json(), system=answer.system, source=answer.address)
    if parsed.dataset_id != expected:
        raise ContractError(answer.system, f"{answer.address} keeps other candles than were sent")
    return parsed.dataset_id


def training_of(answer: Answer) -> Training:
    """How far it is.

    Raises:
        ContractError: another shape, lists that are not in step, or a success without a result.
    """
    parsed = parse(wire.TrainingAnswer, answer.json(), system=answer.system, source=answer.address)
    state = JobState(parsed.state)
    if state is JobState.SUCCEEDED and parsed.result is None:
        raise ContractError(answer.system, f"{answer.address} answered with a success without a result")
    return Training(
        job_id=parsed.job_id,
        model_type=parsed.model_type,
        symbol=parsed.symbol,
        state=state,
        epochs=parsed.epochs,
        history=tuple(Epoch(**one.model_dump()) for one in parsed.history),
        eta_seconds=parsed.eta_seconds,
        problem=parsed.problem,
        result=None if parsed.result is None else _result(parsed.result, answer),
    )


def predictions_of(answer: Answer) -> Predictions:
    """What a version said.

    Raises:
        ContractError: another shape, or lists that are not in step.
    """
    return _predictions(parse(wire.Predicted, answer.json(), system=answer.system, source=answer.address), answer)


def record_of(answer: Answer) -> ModelRecord:
    """One version.

    Raises:
        ContractError: another shape.
    """
    return _record(parse(wire.Model, answer.json(), system=answer.system, source=answer.address))


def records_of(answer: Answer) -> tuple[ModelRecord, ...]:
    """All versions.

    Raises:
        ContractError: another shape.
    """
    parsed = parse(wire.Models, answer.json(), system=answer.system, source=answer.address)
    return tuple(_record(one) for one in parsed.models)


def _record(parsed: wire.Model) -> ModelRecord:
    return ModelRecord(
        model_type=parsed.model_type,
        symbol=parsed.symbol,
        version=parsed.version,
        role=parsed.role,
        trained_at=parsed.trained_at,
        promoted_at=parsed.promoted_at,
        accuracy=parsed.accuracy,
        unproven=parsed.unproven,
    )


def _result(parsed: wire.ResultAnswer, answer: Answer) -> TrainingResult:
    holdout = _predictions(parsed.holdout, answer)
    for name, values in parsed.baselines.items():
        if len(values) != len(holdout):
            problem = f"{len(values)} predictions of the baseline {name} for {len(holdout)} candles"
            raise ContractError(answer.system, f"{answer.address} answered with {problem}")
    return TrainingResult(
        version=parsed.version,
        training_samples=parsed.training_samples,
        holdout=holdout,
        baselines={name: np.array(values, dtype=np.float64) for name, values in parsed.baselines.items()},
        data_digest=parsed.data_digest,
        seed=parsed.seed,
    )


def _predictions(parsed: wire.Predicted, answer: Answer) -> Predictions:
    opened = np.array(parsed.opened_ms, dtype=np.int64)
    if not len(opened) == len(parsed.probabilities) == len(parsed.returns):
        raise ContractError(answer.system, f"{answer.address} answered with lists of different lengths")
    if (np.diff(opened) <= 0).any():
        raise ContractError(answer.system, f"{answer.address} answered with candles that are not in order of time")
    probabilities = np.array(parsed.probabilities, dtype=np.float64)
    return Predictions(opened, probabilities, np.array(parsed.returns, dtype=np.float64))
