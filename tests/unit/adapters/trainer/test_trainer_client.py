"""The trainer's answers as agreed, and everything else that could stand at its address."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import respx

from tests.unit.adapters.services import ADDRESS, serves, service
from tradeops.adapters.trainer.client import OUR_ROUTES, Capabilities, TrainerClient
from tradeops.adapters.trainer.interface import Trainer
from tradeops.domain.models.columns import TrainingCandles
from tradeops.domain.models.training import Epoch, JobState, ModelRecord, TrainerHealth, TrainingPlan
from tradeops.errors import (
    ConflictError,
    ContractError,
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TradeOpsError,
    TransientError,
)

OURS = {"paths": {route.partition(" ")[2]: {route.partition(" ")[0].lower(): {}} for route in OUR_ROUTES}}
PREDICTED: dict[str, Any] = {"opened_ms": [0, 60_000], "probabilities": [0.4, 0.6], "returns": [0.01, -0.02]}
RESULT: dict[str, Any] = {
    "version": "v1",
    "training_samples": 700,
    "holdout": PREDICTED,
    "baselines": {"majority": [1.0, 1.0], "logistic": [0.5, 0.5]},
    "data_digest": "d" * 64,
    "seed": 7,
    "scores": {"accuracy": 0.5},
}
TRAINING: dict[str, Any] = {
    "job_id": "j1",
    "model_type": "gru",
    "symbol": "BTCUSDT",
    "state": "running",
    "epochs": 4,
    "history": [{"number": 1, "loss": 0.7, "validation_loss": 0.71, "accuracy": 0.5, "validation_accuracy": None}],
    "eta_seconds": 12.5,
    "problem": "",
    "result": None,
}
MODEL: dict[str, Any] = {
    "model_type": "gru",
    "symbol": "BTCUSDT",
    "version": "v1",
    "role": "champion",
    "trained_at": "2026-11-25T10:00:00+00:00",
    "promoted_at": None,
    "accuracy": 0.53,
    "unproven": True,
}
PLAN = TrainingPlan("gru", "BTCUSDT", "d" * 64, epochs=4, seed=7)
CANDLES = TrainingCandles("1m", np.array([0, 60_000]), *(np.array([1.0, 1.5]) for _ in range(5)))
Call = Callable[[TrainerClient], Awaitable[object]]
CALLS: dict[str, Call] = {
    "health": lambda client: client.health(),
    "upload": lambda client: client.upload("BTCUSDT", CANDLES),
    "train": lambda client: client.train(PLAN, idempotency_key="k"),
    "models": lambda client: client.models(),
    "training": lambda client: client.training("j1"),
    "cancel": lambda client: client.cancel("j1"),
    "evaluate": lambda client: client.evaluate("gru", "BTCUSDT", "v1", "d" * 64, since_ms=0, until_ms=9),
    "promote": lambda client: client.promote("gru", "BTCUSDT", "v2", expected="v1"),
    "rollback": lambda client: client.rollback("gru", "BTCUSDT", expected="v2", reason="worse"),
}


@pytest.fixture
async def trainer(respx_mock: respx.MockRouter) -> AsyncIterator[TrainerClient]:
    serves(respx_mock, "/openapi.json", OURS)
    async with service("trainer") as http:
        yield TrainerClient(http)


def takes(wire: respx.MockRouter, path: str, body: object, status: int = 200) -> respx.Route:
    return wire.post(ADDRESS + path).respond(status, json=body)


def sent(route: respx.Route) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


async def test_it_tells_how_it_is(trainer: Trainer, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/health", {"status": "healthy", "free_disk_gib": 9.5, "backend": "jax", "running": ["j1"]})
    assert await trainer.health(within=timedelta(seconds=2)) == TrainerHealth(9.5, "jax", ("j1",))


async def test_candles_are_handed_over_whole_and_known_by_their_digest(
    trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    route = takes(respx_mock, "/ai/datasets", {"dataset_id": CANDLES.digest()})
    assert await trainer.upload("BTCUSDT", CANDLES) == CANDLES.digest()
    assert TrainingCandles.from_json(sent(route)["candles"]).digest() == CANDLES.digest()


async def test_a_trainer_that_keeps_other_candles_is_not_believed(
    trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    takes(respx_mock, "/ai/datasets", {"dataset_id": "e" * 64})
    with pytest.raises(ContractError, match="keeps other candles than were sent"):
        await trainer.upload("BTCUSDT", CANDLES)


async def test_a_training_is_asked_for_under_its_key(trainer: TrainerClient, respx_mock: respx.MockRouter) -> None:
    route = takes(respx_mock, "/ai/train", TRAINING, 202)
    training = await trainer.train(PLAN, idempotency_key="run-1:gru")
    assert route.calls.last.request.headers["idempotency-key"] == "run-1:gru"
    assert sent(route) == {
        "model_type": "gru",
        "symbol": "BTCUSDT",
        "dataset_id": "d" * 64,
        "epochs": 4,
        "batch_size": 32,
        "learning_rate": 0.001,
        "length": 60,
        "label": "hard",
        "seed": 7,
    }
    assert (training.job_id, training.state, training.eta_seconds) == ("j1", JobState.RUNNING, 12.5)
    assert training.history == (Epoch(1, 0.7, 0.71, accuracy=0.5),)
    assert training.progress_percent == 25


async def test_a_finished_training_brings_what_the_gate_needs(
    trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/ai/train/j1", TRAINING | {"state": "succeeded", "result": RESULT})
    result = (await trainer.training("j1")).result
    assert result is not None
    assert (result.version, result.training_samples, result.seed) == ("v1", 700, 7)
    assert result.holdout.opened_ms.tolist() == [0, 60_000]
    assert result.holdout.probabilities.tolist() == [0.4, 0.6]
    assert result.baselines["logistic"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"result": None}, "a success without a result"),
        ({"result": RESULT | {"baselines": {"majority": [1.0]}}}, "1 predictions of the baseline majority for 2"),
        ({"result": RESULT | {"holdout": PREDICTED | {"returns": [0.1]}}}, "different lengths"),
        ({"result": RESULT | {"holdout": PREDICTED | {"opened_ms": [5, 5]}}}, "not in order of time"),
        ({"result": RESULT | {"holdout": PREDICTED | {"probabilities": [0.4, 1.2]}}}, "probabilities.1 is wrong"),
        ({"result": RESULT | {"version": ""}}, "result.version"),
        ({"state": "thinking"}, "state"),
        ({"history": [{"number": 1, "loss": float("nan"), "validation_loss": 0.7}]}, "history.0.loss is NaN"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_training_that_cannot_be_true_is_an_error_that_says_why(
    change: dict[str, Any], says: str, trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/ai/train/j1", TRAINING | {"state": "succeeded", "result": RESULT} | change)
    with pytest.raises(ContractError, match=says):
        await trainer.training("j1")


async def test_a_version_is_judged_on_the_candles_asked_for(
    trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    route = takes(respx_mock, "/ai/models/gru/BTCUSDT/versions/v%201/evaluate", PREDICTED)
    said = await trainer.evaluate("gru", "BTCUSDT", "v 1", "d" * 64, since_ms=0, until_ms=120_000)
    assert sent(route) == {"dataset_id": "d" * 64, "since_ms": 0, "until_ms": 120_000}
    assert len(said) == 2


async def test_a_promotion_names_the_version_that_was_seen_in_use(
    trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    route = takes(respx_mock, "/ai/models/gru/BTCUSDT/versions/v1/promote", MODEL)
    record = await trainer.promote("gru", "BTCUSDT", "v1", expected=None, unproven=True)
    assert sent(route) == {"expected": None, "unproven": True}
    trained_at = datetime(2026, 11, 25, 10, tzinfo=UTC)
    assert record == ModelRecord("gru", "BTCUSDT", "v1", "champion", trained_at, accuracy=0.53, unproven=True)


async def test_a_rollback_gives_its_reason(trainer: TrainerClient, respx_mock: respx.MockRouter) -> None:
    route = takes(respx_mock, "/ai/models/gru/BTCUSDT/rollback", MODEL)
    assert (await trainer.rollback("gru", "BTCUSDT", expected="v2", reason="worse live")).version == "v1"
    assert sent(route) == {"expected": "v2", "reason": "worse live"}


async def test_a_cancellation_needs_no_body(trainer: TrainerClient, respx_mock: respx.MockRouter) -> None:
    route = takes(respx_mock, "/ai/train/j1/cancel", TRAINING | {"state": "cancelled"})
    await trainer.cancel("j1")
    assert route.calls.last.request.content == b""
    assert route.calls.last.request.headers["content-length"] == "0"


async def test_versions_can_be_asked_for_by_type_and_symbol(
    trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    route = serves(respx_mock, "/ai/models", {"models": [MODEL]})
    assert [one.version for one in await trainer.models("gru", "BTCUSDT")] == ["v1"]
    assert dict(route.calls.last.request.url.params) == {"model_type": "gru", "symbol": "BTCUSDT"}
    await trainer.models()
    assert dict(route.calls.last.request.url.params) == {}


async def test_one_bad_version_spoils_the_list_for_it_may_be_the_champion(
    trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/ai/models", {"models": [MODEL | {"trained_at": None}, MODEL]})
    with pytest.raises(ContractError, match=r"models\.0\.trained_at is null"):
        await trainer.models()


@pytest.mark.parametrize(
    ("status", "body", "expected", "says"),
    [
        (409, {"detail": "v3 is in use, not v1"}, ConflictError, "v3 is in use, not v1"),
        (404, {"detail": "no version v2"}, RejectedError, "no version v2"),
        (413, {"detail": "too large"}, RejectedError, "too large"),
        (422, {"detail": "the column rsi is NaN"}, RejectedError, "the column rsi is NaN"),
        (422, {"detail": [{"loc": ["body", "epochs"]}]}, RejectedError, "epochs"),
        (507, {"detail": "less than 1 GiB of disk are free"}, RejectedError, "1 GiB .*; make room"),
        (500, {"detail": "model.keras is not what was written"}, RejectedError, "not what was written"),
        (500, "Internal Server Error", TransientError, "HTTP 500"),
        (503, {"detail": "starting"}, TransientError, "HTTP 503"),
        (401, {"detail": "the token is missing or wrong"}, MisconfiguredError, "check its token"),
    ],
)
async def test_each_refusal_is_an_error_of_its_kind(
    status: int,
    body: object,
    expected: type[TradeOpsError],
    says: str,
    trainer: TrainerClient,
    respx_mock: respx.MockRouter,
) -> None:
    takes(respx_mock, "/ai/models/gru/BTCUSDT/versions/v2/promote", body, status)
    with pytest.raises(expected, match=says) as caught:
        await CALLS["promote"](trainer)
    assert type(caught.value) is expected


async def test_a_full_queue_says_how_long_to_wait(trainer: TrainerClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.post(f"{ADDRESS}/ai/train").respond(429, json={"detail": "16 wait"}, headers={"retry-after": "60"})
    with pytest.raises(RateLimitedError) as caught:
        await CALLS["train"](trainer)
    assert caught.value.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize("call", ["health", "upload", "train", "models"])
@pytest.mark.parametrize("described", [True, False], ids=["with a description", "without one"])
async def test_a_foreign_trainer_is_never_used(call: str, described: bool, respx_mock: respx.MockRouter) -> None:
    foreign = {"paths": {"/ai/train": {"post": {}}, "/health": {"get": {}}}}
    serves(respx_mock, "/openapi.json", foreign, status=200 if described else 404)
    async with service("trainer") as http:
        with pytest.raises(MisconfiguredError, match=r"not our trainer: it has no .*; start `tradeops trainer`"):
            await CALLS[call](TrainerClient(http))
    assert [one.request.url.path for one in respx_mock.calls] == ["/openapi.json"]


async def test_what_stands_there_is_asked_once(trainer: TrainerClient, respx_mock: respx.MockRouter) -> None:
    assert trainer.base_url == ADDRESS
    assert await trainer.capabilities() == Capabilities(())
    serves(respx_mock, "/ai/models", {"models": []})
    await trainer.models()
    await trainer.models()
    assert [one.request.url.path for one in respx_mock.calls].count("/openapi.json") == 2


@pytest.mark.parametrize("call", CALLS)
async def test_a_trainer_that_falls_over_is_transient(
    call: str, trainer: TrainerClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.route(url__startswith=ADDRESS).respond(502, text="<html>bad gateway")
    with pytest.raises(TransientError):
        await CALLS[call](trainer)
