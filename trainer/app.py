"""The routes of the training service. Who bears its token may do everything; without one it keeps to loopback."""

import asyncio
import importlib.metadata
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from secrets import compare_digest
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.responses import Response

from tradeops.domain.models.columns import TrainingCandles, UnfitDataError
from tradeops.domain.models.training import ModelType, Predictions, TrainingPlan
from trainer.datasets import Datasets
from trainer.errors import TrainerError, UnknownError
from trainer.foreman import BACKEND, Foreman, free_gib, plan_within
from trainer.inference import Inference, signal_of
from trainer.jobs import Job, Jobs
from trainer.registry import InUse, Kind, Registry, Version
from trainer.settings import TrainerSettings
from trainer.wire import Evaluation, PredictionRequest, Promotion, Rollback, TrainingRequest, Upload

LONGEST_KEY = 200
OPEN_TO_ALL = frozenset({"/health", "/openapi.json"})
T = TypeVar("T")
log = logging.getLogger(__name__)


def build_app(settings: TrainerSettings) -> FastAPI:
    """A service over the folder that the settings name; it takes up what an earlier one left."""
    home = settings.home
    home.mkdir(parents=True, exist_ok=True)
    registry = Registry(home / "models", keep=settings.keep_versions)
    foreman = Foreman(settings, Jobs(home / "jobs"), registry)
    service = _Service(settings, Datasets(home / "datasets"), registry, foreman)

    @asynccontextmanager
    async def at_work(_app: FastAPI) -> AsyncGenerator[None]:
        working = asyncio.create_task(foreman.work())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    version = importlib.metadata.version("tradeops")
    app = FastAPI(title="TradeOps trainer", version=version, lifespan=at_work, docs_url=None, redoc_url=None)
    app.middleware("http")(service.admit)
    app.add_exception_handler(TrainerError, _refused)
    app.add_exception_handler(UnfitDataError, _unfit)
    app.add_exception_handler(RequestValidationError, _misshapen)
    of_version = "/ai/models/{model_type}/{symbol}/versions/{version}"
    add: Callable[..., None] = app.add_api_route
    add("/health", service.health)
    add("/ai/datasets", service.upload, methods=["POST"])
    add("/ai/train", service.train, methods=["POST"], status_code=HTTPStatus.ACCEPTED)
    add("/ai/train/{job_id}", service.training)
    add("/ai/train/{job_id}/cancel", service.cancel, methods=["POST"])
    add("/ai/models", service.models)
    add(f"{of_version}/evaluate", service.evaluate, methods=["POST"])
    add(f"{of_version}/promote", service.promote, methods=["POST"])
    add("/ai/models/{model_type}/{symbol}/rollback", service.roll_back, methods=["POST"])
    add("/ai/model/accuracy_history", service.accuracy_history)
    add("/predict", service.predict, methods=["POST"])
    return app


def _kind(model_type: ModelType, symbol: str) -> Kind:
    return Kind(model_type, symbol)


OfPath = Annotated[Kind, Depends(_kind)]


