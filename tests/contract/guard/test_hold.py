"""What was disabled stays so, whatever the engine lists at the moment; what a person released stays released."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.engine_levers import Mode
from tests.contract.brake.steps import ETH, let_go, pull
from tests.contract.guard.engines import Bot, running
from tradeops.adapters.engine.levers import EMERGENCY, EngineLevers, Switch
from tradeops.adapters.store import open_store
from tradeops.domain.brakes import Kind, Order
from tradeops.jobs.alerts import incidents
from tradeops.jobs.brake import telling
from tradeops.jobs.brake.pull import Pace
from tradeops.jobs.guard.guard import Guard
from tradeops.jobs.guard.guarding import open_guard
from tradeops.settings import Settings

ALL = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")
RSI = "RSI Strategy"


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as engine:
        yield engine


@pytest.fixture
async def guard(tmp_path: Path, bot: Bot) -> AsyncIterator[Guard]:
    settings = Settings(_env_file=None, RUST_API_URL=bot.service.url, TRADEOPS_HOME=tmp_path)
    async with open_guard(settings) as opened:
        assert opened is not None
        yield opened


async def looked(guard: Guard) -> None:
    await guard.hold.look_after()
    await guard.hold.settled()


def starts(bot: Bot, symbols: Sequence[str]) -> None:
    """Let the engine list these alone, all of them on, as after its start."""
    trading = bot.world.desk.trading
    any_one = trading.symbols["BTCUSDT"]
    trading.symbols = {one: replace(trading.symbols.get(one, any_one), enabled=True) for one in symbols}


def adds(bot: Bot, symbol: str) -> None:
    trading = bot.world.desk.trading
    trading.symbols = trading.symbols | {symbol: replace(trading.symbols["BTCUSDT"], enabled=True)}


@pytest.mark.parametrize(
    ("at_first", "later"),
    [
        pytest.param((*ALL, "DOGEUSDT"), {}, id="it was listed once"),
        pytest.param((*ALL, "DOGEUSDT"), {RSI: ("BTCUSDT",)}, id="it was listed once, and is not meant any longer"),
        pytest.param(ALL, {}, id="it never was"),
    ],
)
async def test_a_symbol_of_a_strategy_that_the_engine_does_not_list_for_a_while_is_held_all_the_same(
    at_first: Sequence[str], later: dict[str, tuple[str, ...]], guard: Guard, bot: Bot
) -> None:
    mapped = {RSI: ("BTCUSDT", "DOGEUSDT")}
    guard.hold.strategy_symbols = mapped
    starts(bot, at_first)
    guard.hold.pull(Order(RSI, "lost", "guard"))
    await guard.hold.settled()
    starts(bot, ALL)
    await looked(guard)
    assert bot.on() == ALL[1:], "the engine was started anew with what it starts with"
    guard.hold.strategy_symbols = mapped | later
    adds(bot, "DOGEUSDT")
    await looked(guard)
    assert bot.on() == ALL[1:]
    puts = bot.puts()
    await looked(guard)
    assert (bot.puts(), guard.hold._flipped) == (puts, {}), "what is off is left alone"
    assert guard.hold.journal.standing()[RSI].symbols == ("BTCUSDT", "DOGEUSDT")


async def test_what_is_released_while_the_guard_looks_stays_released(
    guard: Guard, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.levers.set(Mode(put="lies"))
    await pull(guard.eyes.engine, guard.hold.journal, pace=Pace(pauses=(timedelta(0),)))
    bot.levers.set(Mode())
    assert not guard.hold.journal.standing()[ETH].confirmed
    real = EngineLevers.switches

    async def seen_before(levers: EngineLevers, *, within: timedelta = EMERGENCY) -> dict[str, Switch]:
        there = await real(levers, within=within)
        monkeypatch.undo()
        await let_go(guard.eyes.engine, guard.hold.journal)
        return there

    monkeypatch.setattr(EngineLevers, "switches", seen_before)
    puts = bot.puts()
    await looked(guard)
    assert [record.kind for record in guard.hold.journal.records()][-1] is Kind.RELEASE
    assert (bot.on(), bot.puts(), guard.hold.trouble) == (ALL, puts, {})


async def test_what_was_judged_before_a_release_is_judged_anew(guard: Guard, bot: Bot) -> None:
    judged, order = guard.hold.releases(), Order(ETH, "lost", "guard")
    guard.hold.pull(order, judged_by=judged)
    await guard.hold.settled()
    await let_go(guard.eyes.engine, guard.hold.journal)
    guard.hold.pull(order, judged_by=judged)
    await guard.hold.settled()
    assert (bot.on(), guard.hold.journal.standing()) == (ALL, {})
    guard.hold.pull(order, judged_by=guard.hold.releases())
    await guard.hold.settled()
    assert "ETHUSDT" not in bot.on(), "it lost too much since"


async def test_an_alarm_that_was_told_after_the_release_does_not_stay_open(
    guard: Guard, bot: Bot, tmp_path: Path
) -> None:
    guard.hold.pull(Order(ETH, "lost", "guard"))
    await guard.hold.settled()
    await looked(guard)
    late = telling.looks(guard.hold.journal.standing()[ETH], at=datetime.now(UTC))
    await let_go(guard.eyes.engine, guard.hold.journal)
    for source, looks in late.items():
        guard.aside.tell(looks, source=source)
    await guard.aside.of_people.settled()
    async with open_store("sqlite", home=tmp_path) as store:
        assert [one.key for one in await incidents.open_incidents(store, now=datetime.now(UTC))] == [f"brake:{ETH}"]
        await looked(guard)
        await guard.aside.of_people.settled()
        assert await incidents.open_incidents(store, now=datetime.now(UTC)) == ()
    assert bot.on() == ALL
