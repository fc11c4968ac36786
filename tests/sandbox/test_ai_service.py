"""The sandbox's AI service obeys its contract sheet: constants, costs that add up, and signals from the candles."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from sandbox import ai_service
from sandbox.market import MINUTE_MS
from sandbox.world import World
from tests.sandbox.worlds import START, SetClock, clock_at

COSTS = "/ai/cost/statistics"
STRATEGY = "MACD Strategy"


class Bot:
    """An AI service, its clock and its database, callable without a socket."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = SetClock(clock_at().ms)
        self.world.now_ms = self.clock
        self.mongodb_connected = True
        self.app = self.restarted()

    def restarted(self) -> FastAPI:
        self.app = ai_service.build_app(self.world, mongodb_connected=lambda: self.mongodb_connected)
        return self.app

    async def call(self, method: str, path: str, body: object = None, *, caller: str = "127.0.0.1") -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(caller, 40_000), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://ai") as client:
            return await client.request(method, path, json=body)

    async def get(self, path: str) -> Any:  # noqa: ANN401 -- as it came over the wire
        answer = await self.call("GET", path)
        assert answer.status_code == 200
        return answer.json()

    async def requests(self) -> int:
        count: int = (await self.get(COSTS))["session_statistics"]["total_requests"]
        return count


@pytest.fixture(scope="module")
def world() -> World:
    return World.build(seed=7, now_ms=clock_at())


@pytest.fixture
def bot(world: World) -> Bot:
    return Bot(world)


def candles(step: float, count: int = 60, wobble: float = 0.1) -> list[dict[str, float]]:
    closes = [100 + step * i + (wobble if i % 2 else -wobble) for i in range(count)]
    return [
        {
            "timestamp": i * MINUTE_MS,
            "open": close,
            "high": close + 0.5,
            "low": close - 0.5,
            "close": close,
            "volume": 10.0,
        }
        for i, close in enumerate(closes)
    ]


def analysis(**timeframes: list[dict[str, float]]) -> dict[str, object]:
    return {
        "symbol": "BTCUSDT",
        "timeframe_data": timeframes,
        "current_price": 100.0,
        "volume_24h": 1000.0,
        "timestamp": 1,
        "strategy_context": {"selected_strategies": [STRATEGY]},
    }


@pytest.mark.parametrize("connected", [True, False])
async def test_health_is_always_healthy_whatever_its_database_does(bot: Bot, connected: bool) -> None:
    bot.mongodb_connected = connected
    health = await bot.get("/health")
    assert health["status"] == "healthy"
    assert health["mongodb_connected"] is connected
    assert health["gpt4_available"] is True
    assert health["api_key_configured"] is True
    assert health["timestamp"] == "2026-03-10T13:37:12.345000+00:00"


async def test_the_counters_start_at_zero_and_grow_by_four_calls_every_two_minutes(bot: Bot) -> None:
    counts = [await bot.requests()]
    for _ in range(3):
        bot.clock.pass_time(minutes=1)
        counts.append(await bot.requests())
    bot.clock.pass_time(hours=1)
    counts.append(await bot.requests())
    assert counts == [0, 0, 4, 4, 4 + 120]


async def test_before_the_first_call_all_costs_are_zero(bot: Bot) -> None:
    costs = await bot.get(COSTS)
    assert set(costs["session_statistics"].values()) == {0}
    assert set(costs["projections"].values()) == {0}


async def test_the_costs_add_up_by_the_formulas_of_the_sheet(bot: Bot) -> None:
    bot.clock.pass_time(hours=25)
    costs = await bot.get(COSTS)
    session, ahead, model = costs["session_statistics"], costs["projections"], costs["configuration"]
    assert session["total_requests"] == 25 * 30 * 4
    assert session["total_tokens"] == session["total_input_tokens"] + session["total_output_tokens"]
    usd = session["total_input_tokens"] * 0.15e-6 + session["total_output_tokens"] * 0.6e-6
    average = usd / session["total_requests"]
    daily = average * 1440 / model["analysis_interval_minutes"] * model["symbols_tracked"]
    assert session["total_cost_usd"] == pytest.approx(usd, abs=1e-6)
    assert session["total_cost_vnd"] == pytest.approx(usd * 23_000, abs=0.5)
    assert session["average_cost_per_request_usd"] == pytest.approx(average, abs=5e-6)
    assert session["average_tokens_per_request"] == pytest.approx(session["total_tokens"] / 3000, abs=0.05)
    assert ahead["estimated_daily_cost_usd"] == pytest.approx(daily, abs=5e-4)
    assert ahead["estimated_daily_cost_vnd"] == pytest.approx(daily * 23_000, abs=0.5)
    assert ahead["estimated_monthly_cost_usd"] == pytest.approx(daily * 30, abs=5e-3)
    assert ahead["estimated_monthly_cost_vnd"] == pytest.approx(daily * 30 * 23_000, abs=0.5)
    assert model == {
        "model": "gpt-4o-mini",
        "analysis_interval_minutes": 2,
        "symbols_tracked": 4,
        "input_cost_per_1m_tokens": 0.15,
        "output_cost_per_1m_tokens": 0.6,
    }
    assert costs["optimization_status"]["estimated_savings_percent"] == 63
    assert datetime.fromisoformat(costs["timestamp"]) == START + timedelta(hours=25)


