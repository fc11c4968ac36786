"""The own trainer over HTTP. What another service calls /ai/train is never begun: see `Capabilities`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

from tradeops.adapters.wire import parse
from tradeops.domain.readings import Reading
from tradeops.errors import ConflictError, MisconfiguredError, RejectedError
from tradeops.http import Answer, HttpService

if TYPE_CHECKING:  # they know arrays, and numpy costs each job a fifth of a second
    from tradeops.domain.models.columns import TrainingCandles
    from tradeops.domain.models.training import ModelRecord, Predictions, TrainerHealth, Training, TrainingPlan

HEALTH = "/health"
OPENAPI = "/openapi.json"
DATASETS = "/ai/datasets"
TRAIN = "/ai/train"
MODELS = "/ai/models"
OF_VERSION = "/ai/models/{model_type}/{symbol}/versions/{version}"
OUR_ROUTES = (f"POST {DATASETS}", f"POST {TRAIN}", f"POST {OF_VERSION}/evaluate", f"POST {OF_VERSION}/promote")
QUICK = timedelta(seconds=30)
LONGEST_DETAIL = 500
SAYS_NO = frozenset({400, 404, 411, 413, 422, 500})  # 500: a file of it is damaged, and it says which
THOROUGH = timedelta(minutes=5)  # a year of candles over the wire, or seen by a model that must be loaded first


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What stands at the address.

    Attributes:
        missing: routes without which nothing is trained: data once, the same untouched candles for old and new model,
            a promotion that is told apart from the training. Empty for the own trainer.
    """

    missing: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it is a trainer as we need it."""
        return not self.missing


class TrainerClient:
    """See `tradeops.adapters.trainer.interface.Trainer`, which it is.

    Every call raises UnavailableError, RateLimitedError (it is busy), MisconfiguredError (the token, or a service that
    is no such trainer), RejectedError (it says no, its disk is full, or a file of it is damaged), ContractError (the
    answer is not what was agreed).

    Args:
        service: its address and bounds; the longest answer takes `THOROUGH`.
    """

    def __init__(self, service: HttpService) -> None:
        self._service = service
        self._is_ours = False

    @property
    def base_url(self) -> str:
        """Its address, without credentials."""
        return self._service.base_url

    async def capabilities(self) -> Capabilities:
        """What its own description says that it can do; without a description it can do nothing."""
        return (await self.interface()).value

    async def interface(self) -> Reading[Capabilities]:
        """As `capabilities`, with the circumstances of the answer."""
        from tradeops.adapters.trainer import wire  # noqa: PLC0415

        answer = await self._service.request("GET", OPENAPI, within=QUICK)
        if answer.status == HTTPStatus.NOT_FOUND:
            return answer.reading(Capabilities(OUR_ROUTES))
        answer.raise_for_status()
        parsed = parse(wire.OpenApi, answer.json(), system=answer.system, source=answer.address)
        routes = {f"{verb.upper()} {path}" for path, verbs in parsed.paths.items() for verb in verbs}
        return answer.reading(Capabilities(tuple(route for route in OUR_ROUTES if route not in routes)))

    async def health(self, *, within: timedelta | None = None) -> "TrainerHealth":
        """How it is."""
        from tradeops.adapters.trainer.mapping import health_of  # noqa: PLC0415

        await self._see_that_it_is_ours()
        return health_of(await self._ask("GET", HEALTH, within=within or QUICK))

    async def upload(self, symbol: str, candles: "TrainingCandles") -> str:
        """Hand over candles, once for the same ones; returns their id."""
        from tradeops.adapters.trainer.mapping import dataset_of  # noqa: PLC0415

        del symbol  # candles are what they are, whatever they are of
        await self._see_that_it_is_ours()
        answer = await self._ask("POST", DATASETS, body={"candles": candles.to_json()}, within=THOROUGH)
        return dataset_of(answer, expected=candles.digest())

    async def train(self, plan: "TrainingPlan", *, idempotency_key: str) -> "Training":
        """Begin a training; with a key that is known, that one, running or finished.

        Raises:
            ConflictError: another one of that type and symbol runs.
        """
        from tradeops.adapters.trainer.mapping import training_of  # noqa: PLC0415

        await self._see_that_it_is_ours()
        headers = {"idempotency-key": idempotency_key}
        return training_of(await self._ask("POST", TRAIN, body=asdict(plan), headers=headers))

    async def training(self, job_id: str) -> "Training":
        """How far it is."""
        from tradeops.adapters.trainer.mapping import training_of  # noqa: PLC0415

        return training_of(await self._ask("GET", f"{TRAIN}/{_part(job_id)}"))

    async def cancel(self, job_id: str) -> None:
        """End it; a second time changes nothing."""
        await self._ask("POST", f"{TRAIN}/{_part(job_id)}/cancel")

    async def models(self, model_type: str | None = None, symbol: str | None = None) -> "tuple[ModelRecord, ...]":
        """The versions that it keeps."""
        from tradeops.adapters.trainer.mapping import records_of  # noqa: PLC0415

        await self._see_that_it_is_ours()
        asked = {"model_type": model_type, "symbol": symbol}
        return records_of(await self._ask("GET", MODELS, params={name: one for name, one in asked.items() if one}))

    async def evaluate(
        self, model_type: str, symbol: str, version: str, dataset_id: str, *, since_ms: int, until_ms: int
    ) -> "Predictions":
        """What that version predicts of the candles that opened in [since, until)."""
        from tradeops.adapters.trainer.mapping import predictions_of  # noqa: PLC0415

        path = f"{_of_version(model_type, symbol, version)}/evaluate"
        body = {"dataset_id": dataset_id, "since_ms": since_ms, "until_ms": until_ms}
        return predictions_of(await self._ask("POST", path, body=body, within=THOROUGH))

    async def promote(
        self, model_type: str, symbol: str, version: str, *, expected: str | None, unproven: bool = False
    ) -> "ModelRecord":
        """Put it into use if `expected` is in use; one that is in use already stays.

        Raises:
            ConflictError: another one is in use.
        """
        from tradeops.adapters.trainer.mapping import record_of  # noqa: PLC0415

        path = f"{_of_version(model_type, symbol, version)}/promote"
        return record_of(await self._ask("POST", path, body={"expected": expected, "unproven": unproven}))

    async def rollback(self, model_type: str, symbol: str, *, expected: str, reason: str) -> "ModelRecord":
        """Put the one before into use again if `expected` is in use.

        Raises:
            ConflictError: another one is in use.
            RejectedError: there is none before.
        """
        from tradeops.adapters.trainer.mapping import record_of  # noqa: PLC0415

        path = f"{MODELS}/{_part(model_type)}/{_part(symbol)}/rollback"
        return record_of(await self._ask("POST", path, body={"expected": expected, "reason": reason}))

    async def _see_that_it_is_ours(self) -> None:
        """Once per client: a foreign /ai/train would train who knows what, and deploy it unproven."""
        if self._is_ours:
            return
        if missing := (await self.capabilities()).missing:
            problem = f"{self.base_url} is not our trainer: it has no {', '.join(missing)}"
            remedy = "start `tradeops trainer` and set TRAINER_URL to it"
            raise MisconfiguredError(self._service.system, problem, remedy=remedy)
        self._is_ours = True

    async def _ask(
        self,
        verb: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        within: timedelta = QUICK,
    ) -> Answer:
        """Any answer of success.

        Raises:
            TradeOpsError: see the class.
        """
        answer = await self._service.request(verb, path, params=params, body=body, headers=headers, within=within)
        detail = _detail(answer)
        problem = f"{answer.address} answered HTTP {answer.status}: {detail or answer.excerpt()}"
        match answer.status:
            case HTTPStatus.CONFLICT:
                raise ConflictError(answer.system, problem)
            case HTTPStatus.INSUFFICIENT_STORAGE:
                remedy = "make room where the trainer keeps its models"
                raise RejectedError(answer.system, problem, http_status=answer.status, remedy=remedy)
            case status if status in SAYS_NO and detail:
                raise RejectedError(answer.system, problem, http_status=answer.status)
        answer.raise_for_status()
        return answer


def _of_version(model_type: str, symbol: str, version: str) -> str:
    return OF_VERSION.format(model_type=_part(model_type), symbol=_part(symbol), version=_part(version))


def _part(name: str) -> str:
    return quote(name, safe="")


def _detail(answer: Answer) -> str:
    """What the trainer itself says was wrong; empty when a proxy or a crash speaks in its place."""
    try:
        body = json.loads(answer.body) if answer.status >= HTTPStatus.BAD_REQUEST else None
    except ValueError:
        return ""
    detail = body.get("detail") if isinstance(body, dict) else None
    return answer.masked(detail)[:LONGEST_DETAIL] if isinstance(detail, str) else ""
