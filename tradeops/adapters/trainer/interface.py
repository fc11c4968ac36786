"""What the product asks of a trainer."""

from datetime import timedelta
from typing import Protocol

from tradeops.domain.models.columns import TrainingCandles
from tradeops.domain.models.training import ModelRecord, Predictions, TrainerHealth, Training, TrainingPlan


class Trainer(Protocol):
    """A training service; each call raises a typed error when it does not answer."""

    async def health(self, *, within: timedelta | None = None) -> TrainerHealth:
        """How it is."""
        ...

    async def upload(self, symbol: str, candles: TrainingCandles) -> str:
        """Hand over candles, once for the same ones; returns their id."""
        ...

    async def train(self, plan: TrainingPlan, *, idempotency_key: str) -> Training:
        """Begin a training; with a key that is known, that one, running or finished.

        Raises:
            ConflictError: another one of that type and symbol runs.
        """
        ...

    async def training(self, job_id: str) -> Training:
        """How far it is."""
        ...

    async def cancel(self, job_id: str) -> None:
        """End it; a second time changes nothing."""
        ...

    async def models(self, model_type: str | None = None, symbol: str | None = None) -> tuple[ModelRecord, ...]:
        """The versions that it keeps."""
        ...

    async def evaluate(
        self, model_type: str, symbol: str, version: str, dataset_id: str, *, since_ms: int, until_ms: int
    ) -> Predictions:
        """What that version predicts of the candles that opened in [since, until)."""
        ...

    async def promote(
        self, model_type: str, symbol: str, version: str, *, expected: str | None, unproven: bool = False
    ) -> ModelRecord:
        """Put it into use if `expected` is in use; one that is in use already stays.

        Raises:
            ConflictError: another one is in use.
        """
        ...

    async def rollback(self, model_type: str, symbol: str, *, expected: str, reason: str) -> ModelRecord:
        """Put the one before into use again if `expected` is in use.

        Raises:
            ConflictError: another one is in use.
            RejectedError: there is none before.
        """
        ...
