"""Optimisations for somebody: refused before any work where they cannot be done, and repeatable to the bit."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.unit.domain.optimise.searches import HOURS, days_with_an_edge
from tests.unit.jobs.moving_exchange import EXCHANGE, NOW, MovingExchange, day
from tradeops.domain.backtest.orders import BacktestOrder
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.optimise.judgement import Verdict
from tradeops.domain.optimise.report import OptimisationReport
from tradeops.domain.optimise.space import Space
from tradeops.domain.performance import Window
from tradeops.errors import ContractError, RejectedError, TransientError
from tradeops.jobs.laboratory import optimise, optimise_records
from tradeops.jobs.laboratory.backtest import Gathered
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

STARTED = optimise.Started("run-1", NOW)


def nobody(_done: int, _total: int) -> None:
    """Nobody listens."""


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def exchange(wire: respx.MockRouter) -> MovingExchange:
    return MovingExchange(wire)


@asynccontextmanager
async def desk(home: Path) -> AsyncGenerator[Desk]:
    values: dict[str, Any] = {
        "RUST_API_URL": "http://engine.test",
        "BINANCE_API_URL": EXCHANGE,
        "TRADEOPS_HOME": home,
        "TRADEOPS_STORE": "sqlite",
    }
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


def asked(**order: Any) -> optimise.SearchOrder:  # noqa: ANN401 - of an order
    usual: dict[str, Any] = {"strategy_name": "rsi", "symbol": "BTCUSDT", "start_date": day(85), "end_date": day(1)}
    return optimise.checked(**(usual | {"parameter_variations": 20} | order), now=NOW)


async def made(desk: Desk, **order: Any) -> OptimisationReport:  # noqa: ANN401 - of an order
    ordered = asked(**order)
    return await optimise.made(ordered, await optimise.gather(desk, ordered), started=STARTED, told=nobody)


def planted(days: int = 120, edge: float = 0.0006) -> tuple[optimise.SearchOrder, Gathered]:
    """An order of a strategy with an edge, and its candles."""
    columns: CandleColumns = days_with_an_edge(days, edge)
    window = Window(columns.time(0), columns.time(0) + timedelta(days=days))
    order = BacktestOrder(HOURS, "BTCUSDT", window, HOURS.resolved(), 0)
    return optimise.SearchOrder(order, Space.of(HOURS, {}), 60), Gathered(columns, 0, (), NOW)


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        pytest.param({"parameter_variations": 0}, "from 10 to 500, not 0", id="no variations"),
        pytest.param({"parameter_variations": 9}, "from 10 to 500, not 9", id="9 variations"),
        pytest.param({"parameter_variations": 501}, "from 10 to 500, not 501", id="501 variations"),
        pytest.param({"strategy_name": "astrology"}, "no strategy 'astrology'", id="unknown strategy"),
        pytest.param({"start_date": day(5), "end_date": day(9)}, "lies before end_date", id="reversed dates"),
        pytest.param({"end_date": day(-2)}, "is in the future", id="future date"),
        pytest.param({"start_date": day(40)}, "39 days are too few .* it takes 49", id="too short"),
        pytest.param({"parameters": {"period": 1}}, "period lies between 2 and 50", id="out of bounds"),
        pytest.param({"parameters": {"sauce": 1}}, "no parameter 'sauce'", id="foreign parameter"),
        pytest.param({"symbol": "B T"}, "is no symbol", id="no symbol"),
        pytest.param({"random_seed": -1}, "random_seed", id="negative seed"),
        pytest.param(
            {"parameters": {"oversold": 5, "extreme_oversold": 40}},
            "nothing goes together with oversold 5.0, extreme_oversold 40.0: extreme_oversold is at most oversold",
            id="given values that conflict",
        ),
        pytest.param(
            {
                "parameters": {
                    "period": 9,
                    "oversold": 30,
                    "overbought": 70,
                    "extreme_oversold": 20,
                    "extreme_overbought": 80,
                }
            },
            "nothing is left to vary",
            id="all given",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(order: dict[str, Any], problem: str) -> None:
    with pytest.raises(RejectedError, match=problem):
        asked(**order)


@pytest.mark.parametrize("variations", [10, 500])
def test_both_ends_of_the_range_are_taken(variations: int) -> None:
    assert asked(parameter_variations=variations).variations == variations


def test_candles_are_wanted_for_the_point_that_looks_back_furthest() -> None:
    assert asked().widest.parameters["period"] == 50
    assert asked(parameters={"period": 7}).widest.parameters["period"] == 7
    macd = asked(strategy_name="macd").widest.parameters
    assert (macd["slow"], macd["signal"]) == (100, 30)
    with_conflict = asked(parameters={"oversold": 10}).widest.parameters  # the bot's extreme_oversold is 20
    assert float(with_conflict["extreme_oversold"]) <= 10
    assert with_conflict["period"] == 50


async def test_a_search_on_candles_of_the_exchange_is_kept_and_repeats_to_the_bit(
    exchange: MovingExchange, tmp_path: Path
) -> None:
    async with desk(tmp_path) as here:
        report = await made(here, random_seed=3)
        for _ in range(2):
            await optimise_records.record(here, report)
        assert len(await optimise_records.newest(here.store)) == 1
        kept = await optimise_records.found(here.store, "run")
        requests = len(exchange.asked)
        again = await optimise_records.repeated(here, kept, told=nobody)
    assert again.differences == ()
    fields, other = (optimise_records.as_fields(one) for one in (report, again.report))
    moments = ("finished_at", "data_as_of")
    assert {n: v for n, v in fields.items() if n not in moments} == {n: v for n, v in other.items() if n not in moments}
    assert len(exchange.asked) == requests
    assert kept["random_seed"] == 3
    assert kept["total_variations_tested"] == 20
    assert report.candles == 84 * 24


async def test_another_seed_is_another_search(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        one, other = await made(here, random_seed=1), await made(here, random_seed=2)
    assert one.fingerprint != other.fingerprint


async def test_the_record_has_what_the_contract_names(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        fields = optimise_records.as_fields(await made(here))
    named = """strategy symbol total_variations_tested best_parameters best_performance top_10_results
    status run_id started_at finished_at data_as_of strategy_version data_hash random_seed"""
    assert set(named.split()) <= set(fields)
    json.dumps(fields, allow_nan=False)
    top = fields["top_10_results"]
    assert isinstance(top, list)
    for one in top:
        for part in ("in_sample", "out_of_sample"):
            assert {"win_rate", "total_return", "sharpe_ratio", "max_drawdown"} <= set(one[part])


async def test_a_planted_edge_is_found_through_the_whole_job() -> None:
    order, gathered = planted()
    told: list[int] = []
    free = BacktestRules(fee_percent=0, slippage_percent=0, funding_percent=0, least_confidence=0)
    report = await optimise.made(
        order, gathered, started=STARTED, told=lambda done, _: told.append(done), rules=replace(free, leverage=1)
    )
    assert report.judgement.verdict is Verdict.BETTER
    assert told == list(range(1, 61))
    fields = optimise_records.as_fields(report)
    assert fields["status"] == "success"
    best = fields["best_performance"]
    assert isinstance(best, dict)
    assert best["out_of_sample"]["sharpe_ratio"] > 3
    assert fields["verdict"] == "better than luck explains"
    assert "is Verdict" not in report.summary
    assert report.summary.startswith("Hours Strategy on BTCUSDT: best of 60 has a Sharpe ratio of ")
    assert report.dates(report.windows.first.outside)[1] == gathered.candles.time(len(gathered.candles) - 1).date()


async def test_candles_of_too_few_days_are_refused() -> None:
    order, gathered = planted()
    short = replace(gathered, candles=gathered.candles.first(30 * 24))
    with pytest.raises(RejectedError, match=r"30 days are too few.*ask for a longer period"):
        await optimise.made(order, short, started=STARTED, told=nobody)


async def test_nothing_to_rank_is_insufficient_data() -> None:
    order, gathered = planted(days=49)  # a trade a day, and 26 days in sample
    rules = BacktestRules(stop_loss_percent=None, take_profit_percent=None, shorts=False)
    report = await optimise.made(order, gathered, started=STARTED, told=nobody, rules=rules)
    fields = optimise_records.as_fields(report)
    assert (fields["status"], fields["best_parameters"], fields["best_performance"]) == (
        "insufficient_data",
        None,
        None,
    )
    assert report.summary == (
        "Hours Strategy on BTCUSDT: nothing to rank, no variation made 30 trades both in and out of sample"
    )


async def test_a_search_that_is_cancelled_ends_its_thread() -> None:
    order, gathered = planted()
    seen: list[int] = []
    begun, loop = asyncio.Event(), asyncio.get_running_loop()

    def slowly(done: int, _: int) -> None:
        seen.append(done)
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.02)

    work = asyncio.create_task(optimise.made(order, gathered, started=STARTED, told=slowly))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    count = -1
    async with asyncio.timeout(20):
        while count != len(seen):
            count = len(seen)
            await asyncio.sleep(0.3)
    assert count < 60


async def test_the_event_loop_goes_on_while_it_searches() -> None:
    order, gathered = planted()
    beats = 0
    work = asyncio.create_task(optimise.made(order, gathered, started=STARTED, told=lambda *_: time.sleep(0.005)))
    while not work.done():
        beats += 1
        await asyncio.sleep(0.005)
    assert beats > 10


async def test_other_candles_are_told_apart_from_another_result(exchange: MovingExchange, tmp_path: Path) -> None:
    async with desk(tmp_path / "one") as here:
        await optimise_records.record(here, await made(here))
        kept = dict(await optimise_records.found(here.store, "run-1"))
        other = await optimise_records.repeated(here, kept | {"fingerprint": "x"}, told=nobody)
        older = await optimise_records.repeated(here, kept | {"strategy_version": "0"}, told=nobody)
    exchange.seed = 5
    async with desk(tmp_path / "two") as here:
        moved = await optimise_records.repeated(here, kept, told=nobody)
    assert moved.differences == ("the exchange tells other candles now than it did then",)
    assert other.differences[0].startswith("the same candles and rules give another result")
    assert older.differences == ("the rules of the strategy are version 1 now, they were version 0",)


async def test_a_damaged_record_breaks_the_contract(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        with pytest.raises(ContractError, match="the kept optimisation cannot be read"):
            await optimise_records.repeated(here, {"run_id": "x"}, told=nobody)


async def test_a_result_is_found_by_the_beginning_of_its_id(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        report = await made(here, parameter_variations=10)
        for name in ("abc", "abc-2", "xyz-1"):
            await optimise_records.record(here, replace(report, run_id=name))
        assert (await optimise_records.found(here.store, "xyz"))["run_id"] == "xyz-1"
        assert (await optimise_records.found(here.store, "abc"))["run_id"] == "abc"
        with pytest.raises(RejectedError, match="more than one optimisation begins with 'ab'"):
            await optimise_records.found(here.store, "ab")
        with pytest.raises(RejectedError, match="there is no optimisation 'nope'"):
            await optimise_records.found(here.store, "nope")


async def test_an_exchange_that_is_down_can_be_waited_for(exchange: MovingExchange, tmp_path: Path) -> None:
    exchange.refusals["BTCUSDT"] = [httpx.Response(503)]
    async with desk(tmp_path) as here:
        with pytest.raises(TransientError):
            await made(here)
        assert (await made(here)).tried.count


async def test_the_bot_is_never_asked_or_told_anything(
    exchange: MovingExchange, wire: respx.MockRouter, tmp_path: Path
) -> None:
    del exchange
    bot = wire.route(host="engine.test").respond(200, json={})
    async with desk(tmp_path) as here:
        await optimise_records.record(here, await made(here))
    assert not bot.called


def test_times_are_aware() -> None:
    assert asked().widest.window.since.tzinfo is UTC
