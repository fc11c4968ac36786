"""The settings of training: on which candles, how hard, and how much proof a new model must bring."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from tradeops.domain.candles import TIMEFRAMES
from tradeops.settings.fields import READING, Count, Hours, HttpAddress, Seconds, parse_list, setting

KNOWN_MODELS = ("lstm", "gru", "transformer")
Days = Annotated[int, Field(ge=7, le=730)]
Epochs = Annotated[int, Field(ge=1, le=500)]
Window = Annotated[int, Field(ge=2, le=500)]
Samples = Annotated[int, Field(ge=2, le=100_000)]
Points = Annotated[float, Field(ge=0, lt=50, allow_inf_nan=False)]
Floor = Annotated[float, Field(gt=0, lt=100, allow_inf_nan=False)]
Gibibytes = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]

# What `tradeops trainer` hands on to the service, which reads it by itself
TRAINER_NAMES = tuple(
    f"TRADEOPS_TRAINER_{name}"
    for name in (
        "HOME",
        "HOST",
        "PORT",
        "TOKEN",
        "MOST_EPOCHS",
        "QUEUE_SIZE",
        "MOST_PER_DAY",
        "KEEP_VERSIONS",
        "KEEP_DAYS",
        "LEAST_DISK_GIB",
        "BODY_CAP_MIB",
        "NICENESS",
    )
)


def _timeframe(value: str) -> str:
    if value not in TIMEFRAMES:
        raise ValueError(f"is none of {', '.join(TIMEFRAMES)}")
    return value


def _model_types(value: str) -> str:
    for name in parse_list(value):
        if name not in KNOWN_MODELS:
            raise ValueError(f"names {name!r}, which is none of {', '.join(KNOWN_MODELS)}")
    return value


class RetrainSettings(BaseSettings):
    """The part of `Settings` that concerns training and promotion."""

    model_config = READING

    trainer_url: HttpAddress | None = setting(
        "TRAINER_URL",
        None,
        "http://127.0.0.1:8001",
        "The trainer, as `tradeops trainer` starts it; without it PYTHON_API_URL is asked whether it is one.",
    )
    trainer_token: SecretStr | None = setting(
        "TRADEOPS_TRAINER_TOKEN", None, "a-long-random-text", "Bearer token of the trainer; sent to TRAINER_URL alone."
    )
    retrain_symbols: str = setting(
        "TRADEOPS_RETRAIN_SYMBOLS", "BTCUSDT", "BTCUSDT,ETHUSDT", "Symbols whose models a retrain trains."
    )
    retrain_models: Annotated[str, AfterValidator(_model_types)] = setting(
        "TRADEOPS_RETRAIN_MODELS", "lstm,gru,transformer", "lstm,gru", "Models that a retrain trains."
    )
    retrain_timeframe: Annotated[str, AfterValidator(_timeframe)] = setting(
        "TRADEOPS_RETRAIN_TIMEFRAME", "1h", "1h", "Candles that models learn from."
    )
    retrain_days: Days = setting("TRADEOPS_RETRAIN_DAYS", 60, "60", "How many days of candles a retrain learns from.")
    retrain_epochs: Epochs = setting("TRADEOPS_RETRAIN_EPOCHS", 100, "100", "Passes over the data, at most.")
    retrain_window: Window = setting("TRADEOPS_RETRAIN_WINDOW", 60, "60", "How many candles a model sees at once.")
    retrain_seed: Annotated[int, Field(ge=0, lt=2**31)] = setting(
        "TRADEOPS_RETRAIN_SEED",
        1,
        "1",
        "Of all randomness of a training; that of the gate has a seed of its own, which never changes.",
    )
    retrain_least_disk_gib: Gibibytes = setting(
        "TRADEOPS_RETRAIN_LEAST_DISK_GIB", 10.0, "10", "Free space at the trainer below which nothing is trained."
    )
    retrain_limit_minutes: Annotated[float, Field(gt=0, le=118, allow_inf_nan=False)] = setting(
        "TRADEOPS_RETRAIN_LIMIT_MINUTES", 110.0, "110", "A model that is not trained by then is given up."
    )
    retrain_poll_seconds: Seconds = setting(
        "TRADEOPS_RETRAIN_POLL_SECONDS", 2.0, "2", "How often the trainer is asked how far it is."
    )
    retrain_gate: Literal["proven", "improves"] = setting(
        "TRADEOPS_RETRAIN_GATE", "proven", "improves", "proven asks for statistical proof, improves for any gain."
    )
    retrain_least_gain_points: Points = setting(
        "TRADEOPS_RETRAIN_LEAST_GAIN_POINTS", 1.0, "1", "Least gain of accuracy, in percentage points."
    )
    retrain_least_samples: Samples = setting(
        "TRADEOPS_RETRAIN_LEAST_SAMPLES", 200, "200", "Least number of candles that old and new model are compared on."
    )
    retrain_floor_percent: Floor | None = setting(
        "TRADEOPS_RETRAIN_FLOOR_PERCENT",
        None,
        "60",
        "A model of lower accuracy is never deployed; off, since honest models of hourly candles reach 50 to 55.5.",
    )
    retrain_allow_suspicious: bool = setting(
        "TRADEOPS_RETRAIN_ALLOW_SUSPICIOUS", False, "true", "true deploys models that are better than honest ones are."
    )
    retrain_approval: bool = setting(
        "TRADEOPS_RETRAIN_APPROVAL", False, "true", "true pauses a retrain for a person before it deploys a model."
    )
    retrain_approval_seconds: Seconds = setting(
        "TRADEOPS_RETRAIN_APPROVAL_SECONDS", 1800.0, "1800", "After so long without a person the model is not deployed."
    )
    model_watch_hours: Hours = setting(
        "TRADEOPS_MODEL_WATCH_HOURS", 48.0, "48", "How long a new model is watched on live candles."
    )
    model_watch_least_candles: Count = setting(
        "TRADEOPS_MODEL_WATCH_LEAST_CANDLES", 20, "20", "Live candles before a new model can be found worse."
    )

    @property
    def models_to_retrain(self) -> tuple[str, ...]:
        """TRADEOPS_RETRAIN_MODELS."""
        return parse_list(self.retrain_models)

    @property
    def symbols_to_retrain(self) -> tuple[str, ...]:
        """TRADEOPS_RETRAIN_SYMBOLS."""
        return parse_list(self.retrain_symbols)
