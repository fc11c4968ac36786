"""A release gives back what is nobody else's, and stays a release whatever brake is at work beside it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.engine_levers import Mode
from tests.contract.brake.steps import ETH, let_go, pull, seen_by_a_person
from tests.contract.guard.engines import Bot
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.engine.levers import EMERGENCY, EngineLevers, Switch
from tradeops.domain.brakes import Kind, Record
from tradeops.errors import RejectedError, UnavailableError
from tradeops.jobs.brake import releases, telling
from tradeops.jobs.brake.journal import TURN, Journal
from tradeops.jobs.brake.pull import PACE, Pace

ALL = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")
HOUR, AT_ONCE = timedelta(hours=1), timedelta(0)


@dataclass
class Gate:
    """Where a PUT stands still, before it is sent, until it may go on.

    Attributes:
        on: which PUTs: those that switch on, or those that switch off.
    """

    on: bool = False
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate, real = Gate(), EngineLevers.put_switches

    async def put(levers: EngineLevers, switches: Iterable[Switch], *, within: timedelta = EMERGENCY) -> None:
        wanted = list(switches)
        if any(one.enabled is gate.on for one in wanted):
            gate.reached.set()
            await gate.opened.wait()
        await real(levers, wanted, within=within)

    monkeypatch.setattr(EngineLevers, "put_switches", put)
    return gate


def kinds(journal: Journal) -> list[Kind]:
    return [record.kind for record in journal.records()]


@pytest.mark.parametrize("first", [ETH, "portfolio"])
async def test_a_release_gives_back_what_the_brake_took_and_what_another_holds_comes_with_the_release_of_that(
    first: str, bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.switch("BTCUSDT", on=False)
    await pull(engine, journal)
    await pull(engine, journal, "portfolio")
    released = await let_go(engine, journal, first)
    if first == ETH:
        assert (released.enabled, released.held, bot.on()) == ((), {"ETHUSDT": "portfolio"}, ())
        released = await let_go(engine, journal, "portfolio")
        assert released.enabled == ("BNBUSDT", "SOLUSDT", "ETHUSDT")
    else:
        assert (released.held, bot.on()) == ({}, ("BNBUSDT", "SOLUSDT"))
        released = await let_go(engine, journal)
    assert (released.problem, released.held, journal.standing()) == ("", {}, {})
    assert bot.on() == ALL[1:], "a person has switched BTCUSDT off before"


@pytest.mark.parametrize("holder", ["portfolio", "MACD Strategy", "RSI Strategy"])
async def test_what_holds_a_symbol_without_having_seen_it_yet_holds_it_and_gives_it_back(
    holder: str, bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    mapped = {"MACD Strategy": ("ETHUSDT",)}
    await pull(engine, journal)
    journal.append(Record(Kind.INTENT, holder, "i-1", datetime.now(UTC), {"reason": "the engine is silent"}))
    released = await let_go(engine, journal, mapped=mapped)
    assert (released.held, "ETHUSDT" in bot.on()) == ({"ETHUSDT": holder}, False)
    released = await let_go(engine, journal, holder, mapped=mapped)
    assert (released.enabled, bot.on()) == (("ETHUSDT",), ALL)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"operator": " "}, "needs a person and a reason"),
        ({"reason": ""}, "needs a person and a reason"),
        ({"target": "portfolio"}, "portfolio is not switched off"),
        ({"target": "moon"}, "no strategy 'moon'"),
        ({"cool_off": HOUR}, "less than 1 h"),
    ],
)
async def test_a_release_without_person_reason_or_patience_is_refused(
    engine: EngineClient, journal: Journal, change: dict[str, object], says: str
) -> None:
    await pull(engine, journal)
    usual = {"target": ETH, "reason": "looked at it", "operator": "ann", "cool_off": timedelta(0)}
    given = {**usual, **change, "mapped": {}, "now": datetime.now(UTC)}
    with pytest.raises(RejectedError, match=says):
        releases.check(journal, **given)  # type: ignore[arg-type]
    assert journal.standing()


async def test_what_was_released_and_switched_off_anew_while_somebody_typed_stays_off(
    bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    await pull(engine, journal)
    seen = seen_by_a_person(journal)
    await let_go(engine, journal)
    await pull(engine, journal)
    with pytest.raises(RejectedError, match="was released meanwhile"):
        await let_go(engine, journal, seen=seen)
    assert "ETHUSDT" not in bot.on()
    assert ETH in journal.standing()


@pytest.mark.parametrize("in_turn", [True, False], ids=["in its turn", "that did not wait for its turn"])
async def test_a_release_waits_for_a_brake_at_work_or_is_refused_and_changes_nothing(
    in_turn: bool, bot: Bot, engine: EngineClient, journal: Journal, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def crowded(_: Journal, target: str, **__: object) -> AsyncIterator[bool]:
        yield in_turn or target != ETH

    monkeypatch.setattr(Journal, "lock", crowded)
    pulling = asyncio.create_task(pull(engine, journal))
    await gate.reached.wait()
    with pytest.raises(UnavailableError, match=f"nothing was released: a brake of {ETH} is at work; try again"):
        await let_go(engine, journal, patience=AT_ONCE)
    assert ETH in journal.standing()
    releasing = asyncio.create_task(let_go(engine, journal))
    gate.opened.set()
    outcome, released = await asyncio.gather(pulling, releasing)
    assert (outcome.confirmed, outcome.released, released.enabled) == (True, False, ("ETHUSDT",))
    assert (bot.on(), journal.standing()) == (ALL, {})
    assert kinds(journal) == [Kind.INTENT, Kind.PLAN, Kind.RESULT, Kind.RELEASE]
    assert telling.looks(telling.standing_after(outcome, journal), at=datetime.now(UTC)) == {}, "the release tells"


async def test_two_releases_at_once_are_one_after_the_other(
    bot: Bot, engine: EngineClient, journal: Journal, gate: Gate
) -> None:
    gate.opened.set()
    await pull(engine, journal)
    await pull(engine, journal, "portfolio")
    gate.on = True
    gate.reached.clear()
    gate.opened.clear()
    first = asyncio.create_task(let_go(engine, journal, "portfolio"))
    await gate.reached.wait()
    with pytest.raises(UnavailableError, match="another release is at work"):
        await let_go(engine, journal, patience=AT_ONCE)
    second = asyncio.create_task(let_go(engine, journal))
    gate.opened.set()
    await asyncio.gather(first, second)
    assert (bot.on(), journal.standing()) == (ALL, {})


async def test_a_new_brake_waits_for_the_few_calls_of_a_release_and_is_another_incident(
    bot: Bot, engine: EngineClient, journal: Journal, gate: Gate
) -> None:
    gate.opened.set()
    before = await pull(engine, journal)
    gate.on = True
    gate.opened.clear()
    gate.reached.clear()
    releasing = asyncio.create_task(let_go(engine, journal))
    await gate.reached.wait()
    pulling = asyncio.create_task(pull(engine, journal))
    gate.opened.set()
    released, outcome = await asyncio.gather(releasing, pulling)
    assert (released.enabled, outcome.confirmed) == (("ETHUSDT",), True)
    assert outcome.incident_id != before.incident_id
    assert bot.on() == tuple(symbol for symbol in ALL if symbol != "ETHUSDT")
    assert journal.standing()[ETH].switched_off == ("ETHUSDT",)


def test_no_brake_loses_patience_with_a_release_and_no_release_with_a_brake() -> None:
    assert 3 * EMERGENCY < TURN
    assert PACE.whole < releases.PATIENCE


@pytest.mark.parametrize("state", ["not confirmed", "flipped back"])
async def test_what_is_braked_again_after_its_release_is_left_alone(
    state: str, bot: Bot, engine: EngineClient, journal: Journal
) -> None:
    bot.levers.set(Mode(put="lies") if state == "not confirmed" else Mode())
    await pull(engine, journal, pace=Pace(pauses=(AT_ONCE,)))
    bot.levers.set(Mode())
    seen = journal.standing()[ETH]
    await let_go(engine, journal)
    written, puts = journal.records(), bot.puts()
    again = await pull(engine, journal, again=seen.incident_id)
    assert (again.released, again.confirmed, again.incident_id) == (True, False, seen.incident_id)
    assert (journal.records(), bot.puts(), bot.on()) == (written, puts, ALL)
    assert telling.looks(telling.standing_after(again, journal), at=datetime.now(UTC)) == {}
    assert (await pull(engine, journal)).confirmed, "a new order is another matter"
    other = await pull(engine, journal, again=seen.incident_id)
    assert other.released, "what stands now is not what was meant"


async def test_a_release_that_is_learnt_of_in_the_middle_ends_the_brake(
    bot: Bot, engine: EngineClient, journal: Journal, gate: Gate
) -> None:
    bot.levers.set(Mode(put="lies"))
    pulling = asyncio.create_task(pull(engine, journal))
    await gate.reached.wait()
    elsewhere = {"reason": "released elsewhere"}  # as `records.replay` writes it, under the name of the other machine
    journal.append(Record(Kind.RELEASE, ETH, "another name", datetime.now(UTC), elsewhere))
    gate.opened.set()
    outcome = await pulling
    assert (outcome.released, outcome.confirmed, bot.puts()) == (True, False, 1)
    assert "was asked to switch it off before that was known" in outcome.problem
    assert kinds(journal) == [Kind.INTENT, Kind.PLAN, Kind.RELEASE]
    assert telling.looks(telling.standing_after(outcome, journal), at=datetime.now(UTC)) == {}


async def test_a_brake_that_left_no_trace_is_not_taken_for_released(
    bot: Bot, engine: EngineClient, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = await pull(engine, Journal(tmp_path / "file" / "home"), again="brake:symbol:ETHUSDT@1")
    assert (outcome.confirmed, outcome.released, "ETHUSDT" in bot.on()) == (True, False, False)
