"""The brake against a real engine in each of its moods: off and seen to be off, once, or said not to be."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from sandbox.engine_levers import Mode
from sandbox.faults import Kind
from tests.contract.guard.engines import SYMBOLS, Bot
from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brakes import Kind as Told
from tradeops.domain.brakes import Order, drift
from tradeops.errors import RejectedError
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.emergency import stop_engine
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import Outcome, Pace
from tradeops.jobs.brake.telling import still_open

ALL = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")
QUICK = Pace(pauses=tuple(timedelta(seconds=s) for s in (0, 0.02, 0.05, 0.1, 0.2)), whole=timedelta(seconds=6))
ROUTE = "/api/strategies/RSI Strategy/disable"
RSI = Order("rsi", "lost too much", "a test", {"loss_percent": "12.3"})


async def pull(engine: EngineClient, journal: Journal, order: Order = RSI, pace: Pace = QUICK) -> Outcome:
    return await brake(engine, journal, order, mapped={"MACD Strategy": ("SOLUSDT",)}, pace=pace)


async def test_a_route_that_works_is_enough(bot: Bot, engine: EngineClient, journal: Journal) -> None:
    bot.levers.set(Mode(disable_route="works"))
    outcome = await pull(engine, journal)
    assert (outcome.confirmed, outcome.method, outcome.affected_symbols) == (True, "endpoint", ALL)
    assert bot.on() == ()
    assert bot.puts() == 0


@pytest.mark.parametrize("route", ["absent", "404", "405", "500", "501", "lies"])
async def test_without_a_route_that_works_the_symbols_are_switched_off(
    bot: Bot, engine: EngineClient, journal: Journal, route: str
) -> None:
    bot.levers.set(Mode(disable_route=route))
    outcome = await pull(engine, journal)
    assert (outcome.confirmed, outcome.method, outcome.problem) == (True, "symbols", "")
    assert bot.on() == ()
    assert bot.service.requests["POST", ROUTE] == 1
    assert bot.puts() == 1


async def test_a_route_that_hangs_costs_two_seconds(bot: Bot, engine: EngineClient, journal: Journal) -> None:
    bot.levers.set(Mode(disable_route="hang"))
    outcome = await pull(engine, journal)
    assert (outcome.confirmed, outcome.method) == (True, "symbols")
    assert 2_000 <= outcome.timeline[-1][1] < 5_000


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(Mode(put="half"), id="half applied"),
        pytest.param(Mode(put="slow", delay_seconds=0.05), id="slow to show"),
        pytest.param(Mode(put="restart", times=1), id="restarted in between"),
        pytest.param(Mode(put="error", times=1), id="an error once"),
        pytest.param(Mode(put="lies", times=2), id="lies twice"),
    ],
)
async def test_reading_back_finds_what_is_still_on_and_switches_it_off_again(
    bot: Bot, engine: EngineClient, journal: Journal, mode: Mode
) -> None:
    bot.levers.set(mode)
    outcome = await pull(engine, journal)
    assert outcome.confirmed
    assert bot.on() == ()


async def test_an_answer_that_never_comes_may_have_been_obeyed(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.levers.set(Mode(put="hang_applied", times=1))
    outcome = await pull(engine, journal)
    assert outcome.confirmed
    assert bot.puts() == 1


@pytest.mark.parametrize("mode", [Mode(put="lies"), Mode(put="lies", disable_route="lies"), Mode(put="error")])
async def test_what_is_still_on_is_not_confirmed_whatever_the_engine_says(
    bot: Bot, engine: EngineClient, journal: Journal, mode: Mode
) -> None:
    bot.levers.set(mode)
    outcome = await pull(engine, journal)
    assert (outcome.confirmed, outcome.method, outcome.disabled_at) == (False, "none", None)
    assert "still takes new positions in BTCUSDT" in outcome.problem
    assert bot.service.requests["GET", SYMBOLS] >= 6
    [standing] = journal.standing().values()
    assert not standing.confirmed
    bot.levers.set(Mode())
    again = await pull(engine, journal, standing.order)
    assert (again.confirmed, again.incident_id) == (True, outcome.incident_id)


async def test_an_engine_that_does_not_answer_at_all_is_not_confirmed_and_stands(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.break_off("*", Kind.HANG)
    outcome = await pull(engine, journal, pace=Pace(pauses=QUICK.pauses, whole=timedelta(seconds=0.5)))
    assert not outcome.confirmed
    assert "within 0.5 s" in outcome.problem
    assert list(journal.standing()) == ["RSI Strategy"]


async def test_an_engine_without_symbols_confirms_nothing(bot: Bot, engine: EngineClient, journal: Journal) -> None:
    bot.answer(SYMBOLS, json.dumps({"success": True, "data": {}, "error": None}))
    outcome = await pull(engine, journal, Order("portfolio", "r", "a test"))
    assert not outcome.confirmed
    assert "has no symbol" in outcome.problem


async def test_an_answer_of_a_wrong_shape_confirms_nothing(bot: Bot, engine: EngineClient, journal: Journal) -> None:
    bot.answer(SYMBOLS, json.dumps({"success": True, "data": {"BTCUSDT": {"leverage": 1}}, "error": None}))
    outcome = await pull(engine, journal)
    assert not outcome.confirmed
    assert "does not say whether it is enabled" in outcome.problem


@pytest.mark.parametrize(
    ("target", "off"),
    [("symbol:ETHUSDT", ("ETHUSDT",)), ("macd", ("SOLUSDT",)), ("portfolio", ALL), ("RSI strategy", ALL)],
)
async def test_a_target_touches_its_own_symbols_alone(
    bot: Bot, engine: EngineClient, journal: Journal, target: str, off: tuple[str, ...]
) -> None:
    outcome = await pull(engine, journal, Order(target, "lost", "a test"))
    assert outcome.affected_symbols == off
    assert bot.on() == tuple(symbol for symbol in ALL if symbol not in off)


@pytest.mark.parametrize(
    ("target", "says"), [("moon", "there are RSI Strategy, MACD"), ("symbol:NOUSDT", "it has BTCUSDT, ETHUSDT")]
)
async def test_an_unknown_target_is_refused_with_those_that_there_are(
    bot: Bot, engine: EngineClient, journal: Journal, target: str, says: str
) -> None:
    with pytest.raises(RejectedError, match=says):
        await pull(engine, journal, Order(target, "lost", "a test"))
    assert journal.standing() == {}
    assert bot.puts() == 0


async def test_the_fields_of_all_symbols_are_as_they_were_to_the_byte(engine: EngineClient, journal: Journal) -> None:
    before = await engine.levers.switches()
    await pull(engine, journal, Order("symbol:ETHUSDT", "lost", "a test"))
    after = await engine.levers.switches()
    assert after == before | {"ETHUSDT": before["ETHUSDT"].turned(on=False)}


async def test_what_is_off_already_is_a_success_without_effect(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    first = await pull(engine, journal)
    written, posts = journal.records(), bot.service.requests["POST", ROUTE]
    again = await pull(engine, journal)
    assert (again.confirmed, again.already_off, again.incident_id) == (True, True, first.incident_id)
    assert again.disabled_at == first.disabled_at
    assert (bot.puts(), bot.service.requests["POST", ROUTE]) == (1, posts)
    assert journal.records() == written


async def test_what_a_person_switched_off_before_is_not_for_a_release_to_switch_on(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.switch("BTCUSDT", on=False)
    await pull(engine, journal)
    assert journal.standing()["RSI Strategy"].switched_off == ALL[1:]


async def test_what_was_meant_is_switched_off_again_when_the_engine_lists_nothing_of_what_is_meant_now(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    order = Order("macd", "lost", "a test")
    await pull(engine, journal, order)
    bot.switch("SOLUSDT", on=True)
    again = await brake(engine, journal, order, mapped={"MACD Strategy": ("DOGEUSDT",)}, pace=QUICK)
    assert (again.confirmed, again.affected_symbols, bot.on()) == (True, ("SOLUSDT",), ALL[:3])


async def test_twenty_triggers_at_once_have_one_effect(bot: Bot, engine: EngineClient, journal: Journal) -> None:
    outcomes = await asyncio.gather(
        *(brake(engine, Journal(journal.path.parent), RSI, mapped={}, pace=QUICK) for _ in range(20))
    )
    assert all(outcome.confirmed for outcome in outcomes)
    assert len({outcome.incident_id for outcome in outcomes}) == 1
    assert sum(not outcome.already_off for outcome in outcomes) == 1
    assert bot.puts() == 1
    assert [record.kind for record in journal.records()] == [Told.INTENT, Told.PLAN, Told.RESULT]


TRIGGER = """
import asyncio, sys
from pathlib import Path
from unittest.mock import AsyncMock
from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brakes import Order
from tradeops.http import HttpPolicy, HttpService, open_pool
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.emergency import stop_engine

