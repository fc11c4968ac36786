"""Backtests for somebody: refused before any work where they cannot be done, kept so that they repeat to the bit."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import respx

from tests.unit.jobs.moving_exchange import EXCHANGE, NOW, TODAY, MovingExchange, day
from tradeops.adapters.store import Point
from tradeops.domain.backtest.engine import DEFAULT_RULES
from tradeops.domain.backtest.report import BacktestReport
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.candles import EPOCH
from tradeops.errors import ContractError, RejectedError, TransientError
from tradeops.jobs.laboratory import backtest, backtest_records, kept_results
from tradeops.rendering.backtest import backtest_page, refused_page
from tradeops.rendering.page import Picture
from tradeops.rendering.text import to_text
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk


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


async def made(desk: Desk, *, run_id: str = "run-1", start: int = 60, end: int = 10, **order: Any) -> BacktestReport:  # noqa: ANN401 - of an order
    usual: dict[str, Any] = {"strategy_name": "rsi", "symbol": "BTCUSDT"}
    asked = backtest.checked(**(usual | order), start_date=day(start), end_date=day(end), now=NOW)
    return backtest.made(asked, await backtest.gather(desk, asked), run_id=run_id, started_at=NOW)


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        pytest.param({"strategy_name": "astrology"}, "no strategy 'astrology'", id="unknown strategy"),
        pytest.param({"start_date": day(5), "end_date": day(9)}, "lies before end_date", id="reversed dates"),
        pytest.param({"end_date": day(-2)}, "is in the future", id="future date"),
        pytest.param({"parameters": {"period": 1}}, "period lies between 2 and 50", id="out of bounds"),
        pytest.param({"parameters": {"sauce": 1}}, "no parameter 'sauce'", id="foreign parameter"),
        pytest.param({"symbol": "B T"}, "is no symbol", id="no symbol"),
        pytest.param({"random_seed": -1}, "random_seed", id="negative seed"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(order: dict[str, Any], problem: str) -> None:
    usual = {"strategy_name": "rsi", "symbol": "BTCUSDT", "start_date": day(30), "end_date": day(1)}
    with pytest.raises(RejectedError, match=problem):
        backtest.checked(**(usual | order), now=NOW)


async def test_an_unknown_symbol_is_refused_by_the_exchange(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        with pytest.raises(RejectedError, match="Invalid symbol"):
            await made(here, symbol="NOPEUSDT")


async def test_too_little_warm_up_is_refused_with_the_day_from_which_it_works(
    exchange: MovingExchange, tmp_path: Path
) -> None:
    exchange.since_days = 62
    async with desk(tmp_path) as here:
        with pytest.raises(RejectedError, match=r"needs 79 candles before .* there are 48.*begin on") as refused:
            await made(here)
        assert day(58) in str(refused.value)
        assert (await made(here, start=58)).result.warm_up_candles == 96


async def test_a_window_without_candles_is_refused(exchange: MovingExchange, tmp_path: Path) -> None:
    exchange.since_days = 5
    async with desk(tmp_path) as here:
        with pytest.raises(RejectedError, match="BTCUSDT has no 1h candles from"):
            await made(here)


async def test_what_is_wrong_with_the_candles_is_told(exchange: MovingExchange, tmp_path: Path) -> None:
    exchange.silent = {"BTCUSDT"}
    exchange.since_days = 70
    async with desk(tmp_path) as here:
        report = await made(here)
    assert "only 240 candles come before the window, 632 make the first signals exact" in report.remarks
    assert "nothing was traded in the whole window: its volume is zero" in report.remarks


async def test_missing_candles_are_told(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = exchange.rows
    monkeypatch.setattr(exchange, "rows", lambda *asked: [r for r in whole(*asked) if r[0] // 3_600_000 % 50])
    async with desk(tmp_path) as here:
        report = await made(here)
    assert any(
        remark.endswith("of 1,200 candles of the window do not exist; they are not made up")
        for remark in report.remarks
    )
    assert any("lie in gaps" in remark for remark in report.remarks)


async def test_candles_that_cannot_be_true_are_refused(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange

    def impossible(_: object) -> None:
        raise ValueError("volume is negative")

    monkeypatch.setattr(CandleColumns, "of", impossible)
    async with desk(tmp_path) as here:
        with pytest.raises(RejectedError, match="cannot be true: volume is negative"):
            await made(here)


async def test_a_kept_backtest_repeats_to_the_bit(exchange: MovingExchange, tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        report = await made(here, parameters={"period": 9}, random_seed=7)
        for _ in range(2):
            await backtest_records.record(here, report)
        kept = await backtest_records.found(here.store, "run-1")
        asked = len(exchange.asked)
        again = await backtest_records.repeated(here, kept)
    assert again.differences == ()
    assert again.report.result.fingerprint == report.result.fingerprint == kept["fingerprint"]
    assert len(exchange.asked) == asked
    assert kept["total_trades"] == len(report.result.trades) > 20
    assert kept["parameters_used"]["period"] == 9
    assert kept["random_seed"] == 7


async def test_other_candles_are_told_apart_from_another_result(exchange: MovingExchange, tmp_path: Path) -> None:
    async with desk(tmp_path / "one") as here:
        await backtest_records.record(here, await made(here))
        kept = dict(await backtest_records.found(here.store, "run-1"))
    exchange.seed = 5
    async with desk(tmp_path / "two") as here:
        again = await backtest_records.repeated(here, kept)
    assert again.differences == ("the exchange tells other candles now than it did then",)
    exchange.seed = 0
    async with desk(tmp_path / "three") as here:
        other = await backtest_records.repeated(here, kept | {"fingerprint": "x"})
        older = await backtest_records.repeated(here, kept | {"strategy_version": "0"})
    assert other.differences[0].startswith("the same candles and rules give another result")
    assert older.differences == ("the rules of RSI Strategy are version 1 now, then they were version 0",)


async def test_a_damaged_record_breaks_the_contract(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        with pytest.raises(ContractError, match="the kept backtest cannot be read"):
            await backtest_records.repeated(here, {"run_id": "x"})


async def test_all_trades_are_kept_in_pieces(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    monkeypatch.setattr(backtest_records, "TRADES_A_POINT", 20)
    async with desk(tmp_path) as here:
        report = await made(here)
        await backtest_records.record(here, report)
        pieces = await here.store.points(backtest_records.TRADES, since=EPOCH, until=NOW + timedelta(days=1))
    kept = [profit for piece in pieces for profit in piece.body["pnl_usd"]]  # type: ignore[union-attr]
    assert kept == report.result.trades.pnl_usd.tolist()
    assert len(pieces) > 1


async def test_a_result_is_found_by_the_beginning_of_its_id(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        report = await made(here)
        for name in ("abc-1", "abc-2", "xyz-1"):
            await backtest_records.record(here, replace(report, run_id=name))
        assert (await backtest_records.found(here.store, "xyz"))["run_id"] == "xyz-1"
        assert (await backtest_records.found(here.store, "abc-1"))["run_id"] == "abc-1"
        assert [one["run_id"] for one in await backtest_records.newest(here.store, limit=2)] != []
        with pytest.raises(RejectedError, match="more than one backtest begins with 'abc'"):
            await backtest_records.found(here.store, "abc")
        with pytest.raises(RejectedError, match="there is no backtest 'nope'"):
            await backtest_records.found(here.store, "nope")


async def test_old_results_are_found_behind_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_results, "PAGE", 2)
    async with desk(tmp_path) as here:
        for n in range(5):
            point = Point(f"id-{n}", TODAY - timedelta(days=n), {"run_id": f"id-{n}"})
            await here.store.add_point(backtest_records.SERIES, point)
        assert (await backtest_records.found(here.store, "id-4"))["run_id"] == "id-4"


async def test_the_record_has_what_the_contract_names(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        fields = backtest_records.as_fields(await made(here))
    named = """strategy symbol period total_trades winning_trades losing_trades win_rate total_return sharpe_ratio
    max_drawdown profit_factor avg_trade_duration_hours parameters_used
    status run_id started_at finished_at data_as_of"""
    assert set(named.split()) <= set(fields)
    assert fields["winning_trades"] + fields["losing_trades"] <= fields["total_trades"]  # type: ignore[operator]
    assert fields["unknown"] == {
        "calmar_ratio": "fewer than 90 days are not annualized",
        "annualized_return": "fewer than 90 days are not annualized",
    }


async def test_no_trades_are_zero_trades_and_ratios_that_are_not_known(
    exchange: MovingExchange, tmp_path: Path
) -> None:
    del exchange
    never = {"oversold": 5, "overbought": 95, "extreme_oversold": 1, "extreme_overbought": 99, "period": 50}
    async with desk(tmp_path) as here:
        asked = backtest.checked("rsi", "BTCUSDT", day(20), day(10), never, now=NOW)
        rules = replace(DEFAULT_RULES, least_confidence=0.8)
        report = backtest.made(asked, await backtest.gather(here, asked), run_id="r", started_at=NOW, rules=rules)
    fields = backtest_records.as_fields(report)
    assert fields["total_trades"] == 0
    assert fields["win_rate"] is fields["profit_factor"] is fields["sharpe_ratio"] is None
    assert "nothing was traded" in to_text(backtest_page(report, UTC))


async def test_the_page_shows_figures_pictures_and_the_first_trades(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    monkeypatch.setattr("tradeops.rendering.backtest.MOST_ROWS", 10)
    async with desk(tmp_path) as here:
        report = await made(here)
    page = backtest_page(report, UTC, ["Made again: the same to the bit."])
    text = to_text(page)
    count = report.result.figures.total_trades
    assert page.title.startswith("Backtest: RSI Strategy on BTCUSDT: return ")
    assert f"The first 10 of {count} trades; all are in the store." in text
    assert "Made again: the same to the bit." in text
    assert f"seed 0, {report.result.warm_up_candles} candles of" in " ".join(text.split())
    pictures = [block for block in page.blocks if isinstance(block, Picture)]
    assert [len(picture.data) < 37_000 for picture in pictures] == [True, True]
    assert np.isclose(report.result.equity.equity_usd[0], 10_000)
    assert refused_page("Backtest", "why").severity is not None


async def test_an_exchange_that_is_down_can_be_waited_for(exchange: MovingExchange, tmp_path: Path) -> None:
    exchange.refusals["BTCUSDT"] = [httpx.Response(503)]
    async with desk(tmp_path) as here:
        with pytest.raises(TransientError):
            await made(here)
        assert (await made(here)).result.figures.total_trades
