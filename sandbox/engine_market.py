"""The engine's market routes: newest candle first and still open, and 24 h figures of the wrong 24 hours."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from sandbox.engine_answers import limit_of, plain
from sandbox.market import MINUTE_MS, Candle
from sandbox.world import World

TIMEFRAMES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}
CANDLES_AT_START = 300
MOST_CANDLES = 500
USUAL_CANDLES = 100


class MarketRoutes:
    """`/api/market/…`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Route("/api/market/prices", self._prices),
            Route("/api/market/candles/{symbol}/{timeframe}", self._candles),
            Route("/api/market/chart/{symbol}/{timeframe}", self._chart),
            Route("/api/market/charts", self._charts),
            Route("/api/market/symbols", self._symbols),
            Route("/api/market/overview", self._overview),
        ]

    async def _prices(self, _: Request) -> JSONResponse:
        now = self._world.advance()
        return plain({symbol: self._world.market.price(symbol, now) for symbol in self._tracked()})

    async def _candles(self, request: Request) -> JSONResponse:
        symbol, timeframe = request.path_params["symbol"], request.path_params["timeframe"]
        if timeframe not in TIMEFRAMES:
            return plain(None, error=f"Invalid timeframe: {timeframe}")
        candles = self._newest_first(symbol, timeframe, limit_of(request.query_params, USUAL_CANDLES))
        listed = [_as_json(candle) | {"is_closed": candle.closed} for candle in candles]
        return plain({"symbol": symbol, "timeframe": timeframe, "candles": listed})

    async def _chart(self, request: Request) -> JSONResponse:
        symbol, timeframe = request.path_params["symbol"], request.path_params["timeframe"]
        if timeframe not in TIMEFRAMES:
            return plain(None, error=f"Invalid timeframe: {timeframe}")
        return plain(self._chart_of(symbol, timeframe, limit_of(request.query_params, USUAL_CANDLES)))

    async def _charts(self, request: Request) -> JSONResponse:
        query = request.query_params
        symbols = [s for s in query.get("symbols", "").split(",") if s] or self._tracked()
        timeframes = [t for t in query.get("timeframes", "").split(",") if t] or ["1h"]
        limit = limit_of(query, USUAL_CANDLES)
        return plain([self._chart_of(s, t, limit) for s in symbols for t in timeframes if t in TIMEFRAMES])

    async def _symbols(self, _: Request) -> JSONResponse:
        return plain({"symbols": self._tracked(), "available_timeframes": list(TIMEFRAMES)})

    async def _overview(self, _: Request) -> JSONResponse:
        return plain({"symbols": [self._chart_of(s, "1h", 24) | {"candles": []} for s in self._tracked()]})

    def _tracked(self) -> list[str]:
        return list(self._world.trader.settings.symbols)

    def _newest_first(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        """What the engine remembers, the open one included; nothing of a symbol that it does not track."""
        if symbol not in self._tracked():
            return []
        world, now = self._world, self._world.advance()
        period_ms = TIMEFRAMES[timeframe] * MINUTE_MS
        grown = now // period_ms - world.engine_started_ms // period_ms
        kept = min(limit, MOST_CANDLES, CANDLES_AT_START + grown)
        if kept == 0:
            return []
        first = (now // period_ms - kept + 1) * period_ms
        return world.market.candles(symbol, period_ms, first, now)[::-1]

    def _chart_of(self, symbol: str, timeframe: str, limit: int) -> dict[str, object]:
        candles = self._newest_first(symbol, timeframe, limit)
        oldest = candles[-24:]
        change = oldest[0].close - oldest[-1].open if oldest else 0.0
        return {
            "symbol": symbol,
            "timeframe": timeframe,
            "candles": [_as_json(candle) for candle in candles],
            "latest_price": candles[0].close if candles else 0.0,
            "volume_24h": sum(candle.volume for candle in oldest),
            "price_change_24h": change,
            "price_change_percent_24h": change / oldest[-1].open * 100 if oldest else 0.0,
        }


def _as_json(candle: Candle) -> dict[str, object]:
    return {
        "timestamp": candle.opened_ms,
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "volume": candle.volume,
    }