async def main():
    async with open_pool() as pool:
        service = HttpService(pool, system="engine", base_url=sys.argv[1], policy=HttpPolicy())
        order = Order("portfolio", "lost", "a process")
        outcome = await brake(EngineClient(service), Journal(Path(sys.argv[2])), order, mapped={})
        print(outcome.incident_id, outcome.confirmed, outcome.already_off)

asyncio.run(main())
"""


async def test_several_processes_at_once_have_one_effect(bot: Bot, journal: Journal) -> None:
    home = str(journal.path.parent)
    started = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", TRIGGER, bot.service.url, home, stdout=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    answers = [(await process.communicate())[0].decode().split() for process in started]
    assert len({incident for incident, _, _ in answers}) == 1
    assert [confirmed for _, confirmed, _ in answers] == ["True"] * 3
    assert sorted(already for _, _, already in answers) == ["False", "True", "True"]
    assert bot.puts() == 1


async def test_what_flips_back_is_seen_as_drift_and_off_again_under_the_same_incident(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.levers.set(Mode(put="flips_back", delay_seconds=1.0, times=1))  # later than the reading back of a busy machine
    first = await pull(engine, journal)
    assert first.confirmed
    async with asyncio.timeout(20):
        while not (on := await enabled(engine)):  # noqa: ASYNC110 - the engine has no event to wait for
            await asyncio.sleep(0.05)
    assert drift(journal.standing(), on, {}) == {"RSI Strategy": ALL}
    again = await pull(engine, journal, journal.standing()["RSI Strategy"].order)
    assert (again.confirmed, again.already_off, again.incident_id) == (True, False, first.incident_id)
    assert bot.on() == ()


async def enabled(engine: EngineClient) -> frozenset[str]:
    return frozenset(symbol for symbol, one in (await engine.levers.switches()).items() if one.enabled)


async def test_a_journal_that_cannot_be_written_does_not_stop_the_brake(
    bot: Bot, engine: EngineClient, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = await pull(engine, Journal(tmp_path / "file" / "home"))
    assert outcome.confirmed
    assert "cannot be" in outcome.unwritten
    assert bot.on() == ()


async def test_the_intent_is_on_the_disk_before_the_engine_is_asked_to_do_anything(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.levers.set(Mode(disable_route="hang"))
    braking = asyncio.create_task(pull(engine, journal))
    while not bot.service.requests["POST", ROUTE]:  # noqa: ASYNC110 - the sandbox counts, and tells nobody
        await asyncio.sleep(0.01)
    [standing] = journal.standing().values()
    assert (standing.reason, standing.figures, standing.confirmed) == (RSI.reason, dict(RSI.figures), False)
    braking.cancel()
    await asyncio.gather(braking, return_exceptions=True)
    assert not journal.standing()["RSI Strategy"].confirmed  # whoever was killed leaves it to be done again


async def test_open_positions_stay_open_and_are_listed_with_their_risk(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.lose("ETHUSDT", 100, opened=True)
    outcome = await pull(engine, journal, Order("symbol:ETHUSDT", "lost", "a test"))
    [risk] = await still_open(engine, outcome.affected_symbols)
    assert risk.trade.symbol == "ETHUSDT"
    assert risk.unrealised_usd.value is not None
    assert "ETHUSDT" in bot.world.book.positions


async def test_the_engine_is_stopped_only_when_it_is_asked_for(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    await pull(engine, journal)
    assert bot.world.trader.running
    assert await stop_engine(engine) == ""
    assert [bot.world.trader.running] == [False]
    bot.break_off("/api/paper-trading/stop", Kind.ERROR)
    assert "HTTP 500" in await stop_engine(engine)


async def test_words_that_are_no_text_are_written_down_as_what_can_be_told(
    engine: EngineClient, journal: Journal
) -> None:
    outcome = await pull(engine, journal, Order("rsi", "bad \udcff byte", "a\udcff", {"loss.\ud83d": "\udcff"}))
    standing = journal.standing()["RSI Strategy"]
    assert outcome.confirmed
    assert (standing.reason, standing.actor, standing.figures) == ("bad ? byte", "a?", {"loss.?": "?"})


async def test_a_symbol_of_another_shape_and_half_a_character_in_a_field_are_given_back_as_they_are(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    words = '{"success": true, "data": {"ETH/USDT_2": {"enabled": %s, "note": "\\ud83d"}}, "error": null}'
    bot.answer(SYMBOLS, words % "true")
    order = Order("symbol:ETH/USDT_2", "lost", "a test")
    taken = asyncio.create_task(brake(engine, journal, order, mapped={}, known=(order.target,), pace=QUICK))
    async with asyncio.timeout(20):
        while not bot.puts():  # noqa: ASYNC110 - the engine has no event to wait for
            await asyncio.sleep(0.005)
    bot.answer(SYMBOLS, words % "false")
    assert (await taken).confirmed


async def test_a_defect_of_ours_is_not_confirmed_and_stands(
    engine: EngineClient, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(type(engine.levers), "put_switches", AsyncMock(side_effect=ZeroDivisionError))
        outcome = await pull(engine, journal)
    assert (outcome.confirmed, outcome.problem) == (False, "our own code broke (ZeroDivisionError, see the log)")
    assert not journal.standing()["RSI Strategy"].confirmed


async def test_those_that_do_not_wait_for_their_turn_are_one_effect_in_the_journal_too(
    engine: EngineClient, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def too_crowded(*_: object) -> AsyncIterator[bool]:
        yield False

    monkeypatch.setattr(Journal, "lock", too_crowded)
    outcomes = await asyncio.gather(*(pull(engine, Journal(journal.path.parent)) for _ in range(4)))
    assert all(one.confirmed for one in outcomes)
    kinds = [record.kind for record in journal.records()]
    assert (kinds.count(Told.INTENT), kinds.count(Told.RESULT)) == (1, 1)


async def test_a_target_that_somebody_else_has_named_is_braked_by_its_own_name(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    order = Order("Scalper/∆ 2", "lost", "guard")
    with pytest.raises(RejectedError, match="no strategy"):
        await brake(engine, journal, order, mapped={})
    first = await brake(engine, journal, order, mapped={}, known=("Scalper/∆ 2",), pace=QUICK)
    assert (first.confirmed, bot.on()) == (True, ())
    assert bot.service.requests["POST", "/api/strategies/Scalper/∆ 2/disable"] == 1
    assert (await brake(engine, journal, order, mapped={})).already_off, "what stands is known"
