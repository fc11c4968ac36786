"""The AI service, as its contract sheet has it: always healthy, mostly constant, and honest only about its costs.

What came later than its release of December 2025 (analysis history, suggestions, training) is not there.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import Body, Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, FiniteFloat

from sandbox.ai_analysis import PostedCandle, opinion, view_of
from sandbox.ai_costs import MODEL, Counters
from sandbox.market import MINUTE_MS
from sandbox.world import World

MILLISECOND = timedelta(milliseconds=1)
COSTS_PER_MINUTE = 60
ANALYSES_PER_MINUTE = 600
STRATEGIES = ("RSI Strategy", "MACD Strategy", "Volume Strategy", "Bollinger Bands Strategy", "Stochastic Strategy")


class AnalysisRequest(BaseModel):
    """The body of `/ai/analyze`.

    Attributes:
        timeframe_data: candles by timeframe, in any order.
        timestamp: epoch milliseconds.
    """

    symbol: str
    timeframe_data: dict[str, list[PostedCandle]]
    current_price: FiniteFloat
    volume_24h: FiniteFloat
    timestamp: int
    strategy_context: dict[str, object] | None = None


class TrendRequest(BaseModel):
    """The body of `/predict-trend`."""

    symbol: str
    timeframe: str


def build_app(world: World, *, mongodb_connected: Callable[[], bool], running_for: timedelta = timedelta(0)) -> FastAPI:
    """An AI service of this world; freshly started its counters are zero, and count from this moment.

    Args:
        world: whose clock it lives by.
        mongodb_connected: asked whenever an answer depends on its database.
        running_for: how long ago it started, calling the model by its schedule ever since.
    """
    app = FastAPI(title="Crypto AI Trading Service", version="2.0.0")
    service = _AiService(world, mongodb_connected, running_for)
    costs = [Depends(_limit(world.now_ms, COSTS_PER_MINUTE))]
    analyses = [Depends(_limit(world.now_ms, ANALYSES_PER_MINUTE))]
    app.add_api_route("/health", service.health)
    app.add_api_route("/ai/cost/statistics", service.cost_statistics, dependencies=costs)
    app.add_api_route("/ai/analyze", service.analyze, methods=["POST"], dependencies=analyses)
    app.add_api_route("/predict-trend", service.predict_trend, methods=["POST"])
    app.add_api_route("/ai/performance", service.performance)
    app.add_api_route("/ai/info", service.info)
    app.add_api_route("/ai/strategies", service.strategies)
    app.add_api_route("/ai/storage/stats", service.storage_stats)
    app.add_api_route("/ai/storage/clear", service.clear_storage, methods=["POST"])
    app.add_api_route("/debug/gpt4", service.debug_gpt4)
    app.add_api_route("/ai/market-condition", service.market_condition, methods=["POST"])
    app.add_api_route("/ai/strategy-recommendations", service.recommendations, methods=["POST"])
    app.add_api_route("/ai/feedback", service.feedback, methods=["POST"])
    return app


class _AiService:
    """One process of it."""

    def __init__(self, world: World, mongodb_connected: Callable[[], bool], running_for: timedelta) -> None:
        self._world = world
        self._mongodb_connected = mongodb_connected
        self._counters = Counters(world.now_ms() - running_for // MILLISECOND, world.trader.seed)
        self._stored = 0

    async def health(self) -> dict[str, object]:
        return {
            "status": "healthy",
            "mongodb_connected": self._mongodb_connected(),
            "gpt4_available": True,
            "api_key_configured": True,
            "timestamp": self._time(),
        }

    async def cost_statistics(self) -> dict[str, object]:
        self._counters.catch_up(self._world.now_ms())
        return {**self._counters.statistics(), "timestamp": self._time()}

    async def analyze(self, request: AnalysisRequest) -> dict[str, object]:
        if not request.timeframe_data:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "timeframe_data is empty")
        try:
            views = {timeframe: view_of(candles) for timeframe, candles in request.timeframe_data.items()}
        except ValueError as error:
            raise HTTPException(HTTPStatus.BAD_REQUEST, str(error)) from error
        self._counters.call()
        self._stored += self._mongodb_connected()
        return {**opinion(views), "timestamp": self._world.now_ms()}

    async def predict_trend(self, request: TrendRequest) -> dict[str, object]:
        problem = f"Trend prediction failed for {request.symbol}"
        raise HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, problem)

    async def performance(self) -> dict[str, object]:
        return {"accuracy": 0.85, "precision": 0.82, "recall": 0.88, "f1_score": 0.85, "last_updated": self._time()}

    async def info(self) -> dict[str, object]:
        return {"service": "GPT-4 Trading AI", "version": "2.0.0", "model": MODEL, "timestamp": self._time()}

    async def strategies(self) -> list[str]:
        return list(STRATEGIES)

    async def storage_stats(self) -> dict[str, object]:
        if not self._mongodb_connected():
            return {"error": "MongoDB not connected"}
        return {"total_analyses": self._stored, "timestamp": self._time()}

    async def clear_storage(self) -> dict[str, object]:
        if not self._mongodb_connected():
            return {"error": "MongoDB not connected"}
        cleared, self._stored = self._stored, 0
        return {"message": "Storage cleared", "cleared_count": cleared, "timestamp": self._time()}

    async def debug_gpt4(self) -> dict[str, object]:
        self._counters.call()
        return {"status": "success", "model": MODEL, "test_response": "OK"}

    async def market_condition(self, _: Annotated[dict[str, object], Body()]) -> dict[str, object]:
        return {"condition_type": "Sideways", "confidence": 0.5, "timestamp": self._time()}

    async def recommendations(self, _: Annotated[dict[str, object], Body()]) -> list[dict[str, object]]:
        return [{"strategy_name": name, "suitability_score": 0.5} for name in STRATEGIES]

    async def feedback(self, _: Annotated[dict[str, object], Body()]) -> Mapping[str, str]:
        return {"message": "Feedback received", "timestamp": self._time()}

    def _time(self) -> str:
        return datetime.fromtimestamp(self._world.now_ms() / 1000, UTC).isoformat()


def _limit(now_ms: Callable[[], int], per_minute: int) -> Callable[[Request], Awaitable[None]]:
    """Lets each address through so many times in any minute."""
    seen: dict[str, deque[int]] = {}

    async def check(request: Request) -> None:
        now = now_ms()
        times = seen.setdefault(request.client.host if request.client else "", deque())
        while times and times[0] <= now - MINUTE_MS:
            times.popleft()
        if len(times) >= per_minute:
            wait_seconds = -(-(times[0] + MINUTE_MS - now) // 1000)
            problem = f"Rate limit exceeded: {per_minute} per 1 minute"
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, problem, {"Retry-After": str(wait_seconds)})
        times.append(now)

    return check
