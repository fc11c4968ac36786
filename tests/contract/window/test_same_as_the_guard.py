"""The guard and the dashboard over one archive and one engine: the same streaks, and the same day."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.contract.guard.engines import Bot, running
from tradeops.adapters.store import open_store
from tradeops.dashboard.reading import open_for_reading
from tradeops.domain.brake_targets import PORTFOLIO
from tradeops.domain.day_start import midnight_of
from tradeops.domain.losses import Losses, losses
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side
from tradeops.domain.window.overview import Overview
from tradeops.domain.window.values import Range
from tradeops.jobs.guard.guard import Guard
from tradeops.jobs.guard.guarding import open_guard
from tradeops.jobs.reports import equity, trades
from tradeops.jobs.window import Sources, Window
from tradeops.settings import Settings
from tradeops.wiring import open_quick_engine

ONE, MINUTE, DAY = Decimal(1), timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    """One whose positions and prices stand still, so that two looks see the same."""
    async with running() as engine:
        engine.world.trader.running = False
        engine.world.book.positions.clear()
        yield engine


def settings(home: Path, bot: Bot) -> Settings:
    return Settings.model_validate({"RUST_API_URL": bot.service.url, "TRADEOPS_HOME": home})


@asynccontextmanager
async def guarding(home: Path, bot: Bot) -> AsyncIterator[Guard]:
    async with open_guard(settings(home, bot)) as guard:
        assert guard is not None
        yield guard
        await guard.hold.settled()


async def judged(guard: Guard) -> dict[str, Losses]:
    """What the guard judges by, once all of it is in the store."""
    await guard.poll()
    await guard.aside.of_store.settled()
    facts = guard._facts(await guard.eyes.look(), datetime.now(UTC))
    return losses(facts, guard.terms.limits.symbols_of, zone=guard.terms.limits.zone)


async def shown(home: Path, bot: Bot) -> Overview:
    """What a dashboard that begins now shows when it has read everything."""
    chosen = settings(home, bot)
    async with (
        open_for_reading(chosen) as store,
        open_quick_engine(chosen) as engine,
        Window(Sources(chosen, store, engine)).open() as window,
        asyncio.timeout(60),
    ):
        while not window._histories.streaks.is_whole:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        return await window.overview(Range.DAY)


def trade(name: str, symbol: str, pnl: int, at: datetime, strategy: str | None = None) -> ClosedTrade:
    return ClosedTrade(name, symbol, Side.LONG, ONE, ONE, ONE, 1, Decimal(pnl), at - MINUTE, at, strategy=strategy)


async def test_streaks_of_a_long_history_are_those_that_the_guard_counts(tmp_path: Path, bot: Bot) -> None:
    now = datetime.now(UTC)
    kept = [trade(f"b{n}", "BTCUSDT", 1 if n % 2 else -1, now - n * 2 * MINUTE, "macd") for n in range(1, 1400)]
    kept += [trade(f"d{n}", "DOGEUSDT", -1, now - (3 + n) * DAY) for n in range(10)]
    kept += [trade(f"x{n}", "XRPUSDT", -1, now - (300 + n) * DAY, "rsi") for n in range(7)]
    kept += [trade("won", "XRPUSDT", 1, now - 400 * DAY, "rsi")]
    async with open_store("sqlite", home=tmp_path) as store:
        await trades.keep(store, tuple(kept))
    async with guarding(tmp_path, bot) as guard:
        counted = await judged(guard)
        lines = {line.target: line.losses for line in (await shown(tmp_path, bot)).brakes.content or ()}
    assert {target: used.says for target, used in lines.items()} == {
        target: f"{len(lost.in_a_row)} lost in a row, the limit is 10" for target, lost in counted.items()
    }
    assert lines["symbol:DOGEUSDT"].percent.value == 100.0
    assert lines["symbol:XRPUSDT"].says == "7 lost in a row, the limit is 10"


@pytest.mark.parametrize("label", ["observed", "reconstructed"])
async def test_the_days_profit_is_what_the_limits_count_whatever_is_paid_in_or_reset(
    tmp_path: Path, bot: Bot, label: str
) -> None:
    if label == "observed":
        async with open_store("sqlite", home=tmp_path) as store:
            await equity.observe(store, Decimal(20_000), at=midnight_of(datetime.now(UTC)), marks={})
    async with guarding(tmp_path, bot) as guard:

        async def both() -> tuple[Decimal, Decimal | None, str]:
            today, seen = (await judged(guard))[PORTFOLIO].today, await shown(tmp_path, bot)
            assert not isinstance(today, str)
            assert today.label == label
            assert seen.money.content is not None
            assert seen.brakes.content is not None
            line = next(one for one in seen.brakes.content if one.target == PORTFOLIO)
            return -today.usd, seen.money.content.day_pnl.value, line.daily_loss.says

        await both()
        bot.lose("ETHUSDT", 200)
        lost, figure, says = await both()
        assert figure == lost
        bot.world.book.balance += 5000
        paid = await both()
        assert paid[:2] == (lost, figure)
        assert label == "reconstructed" or paid[2] == says, "the base of a day that nobody saw begin has deposits in it"
        bot.world.reset_portfolio(10_000)
        bot.lose("BTCUSDT", 50)
        anew, after, _ = await both()
        assert after == anew
        assert float(anew - lost) == pytest.approx(-50, abs=1)
