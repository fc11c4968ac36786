"""The retrain on a real Prefect server: state, artifacts, pause, events, records."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import pytest
import respx
from prefect import Flow, State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.flow_runs import aresume_flow_run
from prefect.logging import disable_run_logger
from prefect.states import Cancelling

from flows import approval, cancellation, presentation
from flows.ai import adaptive_retrain as retrain_flow
from flows.ai import model_watch as watch_flow
from flows.ai.adaptive_retrain import adaptive_retrain
from flows.ai.model_watch import model_watch
from flows.research import train_model as train_flow
from flows.research.train_model import train_model
from tests.unit.jobs.exchange_wire import EXCHANGE, NOW, Exchange
from tests.unit.jobs.trainers import FakeTrainer
from tradeops.adapters.store import AuditEvent, Point
from tradeops.domain.retraining import RetrainReport
from tradeops.errors import CriticalVerdictError, RejectedError
from tradeops.jobs.models import retrain_lock
from tradeops.jobs.models.promotion import INTENDED, WATCHES
from tradeops.jobs.models.retrain_records import ACCURACY, HISTORY, ROLLBACKS, TRAININGS
from tradeops.rendering.page import Page
from tradeops.wiring import Desk, open_desk

SYMBOL = "BTCUSDT"
EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}


@pytest.fixture(autouse=True)
def exchange(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> Exchange:
    monkeypatch.setenv("BINANCE_API_URL", EXCHANGE)
    monkeypatch.setenv("TRADEOPS_RETRAIN_WINDOW", "20")
    monkeypatch.setenv("TRADEOPS_RETRAIN_POLL_SECONDS", "0.01")
    return Exchange(wire, clock=None)


@pytest.fixture(autouse=True)
def trainer(monkeypatch: pytest.MonkeyPatch) -> FakeTrainer:
    fake = FakeTrainer()

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Desk]:
        async with open_desk() as desk:
            yield replace(desk, trainer=fake)

    for module in (retrain_flow, watch_flow, train_flow):
        monkeypatch.setattr(module, "open_desk", opened)
    return fake


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> Mock:
    emit = Mock()
    monkeypatch.setattr(presentation, "emit", emit)
    return emit


async def artifacts(state: State[Any]) -> dict[str, str]:
    """Of the run, by key; the last one of each."""
    where = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=where)
    return {str(one.key): f"{one.description or ''} {one.data}".replace("<br>", " ") for one in found}


async def kept(series: str) -> list[Point]:
    async with open_desk() as desk:
        return await desk.store.points(series, **EVER)


async def test_the_usual_retrain_keeps_the_champions_and_is_good(trainer: FakeTrainer, emitted: Mock) -> None:
    for kind in ("lstm", "gru", "transformer"):
        trainer.put_in_use(kind, SYMBOL, f"old-{kind}", 0.55)
    state = await adaptive_retrain(return_state=True)
    assert (state.name, state.message) == ("Completed", "3 of 3 models trained; no model is better, the champions stay")
    shown = await artifacts(state)
    page = shown["adaptive-retrain"]
    assert "# ✓ Retrain: 3 of 3 models trained" in page
    assert "| lstm BTCUSDT | 54.86 % | 54.86 % | +0.00 points | old-lstm |" in page
    assert "| mcnemar | NO | yes |" in page
    assert "data:image/png;base64," in page
    assert shown["adaptive-retrain-lstm-btcusdt"].startswith(
        "lstm BTCUSDT: succeeded, epoch 2 of at most 100, loss 0.68"
    )
    [point] = await kept(HISTORY)
    assert point.key == str(state.state_details.flow_run_id)
    assert len(await kept(ACCURACY)) == 3
    emitted.assert_not_called()


async def test_a_better_model_is_deployed_told_and_emitted_and_a_failed_one_is_not_called_success(
    trainer: FakeTrainer, emitted: Mock
) -> None:
    trainer.quality = {"lstm": 0.59, "gru": None}
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    async with open_desk() as desk:
        body = {"made_at": datetime.now(UTC).isoformat(), "start_retrain": True, "reasoning": "it loses"}
        await desk.store.put("decisions", "d-1", body, expected_version=None)
    state = await adaptive_retrain(["lstm", "gru"], decision_id="d-1", return_state=True)
    assert state.name == "Degraded"
    assert state.message is not None
    assert state.message.startswith(
        "1 of 2 models trained; deployed: lstm BTCUSDT; gru BTCUSDT failed: trainer: the loss"
    )
    report = await state.aresult()
    assert isinstance(report, RetrainReport)
    event, resource, payload = emitted.call_args.args
    assert (event, resource) == ("tradeops.model.promoted", "tradeops.model.lstm.BTCUSDT")
    assert payload.items() >= {"before": "old", "version": report.deployed[0].version, "unproven": False}.items()
    page = (await artifacts(state))["adaptive-retrain"]
    assert "started by the decision d-1" in page
    assert "it loses" in page
    [point] = await kept(HISTORY)
    assert point.body.items() >= {"trigger_type": "decision", "decision_id": "d-1", "deployed_count": 1}.items()


async def test_a_retrain_in_which_all_fail_is_critical(trainer: FakeTrainer) -> None:
    trainer.quality = {"lstm": None}
    state = await adaptive_retrain(["lstm"], return_state=True)
    assert (state.type, state.name) == (StateType.FAILED, "Critical")
    with pytest.raises(CriticalVerdictError, match="adaptive-retrain: critical: lstm BTCUSDT"):
        await state.aresult()
    assert "# ✗ Retrain" in (await artifacts(state))["adaptive-retrain"]
    [point] = await kept(HISTORY)
    assert point.body["status"] == "failed"


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"model_types": ["forest"]}, "there is no model type 'forest'"),
        ({"decision_id": "nobody"}, "there is no decision 'nobody'"),
    ],
    ids=["unknown type", "unknown decision"],
)
async def test_a_retrain_that_may_not_begin_fails_at_once_with_its_reason(
    trainer: FakeTrainer, parameters: dict[str, Any], problem: str
) -> None:
    state = await adaptive_retrain(**parameters, return_state=True)
    assert state.name == "Failed"
    with pytest.raises(RejectedError, match=problem):
        await state.aresult()
    assert trainer.jobs == {}


async def test_a_second_retrain_is_refused_while_one_is_at_work(trainer: FakeTrainer) -> None:
    async with open_desk() as desk, retrain_lock.held(desk.store, run_id="another"):
        state = await adaptive_retrain(["lstm"], return_state=True)
    assert state.name == "Failed"
    assert "the run another is at work" in str(state.message)
    assert trainer.jobs == {}


async def test_a_person_approves_by_resuming_the_run(trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_RETRAIN_APPROVAL", "true")
    monkeypatch.setenv("TRADEOPS_RETRAIN_APPROVAL_SECONDS", "120")  # with a Prefect that is busy
    pause = approval.apause_flow_run
    monkeypatch.setattr(approval, "apause_flow_run", lambda timeout, **_: pause(timeout=timeout, poll_interval=1))
    running = asyncio.create_task(adaptive_retrain(["lstm"], return_state=True))
    await _resume_when_paused()
    state = await running
    assert state.name == "Completed", state.message
    assert len(trainer.promotions) == 1


async def test_without_a_person_the_model_is_not_deployed_and_the_run_ends(
    trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEOPS_RETRAIN_APPROVAL", "true")
    monkeypatch.setenv("TRADEOPS_RETRAIN_APPROVAL_SECONDS", "1.5")
    state = await adaptive_retrain(["lstm"], return_state=True)
    assert state.name == "Degraded", state.message
    assert "nobody approved lstm BTCUSDT" in (await artifacts(state))["adaptive-retrain"]
    assert trainer.promotions == []


@pytest.mark.parametrize(
    ("flow", "by_person", "ended", "records"),
    [
        (adaptive_retrain, True, ["job-1"], 1),
        (adaptive_retrain, False, [], 0),
        (train_model, True, ["job-1"], 0),
        (train_model, False, [], 0),
    ],
    ids=["retrain by a person", "retrain by a dying worker", "training by a person", "training by a dying worker"],
)
async def test_a_run_that_a_person_cancels_ends_its_training_and_one_whose_worker_dies_leaves_it_to_the_next(
    trainer: FakeTrainer, flow: Flow[..., Any], by_person: bool, ended: list[str], records: int
) -> None:
    trainer.polls = 10**6
    earlier = await _running()
    running = asyncio.create_task(flow(return_state=True))
    while not trainer.jobs:
        assert not running.done(), await running
        await asyncio.sleep(0.05)
    [run] = await _running() - earlier
    if by_person:
        async with get_client() as client:
            await client.set_flow_run_state(run, Cancelling(), force=True)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert trainer.cancelled == ended
    assert len(await kept(HISTORY)) == records


async def test_a_model_that_came_into_use_is_told_though_the_run_is_cancelled_and_nothing_can_be_published(
    trainer: FakeTrainer, emitted: Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[Page] = []

    async def refuse(_key: str, page: Page) -> None:
        pages.append(page)
        raise OSError("Prefect is away")

    monkeypatch.setattr(presentation, "publish", refuse)
    earlier = await _running()
    running = asyncio.create_task(adaptive_retrain(["lstm", "gru"], return_state=True))
    while not trainer.promotions:
        assert not running.done(), await running
        await asyncio.sleep(0.01)
    trainer.polls = 10**6
    while len(trainer.jobs) < 2:
        assert not running.done(), await running
        await asyncio.sleep(0.01)
    [run] = await _running() - earlier
    event, resource, payload = emitted.call_args.args
    assert (event, resource) == ("tradeops.model.promoted", "tradeops.model.lstm.BTCUSDT")
    assert payload["version"] == trainer.promotions[0]
    async with get_client() as client:
        await client.set_flow_run_state(run, Cancelling(), force=True)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    [page] = pages
    assert "1 of 2 models trained; deployed: lstm BTCUSDT; gru BTCUSDT failed: the run was cancelled" in page.title
    emitted.assert_called_once()


async def test_where_prefect_does_not_say_who_ends_a_run_it_is_not_taken_for_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancellation, "get_client", Mock(side_effect=OSError("refused")))
    with disable_run_logger():
        assert not await cancellation.by_person()


async def _running() -> set[UUID]:
    where = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])))
    async with get_client() as client:
        return {run.id for run in await client.read_flow_runs(flow_run_filter=where)}


async def _resume_when_paused() -> None:
    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    async with get_client() as client:
        for _ in range(1000):
            for run in await client.read_flow_runs(flow_run_filter=paused):
                await aresume_flow_run(run.id)
                return
            await asyncio.sleep(0.1)
    raise AssertionError("no run has paused")


# The watch


async def test_without_a_promotion_there_is_nothing_to_watch() -> None:
    state = await model_watch(return_state=True)
    assert (state.name, state.message) == ("Skipped", "no model came into use lately")


async def test_a_switch_that_its_run_could_not_tell_of_is_told_and_watched_within_the_hour(
    trainer: FakeTrainer, emitted: Mock
) -> None:
    trainer.put_in_use("lstm", SYMBOL, "old", 0.5)
    trainer.put_in_use("lstm", SYMBOL, "new", 0.5)
    scores = {"challenger": {"accuracy": 0.55}, "champion": {"accuracy": 0.5}}
    body = {"model_type": "lstm", "symbol": SYMBOL, "version": "new", "before": "old", "run_id": "lost"}
    async with open_desk() as desk:
        intent = {**body, "scores": scores, "unproven": False}
        await desk.store.append_event(AuditEvent(f"{INTENDED}:x", INTENDED, datetime.now(UTC), "retrain", intent))
    state = await model_watch(return_state=True)
    assert (state.name, "0 live candles are too few to tell" in str(state.message)) == ("Completed", True)
    event, _, payload = emitted.call_args.args
    assert (event, payload["version"], payload["new_accuracy"]) == ("tradeops.model.promoted", "new", 0.55)


async def test_a_switch_that_cannot_be_found_out_is_said(trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    del trainer

    async def fails(*_: object, **__: object) -> None:
        raise RejectedError("trainer", "its registry is damaged")

    monkeypatch.setattr(watch_flow.watching, "catch_up", fails)
    state = await model_watch(return_state=True)
    assert (state.name, state.message) == ("Degraded", "trainer: its registry is damaged")


async def watched_since(hours: float) -> None:
    body = {
        "model_type": "lstm",
        "symbol": SYMBOL,
        "version": "new",
        "previous": "old",
        "promoted_at": (NOW - timedelta(hours=hours)).isoformat(),
        "over": False,
        "says": "",
    }
    async with open_desk() as desk:
        await desk.store.put(WATCHES, f"lstm:{SYMBOL}", body, expected_version=None)


async def test_a_model_that_is_clearly_worse_on_live_candles_is_rolled_back_once(
    trainer: FakeTrainer, emitted: Mock
) -> None:
    trainer.put_in_use("lstm", SYMBOL, "old", 0.9)
    trainer.put_in_use("lstm", SYMBOL, "new", 0.2)
    await watched_since(40)
    state = await model_watch(return_state=True)
    assert state.name == "Degraded"
    assert "rolled back to old: right in" in str(state.message)
    assert trainer.in_use["lstm", SYMBOL] == ["old"]
    event, resource, payload = emitted.call_args.args
    assert (event, resource) == ("tradeops.model.rolled-back", "tradeops.model.lstm.BTCUSDT")
    assert payload["from_version"] == "new"
    [point] = await kept(ROLLBACKS)
    assert point.body.items() >= {"from_version": "new", "to_version": "old", "automatic": True}.items()
    assert (await model_watch(return_state=True)).name == "Skipped"


# One model, on demand


async def test_a_training_says_what_the_model_is_worth_and_changes_nothing(trainer: FakeTrainer) -> None:
    state = await train_model(days_of_data=40, return_state=True)
    assert (state.name, state.message) == (
        "Completed",
        "1 of 1 models trained; one would pass the gate, promotion was not asked for",
    )
    assert trainer.promotions == []
    [point] = await kept(TRAININGS)
    results = point.body["training_results"]
    assert isinstance(results, dict)
    assert results["epochs_trained"] == 2
    assert point.body["holdout_accuracy"]
    assert point.body["baseline_accuracy"]
    assert point.body["data_hash"]
    assert point.body["random_seed"] == 1
    assert "# ✓ Training" in (await artifacts(state))["train-model"]


async def test_a_training_is_repeated_and_promoted_only_if_asked(trainer: FakeTrainer) -> None:
    await train_model(return_state=True)
    await train_model(return_state=True)
    assert len(trainer.jobs) == 1
    state = await train_model(retrain=True, promote_if_better=True, return_state=True)
    assert len(trainer.jobs) == 2
    assert state.message == "1 of 1 models trained; deployed: lstm BTCUSDT"
    assert len(trainer.promotions) == 1


async def test_days_that_can_prove_nothing_are_refused_at_once_or_said_at_once(trainer: FakeTrainer) -> None:
    trainer.put_in_use("lstm", SYMBOL, "old", 0.5)
    refused = await train_model(promote_if_better=True, return_state=True)
    with pytest.raises(RejectedError, match="the candles of 30 days hold out 144, fewer than the 200") as told:
        await refused.aresult()
    assert "set days_of_data to 42 or more" in str(told.value)
    assert trainer.jobs == {}
    measured = await train_model(return_state=True)
    assert measured.name == "Completed"
    page = (await artifacts(measured))["train-model"]
    assert (
        "no lstm can be proven better than the old in use; to prove one better, set days_of_data to 42 or more" in page
    )


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"model_type": "forest"}, "no model type 'forest'"),
        ({"days_of_data": 3}, "3 days of 1h candles are too little"),
        ({"symbol": "btc"}, "'btc' is no symbol"),
    ],
    ids=["unknown type", "three days", "malformed symbol"],
)
async def test_a_training_that_makes_no_sense_fails_before_anything_is_asked(
    exchange: Exchange, parameters: dict[str, Any], problem: str
) -> None:
    state = await train_model(**parameters, return_state=True)
    assert state.name == "Failed"
    with pytest.raises(RejectedError, match=problem):
        await state.aresult()
    assert exchange.asked == []
