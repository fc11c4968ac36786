"""The sandbox's exchange obeys its contract sheet: pages of strings, ascending, the last one unfinished."""

from itertools import pairwise
from typing import Any

import httpx
import pytest

from sandbox import exchange
from sandbox.market import MINUTE_MS
from sandbox.world import World
from tests.sandbox.worlds import EngineCaller, clock_at

HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
KLINES, TICKER = "/api/v3/klines", "/api/v3/ticker/24hr"
STARTED = clock_at().ms


@pytest.fixture(scope="module")
def world() -> World:
    return World.build(seed=7, now_ms=clock_at())


async def ask(world: World, path: str, **query: object) -> httpx.Response:
    transport = httpx.ASGITransport(exchange.build_app(world))
    async with httpx.AsyncClient(transport=transport, base_url="http://exchange") as client:
        return await client.get(path, params={name: str(value) for name, value in query.items()})


async def klines(world: World, **query: object) -> list[list[Any]]:
    answer = await ask(world, KLINES, **{"symbol": "BTCUSDT", "interval": "1h"} | query)
    assert answer.status_code == 200
    rows: list[list[Any]] = answer.json()
    return rows


@pytest.mark.parametrize("path", [KLINES, "/fapi/v1/klines"])
async def test_a_kline_has_twelve_parts_of_the_sheets_types(world: World, path: str) -> None:
    rows = (await ask(world, path, symbol="BTCUSDT", interval="15m")).json()
    assert len(rows) == 500
    types = [int, str, str, str, str, str, int, str, int, str, str, str]
    assert all([type(part) for part in row] == types for row in rows)
    for opened, *texts, closes, quote, trades, taker_base, taker_quote, nothing in rows:
        first, high, low, last, volume = map(float, texts)
        assert low <= min(first, last) <= max(first, last) <= high
        assert closes == opened + 15 * MINUTE_MS - 1
        assert low * volume <= float(quote) <= high * volume
        assert 0 < float(taker_base) < volume
        assert 0 < float(taker_quote) < float(quote)
        assert trades > 0
        assert nothing == "0"


async def test_klines_ascend_to_the_unfinished_one(world: World) -> None:
    rows = await klines(world, limit=50)
    assert all(b[0] - a[0] == HOUR_MS for a, b in pairwise(rows))
    assert rows[-1][0] <= STARTED <= rows[-1][6]
    assert rows[-2][6] < STARTED


@pytest.mark.parametrize("limit", [1, 999, 1000])
async def test_a_page_has_as_many_as_were_asked_for(world: World, limit: int) -> None:
    assert len(await klines(world, limit=limit)) == limit


async def test_a_page_has_at_most_a_thousand(world: World) -> None:
    assert await klines(world, limit=5000) == await klines(world, limit=1000)


async def test_pages_by_the_last_open_time_and_one_make_the_whole(world: World) -> None:
    start = STARTED - 60 * DAY_MS
    pages, cursor = [], start
    while page := await klines(world, startTime=cursor, endTime=STARTED, limit=700):
        pages += page
        cursor = page[-1][0] + 1
    assert len(pages) == 60 * 24
    assert all(b[0] - a[0] == HOUR_MS for a, b in pairwise(pages))
    assert pages[-1000:] == await klines(world, limit=1000)


async def test_start_and_end_are_both_included(world: World) -> None:
    start = STARTED // HOUR_MS * HOUR_MS - 10 * HOUR_MS
    rows = await klines(world, startTime=start, endTime=start + 3 * HOUR_MS)
    assert [row[0] for row in rows] == [start + hours * HOUR_MS for hours in range(4)]


async def test_without_a_start_the_newest_up_to_the_end_come(world: World) -> None:
    end = STARTED // HOUR_MS * HOUR_MS - 10 * HOUR_MS
    assert [row[0] for row in await klines(world, endTime=end, limit=3)] == [end - 2 * HOUR_MS, end - HOUR_MS, end]


async def test_before_the_history_the_first_ones_that_exist_come(world: World) -> None:
    rows = await klines(world, startTime=0, limit=2)
    assert rows[0][0] == world.market.first_ms


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"startTime": STARTED + HOUR_MS}, id="the future"),
        pytest.param({"endTime": 0}, id="before all history"),
        pytest.param({"startTime": STARTED, "endTime": STARTED - 9 * HOUR_MS}, id="a reversed period"),
    ],
)
async def test_where_nothing_is_the_page_is_empty(world: World, query: dict[str, int]) -> None:
    assert await klines(world, **query) == []