class _Service:
    """What the routes do."""

    def __init__(self, settings: TrainerSettings, datasets: Datasets, registry: Registry, foreman: Foreman) -> None:
        self._settings, self._datasets = settings, datasets
        self._registry, self._foreman = registry, foreman
        self._jobs = Jobs(settings.home / "jobs")
        self._inference = Inference(settings.home)

    async def admit(self, request: Request, pass_on: Callable[[Request], Any]) -> Response:
        """Turn away who does not bear the token, and bodies that are too large."""
        token = self._settings.token
        if token is not None and request.url.path not in OPEN_TO_ALL:
            expected = f"Bearer {token.get_secret_value()}".encode()
            if not compare_digest(request.headers.get("authorization", "").encode(), expected):
                detail = {"detail": "the token is missing or wrong; set TRADEOPS_TRAINER_TOKEN to the service's own"}
                return JSONResponse(detail, HTTPStatus.UNAUTHORIZED, {"www-authenticate": "Bearer"})
        cap = self._settings.body_cap_mib * 2**20
        length = request.headers.get("content-length")
        if request.method == "POST" and (length is None or not length.isdigit() or int(length) > cap):
            detail = {"detail": f"a body needs a Content-Length of at most {cap} bytes"}
            return JSONResponse(detail, HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length else HTTPStatus.LENGTH_REQUIRED)
        answer: Response = await pass_on(request)
        return answer

    async def health(self) -> dict[str, Any]:
        """How it is."""
        running = self._foreman.running
        return {
            "status": "healthy",
            "free_disk_gib": round(free_gib(self._settings.home), 2),
            "backend": os.environ.get("KERAS_BACKEND", BACKEND["KERAS_BACKEND"]),
            "running": [running] if running else [],
        }

    async def upload(self, body: Upload) -> dict[str, str]:
        """Keep candles; the same ones have the same id."""
        candles = await _beside(TrainingCandles.from_json, body.candles)
        return {"dataset_id": await _beside(self._datasets.keep, candles)}

    async def train(
        self, body: TrainingRequest, idempotency_key: Annotated[str, Header(min_length=1, max_length=LONGEST_KEY)]
    ) -> dict[str, Any]:
        """Accept a training."""
        plan = plan_within(TrainingPlan(**body.model_dump()), self._settings)
        await _beside(self._datasets.load, plan.dataset_id)
        return self._told(self._foreman.submit(idempotency_key, plan))

    async def training(self, job_id: str) -> dict[str, Any]:
        """How far it is."""
        job = self._jobs.find(job_id)
        if job is None:
            raise UnknownError(f"there is no training {job_id[:40]!r}")
        return self._told(job)

    async def cancel(self, job_id: str) -> dict[str, Any]:
        """End a training."""
        return self._told(self._foreman.cancel(job_id))

    async def models(self, model_type: ModelType | None = None, symbol: str | None = None) -> dict[str, Any]:
        """All versions, or those of a type or a symbol."""
        kinds = [
            kind
            for kind in self._registry.kinds()
            if model_type in {None, kind.model_type} and symbol in {None, kind.symbol}
        ]
        found = []
        for kind in kinds:
            in_use = self._registry.in_use(kind)
            found += [_record(version, in_use) for version in self._registry.versions(kind)]
        return {"models": found}

    async def evaluate(self, kind: OfPath, version: str, body: Evaluation) -> dict[str, Any]:
        """What a version says of a stretch of candles, and what followed."""
        candles = await _beside(self._datasets.load, body.dataset_id)
        judged = self._registry.version(kind, version)
        ask = partial(self._inference.evaluate, judged, candles, since_ms=body.since_ms, until_ms=body.until_ms)
        return _lists(await _beside(ask))

    async def promote(self, kind: OfPath, version: str, body: Promotion) -> dict[str, Any]:
        """Put a version into use, if the one that the caller saw is still in use."""
        now = datetime.now(UTC)
        promote = self._registry.promote
        new = await _beside(partial(promote, kind, version, expected=body.expected, unproven=body.unproven, now=now))
        log.info("%s of %s: %s is in use now, before %s", kind.model_type, kind.symbol, version, body.expected)
        return _record(new, self._registry.in_use(kind))

    async def roll_back(self, kind: OfPath, body: Rollback) -> dict[str, Any]:
        """Put the version before into use again."""
        back = await _beside(partial(self._registry.roll_back, kind, expected=body.expected))
        log.warning("%s of %s: back from %s to %s", kind.model_type, kind.symbol, body.expected, back.name)
        return _record(back, self._registry.in_use(kind))

    async def accuracy_history(self, days: Annotated[int, Query(ge=1, le=3650)] = 7) -> dict[str, Any]:
        """How good the models were that were trained in the last days, each on its own holdout."""
        since = datetime.now(UTC) - timedelta(days=days)
        versions = [one for kind in self._registry.kinds() for one in self._registry.versions(kind)]
        recent = [one for one in versions if datetime.fromisoformat(str(one.manifest["trained_at"])) >= since]
        return {"history": [_accuracy(one) for one in sorted(recent, key=lambda one: str(one.manifest["trained_at"]))]}

    async def predict(self, body: PredictionRequest) -> dict[str, Any]:
        """What the champion says of the next candle; without one there is no answer, never a neutral one."""
        kind = Kind(body.model_type, body.symbol)
        champion = self._registry.in_use(kind).champion
        if champion is None:
            raise UnknownError(f"no {kind.model_type} of {kind.symbol} is in use")
        candles = await _beside(TrainingCandles.from_json, body.candles)
        said = await _beside(self._inference.predict, self._registry.version(kind, champion), candles)
        return {
            "probability": said,
            "signal": signal_of(said),
            "version": champion,
            "opened_ms": int(candles.opened_ms[-1]),
        }

    def _told(self, job: Job) -> dict[str, Any]:
        history, pace = job.history, job.seconds_per_epoch
        state = self._foreman.state(job)
        left = None if pace is None or state.is_final else (job.plan.epochs - len(history)) * pace
        return {
            "job_id": job.job_id,
            "model_type": job.plan.model_type,
            "symbol": job.plan.symbol,
            "state": state,
            "epochs": job.plan.epochs,
            "history": [asdict(one) for one in history],
            "eta_seconds": left,
            "problem": job.problem,
            "result": job.result,
        }


async def _beside(work: Callable[..., T], *args: Any) -> T:  # noqa: ANN401
    """Do in a thread what would hold up the other requests."""
    return await asyncio.to_thread(work, *args)


def _record(version: Version, in_use: InUse) -> dict[str, Any]:
    return {
        "model_type": version.kind.model_type,
        "symbol": version.kind.symbol,
        "version": version.name,
        "role": in_use.role(version.name),
        "trained_at": version.manifest["trained_at"],
        "promoted_at": in_use.promoted_at.get(version.name),
        "accuracy": version.manifest["holdout"]["accuracy"],
        "unproven": version.name in in_use.unproven,
    }


def _accuracy(version: Version) -> dict[str, Any]:
    scores = version.manifest["holdout"]
    return {
        "timestamp": version.manifest["trained_at"],
        "model_type": version.kind.model_type,
        "symbol": version.kind.symbol,
        "version": version.name,
        "accuracy": scores["accuracy"],
        "loss": scores["log_loss"],
        "f1_score": scores["f1_score"],
        "training_samples": version.manifest["samples"]["train"],
    }


def _lists(said: Predictions) -> dict[str, Any]:
    return {name: getattr(said, name).tolist() for name in ("opened_ms", "probabilities", "returns")}


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, TrainerError):
        raise error
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    return JSONResponse({"detail": str(error)}, error.status, headers)


async def _unfit(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _misshapen(_request: Request, error: Exception) -> JSONResponse:
    """Names the fields; their values are not sent back: there may be megabytes of them."""
    if not isinstance(error, RequestValidationError):
        raise error
    problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return JSONResponse({"detail": "; ".join(problems)}, HTTPStatus.UNPROCESSABLE_ENTITY)