async def test_how_often_the_costs_are_asked_for_does_not_change_them(bot: Bot) -> None:
    for _ in range(30):
        bot.clock.pass_time(minutes=4)
        await bot.requests()
    often = await bot.get(COSTS)
    bot.clock.pass_time(hours=-2)
    bot.restarted()
    bot.clock.pass_time(hours=2)
    assert await bot.get(COSTS) == often


async def test_a_restart_loses_the_counters(bot: Bot) -> None:
    bot.clock.pass_time(hours=1)
    assert await bot.requests() == 120
    bot.restarted()
    assert await bot.requests() == 0


@pytest.mark.parametrize("paid", ["/ai/analyze", "/debug/gpt4"])
async def test_every_paid_call_counts(bot: Bot, paid: str) -> None:
    method, body = ("GET", None) if paid == "/debug/gpt4" else ("POST", analysis(**{"1h": candles(0.2)}))
    assert (await bot.call(method, paid, body)).status_code == 200
    costs = (await bot.get(COSTS))["session_statistics"]
    assert costs["total_requests"] == 1
    assert 0.0003 < costs["total_cost_usd"] < 0.0007


@pytest.mark.parametrize(
    ("step", "expected"), [(0.2, "Long"), (-0.2, "Short"), (0.0, "Neutral")], ids=["rising", "falling", "flat"]
)
async def test_the_signal_follows_the_candles(bot: Bot, step: float, expected: str) -> None:
    answer = await bot.call(
        "POST", "/ai/analyze", analysis(**{"1h": candles(step, wobble=0.3), "4h": candles(step, wobble=0.3)})
    )
    said = answer.json()
    assert answer.status_code == 200
    assert said["signal"] == expected
    assert 0 <= said["confidence"] <= 1
    assert expected in said["reasoning"]
    assert len(said["strategy_scores"]) == 5
    assert all(0 <= score <= 1 for score in said["strategy_scores"].values())
    assert 0 <= said["market_analysis"]["trend_strength"] <= 1
    assert 0 <= said["risk_assessment"]["technical_risk"] <= 1
    assert 0 <= said["risk_assessment"]["recommended_position_size"] <= 1
    assert said["timestamp"] == bot.clock.ms


async def test_a_rise_that_is_overdone_is_no_signal(bot: Bot) -> None:
    said = (await bot.call("POST", "/ai/analyze", analysis(**{"1h": candles(0.5, wobble=0)}))).json()
    assert said["signal"] == "Neutral"
    assert said["market_analysis"]["trend_direction"] == "Bullish"


async def test_the_order_of_the_candles_does_not_matter(bot: Bot) -> None:
    rising = candles(0.2, wobble=0.3)
    answers = [(await bot.call("POST", "/ai/analyze", analysis(**{"1h": c}))).json() for c in (rising, rising[::-1])]
    assert answers[0] == answers[1]


