"""The run that the guard's event starts, on a real Prefect server, against the sandbox's engine."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from flows.ai.emergency_disable import NAME, emergency_strategy_disable
from sandbox.engine_levers import Mode
from tests.contract.guard.engines import Bot, client_of, running
from tests.flows.announcing import broken, webhook
from tradeops.domain.brakes import Kind, Order, Record
from tradeops.domain.notices import Level
from tradeops.errors import CriticalVerdictError
from tradeops.jobs.brake import brake as brake_module
from tradeops.jobs.brake import emergency
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import Pace
from tradeops.wiring import open_desk


@pytest.fixture
async def bot(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    async with running() as engine:
        monkeypatch.setenv("RUST_API_URL", engine.service.url)
        yield engine


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "home")


async def start(
    strategy: str = "symbol:ETHUSDT", *, figures: dict[str, Any] | None = None, incident_id: str = ""
) -> State[Any]:
    return await emergency_strategy_disable(
        strategy, "lost 12 % today", figures=figures, incident_id=incident_id, return_state=True
    )


async def page() -> str:
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[NAME])))
    return str(max(found, key=lambda one: one.created or datetime.min.replace(tzinfo=UTC)).data)


async def kinds() -> list[str]:
    now = datetime.now(UTC)
    async with open_desk() as desk:
        events = await desk.store.events(since=now - timedelta(hours=1), until=now + timedelta(hours=1))
    return [event.kind for event in events if "disable" in event.kind]


async def test_a_strategy_is_off_recorded_shown_and_told_once(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    bot.lose("ETHUSDT", 300, opened=True)
    async with webhook(monkeypatch) as sink:
        assert (await start(figures={"loss_percent": 12.5})).name == "Completed"
        ended = await start(figures={"loss_percent": 12.5})
        assert len(sink.posts) == 1
    assert "was off already" in str(ended.message)
    assert bot.on() == ("BTCUSDT", "BNBUSDT", "SOLUSDT")
    assert await kinds() == ["strategy_disable_ordered", "strategy_disabled"]
    assert await broken() == {"brake:symbol:ETHUSDT": Level.CRITICAL}
    shown = await page()
    for text in ("lost 12 % today", "loss_percent: 12.5", " ms", "They stay open, supervised by the engine."):
        assert text in shown


async def test_what_the_guard_did_is_found_done(bot: Bot, journal: Journal) -> None:
    async with client_of(bot) as engine:
        done = await brake(engine, journal, Order("symbol:ETHUSDT", "lost", "guard"), mapped={})
    ended = await start(incident_id=done.incident_id)
    assert (ended.name, bot.puts()) == ("Completed", 1)
    assert await kinds() == ["strategy_disable_ordered", "strategy_disabled"]


async def test_what_was_released_since_is_left_alone(bot: Bot, journal: Journal) -> None:
    async with client_of(bot) as engine:
        done = await brake(engine, journal, Order("symbol:ETHUSDT", "lost", "guard"), mapped={})
    journal.append(Record(Kind.RELEASE, "symbol:ETHUSDT", done.incident_id, datetime.now(UTC), {"operator": "ann"}))
    bot.switch("ETHUSDT", on=True)
    ended = await start(incident_id=done.incident_id)
    assert (ended.name, ended.message) == ("Skipped", "symbol:ETHUSDT was released since")
    assert "ETHUSDT" in bot.on()


async def test_what_is_released_in_the_moment_before_the_run_brakes_is_left_alone(
    bot: Bot, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with client_of(bot) as engine:
        done = await brake(engine, journal, Order("symbol:ETHUSDT", "lost", "guard"), mapped={})
    journal.append(Record(Kind.RELEASE, "symbol:ETHUSDT", done.incident_id, datetime.now(UTC), {"operator": "ann"}))
    bot.switch("ETHUSDT", on=True)
    monkeypatch.setattr(emergency, "is_over", AsyncMock(return_value=False))
    ended = await start(incident_id=done.incident_id)
    assert (ended.name, ended.message) == ("Skipped", "symbol:ETHUSDT was released meanwhile")
    assert "ETHUSDT" in bot.on()
    assert await broken() == {}


async def test_what_may_still_trade_ends_not_confirmed(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    zero = Pace(pauses=(timedelta(0),) * 5)
    given = brake_module.brake.__kwdefaults__ or {}
    monkeypatch.setattr(brake_module.brake, "__kwdefaults__", {**given, "pace": zero})
    bot.levers.set(Mode(put="lies"))
    ended = await start()
    assert (ended.type.value, ended.name) == ("FAILED", "NotConfirmed")
    assert "symbol:ETHUSDT may still trade" in str(ended.message)
    assert await broken() == {"brake-unconfirmed:symbol:ETHUSDT": Level.CRITICAL}
    assert await kinds() == ["strategy_disable_ordered", "disable_not_confirmed"]
    assert "NOT CONFIRMED: symbol:ETHUSDT may still trade" in await page()
    with pytest.raises(CriticalVerdictError):
        await emergency_strategy_disable("symbol:ETHUSDT", "lost")
    bot.levers.set(Mode())
    assert (await start()).name == "Completed"
    assert await broken() == {"brake:symbol:ETHUSDT": Level.CRITICAL}


async def test_a_strategy_that_nobody_knows_fails_and_names_those_that_there_are(bot: Bot) -> None:
    ended = await start("moon")
    assert (ended.type.value, ended.name) == ("FAILED", "Failed")
    assert "RSI Strategy" in str(ended.message)
    assert bot.puts() == 0
