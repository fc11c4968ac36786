"""The steps of a retrain: trained, judged, put into use only where proven, and each effect once."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import numpy as np
import pytest
import respx
from pydantic import ValidationError

from tests.unit.jobs.exchange_wire import EXCHANGE, NOW, Exchange
from tests.unit.jobs.trainers import FakeTrainer
from tradeops.domain.models.training import JobState, Training
from tradeops.domain.promotion import Rule
from tradeops.domain.retraining import ModelOutcome, RetrainReport
from tradeops.errors import (
    ConflictError,
    ContractError,
    MisconfiguredError,
    RejectedError,
    TradeOpsError,
    UnavailableError,
)
from tradeops.jobs.models import model_watch, retrain, retrain_inputs, retrain_lock, train_model, training
from tradeops.jobs.models.promotion import INTENDED, PROMOTED, WATCHES, Patience, _begin_watch
from tradeops.jobs.models.retrain import Run
from tradeops.jobs.models.retrain_inputs import DECISIONS, Data, Order
from tradeops.jobs.models.retrain_records import ACCURACY, HISTORY, record_retrain
from tradeops.jobs.models.training import Told
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

SYMBOL = "BTCUSDT"
EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
ORDER = Order(("lstm", "gru", "transformer"), (SYMBOL,))


class KilledError(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture(autouse=True)
def exchange(wire: respx.MockRouter) -> Exchange:
    return Exchange(wire)


@asynccontextmanager
async def desk(home: Path, trainer: FakeTrainer | None = None, **values: Any) -> AsyncGenerator[Desk]:  # noqa: ANN401 - settings
    values |= {"RUST_API_URL": "http://engine.test", "BINANCE_API_URL": EXCHANGE, "TRADEOPS_HOME": home}
    values |= {"TRADEOPS_STORE": "sqlite", "TRADEOPS_RETRAIN_WINDOW": 20, "TRADEOPS_RETRAIN_POLL_SECONDS": 0.001}
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield replace(opened, trainer=trainer)


def a_run(run_id: str = "run-1", *, resumes: tuple[str, ...] = (), limit: timedelta = timedelta(hours=1)) -> Run:
    return Run(run_id, NOW, NOW, datetime.now(UTC) + limit, resumes)


async def quiet(_: Training) -> None: ...


async def improve(
    opened: Desk, run: Run, kind: str, symbol: str, data: Data | TradeOpsError, *, told: Told = quiet, refusal: str = ""
) -> ModelOutcome:
    outcome = await retrain.attempt(opened, run, kind, symbol, data, told=told)
    return await retrain.deploy(opened, run, outcome, refusal=refusal)


async def run_all(opened: Desk, run: Run | None = None, *, order: Order = ORDER, refusal: str = "") -> RetrainReport:
    run = run or a_run()
    gathered = await retrain.gather(opened, order, run)
    outcomes = [
        await improve(opened, run, kind, symbol, gathered[symbol], refusal=refusal)
        for symbol in order.symbols
        for kind in order.model_types
    ]
    report = retrain.report_of(order, run, gathered, outcomes)
    await retrain.record(opened, report)
    return report


async def test_first_models_are_deployed_and_marked_unproven(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened)
        [point] = await opened.store.points(HISTORY, **EVER)
        accuracies = await opened.store.points(ACCURACY, **EVER)
    assert [one.deployed for one in report.outcomes] == [True] * 3
    assert all(one.verdict is not None and one.verdict.unproven for one in report.outcomes)
    assert report.summary == "3 of 3 models trained; deployed: lstm BTCUSDT, gru BTCUSDT, transformer BTCUSDT"
    assert (point.key, point.timestamp, point.body["deployed_count"]) == ("run-1", report.finished_at, 3)
    assert point.body["trigger_type"] == "manual"
    models = point.body["models"]
    assert isinstance(models, dict)
    assert set(models) == {"lstm", "gru", "transformer"}
    assert models["lstm"].items() >= {"status": "success", "old_accuracy": None, "deployed": True}.items()
    assert {p.body["model_type"] for p in accuracies} == {"lstm", "gru", "transformer"}
    assert all(p.body["accuracy"] and p.body["f1_score"] and p.body["training_samples"] for p in accuracies)


@pytest.mark.parametrize("quality", [0.50, 0.48], ids=["equal", "worse"])
async def test_an_equal_or_worse_model_is_not_deployed(tmp_path: Path, quality: float) -> None:
    trainer = FakeTrainer(quality={"lstm": quality})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.50)
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
        [accuracy] = await opened.store.points(ACCURACY, **EVER)
    [one] = report.outcomes
    assert (one.deployed, one.before, trainer.in_use["lstm", SYMBOL]) == (False, "old", ["old"])
    assert one.reason.startswith("the champion is kept: ")
    assert report.summary == "1 of 1 models trained; no model is better, the champions stay"
    assert (report.severity.word, report.status) == ("healthy", "success")
    assert accuracy.body["deployed"] is False


async def test_a_model_that_is_proven_better_replaces_the_champion_and_is_watched(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
        events = await opened.store.events(**EVER)
        watch = await opened.store.get(WATCHES, f"lstm:{SYMBOL}")
    [one] = report.outcomes
    assert one.deployed, one.reason
    assert trainer.in_use["lstm", SYMBOL] == ["old", one.version]
    assert one.verdict is not None
    assert [rule.rule for rule in one.verdict.outcomes] == list(Rule)
    assert [event.kind for event in events] == [INTENDED, PROMOTED]
    assert watch is not None
    assert watch.body.items() >= {"version": one.version, "previous": "old", "over": False}.items()


async def test_one_model_that_fails_does_not_spoil_the_others_and_is_not_called_success(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"gru": None})
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened)
        [point] = await opened.store.points(HISTORY, **EVER)
    assert [one.succeeded for one in report.outcomes] == [True, False, True]
    assert (report.severity.word, report.status) == ("degraded", "success")
    assert "gru BTCUSDT failed: trainer: the loss is above 10 x the first one: diverged" in report.summary
    models = point.body["models"]
    assert isinstance(models, dict)
    assert models["gru"]["status"] == "failed"
    assert "diverged" in models["gru"]["error"]


async def test_a_run_in_which_all_fail_has_failed(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality=dict.fromkeys(ORDER.model_types))
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened)
    assert (report.severity.word, report.status, len(report.failed)) == ("critical", "failed", 3)


async def test_a_model_that_is_not_trained_in_time_is_given_up_and_what_is_finished_counts(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    async with desk(tmp_path, trainer) as opened:
        run = a_run()
        gathered = await retrain.gather(opened, ORDER, run)
        first = await improve(opened, run, "lstm", SYMBOL, gathered[SYMBOL])
        trainer.polls = 10**6
        late = replace(run, deadline=datetime.now(UTC) + timedelta(seconds=2))  # long enough to begin the second
        second = await improve(opened, late, "gru", SYMBOL, gathered[SYMBOL])
        third = await improve(opened, late, "transformer", SYMBOL, gathered[SYMBOL])
    assert first.deployed
    assert "time limit: gru BTCUSDT" in second.problem
    assert "time limit: transformer BTCUSDT" in third.problem
    assert trainer.cancelled == ["job-2"]
    assert len(trainer.jobs) == 2  # the third was not even begun
    assert set(trainer.in_use) == {("lstm", SYMBOL)}


async def test_the_attempt_after_a_kill_joins_the_training_that_runs(tmp_path: Path) -> None:
    trainer = FakeTrainer(polls=10**6)

    async def killed(_: Training) -> None:
        raise KilledError

    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        with pytest.raises(KilledError):
            await improve(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL], told=killed)
        trainer.left["job-1"] = 2
        again = await retrain.gather(opened, ORDER, a_run("run-2", resumes=("run-1",)))
        run = a_run("run-2", resumes=("run-1",))
        outcome = await improve(opened, run, "lstm", SYMBOL, again[SYMBOL])
    assert outcome.deployed
    assert list(trainer.jobs) == ["job-1"]


@pytest.mark.parametrize("when", ["before the switch", "after the switch", "after the watch was begun"])
async def test_a_kill_around_the_switch_promotes_and_records_once(tmp_path: Path, when: str) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    order = Order(("lstm",), (SYMBOL,))

    def die() -> None:
        raise KilledError

    async with desk(tmp_path, trainer) as opened:
        dying = opened
        if when == "before the switch":
            trainer.before_promote = die
        else:
            stage = WATCHES if when == "after the switch" else PROMOTED
            dying = replace(opened, store=_DiesAfter(opened.store, stage))  # type: ignore[arg-type]
        with pytest.raises(KilledError):
            await run_all(dying, order=order)
        trainer.before_promote = None
        report = await run_all(opened, a_run("run-2", resumes=("run-1",)), order=order)
        events = await opened.store.events(**EVER)
        watch = await opened.store.get(WATCHES, f"lstm:{SYMBOL}")
    [one] = report.outcomes
    assert one.deployed, one.reason
    assert one.before == "old"
    assert (watch is not None, watch and watch.version) == (True, 1), "begun once"
    assert trainer.promotions == [one.version]
    assert trainer.in_use["lstm", SYMBOL] == ["old", one.version]
    assert sorted(event.kind for event in events) == [PROMOTED, INTENDED]


@pytest.mark.parametrize("stage", [WATCHES, PROMOTED])
async def test_a_switch_that_its_killed_run_did_not_record_is_recorded_by_whichever_run_comes_next(
    tmp_path: Path, stage: str
) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    async with desk(tmp_path, trainer) as opened:
        dying = replace(opened, store=_DiesAfter(opened.store, stage))  # type: ignore[arg-type]
        with pytest.raises(KilledError):
            await run_all(dying, order=Order(("lstm",), (SYMBOL,)))
        for run_id in ("another", "and-another"):  # of another model, and not as its successor
            await run_all(opened, a_run(run_id), order=Order(("gru",), (SYMBOL,)))
        events = [event for event in await opened.store.events(**EVER) if event.body["model_type"] == "lstm"]
        watch = await opened.store.get(WATCHES, f"lstm:{SYMBOL}")
    assert sorted(event.kind for event in events) == [PROMOTED, INTENDED]
    assert {event.body["run_id"] for event in events} == {"run-1"}
    assert watch is not None
    assert watch.body["previous"] == "old"


async def test_an_intent_without_a_switch_is_no_promotion(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)

    def die() -> None:
        raise KilledError

    trainer.before_promote = die
    async with desk(tmp_path, trainer) as opened:
        with pytest.raises(KilledError):
            await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
        await retrain.gather(opened, ORDER, a_run("another"))
        kinds = [event.kind for event in await opened.store.events(**EVER)]
    assert kinds == [INTENDED]


class _DiesAfter:
    """A store whose process is killed when it is to keep one kind of event, or a document of one collection."""

    def __init__(self, store: Any, kind: str) -> None:  # noqa: ANN401 - a store
        self.store, self._kind = store, kind

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    async def append_event(self, event: Any) -> object:  # noqa: ANN401 - an event
        if event.kind == self._kind:
            raise KilledError
        return await self.store.append_event(event)

    async def put(self, collection: str, *args: Any, **more: Any) -> object:  # noqa: ANN401 - as the store's
        if collection == self._kind:
            raise KilledError
        return await self.store.put(collection, *args, **more)


class _Silent:
    """A store or trainer that does not answer one of its calls, so often; with `after` it does what was asked first."""

    def __init__(self, part: Any, call: str, times: float, *, after: bool = False) -> None:  # noqa: ANN401 - either
        self._part, self._call, self.times, self._after = part, call, times, after

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a call
        honest = getattr(self._part, name)
        if name != self._call:
            return honest

        async def call(*args: Any, **more: Any) -> object:  # noqa: ANN401 - as the part's
            if self.times <= 0:
                return await honest(*args, **more)
            if self._after:
                await honest(*args, **more)
            self.times -= 1
            raise UnavailableError("trainer", "reset")

        return call


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrain, "Patience", partial(Patience, total=timedelta(seconds=0.02)))


@asynccontextmanager
async def proven(home: Path, trainer: FakeTrainer) -> AsyncGenerator[tuple[Desk, ModelOutcome]]:
    """An outcome that the gate lets pass; the next call of the trainer is the switch."""
    trainer.quality["lstm"] = 0.59
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    async with desk(home, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        yield opened, await retrain.attempt(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL], told=quiet)


@pytest.mark.parametrize(
    ("call", "after"),
    [("promote", False), ("promote", True), ("models", False)],
    ids=["before the switch", "after the switch", "when it is looked at"],
)
async def test_a_switch_whose_answer_is_lost_is_asked_for_again_and_made_recorded_and_told_once(
    tmp_path: Path, call: str, after: bool
) -> None:
    trainer, heard = FakeTrainer(), []
    async with proven(tmp_path, trainer) as (opened, tried):
        silent = replace(opened, trainer=_Silent(trainer, call, 2, after=after))  # type: ignore[arg-type]
        one = await retrain.deploy(silent, replace(a_run(), news=heard.append), tried)
        kinds = [event.kind for event in await opened.store.events(**EVER)]
        assert [one.key for one in await model_watch.watched_models(opened)] == [f"lstm:{SYMBOL}"]
    assert (one.deployed, one.withheld) == (True, "")
    assert trainer.promotions == [one.version]
    assert kinds == [INTENDED, PROMOTED]
    assert [said["version"] for said in heard] == [one.version]
    assert heard[0].items() >= {"before": "old", "new_accuracy": one.new_accuracy, "unproven": False}.items()


async def test_a_switch_whose_answer_stays_away_is_called_unknown_and_found_out_by_the_hourly_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    trainer, heard = FakeTrainer(), []
    async with proven(tmp_path, trainer) as (opened, tried):
        silent = replace(opened, trainer=_Silent(trainer, "models", float("inf")))  # type: ignore[arg-type]
        one = await retrain.deploy(silent, a_run(), tried)
        report = retrain.report_of(Order(("lstm",), (SYMBOL,)), a_run(), {}, [one])
        await retrain.record(opened, report)
        [history] = await opened.store.points(HISTORY, **EVER)
        [accuracy] = await opened.store.points(ACCURACY, **EVER)
        with pytest.raises(UnavailableError):
            await model_watch.catch_up(silent)
        found = [await model_watch.catch_up(opened, news=heard.append) for _ in range(2)]
        watch = await opened.store.get(WATCHES, f"lstm:{SYMBOL}")
        kinds = [event.kind for event in await opened.store.events(**EVER)]
    assert (one.deployed, report.deployed, report.severity.word) == (None, (), "degraded")
    assert report.summary == ("1 of 1 models trained; lstm BTCUSDT: whether it is in use is not known: trainer: reset")
    models: Any = history.body["models"]
    assert (models["lstm"]["deployed"], accuracy.body["deployed"]) == (None, None)
    assert found == [(f"lstm {SYMBOL}",), ()]
    assert [said["version"] for said in heard] == trainer.promotions == [one.version]
    assert kinds == [INTENDED, PROMOTED]
    assert watch is not None
    assert watch.body["previous"] == "old"


@pytest.mark.parametrize("call", ["put", "append_event"])
@pytest.mark.parametrize("times", [1, float("inf")], ids=["once", "for long"])
async def test_a_store_that_fails_after_the_switch_leaves_no_model_unwatched_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, times: float
) -> None:
    impatient(monkeypatch)
    trainer, heard = FakeTrainer(), []
    async with proven(tmp_path, trainer) as (opened, tried):
        store = _Silent(opened.store, call, 0)
        trainer.before_promote = lambda: setattr(store, "times", times)
        failing = replace(opened, store=store)  # type: ignore[arg-type]
        one = await retrain.deploy(failing, replace(a_run(), news=heard.append), tried)
        assert (one.deployed, one.withheld) == (True, "" if times == 1 else "not kept: trainer: reset")
        assert len(heard) == (times == 1)
        await model_watch.catch_up(opened, news=heard.append)
        assert [one.key for one in await model_watch.watched_models(opened)] == [f"lstm:{SYMBOL}"]
        kinds = [event.kind for event in await opened.store.events(**EVER)]
    assert (kinds, len(heard), len(trainer.promotions)) == ([INTENDED, PROMOTED], 1, 1)


async def test_a_trainer_that_gives_a_senseless_answer_to_the_switch_has_not_refused_it(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    async with proven(tmp_path, trainer) as (opened, tried):
        honest = trainer.promote

        async def torn(*args: Any, **more: Any) -> object:  # noqa: ANN401 - as the trainer's
            await honest(*args, **more)
            raise ContractError("trainer", "half an answer")

        trainer.promote = torn  # type: ignore[method-assign, assignment]
        one = await retrain.deploy(opened, a_run(), tried)
    assert (one.deployed, one.withheld) == (None, "whether it is in use is not known: trainer: half an answer")


async def test_a_cancelled_run_does_not_wait_for_a_trainer_that_is_silent_at_the_switch(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    async with proven(tmp_path, trainer) as (opened, tried), asyncio.timeout(60):  # far less than it is patient
        silent = _Silent(trainer, "promote", 10**9)
        deploying = asyncio.create_task(retrain.deploy(replace(opened, trainer=silent), a_run(), tried))  # type: ignore[arg-type]
        while silent.times == 10**9:  # noqa: ASYNC110 - a count
            await asyncio.sleep(0.001)
        deploying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await deploying
    assert trainer.promotions == []


async def test_the_same_candles_give_the_same_model_which_is_not_deployed_twice(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    async with desk(tmp_path, trainer) as opened:
        order = Order(("lstm",), (SYMBOL,))
        await run_all(opened, order=order)
        report = await run_all(opened, a_run("run-2"), order=order)
    [one] = report.outcomes
    assert not one.deployed
    assert (one.before, one.is_in_use_already) == (trainer.promotions[0], True)
    assert (report.severity.word, report.summary) == (
        "healthy",
        "1 of 1 models trained; no model is better, the champions stay",
    )
    assert one.withheld == "it is in use already: the same candles give the same model"
    assert len(trainer.promotions) == 1


async def test_a_model_that_was_sent_back_does_not_return_by_the_same_candles(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    async with desk(tmp_path, trainer) as opened:
        order = Order(("lstm",), (SYMBOL,))
        [first] = (await run_all(opened, order=order)).outcomes
        assert first.version is not None
        await trainer.rollback("lstm", SYMBOL, expected=first.version, reason="worse")
        report = await run_all(opened, a_run("run-2"), order=order)
    [one] = report.outcomes
    assert one.withheld == "it was in use before and was sent back: the same candles give the same model"
    assert (one.deployed, one.before, trainer.in_use["lstm", SYMBOL]) == (False, "old", ["old"])
    assert report.severity.word == "degraded"


async def test_a_champion_that_somebody_else_changed_stays(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    trainer.before_promote = lambda: trainer.put_in_use("lstm", SYMBOL, "theirs", 0.5)
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
        events = await opened.store.events(**EVER)
    [one] = report.outcomes
    assert (one.deployed, one.withheld) == (False, "not deployed: trainer: another version is in use")
    assert trainer.in_use["lstm", SYMBOL][-1] == "theirs"
    assert [event.kind for event in events] == [INTENDED]
    assert report.severity.word == "degraded"


async def test_a_trainer_that_says_yes_and_still_answers_with_the_old_version_is_found_out(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59}, lies=True)
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
    [one] = report.outcomes
    assert not one.deployed
    assert "but it answers with old" in one.withheld


async def test_without_the_approval_of_a_person_the_champion_stays(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)), refusal="nobody approved in time")
    assert report.outcomes[0].withheld == "nobody approved in time"
    assert trainer.promotions == []


async def test_predictions_of_other_candles_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)
    honest = trainer.evaluate

    async def shifted(*args: Any, since_ms: int, until_ms: int) -> object:  # noqa: ANN401 - as the trainer's
        return await honest(*args, since_ms=since_ms, until_ms=until_ms - 3_600_000)

    monkeypatch.setattr(trainer, "evaluate", shifted)
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
    assert "which are not the 288 of the holdout" in report.outcomes[0].problem


async def test_a_trainer_that_restarts_meanwhile_costs_nothing(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    trainer.troubles = [UnavailableError("trainer", "refused")] * 3
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
    assert report.outcomes[0].deployed


async def test_a_trainer_that_dies_while_it_is_asked_to_train_is_asked_again_for_the_same(tmp_path: Path) -> None:
    trainer = FakeTrainer(lost_answers=2)
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
    assert report.outcomes[0].deployed
    assert len(trainer.jobs) == 1


async def test_a_trainer_that_stays_away_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "OUTAGE", timedelta(seconds=0.05))
    trainer = FakeTrainer()
    trainer.troubles = [UnavailableError("trainer", "refused")] * 10_000
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
    assert report.outcomes[0].problem == "trainer: refused"


async def test_a_training_that_somebody_cancels_is_a_failure(tmp_path: Path) -> None:
    trainer = FakeTrainer(polls=10**6)

    async def cancel(job: Training) -> None:
        if not job.state.is_final:
            await trainer.cancel(job.job_id)

    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        outcome = await improve(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL], told=cancel)
    assert outcome.problem == "trainer: the training of lstm BTCUSDT was cancelled"


@pytest.mark.parametrize("how", ["failed", "cancelled"])
async def test_what_has_failed_or_was_cancelled_begins_anew_when_it_is_asked_for_again(
    tmp_path: Path, how: str
) -> None:
    trainer = FakeTrainer(quality={"lstm": None})

    async def hinder(job: Training) -> None:
        if how == "cancelled" and not job.state.is_final:
            await trainer.cancel(job.job_id)

    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        first = await improve(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL], told=hinder)
        trainer.quality = {}
        second = await improve(opened, a_run("run-2"), "lstm", SYMBOL, gathered[SYMBOL])
        third = await improve(opened, a_run("run-2"), "lstm", SYMBOL, gathered[SYMBOL])
    assert first.problem
    assert second.deployed
    assert third.version == second.version
    assert list(trainer.jobs) == ["job-1", "job-2"]


async def test_what_fails_again_and_again_is_not_trained_for_ever(tmp_path: Path) -> None:
    trainer = FakeTrainer(quality={"lstm": None})
    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        for _ in range(training.MOST_ATTEMPTS + 2):
            assert (await improve(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL])).problem
    assert len(trainer.jobs) == training.MOST_ATTEMPTS


# A run that is cancelled


@pytest.mark.parametrize("times", [1, 3])
async def test_a_run_that_is_cancelled_in_the_middle_of_the_switch_makes_and_records_it_first(
    tmp_path: Path, times: int
) -> None:
    trainer = FakeTrainer()
    reached, go_on = asyncio.Event(), asyncio.Event()
    honest = trainer.promote

    async def slow(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - as the trainer's
        reached.set()
        await go_on.wait()
        return await honest(*args, **more)

    trainer.promote = slow  # type: ignore[method-assign]
    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        running = asyncio.create_task(improve(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL]))
        await reached.wait()
        for _ in range(times):
            running.cancel()
            await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        kinds = [event.kind for event in await opened.store.events(**EVER)]
        report = await retrain.abandon(opened, Order(("lstm",), (SYMBOL,)), a_run(), gathered, [])
    assert kinds == [INTENDED, PROMOTED]
    [one] = report.outcomes
    assert (one.deployed, [one.version]) == (True, trainer.promotions)


async def test_a_cancelled_run_ends_its_training_and_keeps_what_it_has_done(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    training_now = asyncio.Event()

    async def tell(_: Training) -> None:
        training_now.set()

    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        first = await improve(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL])
        trainer.polls = 10**6
        running = asyncio.create_task(improve(opened, a_run(), "gru", SYMBOL, gathered[SYMBOL], told=tell))
        await training_now.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert trainer.cancelled == []  # whoever else ends this process wants it to go on
        await retrain.abandon(opened, ORDER, a_run(), gathered, [first])
        [point] = await opened.store.points(HISTORY, **EVER)
    assert trainer.cancelled == ["job-2"]
    assert list(trainer.jobs) == ["job-1", "job-2"]
    assert (point.body["successful_count"], point.body["deployed_count"]) == (1, 1)
    models: Any = point.body["models"]
    assert [models[kind]["error"] for kind in ORDER.model_types] == [None, *["the run was cancelled"] * 2]


@pytest.mark.parametrize("anew", [False, True])
async def test_a_cancelled_training_of_one_model_ends_at_the_trainer(tmp_path: Path, anew: bool) -> None:
    trainer = FakeTrainer(polls=10**6)
    training_now = asyncio.Event()

    async def tell(_: Training) -> None:
        training_now.set()

    async with desk(tmp_path, trainer) as opened:
        order, run = train_model.checked(opened, "gru", SYMBOL, 60), a_run()
        data = await retrain_inputs.gather(opened, SYMBOL, days=60, as_of=NOW)
        running = asyncio.create_task(train_model.train(opened, run, order, data, anew=anew, told=tell))
        await training_now.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await train_model.give_up(opened, run, order, data, anew=anew)
    assert (list(trainer.jobs), trainer.cancelled) == (["job-1"], ["job-1"])


@pytest.mark.parametrize(
    ("days", "gate", "in_use"),
    [(42, "proven", True), (30, "improves", True), (30, "proven", False)],
    ids=["days enough", "no proof asked for", "first model"],
)
async def test_a_training_that_can_lead_to_a_promotion_begins(
    tmp_path: Path, days: int, gate: str, in_use: bool
) -> None:
    trainer = FakeTrainer()
    if in_use:
        trainer.put_in_use("lstm", SYMBOL, "old", 0.5)
    async with desk(tmp_path, trainer, TRADEOPS_RETRAIN_GATE=gate) as opened:
        order = train_model.checked(opened, "lstm", SYMBOL, days)
        assert not (await train_model.gather(opened, a_run(), order, days, promotes=True)).remarks


async def test_where_the_days_would_do_and_the_candles_are_too_few_only_time_helps(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    trainer.put_in_use("lstm", SYMBOL, "old", 0.5)
    async with desk(tmp_path, trainer, TRADEOPS_RETRAIN_LEAST_SAMPLES=202) as opened:
        order = train_model.checked(opened, "lstm", SYMBOL, 42)
        gathered = await retrain_inputs.gather(opened, SYMBOL, days=41, as_of=NOW)
        with (
            patch.object(retrain_inputs, "gather", AsyncMock(return_value=gathered)),
            pytest.raises(RejectedError, match="hold out 197, fewer than the 202") as told,
        ):
            await train_model.gather(opened, a_run(), order, 42, promotes=True)
    assert "wait until there are more candles of it" in str(told.value)


async def test_a_cancelled_run_that_was_torn_out_of_its_switch_says_what_is_in_use(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    order = Order(("lstm",), (SYMBOL,))
    async with desk(tmp_path, trainer) as opened:
        dying = replace(opened, store=_DiesAfter(opened.store, PROMOTED))  # type: ignore[arg-type]
        gathered = await retrain.gather(opened, order, a_run())
        with pytest.raises(KilledError):
            await improve(dying, a_run(), "lstm", SYMBOL, gathered[SYMBOL])
        [one] = (await retrain.abandon(opened, order, a_run(), gathered, [])).outcomes
    assert (one.deployed, [one.version]) == (True, trainer.promotions)


async def test_a_cancelled_run_is_recorded_also_while_the_trainer_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise UnavailableError("trainer", "refused")

    trainer = FakeTrainer()
    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        for name in ("train", "models"):
            monkeypatch.setattr(trainer, name, refuse)
        await retrain.abandon(opened, ORDER, a_run(), gathered, [])
        [point] = await opened.store.points(HISTORY, **EVER)
    models: Any = point.body["models"]
    assert "what is in use is not known: trainer: refused" in models["lstm"]["error"]


async def test_another_training_of_that_model_is_a_failure_of_this_one_alone(tmp_path: Path) -> None:
    trainer = FakeTrainer()
    trainer.jobs["theirs"] = Training("theirs", "gru", SYMBOL, JobState.RUNNING, 9)
    async with desk(tmp_path, trainer) as opened:
        report = await run_all(opened)
    assert [one.succeeded for one in report.outcomes] == [True, False, True]


# What must be right before anything begins


@pytest.mark.parametrize(
    ("types", "symbols", "problem"),
    [
        (["lstm", "forest"], None, "no model type 'forest'"),
        (["lstm"], ["btc"], "'btc' is no symbol"),
        ([], None, "no model type or no symbol"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(
    tmp_path: Path, types: list[str], symbols: list[str] | None, problem: str
) -> None:
    async with desk(tmp_path) as opened:
        with pytest.raises(RejectedError, match=problem):
            await retrain_inputs.order_of(opened, types, symbols, None, now=NOW)


async def test_an_order_names_each_once_and_takes_the_symbols_of_the_settings(tmp_path: Path) -> None:
    async with desk(tmp_path, TRADEOPS_RETRAIN_SYMBOLS="BTCUSDT,ETHUSDT") as opened:
        order = await retrain_inputs.order_of(opened, ["gru", "lstm", "gru"], None, None, now=NOW)
    assert order == Order(("gru", "lstm"), ("BTCUSDT", "ETHUSDT"))


@pytest.mark.parametrize(
    ("hours", "start", "problem"),
    [
        (5.99, True, ""),
        (6.01, True, "6.0 h old, more than 6"),
        (1, False, "did not ask for a retrain"),
        (None, True, "no decision"),
    ],
    ids=["fresh", "too old", "a decision to wait", "unknown"],
)
async def test_a_decision_counts_for_six_hours(tmp_path: Path, hours: float | None, start: bool, problem: str) -> None:
    async with desk(tmp_path) as opened:
        if hours is not None:
            body = {
                "made_at": (NOW - timedelta(hours=hours)).isoformat(),
                "start_retrain": start,
                "reasoning": "it loses",
            }
            await opened.store.put(DECISIONS, "2026-11-25", body, expected_version=None)
        asked = retrain_inputs.order_of(opened, ["lstm"], [SYMBOL], "2026-11-25", now=NOW)
        if problem:
            with pytest.raises(RejectedError, match=problem):
                await asked
        else:
            assert await asked == Order(("lstm",), (SYMBOL,), "2026-11-25", "it loses")


async def test_a_full_disk_stops_it_before_anything_is_trained(tmp_path: Path) -> None:
    trainer = FakeTrainer(free_disk_gib=9.9)
    trainer.put_in_use("lstm", SYMBOL, "old", 0.5)
    async with desk(tmp_path, trainer) as opened:
        with pytest.raises(RejectedError, match=r"9\.9 GiB left, less than 10"):
            await retrain.gather(opened, ORDER, a_run())
    assert (trainer.jobs, trainer.in_use["lstm", SYMBOL]) == ({}, ["old"])


async def test_what_was_trained_before_the_disk_filled_up_comes_into_use_and_nothing_more_is_trained(
    tmp_path: Path,
) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    trainer.put_in_use("lstm", SYMBOL, "old", 0.42)

    async def fills_up(_: Training) -> None:
        trainer.free_disk_gib = 9.9

    async with desk(tmp_path, trainer) as opened:
        gathered = await retrain.gather(opened, ORDER, a_run())
        first = await improve(opened, a_run(), "lstm", SYMBOL, gathered[SYMBOL], told=fills_up)
        second = await improve(opened, a_run(), "gru", SYMBOL, gathered[SYMBOL])
    assert first.deployed, first.reason
    assert "9.9 GiB left" in second.problem
    assert len(trainer.jobs) == 1


async def test_without_a_trainer_nothing_can_be_trained(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        with pytest.raises(MisconfiguredError, match="TRAINER_URL is not set"):
            await retrain.gather(opened, ORDER, a_run())


@pytest.mark.parametrize(
    ("days", "timeframe", "fits"),
    [
        (30, "1h", True),
        (29, "1h", False),
        (7, "15m", False),
        (8, "15m", True),
        (6, "1m", False),
        (7, "1m", True),
        (120, "4h", True),
    ],
)
def test_seven_days_and_720_candles_are_the_least(days: int, timeframe: str, fits: bool) -> None:
    if fits:
        retrain_inputs.enough(days, timeframe)
    else:
        with pytest.raises(RejectedError, match="too little to learn from"):
            retrain_inputs.enough(days, timeframe)


async def test_a_young_symbol_is_refused_and_the_others_go_on(tmp_path: Path, exchange: Exchange) -> None:
    trainer = FakeTrainer()
    original = exchange.answer

    async with desk(tmp_path, trainer) as opened:
        exchange.first = NOW - timedelta(days=20)
        with pytest.raises(RejectedError, match=r"BTCUSDT has 4.. candles of 1h, at least 720"):
            await retrain.gather(opened, ORDER, a_run())
        exchange.first = datetime(2020, 1, 1, tzinfo=UTC)
        order = Order(("lstm",), ("ETHUSDT", "SOLUSDT"))
        first = await retrain.gather(opened, Order(("lstm",), ("ETHUSDT",)), a_run())
        assert isinstance(first["ETHUSDT"], Data)
        exchange.fails_at = len(exchange.asked) + 1  # the next request, which is for SOLUSDT
        gathered = await retrain.gather(opened, order, a_run())
        report = await run_all_of(opened, order, gathered)
    assert isinstance(gathered["SOLUSDT"], TradeOpsError)
    assert [one.succeeded for one in report.outcomes] == [True, False]
    assert original is not None


async def run_all_of(opened: Desk, order: Order, gathered: dict[str, Data | TradeOpsError]) -> RetrainReport:
    outcomes = [await improve(opened, a_run(), "lstm", symbol, gathered[symbol]) for symbol in order.symbols]
    return retrain.report_of(order, a_run(), gathered, outcomes)


async def test_candles_with_holes_are_remarked(tmp_path: Path, exchange: Exchange) -> None:
    hole = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(days=10)
    exchange.holes = {round(hole.timestamp() * 1000)}
    async with desk(tmp_path, FakeTrainer()) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
    assert report.remarks == ("BTCUSDT: of 1441 candles 1 missing",)


FULL_HOUR = NOW.replace(minute=0, second=0, microsecond=0)


def opened_ms(hours_ago: int) -> int:
    return round((FULL_HOUR - timedelta(hours=hours_ago)).timestamp() * 1000)


@pytest.mark.parametrize("trouble", ["missing", "impossible"])
async def test_thirty_days_bear_candles_that_are_missing_or_impossible(
    tmp_path: Path, exchange: Exchange, trouble: str
) -> None:
    spoilt = {opened_ms(100 + ago) for ago in range(retrain_inputs.SPARE_CANDLES)}
    exchange.holes, exchange.bad = (spoilt, set[int]()) if trouble == "missing" else (set[int](), spoilt)
    async with desk(tmp_path, FakeTrainer()) as opened:
        data = await retrain_inputs.gather(opened, SYMBOL, days=30, as_of=NOW)
    assert len(data.candles) == 720
    assert data.remarks[0].startswith("BTCUSDT: of 744 candles 24 missing")


@pytest.mark.parametrize(
    ("spoilt", "gap"),
    [(range(100, 125), 124), (range(30), 29)],
    ids=["in the middle", "the newest"],
)
async def test_a_gap_that_leaves_too_few_is_named(tmp_path: Path, exchange: Exchange, spoilt: range, gap: int) -> None:
    exchange.holes = {opened_ms(ago) for ago in (*spoilt, 300)}
    first = FULL_HOUR - timedelta(hours=gap)
    async with desk(tmp_path, FakeTrainer()) as opened:
        with pytest.raises(
            RejectedError, match=rf"are missing from {first:%Y-%m-%d %H:%M} UTC on, others in 1 more gaps"
        ):
            await retrain_inputs.gather(opened, SYMBOL, days=30, as_of=NOW)


async def test_a_clock_that_is_ahead_at_the_full_hour_costs_no_candle_and_the_run_that_resumes_gets_the_same(
    tmp_path: Path, exchange: Exchange
) -> None:
    async with desk(tmp_path, FakeTrainer()) as opened:
        exchange.clock = FULL_HOUR - timedelta(seconds=1)
        first = await retrain_inputs.gather(opened, SYMBOL, days=30, as_of=FULL_HOUR)
        exchange.clock = NOW
        resumed = await retrain_inputs.gather(opened, SYMBOL, days=30, as_of=FULL_HOUR)
    assert len(first.candles) == 720
    assert resumed.dataset_id == first.dataset_id
    assert first.remarks == ()


async def test_the_history_is_kept_once(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeTrainer()) as opened:
        report = await run_all(opened, order=Order(("lstm",), (SYMBOL,)))
        await record_retrain(opened.store, replace(report, outcomes=()))
        [point] = await opened.store.points(HISTORY, **EVER)
    assert point.body["successful_count"] == 1


# The lock


async def test_a_second_retrain_is_refused_while_one_is_at_work(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        async with retrain_lock.held(opened.store, run_id="one"):
            assert await retrain_lock.at_work(opened.store, datetime.now(UTC))
            with pytest.raises(RejectedError, match="the run one is at work"):
                async with retrain_lock.held(opened.store, run_id="two"):
                    pass
        assert not await retrain_lock.at_work(opened.store, datetime.now(UTC))
        async with retrain_lock.held(opened.store, run_id="two") as lock:
            assert lock.resumes == ()


async def test_of_two_that_ask_at_once_one_gets_it(tmp_path: Path) -> None:
    refused: list[str] = []
    async with desk(tmp_path) as opened, asyncio.timeout(30):

        async def try_it(name: str) -> str:
            try:
                async with retrain_lock.held(opened.store, run_id=name):
                    while len(refused) < 3:  # noqa: ASYNC110 - it holds on until all others have asked
                        await asyncio.sleep(0.01)
            except (RejectedError, ConflictError):
                refused.append(name)
                return "refused"
            return "held"

        assert sorted(await asyncio.gather(*(try_it(name) for name in "abcd"))) == ["held", *["refused"] * 3]


async def test_the_lock_of_a_dead_run_expires_and_the_next_goes_on_from_its_moment(tmp_path: Path) -> None:
    dead = datetime.now(UTC) - timedelta(minutes=20)
    body = {
        "owner": "x",
        "run_id": "dead",
        "until": (dead + timedelta(minutes=3)).isoformat(),
        "as_of": dead.isoformat(),
    }
    async with desk(tmp_path) as opened:
        await opened.store.put("retrain_lock", "lock", body, expected_version=None)
        async with retrain_lock.held(opened.store, run_id="next") as lock:
            assert lock == retrain_lock.Held(dead, resumes=("dead",))
        async with retrain_lock.held(opened.store, run_id="third") as lock:
            assert lock.resumes == ()


async def test_however_many_runs_die_one_after_the_other_the_last_one_knows_them_all(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        killed = [
            retrain_lock.held(opened.store, run_id=name, lease=timedelta(0), renew=timedelta(hours=1))
            for name in ("one", "two", "three")
        ]
        moments = [(await lock.__aenter__()).as_of for lock in killed]  # never left, so all are kept: a lost one leaves
        async with retrain_lock.held(opened.store, run_id="four") as last:
            assert last == retrain_lock.Held(moments[0], resumes=("one", "two", "three"))
        async with retrain_lock.held(opened.store, run_id="five") as fresh:
            assert fresh.resumes == ()


async def test_a_run_that_fails_leaves_what_it_would_have_gone_on_from(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        dead = retrain_lock.held(opened.store, run_id="dead", lease=timedelta(0), renew=timedelta(hours=1))
        first = await dead.__aenter__()
        with pytest.raises(RejectedError):
            async with retrain_lock.held(opened.store, run_id="senseless"):
                raise RejectedError("retrain", "there is no such model")
        async with retrain_lock.held(opened.store, run_id="next") as lock:
            assert lock == retrain_lock.Held(first.as_of, resumes=("dead", "senseless"))
        with pytest.raises(RejectedError):
            async with retrain_lock.held(opened.store, run_id="senseless-again"):
                raise RejectedError("retrain", "there is no such model")
        async with retrain_lock.held(opened.store, run_id="last") as lock:
            assert lock.resumes == ()


async def test_after_a_cancelled_run_the_next_begins_at_once_and_goes_on_from_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        with pytest.raises(asyncio.CancelledError):
            async with retrain_lock.held(opened.store, run_id="cancelled") as first:
                raise asyncio.CancelledError
        async with retrain_lock.held(opened.store, run_id="next") as lock:
            assert lock == retrain_lock.Held(first.as_of, resumes=("cancelled",))


async def test_a_run_that_comes_back_takes_its_own_lock_at_once(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        lock = retrain_lock.held(opened.store, run_id="same")
        first = await lock.__aenter__()
        async with retrain_lock.held(opened.store, run_id="same") as again:
            assert again.as_of == first.as_of


async def test_the_lock_is_renewed_while_the_run_lasts(tmp_path: Path) -> None:
    lease, renew = timedelta(minutes=1), timedelta(seconds=0.05)
    async with desk(tmp_path) as opened, retrain_lock.held(opened.store, run_id="one", lease=lease, renew=renew):

        async def until() -> datetime:
            found = await opened.store.get("retrain_lock", "lock")
            assert found is not None
            return datetime.fromisoformat(str(found.body["until"]))

        first = await until()
        async with asyncio.timeout(20):
            while await until() < first + 5 * renew:  # noqa: ASYNC110 - the store has no event to wait for
                await asyncio.sleep(renew.total_seconds())


async def test_a_run_that_lost_its_lock_stops(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:

        async def robbed() -> None:
            async with retrain_lock.held(opened.store, run_id="one", renew=timedelta(seconds=0.05)):
                found = await opened.store.get("retrain_lock", "lock")
                assert found is not None
                stolen = {**found.body, "run_id": "thief"}
                await opened.store.put("retrain_lock", "lock", stolen, expected_version=found.version)
                await asyncio.sleep(60)

        with pytest.raises(ConflictError, match="its lock was lost"):
            await robbed()
        found = await opened.store.get("retrain_lock", "lock")
        assert found is not None
        assert found.body["run_id"] == "thief"


async def test_what_cannot_be_measured_is_the_trainers_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = FakeTrainer(quality={"lstm": 0.59})
    monkeypatch.setattr(trainer, "_said", lambda part, _: np.full(len(part), np.nan))
    async with desk(tmp_path, trainer) as opened:
        [one] = (await run_all(opened, order=Order(("lstm",), (SYMBOL,)))).outcomes
    assert "what it predicted cannot be measured" in one.problem


async def test_a_trainer_without_predictions_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = FakeTrainer()
    finished = trainer._finished

    def without(job: Training) -> Training:
        done = finished(job)
        assert done.result is not None
        nothing = replace(done.result.holdout, opened_ms=np.empty(0, np.int64))
        return replace(done, result=replace(done.result, holdout=nothing))

    monkeypatch.setattr(trainer, "_finished", without)
    async with desk(tmp_path, trainer) as opened:
        [one] = (await run_all(opened, order=Order(("lstm",), (SYMBOL,)))).outcomes
    assert "has no predictions of its holdout" in one.problem


async def test_an_accuracy_that_cannot_be_kept_is_told_and_the_model_stays(tmp_path: Path) -> None:
    class Full:
        def __init__(self, store: Any) -> None:  # noqa: ANN401 - a store
            self.store = store

        def __getattr__(self, name: str) -> object:
            return getattr(self.store, name)

        async def add_point(self, *_: object) -> bool:
            raise UnavailableError("store", "the disk is full")

    trainer = FakeTrainer()
    async with desk(tmp_path, trainer) as opened:
        full = replace(opened, store=Full(opened.store))  # type: ignore[arg-type]
        gathered = await retrain.gather(opened, ORDER, a_run())
        outcome = await improve(full, a_run(), "lstm", SYMBOL, gathered[SYMBOL])
    assert outcome.deployed
    assert outcome.withheld == "not kept: store: the disk is full"


async def test_a_model_that_comes_into_use_again_is_watched_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        for version, before in (("b", "a"), ("b", "a"), ("c", "b")):
            await _begin_watch(opened.store, "lstm", SYMBOL, version, before)
        watch = await opened.store.get(WATCHES, f"lstm:{SYMBOL}")
    assert watch is not None
    assert (watch.version, watch.body["version"], watch.body["previous"]) == (2, "c", "b")


def test_a_model_type_of_the_settings_that_does_not_exist_stops_start_up() -> None:
    values: dict[str, Any] = {"TRADEOPS_RETRAIN_MODELS": "lstm,forest", "TRADEOPS_RETRAIN_TIMEFRAME": "2h"}
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, **values)
    assert "names 'forest'" in str(caught.value)
    assert "is none of 1m" in str(caught.value)
