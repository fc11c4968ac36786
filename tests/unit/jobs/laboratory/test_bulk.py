"""Many symbols at once: the good are analysed, the bad are named, the exchange is not overrun."""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
import respx

from tests.unit.jobs.moving_exchange import EXCHANGE, NOW, MovingExchange
from tradeops.domain.bulk.analysis import Call
from tradeops.domain.bulk.report import BulkReport
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.candles import EPOCH, CandleSeries
from tradeops.domain.health import Severity
from tradeops.errors import MisconfiguredError, RateLimitedError, RejectedError, TransientError
from tradeops.jobs.candles import BLOCK
from tradeops.jobs.exchange_weight import ExchangeWeight
from tradeops.jobs.laboratory import bulk, bulk_export
from tradeops.rendering.bulk import bulk_page
from tradeops.rendering.text import to_text
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

COINS = {f"C{n:02d}USDT": 1000.0 - n for n in range(8)}
BAN = httpx.Response(418, headers={"retry-after": "7"})
SLOW_DOWN = httpx.Response(429, headers={"retry-after": "3"})


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def exchange(wire: respx.MockRouter) -> MovingExchange:
    return MovingExchange(wire, **COINS)


@asynccontextmanager
async def desk(home: Path, exchange: str | None = EXCHANGE) -> AsyncGenerator[Desk]:
    values: dict[str, Any] = {
        "RUST_API_URL": "http://engine.test",
        "BINANCE_API_URL": exchange,
        "TRADEOPS_HOME": home,
        "TRADEOPS_STORE": "sqlite",
    }
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


class Pauses(list[float]):
    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


async def analysed(
    here: Desk, symbols: list[str] | None, *, pauses: Pauses | None = None, heard: list[tuple[int, int]] | None = None
) -> BulkReport:
    order, weight = bulk.checked(symbols, "1h"), ExchangeWeight(pause=Pauses() if pauses is None else pauses)
    chosen = await bulk.choose(here, order, weight)

    def told(done: int, total: int) -> None:
        if heard is not None:
            heard.append((done, total))

    gathered = await bulk.gather(here, order, chosen, weight, now=NOW, told=told)
    return bulk.made(order, gathered, run_id="run-1", started_at=NOW)


