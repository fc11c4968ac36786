"""The guard against a real engine: what makes it brake, what does not, and what it holds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from sandbox.engine_levers import Mode
from sandbox.faults import Kind
from tests.contract.guard.engines import ACCOUNT, Bot, running
from tests.contract.notify.sinks import HttpSink, http_sink
from tests.contract.servers.misbehaving import answer, hang
from tradeops.adapters.store import Point, open_store
from tradeops.domain.brakes import Kind as Written
from tradeops.domain.brakes import Order, Record
from tradeops.domain.day_start import Worth, midnight_of
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side
from tradeops.domain.trade_history import united
from tradeops.jobs.alerts import incidents
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import Outcome
from tradeops.jobs.guard.guard import Guard
from tradeops.jobs.guard.guarding import open_guard
from tradeops.jobs.reports import equity, trades
from tradeops.settings import Settings
from tradeops.wiring import open_quick_engine

OPEN = "/api/paper-trading/trades/open"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as engine:
        yield engine


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink(answer(b"", status="202 Accepted")) as taking:
        yield taking


def settings(home: Path, bot: Bot, sink: HttpSink, **more: object) -> Settings:
    hook = {"TRADEOPS_WEBHOOK_URL": f"{sink.url}/hook", "TRADEOPS_WEBHOOK_SECRET": "hush"}
    values = {"RUST_API_URL": bot.service.url, "TRADEOPS_HOME": home, "TRADEOPS_STARTUP_GRACE_SECONDS": 0, **hook}
    return Settings(_env_file=None, **(values | more))


@asynccontextmanager
async def guarding(home: Path, bot: Bot, sink: HttpSink, **more: object) -> AsyncIterator[Guard]:
    async with open_guard(settings(home, bot, sink, **more)) as guard:
        assert guard is not None
        yield guard
        async with asyncio.timeout(20):
            await guard.hold.settled()
            await asyncio.gather(guard.aside.of_store.settled(), guard.aside.of_people.settled())


async def polled(guard: Guard, times: int = 1) -> None:
    for _ in range(times):
        await guard.poll()
        await guard.hold.settled()


def told(sink: HttpSink) -> list[str]:
    return [json.loads(post.body)["title"] for post in sink.posts]


async def opened(home: Path) -> list[str]:
    async with open_store("sqlite", home=home) as store:
        return [one.key for one in await incidents.open_incidents(store, now=datetime.now(UTC))]


async def test_a_good_day_changes_nothing(tmp_path: Path, bot: Bot, sink: HttpSink) -> None:
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard, 3)
        assert guard.verdict is not None
        assert (guard.verdict.breaches, guard.verdict.unknown) == ((), ())
    assert bot.on() == SYMBOLS
    assert told(sink) == []


async def test_a_tenth_of_the_account_lost_by_several_switches_everything_off_once(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    bot.crash()
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard, 3)
        assert bot.on() == ()
        assert set(guard.hold.journal.standing()) == {"portfolio"}
    assert await opened(tmp_path) == ["brake:portfolio"]
    assert told(sink) == ["brake:portfolio is critical"]
    assert bot.puts() == 1


async def test_the_loss_of_one_symbol_switches_that_one_off_before_the_account_is_in_danger(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        for _ in range(11):
            bot.lose("ETHUSDT", 20)
            bot.win("BTCUSDT")
        await polled(guard, 2)
        assert set(guard.hold.journal.standing()) == {"symbol:ETHUSDT"}
    assert bot.on() == ("BTCUSDT", "BNBUSDT", "SOLUSDT")


async def test_open_losses_count(tmp_path: Path, bot: Bot, sink: HttpSink) -> None:
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)  # the day begins before, even at midnight
        bot.lose_share("ETHUSDT", 14, opened=True)
        await polled(guard)
        assert "ETHUSDT" not in bot.on()
    assert "ETHUSDT" in bot.world.book.positions, "open positions stay open"


async def test_a_symbol_that_is_enabled_again_is_switched_off_again_and_told_once_for_each_time(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    bot.crash()
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        for _ in range(2):
            bot.switch("BTCUSDT", on=True)
            await polled(guard, 3)
            assert bot.on() == ()
            await guard.aside.of_people.settled()
    assert told(sink).count("brake-flipped:portfolio is critical") == 2
    assert told(sink).count("brake:portfolio is critical") == 1


async def test_an_engine_that_lies_is_not_believed_told_once_and_tried_again_until_it_obeys(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    bot.crash()
    bot.levers.set(Mode(put="lies"))
    async with guarding(tmp_path, bot, sink) as guard:
        guard.hold.first_pause = timedelta(0)
        await polled(guard)
        assert bot.on() == SYMBOLS
        await guard.aside.of_people.settled()
        assert told(sink) == ["brake-unconfirmed:portfolio is critical"]
        bot.levers.set(Mode())
        await polled(guard)
        assert bot.on() == ()
    titles = told(sink)
    assert titles.count("brake-unconfirmed:portfolio is critical") == 1
    assert titles.count("brake:portfolio is critical") == 1
    assert await opened(tmp_path) == ["brake:portfolio"]


async def test_another_symbol_is_braked_while_the_engine_lies_about_the_first(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    async with guarding(tmp_path, bot, sink) as guard:
        bot.levers.set(Mode(put="lies"))
        guard.hold.pull(Order("symbol:ETHUSDT", "lost", "guard"))
        await asyncio.sleep(0.3)
        bot.levers.set(Mode())
        guard.hold.pull(Order("symbol:SOLUSDT", "lost", "guard"))
        async with asyncio.timeout(10):
            while "SOLUSDT" in bot.on():  # noqa: ASYNC110 - the engine has no event to wait for
                await asyncio.sleep(0.02)
        await guard.hold.settled()
    assert bot.on() == ("BTCUSDT", "BNBUSDT")


async def test_twenty_triggers_at_once_are_one_effect_one_incident_one_alert(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    bot.crash()
    ours = settings(tmp_path, bot, sink)
    order = Order("portfolio", "lost too much", "somebody")

    async def by_hand() -> Outcome:
        async with open_quick_engine(ours) as engine:
            assert engine is not None
            return await brake(engine, Journal(tmp_path), order, mapped={})

    async with guarding(tmp_path, bot, sink) as guard:
        outcomes = await asyncio.gather(*(by_hand() for _ in range(19)), polled(guard))
        done = [one for one in outcomes if one is not None]
        assert all(one.confirmed for one in done)
        assert len({one.incident_id for one in done}) == 1
        await polled(guard)
    assert (bot.on(), bot.puts()) == ((), 1)
    async with open_store("sqlite", home=tmp_path) as store:
        since, until = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
        kinds = [event.kind for event in await store.events(since=since, until=until)]
    assert kinds.count("strategy_disable_ordered") == kinds.count("strategy_disabled") == 1
    assert told(sink) == ["brake:portfolio is critical"]


async def test_channels_and_a_prefect_that_hang_delay_nothing(tmp_path: Path, bot: Bot) -> None:
    bot.crash()
    async with http_sink(hang) as mute, AsyncExitStack() as stack:
        guard = await stack.enter_async_context(
            open_guard(settings(tmp_path, bot, mute, PREFECT_API_URL=f"{mute.url}/api"))
        )
        assert guard is not None
        began = asyncio.get_running_loop().time()
        await polled(guard)
        assert bot.on() == ()
        assert asyncio.get_running_loop().time() - began < 5  # Prefect has five seconds, a channel ten
        async with asyncio.timeout(10):
            while not {"/hook", "/api/events"} <= {post.path for post in mute.posts}:  # noqa: ASYNC110 - a sink has no event
                await asyncio.sleep(0.02)
        [event] = [json.loads(post.body)[0] for post in mute.posts if post.path == "/api/events"][:1]
    assert event["event"] == "tradeops.strategy.loss-limit-breached"
    assert event["resource"]["prefect.resource.id"] == "tradeops.strategy.portfolio"
    assert (event["payload"]["strategy"], event["payload"]["loss"]["limit_percent"]) == ("portfolio", "10")


async def test_what_a_person_releases_is_let_go(tmp_path: Path, bot: Bot, sink: HttpSink) -> None:
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)  # the day begins before, even at midnight
        bot.crash()
        await polled(guard)
        standing = guard.hold.journal.standing()["portfolio"]
        now, body = datetime.now(UTC), {"reason": "seen to", "operator": "me"}
        guard.hold.journal.append(Record(Written.RELEASE, "portfolio", standing.incident_id, now, body))
        for symbol in SYMBOLS:
            bot.switch(symbol, on=True)
        await polled(guard, 2)
        assert bot.on() == SYMBOLS
        assert not guard.hold.journal.standing()


async def test_a_restart_of_the_engine_that_enables_everything_is_answered(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    bot.crash()
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        bot.world.restart_engine()
        assert bot.on() == SYMBOLS
        await polled(guard)
        assert bot.on() == ()


async def test_an_engine_that_cannot_be_reached_is_a_matter_of_health_and_disables_nothing(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    async with guarding(
        tmp_path, bot, sink, TRADEOPS_GUARD_BLIND_SECONDS=0.001, TRADEOPS_DISABLE_WHEN_UNKNOWN=True
    ) as guard:
        await polled(guard)
        bot.service.refuse()
        later = datetime.now(UTC)
        for minutes in range(5):
            guard.clock = lambda at=later + timedelta(minutes=minutes): at  # type: ignore[misc]
            await polled(guard)
        await bot.service.open()
        guard.clock = lambda: datetime.now(UTC)
        await polled(guard)
        assert not guard.hold.journal.standing()
    assert bot.on() == SYMBOLS
    assert told(sink) == ["engine is critical"]


async def test_ten_seconds_of_restart_are_no_incident(tmp_path: Path, bot: Bot, sink: HttpSink) -> None:
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        bot.service.refuse()
        await polled(guard, 2)
        await bot.service.open()
        await polled(guard)
    assert (told(sink), bot.on()) == ([], SYMBOLS)


UNKNOWN = [
    pytest.param('{"success": true, "data": {"current_balance": 1}, "error": null}', id="fields are missing"),
    pytest.param('{"success": false, "data": null, "error": "not now"}', id="refused inside a 200"),
    pytest.param("NaN", id="equity is NaN"),
]


@pytest.mark.parametrize("words", UNKNOWN)
@pytest.mark.parametrize("disables", [False, True], ids=["told alone", "disables by setting"])
async def test_figures_that_are_not_known_are_told_at_once_and_disable_only_by_setting_after_two_minutes(
    words: str, disables: bool, tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    if words == "NaN":
        figures = json.dumps(bot.world.book.figures() | {"equity": "number"}).replace('"number"', "NaN")
        words = f'{{"success": true, "data": {figures}, "error": null}}'
    async with guarding(tmp_path, bot, sink, TRADEOPS_DISABLE_WHEN_UNKNOWN=disables) as guard:
        bot.answer(ACCOUNT, words)
        began = datetime.now(UTC)
        guard.clock = lambda: began
        await polled(guard)
        await guard.aside.of_people.settled()
        assert told(sink) == ["guard:figures is critical"]
        guard.clock = lambda: began + timedelta(seconds=119)
        await polled(guard)
        assert bot.on() == SYMBOLS
        guard.clock = lambda: began + timedelta(seconds=121)
        await polled(guard)
        assert bot.on() == (() if disables else SYMBOLS)
        bot.answer(ACCOUNT, None)
        guard.clock = lambda: began + timedelta(seconds=130)
        await polled(guard)
    assert any("guard:figures recovered" in title for title in told(sink))


async def test_an_engine_whose_clock_stands_still_is_stale(tmp_path: Path, bot: Bot, sink: HttpSink) -> None:
    stood = datetime.now(UTC)
    figures = json.dumps(bot.world.book.figures())
    frozen = f'{{"success": true, "data": {figures}, "error": null, "timestamp": "{stood:%Y-%m-%dT%H:%M:%SZ}"}}'
    bot.answer(ACCOUNT, frozen)
    async with guarding(tmp_path, bot, sink) as guard:
        for seconds, unknown in ((0, False), (60, False), (61, True)):
            guard.clock = lambda at=stood + timedelta(seconds=seconds): at  # type: ignore[misc]
            await polled(guard)
            assert guard.verdict is not None
            assert bool(guard.verdict.unknown) is unknown
    assert told(sink) == ["guard:figures is critical"]
    assert bot.on() == SYMBOLS


async def test_an_engine_that_has_lost_its_prices_is_told_though_its_clock_goes_on(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    began = datetime.now(UTC)
    async with guarding(tmp_path, bot, sink) as guard, httpx.AsyncClient() as client:
        bot.answer(OPEN, (await client.get(bot.service.url + OPEN)).text)
        for seconds, unknown in ((0, False), (600, False), (601, True)):
            guard.clock = lambda at=began + timedelta(seconds=seconds): at  # type: ignore[misc]
            await polled(guard)
            assert guard.verdict is not None
            assert bool(guard.verdict.unknown) is unknown
        bot.answer(OPEN, None)
        await polled(guard)
        assert guard.verdict.unknown == ()
    assert told(sink)[0] == "guard:figures is critical"
    assert bot.on() == SYMBOLS


async def test_equity_is_kept_each_minute_and_at_the_beginning_of_the_day(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    midnight = midnight_of(datetime.now(UTC)) + timedelta(days=1)
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        assert guard.day is not None
        sight = await guard.eyes.look()
        for seconds in (2, 7, 62):
            guard.clock = lambda at=midnight + timedelta(seconds=seconds): at  # type: ignore[misc]
            guard.eyes = _Still(replace(sight, at=guard.clock()))  # type: ignore[assignment]
            await polled(guard)
        assert (guard.day.day, guard.day.label) == (midnight.date(), "observed")
        assert guard.day.equity == sight.equity
        assert set(guard.day.unrealised or {}) == {trade.id for trade in sight.open_trades}
    async with open_store("sqlite", home=tmp_path) as store:
        assert (await equity.observed_near(store, midnight))[midnight] == sight.equity
        kept = await store.points(equity.MINUTES, since=midnight, until=midnight + timedelta(hours=1))
        assert [point.timestamp - midnight for point in kept] == [timedelta(seconds=2), timedelta(seconds=62)]
        assert len(await trades.archive(store)) == len(sight.history.trades)


async def test_a_position_that_closed_while_nobody_looked_lost_yesterday_what_it_had_lost_by_then(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    midnight = midnight_of(datetime.now(UTC)) + timedelta(days=1)
    bot.lose_share("ETHUSDT", 12, opened=True)
    async with guarding(tmp_path, bot, sink) as guard:
        sight = replace(await guard.eyes.look(), at=midnight - timedelta(minutes=8))
    [lost] = [trade for trade in sight.open_trades if trade.symbol == "ETHUSDT"]
    assert lost.unrealised_pnl is not None
    ended = ClosedTrade(
        lost.id, lost.symbol, lost.side, lost.entry_price, lost.entry_price, lost.quantity, lost.leverage,
        lost.unrealised_pnl, lost.opened_at, midnight + timedelta(minutes=4),
    )  # fmt: skip
    history = united((*sight.history.trades, ended), {})
    others = tuple(trade for trade in sight.open_trades if trade is not lost)
    later = replace(sight, at=midnight + timedelta(minutes=9), open_trades=others, history=history)
    starts = []
    for sights in ((sight, later), (later,)):  # the second guard knows of the first look by the store
        async with guarding(tmp_path, bot, sink) as guard:
            guard.clock = lambda: later.at
            await guard.remember(await guard.aside.store())
            for one in sights:
                guard.clock = lambda at=one.at: at  # type: ignore[misc]
                guard.eyes = _Still(one)  # type: ignore[assignment]
                await polled(guard)
            starts.append(guard.day)
            assert guard.verdict is not None
            assert guard.verdict.breaches == ()
    assert starts[0] == starts[1]
    assert starts[0] is not None
    assert (starts[0].equity, starts[0].label) == (sight.equity, "reconstructed")


class _Still:
    def __init__(self, sight: object) -> None:
        self._sight = sight

    async def look(self) -> object:
        return self._sight


async def test_a_guard_that_begins_anew_knows_the_beginning_of_the_day_and_what_the_engine_forgot(
    tmp_path: Path, bot: Bot, sink: HttpSink
) -> None:
    midnight = midnight_of(datetime.now(UTC))
    async with open_store("sqlite", home=tmp_path) as store:
        await equity.observe_minute(store, Worth(midnight, Decimal(50_000), {"gone": Decimal(1)}))
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        known = len((await guard.eyes.look()).history.trades)
    bot.world.reset_portfolio(10_000.0)
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        assert guard.day is not None
        assert (guard.day.equity, guard.day.observed) == (Decimal(50_000), True)
        assert len((await guard.eyes.look()).history.trades) == known
    assert bot.on() == SYMBOLS


async def test_a_store_that_comes_later_is_remembered_later(tmp_path: Path, bot: Bot, sink: HttpSink) -> None:
    in_the_way = tmp_path / "tradeops.sqlite"
    in_the_way.mkdir()
    async with guarding(tmp_path, bot, sink) as guard:
        guard.aside.of_store.pauses = (timedelta(milliseconds=10), timedelta(milliseconds=20))
        guard.clock = lambda: datetime.now(UTC) + timedelta(days=2)  # of that midnight nobody has seen anything
        await polled(guard)
        assert guard.day is not None
        assert guard.day.label == "reconstructed"
        in_the_way.rmdir()
        async with asyncio.timeout(10):
            await guard.aside.of_store.settled()
    async with open_store("sqlite", home=tmp_path) as store:
        assert len(await trades.archive(store)) > 100


async def test_a_damaged_record_keeps_no_guard_from_standing(
    tmp_path: Path, bot: Bot, sink: HttpSink, caplog: pytest.LogCaptureFixture
) -> None:
    now, one = datetime.now(UTC), Decimal(1)
    good = ClosedTrade(
        "t-2", "ETHUSDT", Side.LONG, one, one, one, 1, one, now - timedelta(days=9), now - timedelta(days=8)
    )
    async with open_store("sqlite", home=tmp_path) as store:
        await store.add_point("trades", Point("t-1", now, {"id": "t-1"}))
        await trades.keep(store, (good,))
        near = midnight_of(now) + timedelta(minutes=1)
        await store.add_point(equity.MINUTES, Point(near.isoformat(), near, {"equity_usd": "much"}))
    async with guarding(tmp_path, bot, sink) as guard:
        await polled(guard)
        assert guard.verdict is not None
        assert "t-2" in {trade.id for trade in (await guard.eyes.look()).history.trades}
    assert "left out: store: record t-1 of trades cannot be read" in caplog.text
    assert f"left out: store: record {near.isoformat()} of equity_minutes cannot be read" in caplog.text


async def test_a_hanging_engine_is_given_up_in_seconds(tmp_path: Path, bot: Bot, sink: HttpSink) -> None:
    async with guarding(tmp_path, bot, sink) as guard:
        bot.break_off("*/portfolio", Kind.HANG)
        began = asyncio.get_running_loop().time()
        await polled(guard)
        assert asyncio.get_running_loop().time() - began < 10
        bot.faults.clear()
        await polled(guard)
        assert guard.verdict is not None


async def test_without_an_engine_there_is_no_guard(tmp_path: Path) -> None:
    async with open_guard(Settings(_env_file=None, TRADEOPS_HOME=tmp_path)) as guard:
        assert guard is None
