"""A trainer in memory: it keeps the promises of the interface, and its models are as good as a test says."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tradeops.domain.models.columns import Floats, TrainingCandles
from tradeops.domain.models.dataset import Part, evaluation_part, make_dataset
from tradeops.domain.models.measurement import majority_probabilities, persistence_probabilities
from tradeops.domain.models.training import (
    Epoch,
    JobState,
    ModelRecord,
    Predictions,
    TrainerHealth,
    Training,
    TrainingPlan,
    TrainingResult,
)
from tradeops.errors import ConflictError, RejectedError, UnavailableError


@dataclass
class FakeTrainer:
    """See `Trainer`.

    Attributes:
        quality: share of right predictions of the versions that come next, by model type; `None` fails the training.
        polls: how often a training is asked for before it is done.
    """

    quality: dict[str, float | None] = field(default_factory=dict)
    polls: int = 2
    free_disk_gib: float | None = 100.0
    lies: bool = False
    data: dict[str, TrainingCandles] = field(default_factory=dict)
    jobs: dict[str, Training] = field(default_factory=dict)
    plans: dict[str, TrainingPlan] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    versions: dict[str, float] = field(default_factory=dict)
    in_use: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    promotions: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    lost_answers: int = 0
    before_promote: Any = None

    async def health(self, *, within: object = None) -> TrainerHealth:
        del within
        return TrainerHealth(self.free_disk_gib, "numpy")

    async def upload(self, symbol: str, candles: TrainingCandles) -> str:
        del symbol
        self.data[candles.digest()] = candles
        return candles.digest()

    async def train(self, plan: TrainingPlan, *, idempotency_key: str) -> Training:
        if idempotency_key in self.keys:
            return self._told(self.jobs[self.keys[idempotency_key]])
        for job in self.jobs.values():
            if (job.model_type, job.symbol) == (plan.model_type, plan.symbol) and not job.state.is_final:
                raise ConflictError("trainer", f"{plan.model_type} {plan.symbol} is being trained")
        job_id = f"job-{len(self.jobs) + 1}"
        self.keys[idempotency_key], self.left[job_id], self.plans[job_id] = job_id, self.polls, plan
        self.jobs[job_id] = Training(job_id, plan.model_type, plan.symbol, JobState.RUNNING, plan.epochs)
        return self._told(self.jobs[job_id])

    async def training(self, job_id: str) -> Training:
        if self.troubles:
            raise self.troubles.pop(0)
        job = self.jobs[job_id]
        if job.state.is_final:
            return job
        self.left[job_id] -= 1
        done = len(job.history) + 1
        job = replace(job, history=(*job.history, Epoch(done, 0.7 - done / 100, 0.7)))
        if self.left[job_id] <= 0:
            job = self._finished(job)
        self.jobs[job_id] = job
        return job

    async def cancel(self, job_id: str) -> None:
        self.cancelled.append(job_id)
        self.jobs[job_id] = replace(self.jobs[job_id], state=JobState.CANCELLED)

    async def models(self, model_type: str | None = None, symbol: str | None = None) -> tuple[ModelRecord, ...]:
        records = []
        for (kind, of), versions in self.in_use.items():
            if model_type in {None, kind} and symbol in {None, of}:
                roles = ["champion", "previous", *["other"] * len(versions)]
                records += [
                    ModelRecord(kind, of, version, role, datetime.now(UTC))  # type: ignore[arg-type]
                    for version, role in zip(reversed(versions), roles, strict=False)
                ]
        return tuple(records)

    async def evaluate(
        self, model_type: str, symbol: str, version: str, dataset_id: str, *, since_ms: int, until_ms: int
    ) -> Predictions:
        del symbol
        candles = self.data[dataset_id]
        length = next((plan.length for plan in self.plans.values() if plan.model_type == model_type), 20)
        scaler = make_dataset(candles, length=length).scaler
        part = evaluation_part(candles, scaler, length, since_ms=since_ms, until_ms=until_ms)
        return Predictions(part.opened_ms, self._said(part, version), part.returns)

    async def promote(
        self, model_type: str, symbol: str, version: str, *, expected: str | None, unproven: bool = False
    ) -> ModelRecord:
        if self.before_promote:
            self.before_promote()
        versions = self.in_use.setdefault((model_type, symbol), [])
        record = ModelRecord(model_type, symbol, version, "champion", datetime.now(UTC), unproven=unproven)
        if versions[-1:] == [version] or self.lies:
            return record
        if (versions[-1] if versions else None) != expected:
            raise ConflictError("trainer", "another version is in use")
        versions.append(version)
        self.promotions.append(version)
        return record

    async def rollback(self, model_type: str, symbol: str, *, expected: str, reason: str) -> ModelRecord:
        assert reason
        versions = self.in_use[model_type, symbol]
        if versions[-1] != expected:
            raise ConflictError("trainer", "another version is in use")
        if len(versions) < 2:
            raise RejectedError("trainer", "there is no version before")
        if not self.lies:
            versions.pop()
        return ModelRecord(model_type, symbol, versions[-1], "champion", datetime.now(UTC))

    def lose_the_answer(self) -> None:
        """The next roll-back takes effect, and whoever asked for it hears nothing."""
        rollback = self.rollback

        async def lost(*names: str, **more: str) -> ModelRecord:
            self.rollback = rollback  # type: ignore[method-assign]
            await rollback(*names, **more)
            raise UnavailableError("trainer", "no answer")

        self.rollback = lost  # type: ignore[method-assign, assignment]

    def put_in_use(self, model_type: str, symbol: str, version: str, quality: float) -> None:
        self.versions[version] = quality
        self.in_use.setdefault((model_type, symbol), []).append(version)

    def _told(self, accepted: Training) -> Training:
        if self.lost_answers:
            self.lost_answers -= 1
            raise UnavailableError("trainer", "closed the connection without a whole answer")
        return accepted

    def _finished(self, job: Training) -> Training:
        quality = self.quality.get(job.model_type, 0.55)
        if quality is None:
            return replace(job, state=JobState.FAILED, problem="the loss is above 10 x the first one: diverged")
        plan = self.plans[job.job_id]
        data = make_dataset(self.data[plan.dataset_id], length=plan.length)
        version = f"{job.model_type}-{job.job_id}"
        self.versions[version] = quality
        part = data.holdout
        result = TrainingResult(
            version=version,
            training_samples=len(data.train),
            holdout=Predictions(part.opened_ms, self._said(part, version), part.returns),
            baselines={
                "majority": majority_probabilities(data.train, part),
                "persistence": persistence_probabilities(data.train, part),
                "logistic": np.full(len(part), 0.5),
            },
            data_digest=data.digest,
            seed=plan.seed,
        )
        return replace(job, state=JobState.SUCCEEDED, result=result)

    def _said(self, part: Part, version: str) -> Floats:
        """Right in that share of the candles, which ones by their times."""
        luck = np.random.default_rng(list(version.encode())).permutation(len(part))
        right = luck < round(self.versions[version] * len(part))
        return np.where(right == (part.returns > 0), 0.51, 0.49)