@pytest.mark.parametrize(
    ("symbols", "timeframe", "problem"),
    [
        pytest.param([], "1h", "an empty list of symbols", id="empty list"),
        pytest.param([f"A{n:04d}USDT" for n in range(1001)], "1h", "1,001 symbols; at most 1,000", id="1,001 symbols"),
        pytest.param(["?", "a b"], "1h", r"none of these is a symbol: \?, a b", id="no symbol among them"),
        pytest.param(None, "7h", "7h", id="unknown timeframe"),
        pytest.param(None, "1d", "1d has no longer timeframe", id="a timeframe that nothing confirms"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(
    symbols: list[str] | None, timeframe: str, problem: str
) -> None:
    with pytest.raises(RejectedError, match=problem):
        bulk.checked(symbols, timeframe)


def test_a_symbol_twice_counts_once_and_a_thousand_are_allowed() -> None:
    assert bulk.checked(["BTCUSDT", " btcusdt", "ETHUSDT"], "1h").symbols == ("BTCUSDT", "ETHUSDT")
    thousand = [f"A{n:04d}USDT" for n in range(1000)]
    assert len(bulk.checked(thousand + thousand, "1h").symbols or ()) == 1000


async def test_the_most_traded_are_chosen_where_none_are_named(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "USUAL_SYMBOLS", 3)
    exchange.symbols |= {"USDCUSDT": 9e9, "BTCEUR": 9e9, "DEADUSDT": 0.0, "TOPUSDT": 5e9}
    async with desk(tmp_path) as here:
        chosen = await bulk.choose(here, bulk.checked(None, "1h"), ExchangeWeight())
    assert chosen == ("TOPUSDT", "C00USDT", "C01USDT")


async def test_an_exchange_without_turnover_is_said_so(exchange: MovingExchange, tmp_path: Path) -> None:
    exchange.symbols = {"DEADUSDT": 0.0, "BTCEUR": 9e9}
    async with desk(tmp_path) as here:
        with pytest.raises(RejectedError, match="no symbol with a turnover in USDT; name `symbols`"):
            await analysed(here, None)


async def test_good_symbols_are_analysed_and_bad_ones_named(exchange: MovingExchange, tmp_path: Path) -> None:
    exchange.symbols |= {"GONEUSDT": 1.0, "DOWNUSDT": 1.0, "MUTEUSDT": 1.0}
    exchange.refusals["DOWNUSDT"] = [httpx.Response(503)]
    exchange.silent = {"MUTEUSDT"}
    heard: list[tuple[int, int]] = []
    async with desk(tmp_path) as here:
        report = await analysed(here, [*COINS, "NOPEUSDT", "DOWNUSDT", "MUTEUSDT", "b b", "C00USDT"], heard=heard)
        for _ in range(2):
            await bulk.record(here, report)
        [point] = await here.store.points(bulk.SERIES, since=EPOCH, until=NOW + timedelta(days=1))
    assert {one.symbol for one in report.analyses} == set(COINS)
    assert set(report.failed) == {"NOPEUSDT", "DOWNUSDT", "MUTEUSDT", "b b"}
    assert "Invalid symbol" in report.failed["NOPEUSDT"]
    assert "503" in report.failed["DOWNUSDT"]
    assert report.severity is Severity.DEGRADED
    assert [done for done, _ in heard] == list(range(1, 12))
    assert {total for _, total in heard} == {11}
    assert (point.body["symbols_analyzed"], point.body["symbols_failed"]) == (8, 4)
    results: Any = point.body["results"]
    order = [one["confidence"] for one in results.values() if "confidence" in one]
    assert order == sorted(order, reverse=True)
    assert set(results["NOPEUSDT"]) == {"error"}
    first = results[report.analyses[0].symbol]
    assert {"signal", "confidence", "price", "indicators"} <= set(first)
    assert {"rsi", "macd"} <= set(first["indicators"])


async def test_when_none_can_be_had_the_reason_decides_whether_to_wait(
    exchange: MovingExchange, tmp_path: Path
) -> None:
    async with desk(tmp_path) as here:
        with pytest.raises(RejectedError, match=r"no symbol could be analysed: A1USDT and 1 others: .*Invalid symbol"):
            await analysed(here, ["A1USDT", "A2USDT"])
        exchange.refusals["C00USDT"] = [httpx.Response(503)]
        with pytest.raises(TransientError):
            await analysed(here, ["C00USDT", "A2USDT"])


@pytest.mark.parametrize(("refusal", "seconds"), [(SLOW_DOWN, 3), (BAN, 7)], ids=["429", "418"])
async def test_a_pause_that_the_exchange_asks_for_is_kept(
    exchange: MovingExchange, tmp_path: Path, refusal: httpx.Response, seconds: float
) -> None:
    exchange.refusals["C00USDT"] = [refusal]
    pauses = Pauses()
    async with desk(tmp_path) as here:
        report = await analysed(here, list(COINS)[:2], pauses=pauses)
    assert len(report.analyses) == 2
    assert pauses[0] == seconds


async def test_nobody_asks_on_when_the_exchange_bans_us_for_hours(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    exchange.refusals["C01USDT"] = [httpx.Response(418, headers={"retry-after": "7200"})]
    async with desk(tmp_path) as here:
        report = await analysed(here, list(COINS))
    assert [one.symbol for one in report.analyses] == ["C00USDT"]
    assert len(report.failed) == 7
    assert set(exchange.asked) == {"C00USDT", "C01USDT"}


class Crowd:
    """Ten requests are in flight before the first of them is answered, with a refusal; the others come after it."""

    def __init__(self, wire: respx.MockRouter, exchange: MovingExchange, refusal: httpx.Response) -> None:
        self.exchange, self.refusal = exchange, refusal
        self.arrived: list[float] = []
        self.ten_in_flight, self.refused, self.over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.turns = 0
        self.weight = ExchangeWeight(clock=lambda: 5000.0 if self.over.is_set() else 0.0, pause=self.pause)
        wire.get(f"{EXCHANGE}/api/v3/klines").mock(side_effect=self.answer)

    async def pause(self, seconds: float) -> None:
        assert seconds == 5
        self.refused.set()
        await self.over.wait()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.arrived.append(5000.0 if self.over.is_set() else 0.0)
        place = len(self.arrived)
        if place == bulk.AT_ONCE:
            self.ten_in_flight.set()
        await self.ten_in_flight.wait()
        if place == 1:
            return self.refusal
        await self.refused.wait()
        return self.exchange.klines(request)

    async def gathered(self, here: Desk, told: bulk.Told = lambda _done, _of: None) -> bulk.Gathered:
        symbols = [f"D{n:02d}USDT" for n in range(12)]
        self.exchange.symbols = dict.fromkeys(symbols, 1.0)
        block = BLOCK * timedelta(hours=1)
        now = NOW - (NOW - EPOCH) % block - timedelta(hours=100)  # so that a history lies in two blocks
        async with asyncio.timeout(30):
            return await bulk.gather(here, bulk.checked(symbols, "1h"), symbols, self.weight, now=now, told=told)


async def test_ten_in_flight_stand_still_before_their_next_page_when_one_is_refused(
    wire: respx.MockRouter, exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd = Crowd(wire, exchange, httpx.Response(418, headers={"retry-after": "5"}))
    spend = ExchangeWeight.spend

    async def counted(self: ExchangeWeight, weight: int) -> None:
        crowd.turns += 1
        if crowd.turns == 10 + 9:  # nine of the first ten are at their second page, and nobody can go on
            asyncio.get_running_loop().call_later(0.05, crowd.over.set)
        await spend(self, weight)

    monkeypatch.setattr(ExchangeWeight, "spend", counted)
    async with desk(tmp_path) as here:
        gathered = await crowd.gathered(here)
    assert len(gathered.candles) == 12
    assert crowd.arrived.count(0.0) == 10
    assert len(crowd.arrived) == 2 * 12 + 1


async def test_ten_in_flight_ask_no_next_page_when_one_is_banned_for_hours(
    wire: respx.MockRouter, exchange: MovingExchange, tmp_path: Path
) -> None:
    crowd = Crowd(wire, exchange, httpx.Response(418, headers={"retry-after": "7200"}))
    async with desk(tmp_path) as here:
        with pytest.raises(RateLimitedError) as caught:
            await crowd.gathered(here, lambda _done, _of: crowd.refused.set())
    assert caught.value.retry_after == timedelta(hours=2)
    assert len(crowd.arrived) == 10


async def test_a_pause_before_the_most_traded_are_known_is_kept_too(
    wire: respx.MockRouter, exchange: MovingExchange, tmp_path: Path
) -> None:
    pauses = Pauses()
    answers = iter([BAN, SLOW_DOWN, httpx.Response(418, headers={"retry-after": "86"})])
    wire.get(f"{EXCHANGE}/api/v3/ticker/24hr").mock(side_effect=lambda _: next(answers))
    async with desk(tmp_path) as here:
        with pytest.raises(RateLimitedError):
            await bulk.choose(here, bulk.checked(None, "1h"), ExchangeWeight(clock=lambda: sum(pauses), pause=pauses))
    assert pauses == [7, 3]
    assert exchange.asked == []


def test_a_name_that_no_store_keeps_becomes_one_that_it_does() -> None:
    order = bulk.checked(["BTCUSDT", "$a.b", "\ud800", ""], "1h")
    assert set(order.failed) == {"?a?b", "?"}


async def test_no_more_than_ten_are_asked_for_at_once(
    tmp_path: Path, exchange: MovingExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    at_once, most = 0, 0

    async def slow(_desk: Desk, symbol: str, timeframe: str, *_: object, **__: object) -> CandleSeries:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.001)
        at_once -= 1
        return CandleSeries(symbol, timeframe, (), 0)

    monkeypatch.setattr(bulk, "closed_candles", slow)
    async with desk(tmp_path) as here:
        with pytest.raises(RejectedError, match="0 candles of 1h; an analysis takes 183"):
            await analysed(here, [f"A{n:04d}USDT" for n in range(150)])
    assert most == 10


async def test_a_symbol_that_hangs_is_given_up(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    real = bulk.closed_candles

    async def hangs(here: Desk, symbol: str, *rest: Any, **named: Any) -> CandleSeries:  # noqa: ANN401
        if symbol == "C00USDT":
            await asyncio.Event().wait()
        return await real(here, symbol, *rest, **named)

    monkeypatch.setattr(bulk, "closed_candles", hangs)
    monkeypatch.setattr(bulk, "ONE_SYMBOL", timedelta(seconds=2))
    async with desk(tmp_path) as here:
        report = await analysed(here, ["C00USDT", "C01USDT"])
    assert report.failed == {"C00USDT": "no candles within 2 s"}


async def test_candles_that_cannot_be_true_are_an_error_of_their_symbol(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    of = CandleColumns.of

    def impossible(series: CandleSeries) -> CandleColumns:
        if series.symbol == "C00USDT":
            raise ValueError("volume is negative")
        return of(series)

    monkeypatch.setattr(CandleColumns, "of", impossible)
    async with desk(tmp_path) as here:
        report = await analysed(here, ["C00USDT", "C01USDT"])
    assert report.failed == {"C00USDT": "the exchange's candles cannot be true: volume is negative"}


async def test_without_an_exchange_nothing_is_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, None) as here:
        with pytest.raises(MisconfiguredError, match="BINANCE_API_URL is not set"):
            await analysed(here, None)


async def test_the_page_names_each_symbol_and_each_failure(
    exchange: MovingExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    monkeypatch.setattr("tradeops.rendering.bulk.MOST_ROWS", 5)
    async with desk(tmp_path) as here:
        report = await analysed(here, [*COINS, "NOPEUSDT"])
        good = await analysed(here, list(COINS)[:1])
        lone = to_text(bulk_page(good, UTC))
    text = " ".join(to_text(bulk_page(report, UTC)).split())
    assert report.summary in text
    assert "Not analysed: 1" in text
    assert "3 more are in the store and in an export." in text
    assert "Correlation of returns" in text
    assert good.severity is Severity.HEALTHY
    assert "it takes two symbols that move" in " ".join(lone.split())
    assert good.count(Call.BUY) + good.count(Call.SELL) + good.count(Call.HOLD) == 1


@pytest.mark.parametrize("name", ["analysis.csv", "analysis.parquet"])
async def test_an_export_has_every_symbol_also_those_that_failed(
    exchange: MovingExchange, tmp_path: Path, name: str
) -> None:
    del exchange
    async with desk(tmp_path) as here:
        report = await analysed(here, [*COINS, "NOPEUSDT"])
    path = bulk_export.checked(name, tmp_path)
    assert path == tmp_path / "exports" / name
    for _ in range(2):
        bulk_export.write(report, path)
    read = pd.read_csv(path) if name.endswith("csv") else pd.read_parquet(path)
    assert read["symbol"].tolist() == [*(one.symbol for one in report.analyses), "NOPEUSDT"]
    assert "Invalid symbol" in read["error"].iloc[-1]
    assert read["confidence"].isna().tolist() == [False] * 8 + [True]
    assert [found.name for found in path.parent.iterdir()] == [name]


@pytest.mark.parametrize("name", ["../x.csv", "a/b.csv", "/etc/x.csv", ".x.csv"])
def test_a_run_writes_into_its_folder_alone(name: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="is no name of a file"):
        bulk_export.checked(name, tmp_path)


def test_no_name_exports_nothing_and_other_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bulk_export.checked("", tmp_path) is None
    with pytest.raises(RejectedError, match=r"neither \.csv nor \.parquet"):
        bulk_export.checked("x.xlsx", tmp_path)
    monkeypatch.setattr(bulk_export, "find_spec", lambda _: None)
    with pytest.raises(MisconfiguredError, match="needs pyarrow"):
        bulk_export.checked("x.parquet", tmp_path)


async def test_a_file_that_cannot_be_written_is_said_so(exchange: MovingExchange, tmp_path: Path) -> None:
    del exchange
    async with desk(tmp_path) as here:
        report = await analysed(here, list(COINS)[:1])
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(MisconfiguredError, match=r"x\.csv cannot be written"):
        bulk_export.write(report, tmp_path / "x.csv")
    assert [name for name in os.listdir(tmp_path) if ".csv" in name] == ["x.csv"]  # noqa: PTH208
