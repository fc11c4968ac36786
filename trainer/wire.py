"""What callers send. Unknown fields are refused: a misspelt one must not train something else than was meant."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tradeops.domain.models.dataset import LENGTH
from tradeops.domain.models.training import ModelType

Name = Annotated[str, StringConstraints(max_length=80)]
Symbol = Annotated[str, StringConstraints(pattern="^[A-Z0-9]{1,20}$")]


class Asked(BaseModel):
    """The base of all bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class Upload(Asked):
    """POST /ai/datasets.

    Attributes:
        candles: as `TrainingCandles.to_json` writes them.
    """

    candles: dict[str, Any]


class TrainingRequest(Asked):
    """POST /ai/train."""

    model_type: ModelType
    symbol: Symbol
    dataset_id: Name
    epochs: Annotated[int, Field(ge=1, le=500)] = 100
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.001
    length: Annotated[int, Field(ge=2, le=1000)] = LENGTH
    label: Literal["hard", "soft"] = "hard"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1


class Evaluation(Asked):
    """POST …/evaluate: the candles that opened in [since, until)."""

    dataset_id: Name
    since_ms: Annotated[int, Field(ge=0)]
    until_ms: Annotated[int, Field(ge=0)]


class Promotion(Asked):
    """POST …/promote.

    Attributes:
        expected: the version that the caller saw in use; `None` when there was none.
        unproven: it is put into use because there was no model before.
    """

    expected: Name | None
    unproven: bool = False


class Rollback(Asked):
    """POST …/rollback."""

    expected: Name
    reason: Annotated[str, StringConstraints(max_length=500)]


class PredictionRequest(Asked):
    """POST /predict.

    Attributes:
        candles: closed ones, as `TrainingCandles.to_json` writes them; the newest window of the model's length counts.
    """

    model_type: ModelType
    symbol: Symbol
    candles: dict[str, Any]
