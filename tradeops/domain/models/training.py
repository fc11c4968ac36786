"""The words of training: what is asked for, how far it is, what came of it, which versions there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from tradeops.domain.models.columns import Floats, Integers
from tradeops.domain.models.dataset import LENGTH, Label

MODEL_TYPES = ("lstm", "gru", "transformer")
ModelType = Literal["lstm", "gru", "transformer"]


class JobState(StrEnum):
    """Where a training stands; the last three are for ever."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What to train, on which data, how hard.

    Attributes:
        dataset_id: of uploaded candles: their digest.
        epochs: at most; it may stop early.
        length: of a window, in candles.
    """

    model_type: str
    symbol: str
    dataset_id: str
    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 0.001
    length: int = LENGTH
    label: Label = "hard"
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Of the same model, in order of time.

    Attributes:
        opened_ms: of the last candle that each saw.
        probabilities: of a rise, 0-1.
        returns: what followed, as fractions.
    """

    opened_ms: Integers
    probabilities: Floats
    returns: Floats

    def __len__(self) -> int:
        """How many."""
        return len(self.opened_ms)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training part brought.

    Attributes:
        accuracy, validation_accuracy: 0-1, of the direction; `None` when not told.
    """

    number: int
    loss: float
    validation_loss: float
    accuracy: float | None = None
    validation_accuracy: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """What a finished training left.

    Attributes:
        version: in the registry; not in use before it is promoted.
        training_samples: windows it learnt from.
        holdout: its predictions of the candles that it never saw.
        baselines: probabilities of the same candles by `majority`, `persistence` and `logistic`.
        data_digest: of the candles.
        seed: of all randomness.
    """

    version: str
    training_samples: int
    holdout: Predictions
    baselines: Mapping[str, Floats]
    data_digest: str
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """One training job of the trainer.

    Attributes:
        epochs: at most.
        eta_seconds: until the last epoch; `None` when it is not known.
        problem: why it failed; empty when it did not.
        result: once it has succeeded.
    """

    job_id: str
    model_type: str
    symbol: str
    state: JobState
    epochs: int
    history: tuple[Epoch, ...] = ()
    eta_seconds: float | None = None
    problem: str = ""
    result: TrainingResult | None = None

    @property
    def progress_percent(self) -> float:
        """Of the epochs, 0-100; an early stop is 100 at once."""
        return 100.0 if self.state is JobState.SUCCEEDED else 100 * len(self.history) / max(self.epochs, 1)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One version in the trainer's registry.

    Attributes:
        role: `champion` is in use, `previous` was before it; the others are kept or not.
        trained_at: aware.
        promoted_at: the last time it came into use; `None` when it never was.
        accuracy: on the holdout of its training; `None` when not known.
        unproven: promoted because there was no model before.
    """

    model_type: str
    symbol: str
    version: str
    role: Literal["champion", "previous", "other"]
    trained_at: datetime
    promoted_at: datetime | None = None
    accuracy: float | None = None
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class TrainerHealth:
    """What the trainer says of itself.

    Attributes:
        free_disk_gib: where it keeps models; `None` when it does not say.
        backend: that computes: `jax`, with the device.
    """

    free_disk_gib: float | None
    backend: str = ""
    running: tuple[str, ...] = field(default=())
