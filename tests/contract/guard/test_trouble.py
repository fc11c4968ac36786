"""The guard with a journal, an engine or code of ours that is broken: it brakes, or says why not, and goes on."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from sandbox.engine_levers import Mode
from sandbox.faults import Kind
from tests.contract.guard.engines import ACCOUNT, TRADES, Bot, running
from tests.contract.notify.sinks import http_sink
from tests.contract.servers.misbehaving import answer
from tradeops.adapters.prefect_api.client import Event
from tradeops.adapters.store import AuditEvent, open_store
from tradeops.domain.brakes import Order
from tradeops.domain.drills import Outcome
from tradeops.jobs.alerts import incidents
from tradeops.jobs.brake import hold
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.records import replay
from tradeops.jobs.brake.releases import release
from tradeops.jobs.drill import drill as drilling
from tradeops.jobs.drill.drill import Ground, drill
from tradeops.jobs.guard import guard as guarding_module
from tradeops.jobs.guard.aside import Aside
from tradeops.jobs.guard.guard import Guard
from tradeops.jobs.guard.guarding import open_guard, stand_guard
from tradeops.settings import Settings

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as engine:
        yield engine


@pytest.fixture
def settings(tmp_path: Path, bot: Bot) -> Settings:
    return Settings(_env_file=None, RUST_API_URL=bot.service.url, TRADEOPS_HOME=tmp_path, TRADEOPS_GUARD_SECONDS=0.2)


@pytest.fixture
async def guard(settings: Settings) -> AsyncIterator[Guard]:
    async with open_guard(settings) as opened:
        assert opened is not None
        yield opened


async def polled(guard: Guard) -> None:
    await guard.poll()
    await guard.hold.settled()


async def test_a_journal_that_cannot_be_read_or_written_stops_no_brake(
    guard: Guard, bot: Bot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "brake.journal").mkdir()
    bot.crash()
    await polled(guard)
    assert bot.on() == ()
    assert "nobody knows what is braked" in caplog.text
    assert "nobody knows what was released" in caplog.text


async def test_a_journal_that_cannot_be_written_makes_one_event_and_is_told(
    guard: Guard, bot: Bot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []
    monkeypatch.setattr(Aside, "emit", lambda _, event, **__: events.append(event))
    (tmp_path / "brake.journal").mkdir()
    bot.crash()
    for _ in range(3):
        await polled(guard)
        guard.hold._pauses.clear()
    assert [event.resource_name for event in events] == ["portfolio"]
    async with asyncio.timeout(20):
        await guard.aside.of_people.settled()
    async with open_store("sqlite", home=tmp_path) as store:
        found = {one.key: one for one in await incidents.open_incidents(store, now=datetime.now(UTC))}
    assert set(found) == {"brake:portfolio", "guard:brake"}
    assert "portfolio: it was braked and not written down" in found["guard:brake"].summary


async def test_an_order_for_what_is_not_there_is_logged_and_not_repeated_at_once(
    guard: Guard, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        guard.hold.pull(Order("symbol:NOSUCH", "lost", "guard"))
        await guard.hold.settled()
    assert caplog.text.count("symbol:NOSUCH could not be braked") == 1
    assert bot.on() == SYMBOLS
    with caplog.at_level(logging.WARNING):
        await guard.hold.look_after()
    assert "NOSUCH" in guard.hold.trouble["symbol:NOSUCH"]
    await polled(guard)
    assert guard.hold.trouble == {}, "it is not too much any longer"


async def test_a_defect_of_the_brake_is_logged_whole_and_it_is_tried_again(
    guard: Guard, bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bot.crash()
    with monkeypatch.context() as broken:
        broken.setattr(hold, "brake", AsyncMock(side_effect=ZeroDivisionError))
        await polled(guard)
    assert "portfolio could not be braked: our own code broke" in caplog.text
    assert bot.on() == SYMBOLS
    guard.hold._pauses.clear()
    await polled(guard)
    assert bot.on() == ()


async def test_a_defect_of_the_judgement_is_told_and_ends_no_guard(
    guard: Guard, bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bot.crash()
    with monkeypatch.context() as broken:
        broken.setattr(guarding_module, "judge", Mock(side_effect=ArithmeticError))
        await polled(guard)
    assert "guard:figures: no limit can be judged: our own code broke, see the log" in caplog.text
    await polled(guard)
    assert bot.on() == ()


async def test_a_strategy_that_only_the_engine_knows_is_braked_by_its_own_name(guard: Guard, bot: Bot) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    lost = [
        {
            "id": f"l{number}",
            "symbol": "ETHUSDT",
            "strategy": "Scalper/∆ 2" if number else "another",
            "trade_type": "Long",
            "entry_price": 10,
            "exit_price": 9,
            "quantity": 1,
            "leverage": 1,
            "pnl": -1,
            "open_time": moment.isoformat(),
            "close_time": (moment + timedelta(minutes=number)).isoformat(),
        }
        for number in range(12)
    ]
    won = {**lost[0], "id": "w", "symbol": "BTCUSDT", "pnl": 9, "close_time": datetime.now(UTC).isoformat()}
    bot.answer(TRADES, json.dumps({"success": True, "data": [*lost, won], "error": None}))
    guard.hold.strategy_symbols = {"Scalper/∆ 2": ("SOLUSDT",)}
    await polled(guard)
    assert bot.on() == ("BTCUSDT", "BNBUSDT")
    assert (guard.hold.trouble, set(guard.hold.journal.standing())) == ({}, {"Scalper/∆ 2", "symbol:ETHUSDT"})


async def test_what_others_wrote_while_the_store_was_down_is_told_to_it_within_a_minute(
    guard: Guard, tmp_path: Path
) -> None:
    await polled(guard)
    outcome = await hold.brake(guard.eyes.engine, Journal(tmp_path), Order("rsi", "why", "ann"), mapped={})
    assert outcome.confirmed
    await polled(guard)
    guard.hold._recorded = datetime.now(UTC) - timedelta(minutes=1)
    await polled(guard)
    async with asyncio.timeout(20):
        await guard.aside.of_store.settled()
    assert [event.kind for event in await audited(tmp_path)] == ["strategy_disable_ordered", "strategy_disabled"]


async def test_what_was_released_on_another_machine_is_not_switched_off_again(
    guard: Guard, bot: Bot, tmp_path: Path
) -> None:
    guard.hold.pull(Order("portfolio", "lost", "ann"))
    await guard.hold.settled()
    elsewhere, now = Journal(tmp_path / "elsewhere"), datetime.now(UTC)
    async with open_store("sqlite", home=tmp_path) as store:
        await replay(guard.hold.journal, store)
        await replay(elsewhere, store)
        there = elsewhere.standing()["portfolio"]
        await release(guard.eyes.engine, elsewhere, there, reason="seen to", operator="bob", mapped={}, now=now)
        await replay(elsewhere, store)
    assert bot.on() == SYMBOLS
    await polled(guard)
    assert bot.on() == SYMBOLS
    assert not guard.hold.journal.standing()


async def test_an_event_that_died_with_its_guard_is_emitted_by_the_next_and_then_no_more(
    settings: Settings, bot: Bot
) -> None:
    taken = answer(b"", status="204 No Content")
    async with open_guard(settings) as first:
        assert first is not None
        bot.crash()
        await polled(first)
    names = []
    for _ in range(2):
        async with http_sink(taken, taken, taken) as prefect:
            ours = settings.model_copy(update={"prefect_api_url": f"{prefect.url}/api"})
            async with open_guard(ours) as guard:
                assert guard is not None
                await polled(guard)
                async with asyncio.timeout(10):
                    await guard.aside.of_prefect.settled()
            names.append([json.loads(post.body)[0]["payload"]["incident_id"] for post in prefect.posts])
    standing = Journal(settings.home_folder).standing()["portfolio"]
    assert names == [[standing.incident_id], []]


async def audited(home: Path) -> list[AuditEvent]:
    now, hour = datetime.now(UTC), timedelta(hours=1)
    async with open_store("sqlite", home=home) as store:
        events = await store.events(since=now - hour, until=now + hour)
    return sorted(events, key=lambda event: event.event_id.rsplit(":")[-1] != "intent")


async def test_a_defect_of_the_eyes_is_told_as_figures_that_are_not_known(
    guard: Guard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(guard.eyes), "look", AsyncMock(side_effect=ZeroDivisionError))
    with caplog.at_level(logging.WARNING):
        await polled(guard)
    assert "guard:figures: no limit can be judged: our own code broke, see the log" in caplog.text


async def test_what_is_braked_is_looked_after_again_when_the_engine_lists_its_symbols_again(
    guard: Guard, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    bot.crash()
    await polled(guard)
    bot.switch("BTCUSDT", on=True)
    bot.break_off("*/symbols", Kind.ERROR, status=500)
    await polled(guard)
    assert "what is braked could not be looked after" in caplog.text
    bot.faults.clear()
    await polled(guard)
    assert bot.on() == ()


async def test_a_symbol_that_comes_later_is_off_too_while_everything_is(guard: Guard, bot: Bot) -> None:
    bot.crash()
    await polled(guard)
    there = bot.world.desk.trading.symbols
    bot.world.desk.trading.symbols = there | {"ADAUSDT": there["BTCUSDT"]}
    bot.switch("ADAUSDT", on=True)
    await polled(guard)
    assert bot.on() == ()


async def test_an_account_that_says_less_is_judged_by_what_it_says(guard: Guard, bot: Bot) -> None:
    opened = sum(position.unrealised(position.mark) for position in bot.world.book.positions.values())
    flat = {"balance": 9_000.0, "total_return_percent": -10.0}
    bot.answer(ACCOUNT, json.dumps({"success": True, "data": flat, "error": None}))
    sight = await guard.eyes.look()
    assert sight.equity == pytest.approx(Decimal(9_000) + Decimal(opened), abs=Decimal(100))
    await guard.eyes.look()
    assert bot.asked_for_trades() == 1
    bot.lose("ETHUSDT", 10)
    bot.answer(ACCOUNT, json.dumps({"success": True, "data": flat | {"balance": 8_990.0}, "error": None}))
    await guard.eyes.look()
    assert bot.asked_for_trades() == 2


async def test_it_polls_at_its_pace_until_it_is_cancelled(settings: Settings, bot: Bot) -> None:
    bot.crash()
    standing = asyncio.create_task(stand_guard(settings))
    async with asyncio.timeout(10):
        while bot.on():  # noqa: ASYNC110 - the engine has no event to wait for
            await asyncio.sleep(0.02)
    standing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await standing


async def test_without_an_engine_it_ends_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await stand_guard(Settings(_env_file=None, TRADEOPS_HOME=tmp_path))
    assert "no limits are watched" in caplog.text


@pytest.mark.parametrize(
    ("mode", "finding"),
    [
        pytest.param(Mode(put="lies"), "SOLUSDT is NOT CONFIRMED off", id="it lies"),
        pytest.param(Mode(put="flips_back", delay_seconds=0.0), "", id="it flips back"),
    ],
)
async def test_an_engine_that_does_not_obey_fails_the_drill(
    mode: Mode, finding: str, guard: Guard, settings: Settings, bot: Bot
) -> None:
    bot.levers.set(mode)
    done = await drill(guard.eyes.engine, settings, Ground("SOLUSDT", is_sandbox=False), operator="me")
    assert done.exercises[0].outcome is Outcome.FAILED
    assert done.exercises[0].finding.startswith(finding)
    assert bot.on() == SYMBOLS


async def test_a_defect_of_an_exercise_fails_it(
    guard: Guard, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(drilling, "brake", AsyncMock(side_effect=ZeroDivisionError))
    done = await drill(guard.eyes.engine, settings, Ground("SOLUSDT", is_sandbox=False), operator="me")
    assert done.exercises[0].finding == "our own code broke (ZeroDivisionError, see the log)"
    assert "the drill broke" in caplog.text


async def test_a_canary_that_does_not_come_on_again_fails_the_drill(
    guard: Guard, settings: Settings, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drilling, "READ_BACKS", (0.0, 0.0))
    bot.levers.set(Mode(put="half", times=1))

    async def braked_then_deaf(*arguments: object, **more: object) -> object:
        outcome = await hold.brake(*arguments, **more)  # type: ignore[arg-type]
        bot.levers.set(Mode(put="lies"))
        return outcome

    monkeypatch.setattr(drilling, "brake", braked_then_deaf)
    done = await drill(guard.eyes.engine, settings, Ground("SOLUSDT", is_sandbox=False), operator="me")
    assert done.exercises[0].finding == "SOLUSDT could not be switched on again after the drill"


async def test_a_guard_that_is_ended_ends_the_brake_that_is_at_work(settings: Settings, bot: Bot) -> None:
    bot.levers.set(Mode(put="slow", delay_seconds=0.5))
    async with open_guard(settings) as guard:
        assert guard is not None
        guard.hold.pull(Order("portfolio", "lost", "guard"))
        await asyncio.sleep(0.05)
    assert bot.on() == ()
    assert Journal(settings.home_folder).standing()["portfolio"].confirmed