@pytest.mark.parametrize("interval", ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"])
async def test_every_interval_has_its_own_length(world: World, interval: str) -> None:
    amount, unit = int(interval[:-1]), {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}[interval[-1]]
    rows = await klines(world, interval=interval, limit=3)
    assert [row[6] - row[0] + 1 for row in rows] == [amount * unit] * 3
    assert rows[0][0] % (amount * unit) == 0


@pytest.mark.parametrize(
    ("path", "query", "code", "words"),
    [
        pytest.param(KLINES, {"symbol": "NOPEUSDT", "interval": "1h"}, -1121, "Invalid symbol.", id="symbol"),
        pytest.param(KLINES, {"symbol": "btcusdt", "interval": "1h"}, -1121, "Invalid symbol.", id="small letters"),
        pytest.param(KLINES, {"symbol": "BTCUSDT", "interval": "7h"}, -1120, "Invalid interval.", id="interval"),
        pytest.param(KLINES, {"interval": "1h"}, -1102, "Mandatory parameter 'symbol'", id="no symbol"),
        pytest.param(KLINES, {"symbol": "BTCUSDT"}, -1102, "Mandatory parameter 'interval'", id="no interval"),
        pytest.param(KLINES, {"symbol": "BTCUSDT", "interval": "1h", "limit": 0}, -1130, "'limit'", id="limit 0"),
        pytest.param(KLINES, {"symbol": "BTCUSDT", "interval": "1h", "limit": "x"}, -1100, "'limit'", id="limit x"),
        pytest.param(
            KLINES, {"symbol": "BTCUSDT", "interval": "1h", "startTime": -1}, -1100, "'startTime'", id="start"
        ),
        pytest.param(TICKER, {"symbol": "NOPEUSDT"}, -1121, "Invalid symbol.", id="ticker of an unknown symbol"),
    ],
)
async def test_what_makes_no_sense_is_a_400_with_code_and_message(
    world: World, path: str, query: dict[str, object], code: int, words: str
) -> None:
    answer = await ask(world, path, **query)
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "msg"}
    assert answer.json()["code"] == code
    assert words in answer.json()["msg"]


async def test_the_ticker_is_the_last_24_hours_of_the_minutes(world: World) -> None:
    ticker = (await ask(world, TICKER, symbol="ETHUSDT")).json()
    minutes = (await ask(world, KLINES, symbol="ETHUSDT", interval="1m", limit=1000)).json()
    earlier = (await ask(world, KLINES, symbol="ETHUSDT", interval="1m", limit=441, endTime=minutes[0][0] - 1)).json()
    day = earlier + minutes
    first, last = float(day[0][1]), float(day[-1][4])
    assert ticker["symbol"] == "ETHUSDT"
    assert float(ticker["openPrice"]) == first
    assert float(ticker["lastPrice"]) == last
    assert float(ticker["priceChange"]) == pytest.approx(last - first)
    assert float(ticker["priceChangePercent"]) == pytest.approx((last / first - 1) * 100, abs=0.0005)
    assert float(ticker["highPrice"]) == pytest.approx(max(float(row[2]) for row in day), rel=1e-3)
    assert float(ticker["lowPrice"]) == pytest.approx(min(float(row[3]) for row in day), rel=1e-3)
    assert float(ticker["volume"]) == pytest.approx(sum(float(row[5]) for row in day[:-1]))
    assert float(ticker["quoteVolume"]) == pytest.approx(sum(float(row[7]) for row in day[:-1]))
    average = float(ticker["quoteVolume"]) / float(ticker["volume"])
    assert float(ticker["weightedAvgPrice"]) == pytest.approx(average)
    assert ticker["closeTime"] - ticker["openTime"] == DAY_MS
    numbers = {name for name, value in ticker.items() if isinstance(value, int)}
    assert numbers == {"openTime", "closeTime", "firstId", "lastId", "count"}


async def test_without_a_symbol_all_tickers_come(world: World) -> None:
    tickers = (await ask(world, TICKER)).json()
    assert len(tickers) >= 50
    assert [ticker["symbol"] for ticker in tickers] == list(world.market.symbols)
    assert all(
        float(ticker["lowPrice"]) <= float(ticker["lastPrice"]) <= float(ticker["highPrice"]) for ticker in tickers
    )


async def test_the_engine_and_the_exchange_show_the_same_price(world: World) -> None:
    prices = await EngineCaller(world).data("/api/market/prices")
    for symbol, price in prices.items():
        ticker = (await ask(world, TICKER, symbol=symbol)).json()
        newest = await klines(world, symbol=symbol, limit=1)
        assert float(ticker["lastPrice"]) == float(newest[0][4]) == price
