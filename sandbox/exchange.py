"""The exchange's public REST interface, as its contract sheet has it: numbers in strings, and errors with codes."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import numpy as np
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.market import DAY_MINUTES, MINUTE_MS, Candle
from sandbox.world import World

INTERVAL_MINUTES = {
    "1m": 1,
    "3m": 3,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "2h": 120,
    "4h": 240,
    "6h": 360,
    "8h": 480,
    "12h": 720,
    "1d": 1440,
}
USUAL_LIMIT = 500
MOST_CANDLES = 1000
USDT_PER_TRADE = 900
DAY_MS = DAY_MINUTES * MINUTE_MS

Handler = Callable[[Request], Awaitable[JSONResponse]]


class _RefusedError(Exception):
    """A request that the exchange answers with a code and a message."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


def build_app(world: World) -> Starlette:
    """The exchange that this world's market lives on."""
    routes = _Routes(world)
    return Starlette(
        routes=[
            Route("/api/v3/klines", _answering(routes.klines)),
            Route("/fapi/v1/klines", _answering(routes.klines)),
            Route("/api/v3/ticker/24hr", _answering(routes.ticker)),
        ]
    )


def _answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> JSONResponse:
        try:
            return await handler(request)
        except _RefusedError as error:
            return JSONResponse({"code": error.code, "msg": str(error)}, status_code=HTTPStatus.BAD_REQUEST)

    return answer


class _Routes:
    def __init__(self, world: World) -> None:
        self._world = world

    async def klines(self, request: Request) -> JSONResponse:
        """Ascending; the last one may be unfinished. Without `startTime` the newest up to `endTime`."""
        query = request.query_params
        symbol = self._known(_mandatory(query.get("symbol"), "symbol"))
        interval = _mandatory(query.get("interval"), "interval")
        if interval not in INTERVAL_MINUTES:
            raise _RefusedError(-1120, "Invalid interval.")
        limit = min(_integer(query.get("limit"), "limit", USUAL_LIMIT), MOST_CANDLES)
        if limit == 0:
            raise _RefusedError(-1130, "Data sent for parameter 'limit' is not valid.")
        now = self._world.now_ms()
        period = INTERVAL_MINUTES[interval] * MINUTE_MS
        last = min(_integer(query.get("endTime"), "endTime", now), now) // period * period
        start = _integer(query.get("startTime"), "startTime", last - (limit - 1) * period)
        market = self._world.market
        first = -(-max(start, market.first_ms) // period) * period
        count = min(limit, (last - first) // period + 1)
        if count <= 0:
            return JSONResponse([])
        candles = market.candles(symbol, period, first, min(now, first + count * period))[:count]
        return JSONResponse([_kline(candle, period) for candle in candles])

    async def ticker(self, request: Request) -> JSONResponse:
        """The last 24 hours of one symbol, or of all when none is named."""
        symbol = request.query_params.get("symbol")
        if symbol is not None:
            return JSONResponse(self._ticker(self._known(symbol)))
        return JSONResponse([self._ticker(symbol) for symbol in self._world.market.symbols])

    def _known(self, symbol: str) -> str:
        if symbol not in self._world.market.symbols:
            raise _RefusedError(-1121, "Invalid symbol.")
        return symbol

    def _ticker(self, symbol: str) -> dict[str, str | int]:
        market, now = self._world.market, self._world.now_ms()
        minute = market.minute_of(now)
        opens, highs, lows, closes, volumes = market.closed_minutes(symbol, minute - DAY_MINUTES, minute)
        price = market.price(symbol, now)
        opened, volume = float(opens[0]), float(volumes.sum())
        quote_volume = float(np.dot(volumes, (opens + closes) / 2))
        change = price - opened
        count = _trades(quote_volume)
        return {
            "symbol": symbol,
            "priceChange": _text(change),
            "priceChangePercent": f"{change / opened * 100:.3f}",
            "weightedAvgPrice": _text(quote_volume / volume),
            "prevClosePrice": _text(opened),
            "lastPrice": _text(price),
            "openPrice": _text(opened),
            "highPrice": _text(max(float(highs.max()), price)),
            "lowPrice": _text(min(float(lows.min()), price)),
            "volume": _text(volume),
            "quoteVolume": _text(quote_volume),
            "openTime": now - DAY_MS,
            "closeTime": now,
            "firstId": 1,
            "lastId": count,
            "count": count,
        }


def _mandatory(text: str | None, name: str) -> str:
    if not text:
        raise _RefusedError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    return text


def _integer(text: str | None, name: str, usual: int) -> int:
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit():
        raise _RefusedError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'.")
    return int(text)


def _kline(candle: Candle, period_ms: int) -> list[str | int]:
    quote = candle.volume * (candle.open + candle.close) / 2
    bought = 0.55 if candle.close >= candle.open else 0.45
    return [
        candle.opened_ms,
        *(_text(value) for value in (candle.open, candle.high, candle.low, candle.close, candle.volume)),
        candle.opened_ms + period_ms - 1,
        _text(quote),
        _trades(quote),
        _text(candle.volume * bought),
        _text(quote * bought),
        "0",
    ]


def _trades(quote_volume: float) -> int:
    return round(quote_volume / USDT_PER_TRADE) + 1


def _text(value: float) -> str:
    return f"{value:.8f}"