async def test_candles_that_do_not_move_at_all_are_neutral(bot: Bot) -> None:
    still = [candle | {"high": 100.0, "low": 100.0, "volume": 0.0} for candle in candles(0, wobble=0)]
    said = (await bot.call("POST", "/ai/analyze", analysis(**{"1h": still}))).json()
    assert said["signal"] == "Neutral"
    assert said["market_analysis"]["trend_strength"] == 0


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        pytest.param(analysis(), 400, "timeframe_data", id="no candles"),
        pytest.param(analysis(**{"1h": candles(0.1, 21)}), 400, "at least 22 candles", id="too few candles"),
        pytest.param(analysis(**{"1h": candles(-3.0)}), 400, "positive", id="negative prices"),
        pytest.param({"symbol": "BTCUSDT"}, 422, "timeframe_data", id="fields missing"),
        pytest.param(analysis(**{"1h": [{"open": 1.0}]}), 422, "timestamp", id="half a candle"),
    ],
)
async def test_what_cannot_be_analysed_is_an_error_with_a_detail_and_costs_nothing(
    bot: Bot, body: object, status: int, words: str
) -> None:
    answer = await bot.call("POST", "/ai/analyze", body)
    assert answer.status_code == status
    assert answer.json().keys() == {"detail"}
    assert words in str(answer.json()["detail"])
    assert await bot.requests() == 0


@pytest.mark.parametrize("timeframe", ["15m", "1h"])
async def test_a_trend_is_a_500_for_every_valid_body(bot: Bot, timeframe: str) -> None:
    answer = await bot.call("POST", "/predict-trend", {"symbol": "BTCUSDT", "timeframe": timeframe})
    assert answer.status_code == 500
    assert answer.json().keys() == {"detail"}
    assert (await bot.call("POST", "/predict-trend", {})).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "per_minute", "ok"),
    [("GET", COSTS, 60, 200), ("POST", "/ai/analyze", 600, 400)],
    ids=["costs", "analyses"],
)
async def test_each_address_is_limited_by_the_minute(
    bot: Bot, method: str, path: str, per_minute: int, ok: int
) -> None:
    body = analysis() if method == "POST" else None
    statuses = {(await bot.call(method, path, body)).status_code for _ in range(per_minute)}
    assert statuses == {ok}
    bot.clock.pass_time(seconds=20)
    refused = await bot.call(method, path, body)
    assert refused.status_code == 429
    assert refused.json().keys() == {"detail"}
    assert refused.headers["Retry-After"] == "40"
    assert (await bot.call(method, path, body, caller="127.0.0.2")).status_code == ok
    bot.clock.pass_time(seconds=40)
    assert (await bot.call(method, path, body)).status_code == ok


async def test_stored_analyses_are_counted_and_cleared(bot: Bot) -> None:
    await bot.call("POST", "/ai/analyze", analysis(**{"1h": candles(0.2)}))
    assert (await bot.get("/ai/storage/stats"))["total_analyses"] == 1
    assert (await bot.call("POST", "/ai/storage/clear")).json()["cleared_count"] == 1
    assert (await bot.get("/ai/storage/stats"))["total_analyses"] == 0


async def test_storage_without_its_database_is_an_error_inside_a_200(bot: Bot) -> None:
    bot.mongodb_connected = False
    for method, path in (("GET", "/ai/storage/stats"), ("POST", "/ai/storage/clear")):
        answer = await bot.call(method, path)
        assert answer.status_code == 200
        assert answer.json().keys() == {"error"}


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("GET", "/ai/performance", "0.85"),
        ("GET", "/ai/info", "gpt-4o-mini"),
        ("GET", "/ai/strategies", STRATEGY),
        ("POST", "/ai/market-condition", "confidence"),
        ("POST", "/ai/strategy-recommendations", STRATEGY),
        ("POST", "/ai/feedback", "received"),
    ],
)
async def test_the_rest_is_the_same_whatever_happens(bot: Bot, method: str, path: str, words: str) -> None:
    body = {"symbol": "BTCUSDT"} if method == "POST" else None
    first = await bot.call(method, path, body)
    assert first.status_code == 200
    assert words in first.text
    assert (await bot.call(method, path, body)).json() == first.json()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/ai/train", 404, id="training"),
        pytest.param("GET", "/ai/model/accuracy_history", 404, id="accuracy history"),
        pytest.param("GET", "/ai/gpt4-analysis-history", 404, id="a later addition"),
        pytest.param("GET", "/ai/analyze", 405, id="a wrong verb"),
    ],
)
async def test_what_it_lacks_is_an_error_with_a_detail(bot: Bot, method: str, path: str, status: int) -> None:
    answer = await bot.call(method, path)
    assert answer.status_code == status
    assert answer.json().keys() == {"detail"}


async def test_it_describes_its_own_routes(bot: Bot) -> None:
    paths = (await bot.get("/openapi.json"))["paths"]
    assert {"/health", COSTS, "/ai/analyze", "/predict-trend", "/debug/gpt4", "/ai/storage/clear"} <= paths.keys()
    assert "/ai/train" not in paths
