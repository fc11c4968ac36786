"""A drill on a real engine: what it proves, what it refuses, and that it leaves all as it was."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import AsyncMock

import pytest
from pydantic import SecretStr

from sandbox.engine_levers import Mode
from sandbox.faults import Kind
from tests.contract.guard.engines import Bot, running
from tests.contract.guard.processes import ROOT
from tests.contract.notify.sinks import http_sink
from tests.contract.servers.misbehaving import answer
from tests.unit.jobs.trainers import FakeTrainer
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.store import open_store
from tradeops.domain.brakes import Kind as Written
from tradeops.domain.brakes import Order, Record
from tradeops.domain.drills import Drill, Outcome
from tradeops.domain.models.training import ModelRecord
from tradeops.errors import RejectedError
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.releases import release
from tradeops.jobs.drill import paths
from tradeops.jobs.drill import records as drill_records
from tradeops.jobs.drill.drill import FOLDER, Ground, drill, ground_of
from tradeops.settings import Settings
from tradeops.wiring import open_quick_engine

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")
CANARY = Ground("SOLUSDT", is_sandbox=False)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as engine:
        yield engine


@pytest.fixture
def settings(tmp_path: Path, bot: Bot) -> Settings:
    return Settings(_env_file=None, RUST_API_URL=bot.service.url, TRADEOPS_HOME=tmp_path)


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[EngineClient]:
    async with open_quick_engine(settings) as client:
        assert client is not None
        yield client


def found(done: Drill) -> dict[str, tuple[Outcome, str]]:
    return {one.name: (one.outcome, one.finding) for one in done.exercises}


async def test_the_canary_alone_is_switched_off_and_on_again(
    engine: EngineClient, settings: Settings, bot: Bot
) -> None:
    before = bot.world.desk.symbols()
    done = await drill(engine, settings, CANARY, operator="me")
    assert found(done) == {
        "brake": (Outcome.PASSED, "SOLUSDT off and on again, by symbols"),
        "notification": (Outcome.NOT_CONFIGURED, "no channel is set up"),
        "llm down": (Outcome.NOT_CONFIGURED, "OPENAI_API_KEY is not set, no language model is asked"),
        "rollback": (Outcome.NOT_CONFIGURED, "TRAINER_URL is not set, no model is deployed by us"),
    }
    assert done.passed
    assert done.exercises[0].took is not None
    assert (bot.world.desk.symbols(), bot.puts()) == (before, 2)
    assert not Journal(settings.home_folder).standing()
    assert not Journal(settings.home_folder / FOLDER).standing()


async def test_every_channel_is_told_that_it_is_a_drill(engine: EngineClient, settings: Settings) -> None:
    async with http_sink(answer(b"", status="202 Accepted")) as sink:
        hook = Settings(
            _env_file=None,
            TRADEOPS_HOME=settings.home_folder,
            TRADEOPS_WEBHOOK_URL=f"{sink.url}/hook",
            TRADEOPS_WEBHOOK_SECRET="hush",
        )
        done = await drill(engine, hook, CANARY, operator="me")
    assert found(done)["notification"] == (Outcome.PASSED, "accepted by webhook")
    assert [json.loads(post.body)["title"] for post in sink.posts] == ["This is a drill"]
    done = await drill(engine, hook, CANARY, operator="me")
    assert found(done)["notification"][0] is Outcome.FAILED
    assert not done.passed


async def test_a_brake_that_does_not_work_fails_the_drill(engine: EngineClient, settings: Settings, bot: Bot) -> None:
    bot.break_off("*/symbols", Kind.ERROR, status=500)
    done = await drill(engine, settings, CANARY, operator="me")
    assert found(done)["brake"][0] is Outcome.FAILED
    assert not done.passed
    assert bot.on() == SYMBOLS


async def test_a_canary_that_is_off_proves_nothing(engine: EngineClient, settings: Settings, bot: Bot) -> None:
    bot.switch("SOLUSDT", on=False)
    done = await drill(engine, settings, CANARY, operator="me")
    assert found(done)["brake"] == (Outcome.FAILED, "SOLUSDT is off already; a canary must be on")
    assert (bot.puts(), "SOLUSDT" in bot.on()) == (0, False)


@pytest.mark.parametrize("target", ["portfolio", "symbol:SOLUSDT", "RSI Strategy"])
async def test_what_is_braked_in_earnest_is_not_touched(
    target: str, engine: EngineClient, settings: Settings, bot: Bot
) -> None:
    in_earnest, now = Journal(settings.home_folder), datetime.now(UTC)
    in_earnest.append(Record(Written.INTENT, target, "i-1", now, {"reason": "loss"}))
    in_earnest.append(Record(Written.PLAN, target, "i-1", now, {"symbols": ["SOLUSDT"], "switched_off": []}))
    done = await drill(engine, settings, CANARY, operator="me")
    assert found(done)["brake"] == (Outcome.FAILED, "SOLUSDT is switched off in earnest; release it first")
    assert bot.puts() == 0


async def test_a_brake_in_earnest_meanwhile_keeps_the_canary_off_and_its_release_gives_it_back(
    engine: EngineClient, settings: Settings, bot: Bot
) -> None:
    drills, in_earnest, now = Journal(settings.home_folder / FOLDER), Journal(settings.home_folder), datetime.now(UTC)
    drills.append(Record(Written.INTENT, "symbol:SOLUSDT", "d-1", now, {"reason": "a drill", "actor": "me"}))
    taken = {"symbols": ["SOLUSDT"], "switched_off": ["SOLUSDT"]}
    drills.append(Record(Written.PLAN, "symbol:SOLUSDT", "d-1", now, taken))
    bot.switch("SOLUSDT", on=False)
    await brake(engine, in_earnest, Order("symbol:SOLUSDT", "loss", "guard"), mapped={})  # which finds it off already
    done = await drill(engine, settings, CANARY, operator="me")
    assert found(done)["brake"] == (Outcome.FAILED, "SOLUSDT is switched off in earnest; release it first")
    assert (drills.standing(), "SOLUSDT" in bot.on()) == ({}, False)
    [disabled] = in_earnest.standing().values()
    await release(engine, in_earnest, disabled, reason="it is over", operator="me", mapped={}, now=datetime.now(UTC))
    assert bot.on() == SYMBOLS


@pytest.mark.parametrize("symbol", ["SOLUSDT", "BTCUSDT", "GONEUSDT"])
async def test_a_drill_that_was_broken_off_is_undone_by_the_next(
    symbol: str, engine: EngineClient, settings: Settings, bot: Bot
) -> None:
    journal, now = Journal(settings.home_folder / FOLDER), datetime.now(UTC)
    target = f"symbol:{symbol}"
    journal.append(Record(Written.INTENT, target, "d-1", now, {"reason": "a drill", "actor": "me"}))
    journal.append(Record(Written.PLAN, target, "d-1", now, {"symbols": [symbol], "switched_off": [symbol]}))
    if symbol in SYMBOLS:
        bot.switch(symbol, on=False)
    assert (await drill(engine, settings, CANARY, operator="me")).passed
    assert bot.on() == SYMBOLS
    assert not journal.standing()


async def test_a_drill_that_is_cancelled_in_the_middle_gives_the_canary_back(
    engine: EngineClient, settings: Settings, bot: Bot
) -> None:
    bot.levers.set(Mode(put="lies", times=1))  # so that the brake is still at work when the canary is off
    drilling = asyncio.create_task(drill(engine, settings, CANARY, operator="me"))
    async with asyncio.timeout(10):
        while "SOLUSDT" in bot.on():  # noqa: ASYNC110 - the engine has no event to wait for
            await asyncio.sleep(0.001)
    drilling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await drilling
    assert bot.on() == SYMBOLS


async def test_a_language_model_that_never_answers_is_waited_for_so_long_and_starts_nothing(
    engine: EngineClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "VOTE_SECONDS", 1.0)
    with_key = settings.model_copy(update={"openai_api_key": SecretStr("sk-real")})
    done = await paths.llm_down(engine, with_key)
    assert done.outcome is Outcome.PASSED, done.finding
    assert done.finding == "3 votes without an answer: wait, and nothing is started"
    assert done.took is not None
    assert timedelta(seconds=1) <= done.took
    unpaid = with_key.model_copy(update={"openai_model": "no-such-model"})
    assert (await paths.llm_down(engine, unpaid)).finding.startswith("it was not even asked: the model no-such")
    monkeypatch.setattr(paths, "MARGIN", timedelta(seconds=-1))
    assert (await paths.llm_down(engine, with_key)).finding.startswith("it waited for")


class Trained(FakeTrainer):
    """Keeps what it trained, as the real one does, and goes back."""

    async def models(self, model_type: str | None = None, symbol: str | None = None) -> tuple[ModelRecord, ...]:
        used = self.in_use.get((str(model_type), str(symbol)), [])
        records = [ModelRecord("gru", "X", one, "other", datetime.now(UTC)) for one in sorted(self.versions)]
        return tuple(replace(one, role="champion" if used[-1:] == [one.version] else "other") for one in records)


async def test_a_canary_model_is_promoted_and_rolled_back_and_trained_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "POLL_SECONDS", 0.0)
    trainer = Trained(quality={"gru": 0.6})

    @asynccontextmanager
    async def services(_: Settings) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(trainer=trainer)

    monkeypatch.setattr(paths, "open_services", services)
    for _ in range(2):
        done = await paths.rollback(settings)
        assert done.outcome is Outcome.PASSED, done.finding
    assert len(trainer.jobs) == 2
    trainer.lies = True
    assert (await paths.rollback(settings)).outcome is Outcome.FAILED


async def test_a_sandbox_needs_no_name_and_a_real_bot_does(
    engine: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await ground_of(engine, named=None)).words == "sandbox (BTCUSDT)"
    monkeypatch.setattr(EngineClient, "is_sandbox", AsyncMock(return_value=False))
    assert (await ground_of(engine, named="SOLUSDT")).words == "symbol SOLUSDT"
    with pytest.raises(RejectedError, match="is no sandbox, and no canary is named; name one of its symbols"):
        await ground_of(engine, named=None)
    with pytest.raises(RejectedError, match="does not trade DOGEUSDT; it trades BTCUSDT"):
        await ground_of(engine, named="DOGEUSDT")


async def test_the_command_shows_keeps_and_exits_by_the_result(bot: Bot, tmp_path: Path) -> None:
    async def run(*options: str) -> tuple[int | None, str]:
        environment = {
            "TRADEOPS_HOME": str(tmp_path),
            "RUST_API_URL": bot.service.url,
            "PATH": "",
            "HOME": str(tmp_path),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tradeops.cli", "drill", *options, cwd=ROOT, env=environment, stdout=-1
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    code, said = await run("--symbol", "SOLUSDT")
    assert (code, said.splitlines()[-1]) == (0, "passed, on sandbox (SOLUSDT)")
    bot.switch("SOLUSDT", on=False)
    code, said = await run("--symbol", "SOLUSDT", "--format", "json")
    assert (code, json.loads(said)["exercises"]["brake"]["outcome"]) == (1, "failed")
    async with open_store("sqlite", home=tmp_path) as store:
        kept = await drill_records.last(store)
    assert kept is not None
    assert drill_records.as_fields(kept) == json.loads(said)


async def test_a_canary_that_cannot_be_trained_and_a_service_that_is_no_trainer_prove_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "POLL_SECONDS", 0.0)
    with pytest.raises(RejectedError, match="no canary was trained: the loss is above"):
        await paths._canaries(Trained(quality={"gru": None}))
    monkeypatch.setattr(paths, "TRAINED_WITHIN", timedelta(0))
    slow = Trained(polls=10**6)
    with pytest.raises(RejectedError, match="no canary was trained within"):
        await paths._canaries(slow)
    assert slow.cancelled
    other = settings.model_copy(update={"python_api_url": settings.rust_api_url})
    assert (await paths.rollback(other)).outcome is Outcome.NOT_CONFIGURED
