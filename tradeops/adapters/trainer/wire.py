"""What the trainer sends."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr

from tradeops.adapters.wire import Count, Moment, Number, WireModel

Fraction = Annotated[Number, Field(ge=0, le=1)]
Text = Annotated[StrictStr, Field(min_length=1)]


class Health(WireModel):
    """GET /health; only the own trainer says more than its status."""

    free_disk_gib: Annotated[Number, Field(ge=0)] | None = None
    backend: StrictStr = ""
    running: Annotated[list[StrictStr], Field(default_factory=list)]


class Uploaded(WireModel):
    """POST /ai/datasets."""

    dataset_id: Text


class Predicted(WireModel):
    """POST …/evaluate, and the holdout of a training; one entry per candle."""

    opened_ms: list[StrictInt]
    probabilities: list[Fraction]
    returns: list[Number]


class EpochAnswer(WireModel):
    """One pass over the data."""

    number: Annotated[StrictInt, Field(ge=1)]
    loss: Number
    validation_loss: Number
    accuracy: Fraction | None = None
    validation_accuracy: Fraction | None = None


class ResultAnswer(WireModel):
    """What a finished training left."""

    version: Text
    training_samples: Count
    holdout: Predicted
    baselines: dict[StrictStr, list[Fraction]]
    data_digest: Text
    seed: Count


class TrainingAnswer(WireModel):
    """POST /ai/train and GET /ai/train/{job_id}."""

    job_id: Text
    model_type: Text
    symbol: Text
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    epochs: Annotated[StrictInt, Field(ge=1)]
    history: Annotated[list[EpochAnswer], Field(default_factory=list)]
    eta_seconds: Annotated[Number, Field(ge=0)] | None = None
    problem: StrictStr = ""
    result: ResultAnswer | None = None


class Model(WireModel):
    """One version."""

    model_type: Text
    symbol: Text
    version: Text
    role: Literal["champion", "previous", "other"]
    trained_at: Moment
    promoted_at: Moment | None = None
    accuracy: Fraction | None = None
    unproven: StrictBool = False


class Models(WireModel):
    """GET /ai/models; one bad record spoils the list: a champion that is left out would be "none in use"."""

    models: list[Model]


class OpenApi(WireModel):
    """GET /openapi.json, of which only the routes count."""

    paths: dict[StrictStr, dict[StrictStr, object]]
