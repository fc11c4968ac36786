"""What the guard sees of a real engine, and how little it asks for it."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from sandbox.faults import Kind
from tests.contract.guard.engines import ACCOUNT, Bot, client_of, running
from tradeops.errors import ContractError, TradeOpsError, UnavailableError
from tradeops.jobs.guard.sight import Eyes


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as engine:
        yield engine


@pytest.fixture
async def eyes(bot: Bot) -> AsyncIterator[Eyes]:
    async with client_of(bot) as engine:
        yield Eyes(engine)


async def test_the_list_of_closed_trades_is_read_again_only_when_a_trade_has_closed(bot: Bot, eyes: Eyes) -> None:
    first = await eyes.look()
    for _ in range(3):
        await eyes.look()
    assert bot.asked_for_trades() == 1
    bot.lose("ETHUSDT", 100)
    after = await eyes.look()
    assert bot.asked_for_trades() == 2
    assert len(after.history.trades) == len(first.history.trades) + 1
    assert first.new_trades == first.history.trades
    assert after.new_trades == after.history.trades[-1:]
    assert first.equity is not None
    assert after.equity is not None
    assert first.equity - after.equity == pytest.approx(Decimal(100), abs=Decimal(15))  # open ones go with the market


async def test_a_position_that_is_opened_is_seen_without_the_list(bot: Bot, eyes: Eyes) -> None:
    bot.world.book.positions.clear()
    before = await eyes.look()
    bot.lose("ETHUSDT", 300, opened=True)
    sight = await eyes.look()
    [position] = [one for one in sight.open_trades if one.symbol == "ETHUSDT"]  # the bot goes on trading the others
    assert position.unrealised_pnl == pytest.approx(Decimal(-300), abs=Decimal(15))  # its mark goes with the market
    another_was_closed = sight.history.trades != before.history.trades
    assert bot.asked_for_trades() == 1 + another_was_closed


async def test_what_the_engine_forgets_is_still_known(bot: Bot, eyes: Eyes) -> None:
    before = await eyes.look()
    bot.world.reset_portfolio(10_000.0)
    after = await eyes.look()
    assert after.account.value.balance == 10_000
    assert after.history.trades == before.history.trades
    assert not after.history.listed


async def test_what_the_archive_remembers_is_known_from_the_next_look_on(bot: Bot, eyes: Eyes) -> None:
    old = (await eyes.look()).history.trades
    bot.world.reset_portfolio(10_000.0)
    new_eyes = Eyes(eyes.engine)
    assert (await new_eyes.look()).history.trades == ()
    new_eyes.remember(old)
    assert (await new_eyes.look()).history.trades == old


async def test_a_trade_that_closes_between_two_answers_is_counted_once(bot: Bot, eyes: Eyes) -> None:
    await eyes.look()
    [symbol, *_] = bot.world.book.positions
    held = bot.world.book.positions[symbol]
    bot.world.trader.close(symbol, bot.world.now_ms())
    bot.world.book.positions[symbol] = held  # the list of open trades as it was a moment before
    sight = await eyes.look()
    assert held.id in sight.history.listed
    assert held.id not in {trade.id for trade in sight.open_trades}


@pytest.mark.parametrize(
    ("kind", "path", "error"),
    [
        pytest.param(Kind.ERROR, "*/portfolio", TradeOpsError, id="the account is an error"),
        pytest.param(Kind.RESET, "*/trades/open", UnavailableError, id="the open trades are cut off"),
        pytest.param(Kind.ERROR, "*/trades/closed", TradeOpsError, id="the closed trades are an error"),
    ],
)
async def test_a_look_is_whole_or_not_at_all(
    kind: Kind, path: str, error: type[Exception], bot: Bot, eyes: Eyes
) -> None:
    bot.break_off(path, kind)
    with pytest.raises(error):
        await eyes.look()
    bot.faults.clear()
    assert (await eyes.look()).history.trades


async def test_records_that_cannot_be_true_are_told_at_each_look(bot: Bot, eyes: Eyes) -> None:
    bot.world.book.closed[0].position.quantity = -1.0
    for _ in range(2):
        [rejected] = (await eyes.look()).rejected
        assert "quantity" in rejected.problem


@pytest.mark.parametrize("number", ["NaN", "null", "-Infinity", '"12"'], ids=str)
async def test_an_account_without_a_number_is_no_account(number: str, bot: Bot, eyes: Eyes) -> None:
    figures = json.dumps(bot.world.book.figures() | {"equity": "number"}).replace('"number"', number)
    bot.answer(ACCOUNT, f'{{"success": true, "data": {figures}, "error": null}}')
    with pytest.raises(ContractError, match="equity"):
        await eyes.look()
