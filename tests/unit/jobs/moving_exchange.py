"""An exchange on the wire whose prices wander: each symbol its own way, the same at each call."""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import respx

from tests.unit.adapters.services import enveloped
from tests.unit.domain.strategies.markets import market
from tradeops.domain.candles import EPOCH

EXCHANGE = "http://exchange.test"
HOUR_MS = 3_600_000
NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = 100
UNKNOWN = {"code": -1121, "msg": "Invalid symbol."}


class MovingExchange:
    """Hourly klines of the last hundred days, and tickers.

    Attributes:
        symbols: with their turnover of a day.
        refusals: answers given in place of klines of a symbol, the first one first.
        asked: symbols of the klines that were asked for.
        since_days: how long ago its history begins.
        last_price: of each symbol.
        engine_prices: those that the engine knows; it answers beside the exchange.
    """

    def __init__(self, wire: respx.MockRouter, **symbols: float) -> None:
        self.symbols = symbols or {"BTCUSDT": 1e9}
        self.refusals: dict[str, list[httpx.Response | Exception]] = {}
        self.asked: list[str] = []
        self.since_days = DAYS
        self.seed = 0
        self.silent: set[str] = set()
        self.last_price = 1.0
        self.engine_prices: dict[str, float] = {}
        wire.get(f"{EXCHANGE}/api/v3/klines").mock(side_effect=self.klines)
        wire.get(f"{EXCHANGE}/api/v3/ticker/24hr").mock(side_effect=self.tickers)
        wire.get(path="/api/market/prices").mock(side_effect=self.prices)

    def prices(self, request: httpx.Request) -> httpx.Response:
        del request
        return httpx.Response(200, json=enveloped(self.engine_prices))

    def tickers(self, request: httpx.Request) -> httpx.Response:
        now = (NOW - EPOCH) // timedelta(milliseconds=1)
        times = {"openTime": now - 24 * HOUR_MS, "closeTime": now}
        rows = [
            {
                "symbol": symbol,
                "lastPrice": f"{self.last_price}",
                "priceChangePercent": "0.1",
                "volume": "5",
                "quoteVolume": f"{usd}",
            }
            | times
            for symbol, usd in self.symbols.items()
        ]
        if asked := request.url.params.get("symbol"):
            rows = [row for row in rows if row["symbol"] == asked]
            return httpx.Response(200, json=rows[0]) if rows else httpx.Response(400, json=UNKNOWN)
        return httpx.Response(200, json=rows)

    def klines(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        symbol, start, end = query["symbol"], int(query["startTime"]), int(query["endTime"])
        self.asked.append(symbol)
        if waiting := self.refusals.get(symbol):
            answer = waiting.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if symbol not in self.symbols:
            return httpx.Response(400, json=UNKNOWN)
        date = f"{NOW:%a, %d %b %Y %H:%M:%S} GMT"
        return httpx.Response(200, json=self.rows(symbol, start, end)[:1000], headers={"date": date})

    def rows(self, symbol: str, start: int, end: int) -> list[list[Any]]:
        seed = self.seed + zlib.crc32(symbol.encode()) % 1000
        walk = market(seed, DAYS * 24 + 24, volatility=0.008)
        first = (TODAY - timedelta(days=DAYS) - EPOCH) // timedelta(milliseconds=1)
        begins = (TODAY - timedelta(days=self.since_days) - EPOCH) // timedelta(milliseconds=1)
        now = (NOW - EPOCH) // timedelta(milliseconds=1)
        opened = first + HOUR_MS * np.arange(DAYS * 24 + 24)
        chosen = np.flatnonzero((opened >= max(start, begins)) & (opened <= min(end, now)))
        volume = np.zeros(len(walk.volume)) if symbol in self.silent else walk.volume
        columns = (walk.open, walk.high, walk.low, walk.close, volume)
        return [
            [int(opened[i]), *(f"{c[i]:.8f}" for c in columns), int(opened[i]) + HOUR_MS - 1, "1", 3, "1", "1", "0"]
            for i in chosen
        ]


def day(ago: int) -> str:
    return f"{TODAY - timedelta(days=ago):%Y-%m-%d}"
