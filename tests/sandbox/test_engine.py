"""The sandbox's engine obeys its contract sheet, ugly parts included."""

import copy
import re
from itertools import pairwise
from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.worlds import EngineCaller, SetClock, clock_at

PAPER = "/api/paper-trading"
FULL = {
    "enabled": True,
    "leverage": 10,
    "position_size_pct": 5.0,
    "stop_loss_pct": 2.0,
    "take_profit_pct": 4.0,
    "max_positions": 1,
}


@pytest.fixture(scope="module")
def built() -> World:
    return World.build(seed=7, now_ms=clock_at())


@pytest.fixture
def world(built: World) -> World:
    return copy.deepcopy(built)


@pytest.fixture
def clock(world: World) -> SetClock:
    assert isinstance(world.now_ms, SetClock)
    return world.now_ms


@pytest.fixture
def engine(world: World) -> EngineCaller:
    return EngineCaller(world)


@pytest.mark.parametrize("path", ["/api/health", "/api/health/anything", "/api/health/a/b"])
async def test_health_is_a_constant_text_on_every_path_below_it(engine: EngineCaller, path: str) -> None:
    answer = await engine.call("GET", path)
    assert answer.json() == {"success": True, "data": "Bot is running", "error": None}


@pytest.mark.parametrize(
    "path",
    ["status", "portfolio", "trades/open", "trades/closed", "symbols", "basic-settings", "strategy-settings"],
)
async def test_paper_trading_answers_carry_nanoseconds(engine: EngineCaller, path: str) -> None:
    body = (await engine.call("GET", f"{PAPER}/{path}")).json()
    assert set(body) == {"success", "data", "error", "timestamp"}
    assert re.fullmatch(r"2026-03-10T13:37:12\.345\d{6}Z", body["timestamp"])


@pytest.mark.parametrize(
    "path",
    [
        "/api/market/prices",
        "/api/market/candles/BTCUSDT/1h",
        "/api/market/chart/BTCUSDT/1h",
        "/api/market/charts?symbols=BTCUSDT,ETHUSDT&timeframes=1h,4h&limit=2",
        "/api/market/symbols",
        "/api/market/overview",
        "/api/trading/positions",
        "/api/trading/performance",
        "/api/monitoring/system",
        "/api/monitoring/trading",
        "/api/monitoring/connection",
        "/api/notifications/preferences",
    ],
)
async def test_the_other_answers_carry_no_time(engine: EngineCaller, path: str) -> None:
    body = (await engine.call("GET", path)).json()
    assert set(body) == {"success", "data", "error"}
    assert body["success"] is True


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/ping"),
        ("GET", "/api/market/klines"),
        ("GET", "/api/strategies"),
        ("POST", "/api/strategies/RSI%20Strategy/disable"),
        ("GET", f"{PAPER}/trades"),
        ("GET", f"{PAPER}/signal-settings"),
        ("GET", "/api/tasks"),
    ],
)
async def test_what_the_engine_lacks_is_not_found_in_plain_text(engine: EngineCaller, method: str, path: str) -> None:
    answer = await engine.call(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/health"), ("GET", f"{PAPER}/settings"), ("GET", f"{PAPER}/start"), ("DELETE", f"{PAPER}/symbols")],
)
async def test_a_wrong_verb_is_refused_in_plain_text(engine: EngineCaller, method: str, path: str) -> None:
    answer = await engine.call(method, path)
    assert answer.status_code == 405
    assert not answer.text.startswith("{")


@pytest.mark.parametrize("path", ["symbols", "basic-settings", "settings", "indicator-settings", "signal-interval"])
async def test_malformed_json_is_refused_in_plain_text(engine: EngineCaller, path: str) -> None:
    answer = await engine.call("PUT", f"{PAPER}/{path}", content=b"{nonsense")
    assert answer.status_code == 400
    assert answer.text.startswith("Request body deserialize error")


async def test_a_limit_that_is_no_number_is_refused_in_plain_text(engine: EngineCaller) -> None:
    answer = await engine.call("GET", "/api/market/candles/BTCUSDT/1h?limit=many")
    assert (answer.status_code, answer.text) == (400, "Invalid query string")


async def test_an_unknown_symbol_is_an_empty_success(engine: EngineCaller) -> None:
    chart = await engine.data("/api/market/chart/NOPEUSDT/1h")
    assert chart["candles"] == []
    assert chart["latest_price"] == 0.0
    assert (await engine.data("/api/market/candles/NOPEUSDT/1h"))["candles"] == []


@pytest.mark.parametrize(
    "path", ["/api/market/candles/BTCUSDT/7m", "/api/market/chart/BTCUSDT/7m", "/api/trading/account"]
)
async def test_a_logical_error_outside_of_paper_trading_is_a_200(engine: EngineCaller, path: str) -> None:
    answer = await engine.call("GET", path)
    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert answer.json()["error"]


async def test_candles_come_newest_first_and_only_the_first_is_open(engine: EngineCaller, clock: SetClock) -> None:
    candles = (await engine.data("/api/market/candles/ETHUSDT/15m?limit=50"))["candles"]
    times = [candle["timestamp"] for candle in candles]
    assert len(times) == 50
    assert all(newer - older == 900_000 for newer, older in pairwise(times))
    assert times[0] <= clock() < times[0] + 900_000
    assert [candle["is_closed"] for candle in candles] == [False, *[True] * 49]
    chart = (await engine.data("/api/market/chart/ETHUSDT/15m?limit=50"))["candles"]
    assert chart == [{k: v for k, v in candle.items() if k != "is_closed"} for candle in candles]


async def test_the_engine_keeps_300_candles_at_first_and_never_more_than_500(
    engine: EngineCaller, clock: SetClock
) -> None:
    async def kept() -> int:
        return len((await engine.data("/api/market/candles/BTCUSDT/1m?limit=1000"))["candles"])

    assert await kept() == 300
    clock.pass_time(minutes=60)
    assert await kept() == 360
    clock.pass_time(minutes=600)
    assert await kept() == 500
    assert (await engine.data("/api/market/candles/BTCUSDT/1m?limit=0"))["candles"] == []


async def test_the_24_hour_figures_are_those_of_the_oldest_24_candles(engine: EngineCaller) -> None:
    chart = await engine.data("/api/market/chart/SOLUSDT/1h?limit=60")
    oldest = chart["candles"][-24:]
    assert chart["volume_24h"] == pytest.approx(sum(candle["volume"] for candle in oldest))
    change = oldest[0]["close"] - oldest[-1]["open"]
    assert chart["price_change_24h"] == pytest.approx(change)
    assert chart["price_change_percent_24h"] == pytest.approx(change / oldest[-1]["open"] * 100)


async def test_prices_and_the_open_candle_agree(engine: EngineCaller) -> None:
    prices = await engine.data("/api/market/prices")
    assert list(prices) == ["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"]
    for symbol, price in prices.items():
        chart = await engine.data(f"/api/market/chart/{symbol}/4h?limit=2")
        assert chart["latest_price"] == price


async def test_many_charts_come_at_once(engine: EngineCaller) -> None:
    charts = await engine.data("/api/market/charts?symbols=BTCUSDT,ETHUSDT&timeframes=1h,1d&limit=3")
    assert [(c["symbol"], c["timeframe"], len(c["candles"])) for c in charts] == [
        (symbol, timeframe, 3) for symbol in ("BTCUSDT", "ETHUSDT") for timeframe in ("1h", "1d")
    ]


async def test_the_portfolio_follows_from_the_trades(engine: EngineCaller) -> None:
    portfolio = await engine.data(f"{PAPER}/portfolio")
    closed = await engine.data(f"{PAPER}/trades/closed")
    still_open = await engine.data(f"{PAPER}/trades/open")
    wins = [t["pnl"] for t in closed if t["pnl"] > 0]
    losses = [-t["pnl"] for t in closed if t["pnl"] <= 0]
    total = len(closed) + len(still_open)
    average_win, average_loss = sum(wins) / len(wins), sum(losses) / len(losses)
    margin = sum(t["entry_price"] * t["quantity"] / t["leverage"] for t in still_open)
    balance = 10_000 + sum(t["pnl"] for t in closed)
    equity = balance + sum(t["pnl"] for t in still_open)
    assert still_open, "the seed of this test leaves positions open"
    assert portfolio["total_trades"] == total
    assert {
        name: portfolio[name]
        for name in portfolio
        if name not in {"max_drawdown", "max_drawdown_percentage", "sharpe_ratio"}
    } == {
        "total_trades": total,
        "win_rate": pytest.approx(len(wins) / total * 100),
        "total_pnl": pytest.approx(equity - 10_000),
        "total_pnl_percentage": pytest.approx((equity - 10_000) / 100),
        "profit_factor": pytest.approx(average_win / average_loss),
        "average_win": pytest.approx(average_win),
        "average_loss": pytest.approx(average_loss),
        "largest_win": max(wins),
        "largest_loss": max(losses),
        "current_balance": pytest.approx(balance),
        "equity": pytest.approx(equity),
        "margin_used": pytest.approx(margin),
        "free_margin": pytest.approx(equity - margin),
    }
    assert portfolio["max_drawdown"] > 0
    assert (await engine.data(f"{PAPER}/status"))["portfolio"] == portfolio


async def test_closed_trades_come_in_no_order_and_with_a_stale_percentage(engine: EngineCaller) -> None:
    closed = await engine.data(f"{PAPER}/trades/closed")
    times = [trade["close_time"] for trade in closed]
    assert times != sorted(times)
    assert times != sorted(times, reverse=True)
    assert any(trade["pnl"] * trade["pnl_percentage"] < 0 for trade in closed)
    assert {"strategy", "side", "pnl_usdt", "profit_percent", "executed_at", "close_reason"}.isdisjoint(closed[0])


async def test_an_open_trade_has_no_end_yet(engine: EngineCaller) -> None:
    for trade in await engine.data(f"{PAPER}/trades/open"):
        assert trade["status"] == "Open"
        assert trade["exit_price"] is trade["close_time"] is trade["duration_ms"] is None


async def test_a_symbol_that_is_sent_in_part_loses_the_rest(engine: EngineCaller) -> None:
    answer = await engine.put(f"{PAPER}/symbols", {"symbols": {"BTCUSDT": {"enabled": False}}})
    assert answer.status_code == 200
    symbols = await engine.data(f"{PAPER}/symbols")
    assert symbols["BTCUSDT"] == {**dict.fromkeys(FULL), "enabled": False}
    assert symbols["ETHUSDT"] == FULL


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param([], "body", id="no object"),
        pytest.param({}, "symbols", id="nothing"),
        pytest.param({"symbols": {"NOPEUSDT": FULL}}, "NOPEUSDT", id="unknown symbol"),
        pytest.param({"symbols": {"BTCUSDT": 1}}, "BTCUSDT", id="no entry"),
        pytest.param({"symbols": {"BTCUSDT": {"leverage": 5}}}, "enabled", id="mandatory field missing"),
        pytest.param({"symbols": {"BTCUSDT": FULL | {"leverage": 21}}}, "leverage", id="liquidated at entry"),
        pytest.param({"symbols": {"BTCUSDT": FULL | {"leverage": "5"}}}, "leverage", id="text"),
        pytest.param({"symbols": {"BTCUSDT": FULL | {"stop_loss_pct": 0}}}, "stop_loss_pct", id="no distance"),
        pytest.param({"symbols": {"ETHUSDT": {"enabled": False}, "X": {}}}, "X", id="one good, one bad"),
    ],
)
async def test_symbols_that_make_no_sense_are_refused_and_nothing_changes(
    engine: EngineCaller, body: object, named: str
) -> None:
    answer = await engine.put(f"{PAPER}/symbols", body)
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert named in answer.json()["error"]
    assert all(set(entry) == set(FULL) for entry in (await engine.data(f"{PAPER}/symbols")).values())
    assert (await engine.data(f"{PAPER}/symbols"))["ETHUSDT"] == FULL


async def test_disabled_symbols_take_no_new_entries_and_stay_supervised(
    engine: EngineCaller, world: World, clock: SetClock
) -> None:
    assert world.book.positions
    await engine.put(f"{PAPER}/symbols", {"symbols": {s: FULL | {"enabled": False} for s in world.desk.symbols()}})
    clock.pass_time(days=4)
    assert await engine.data(f"{PAPER}/trades/open") == []
    count = len(await engine.data(f"{PAPER}/trades/closed"))
    clock.pass_time(days=2)
    assert len(await engine.data(f"{PAPER}/trades/closed")) == count


async def test_a_stopped_engine_neither_trades_nor_supervises(
    engine: EngineCaller, world: World, clock: SetClock
) -> None:
    before = {p.id for p in world.book.positions.values()}
    assert before
    await engine.call("POST", f"{PAPER}/stop")
    assert (await engine.data(f"{PAPER}/status"))["is_running"] is False
    clock.pass_time(days=4)
    assert {t["id"] for t in await engine.data(f"{PAPER}/trades/open")} == before
    await engine.call("POST", f"{PAPER}/start")
    clock.pass_time(days=1)
    assert before - {t["id"] for t in await engine.data(f"{PAPER}/trades/open")}
    assert (await engine.data(f"{PAPER}/status"))["is_running"] is True


@pytest.mark.parametrize(
    "body", [{"initial_balance": 5_000}, {"basic": {"initial_balance": 5_000}}], ids=["flat", "nested"]
)
async def test_sending_the_initial_balance_resets_the_portfolio(engine: EngineCaller, body: object) -> None:
    assert (await engine.put(f"{PAPER}/basic-settings", body)).status_code == 200
    portfolio = await engine.data(f"{PAPER}/portfolio")
    assert portfolio["current_balance"] == portfolio["equity"] == 5_000
    assert portfolio["total_trades"] == 0
    assert await engine.data(f"{PAPER}/trades/closed") == []


async def test_enabled_false_is_stored_and_obeyed_by_nobody(engine: EngineCaller, clock: SetClock) -> None:
    closed = len(await engine.data(f"{PAPER}/trades/closed"))
    await engine.put(f"{PAPER}/basic-settings", {"enabled": False, "risk": {"daily_loss_limit": 2}})
    settings = await engine.data(f"{PAPER}/basic-settings")
    assert settings["basic"]["enabled"] is False
    assert settings["risk"]["daily_loss_limit"] == 2
    clock.pass_time(days=2)
    assert (await engine.data(f"{PAPER}/status"))["is_running"] is True
    assert len(await engine.data(f"{PAPER}/trades/closed")) > closed


@pytest.mark.parametrize(
    "body",
    [{"enabled": 1}, {"initial_balance": -1}, {"default_leverage": 30}, {"max_positions": 1.5}, {"risk": 3}],
    ids=str,
)
async def test_basic_settings_that_make_no_sense_change_nothing(engine: EngineCaller, body: object) -> None:
    before = await engine.data(f"{PAPER}/basic-settings")
    assert (await engine.put(f"{PAPER}/basic-settings", body)).status_code == 400
    assert await engine.data(f"{PAPER}/basic-settings") == before


async def test_the_shown_settings_are_those_of_the_sheet(engine: EngineCaller) -> None:
    settings = await engine.data(f"{PAPER}/strategy-settings")
    assert settings["strategies"]["rsi"]["oversold_threshold"] == 30
    assert settings["risk"]["daily_loss_limit"] == 3.0
    assert settings["engine"]["enabled_strategies"][3] == "Bollinger Bands Strategy"
    basic = (await engine.data(f"{PAPER}/basic-settings"))["basic"]
    assert (basic["initial_balance"], basic["trading_fee_rate"], basic["funding_fee_rate"]) == (10_000, 0.0004, 0.0001)


async def test_strategies_in_strategy_settings_are_ignored(engine: EngineCaller) -> None:
    shown: dict[str, Any] = await engine.data(f"{PAPER}/strategy-settings")
    shown["strategies"]["rsi"]["period"] = 3
    shown["risk"]["max_leverage"] = 4
    assert (await engine.put(f"{PAPER}/strategy-settings", {"settings": shown})).status_code == 200
    after = await engine.data(f"{PAPER}/strategy-settings")
    assert after["strategies"]["rsi"]["period"] == 14
    assert after["risk"]["max_leverage"] == 4


@pytest.mark.parametrize("missing", ["strategies", "risk", "engine", "market_preset"])
async def test_strategy_settings_need_all_of_their_parts(engine: EngineCaller, missing: str) -> None:
    shown = await engine.data(f"{PAPER}/strategy-settings")
    del shown[missing]
    answer = await engine.put(f"{PAPER}/strategy-settings", {"settings": shown})
    assert answer.status_code == 400
    assert missing in answer.json()["error"]


async def test_flat_indicator_settings_are_a_200_without_effect(engine: EngineCaller) -> None:
    before = await engine.data(f"{PAPER}/indicator-settings")
    assert (len(before["indicators"]), len(before["signal"])) == (10, 5)
    assert (await engine.put(f"{PAPER}/indicator-settings", {"rsi_period": 21})).status_code == 200
    assert await engine.data(f"{PAPER}/indicator-settings") == before
    await engine.put(f"{PAPER}/indicator-settings", {"indicators": {"rsi_period": 21, "unknown": 1}})
    assert (await engine.data(f"{PAPER}/indicator-settings"))["indicators"]["rsi_period"] == 21


@pytest.mark.parametrize(
    "indicators",
    [{"rsi_period": 4}, {"rsi_period": 51}, {"macd_fast": 26}, {"macd_signal": 21}, {"rsi_period": "14"}],
    ids=str,
)
async def test_indicator_settings_out_of_range_are_refused(engine: EngineCaller, indicators: object) -> None:
    answer = await engine.put(f"{PAPER}/indicator-settings", {"indicators": indicators})
    assert answer.status_code == 400


async def test_the_signal_interval_decides_how_often_the_rule_is_asked(
    engine: EngineCaller, world: World, clock: SetClock
) -> None:
    assert (await engine.put(f"{PAPER}/signal-interval", {"interval_minutes": 1440})).status_code == 200
    known = len(world.trader.signals)
    clock.pass_time(hours=12)
    await engine.data(f"{PAPER}/status")
    assert len(world.trader.signals) - known <= 4
    refused = await engine.put(f"{PAPER}/signal-interval", {"interval_minutes": 0})
    assert refused.status_code == 400


async def test_an_analysis_can_be_triggered_between_two_intervals(
    engine: EngineCaller, world: World, clock: SetClock
) -> None:
    await engine.put(f"{PAPER}/signal-interval", {"interval_minutes": 1440})
    known = world.trader.signals[-1]
    await engine.call("POST", f"{PAPER}/trigger-analysis")
    clock.pass_time(minutes=1)
    await engine.data(f"{PAPER}/status")
    assert world.trader.signals[-1].at_ms > known.at_ms


async def test_a_trade_is_closed_by_hand_once(engine: EngineCaller) -> None:
    trade = (await engine.data(f"{PAPER}/trades/open"))[0]
    path = f"{PAPER}/trades/{trade['id']}/close"
    body = {"trade_id": trade["id"], "reason": "test"}
    assert (await engine.call("POST", path, json=body)).status_code == 200
    closed = {t["id"]: t for t in await engine.data(f"{PAPER}/trades/closed")}
    assert closed[trade["id"]]["exit_price"] == (await engine.data("/api/market/prices"))[trade["symbol"]]
    again = await engine.call("POST", path, json=body)
    assert (again.status_code, again.json()["success"]) == (400, False)


async def test_a_resting_order_opens_a_position_when_its_price_is_there(
    engine: EngineCaller, world: World, clock: SetClock
) -> None:
    await engine.call("POST", f"{PAPER}/reset")
    await engine.put(f"{PAPER}/signal-interval", {"interval_minutes": 1440})
    price = (await engine.data("/api/market/prices"))["BTCUSDT"]
    order = {"symbol": "BTCUSDT", "trade_type": "Long", "price": price, "quantity": 0.01}
    placed = (await engine.call("POST", f"{PAPER}/orders", json=order)).json()["data"]
    assert [o["id"] for o in await engine.data(f"{PAPER}/pending-orders")] == [placed["id"]]
    clock.pass_time(hours=3)
    assert await engine.data(f"{PAPER}/pending-orders") == []
    filled = [*world.book.positions.values(), *(t.position for t in world.book.closed)]
    assert [(p.symbol, p.side, p.quantity) for p in filled] == [("BTCUSDT", 1, 0.01)]


@pytest.mark.parametrize("how", ["stopped", "disabled"])
async def test_a_resting_order_waits_while_its_symbol_may_not_be_entered(
    engine: EngineCaller, clock: SetClock, how: str
) -> None:
    await engine.call("POST", f"{PAPER}/reset")
    if how == "stopped":
        await engine.call("POST", f"{PAPER}/stop")
    else:
        await engine.put(f"{PAPER}/symbols", {"symbols": {"BTCUSDT": FULL | {"enabled": False}}})
    price = (await engine.data("/api/market/prices"))["BTCUSDT"]
    await engine.call("POST", f"{PAPER}/orders", json={"symbol": "BTCUSDT", "trade_type": "Long", "price": price})
    clock.pass_time(hours=3)
    assert len(await engine.data(f"{PAPER}/pending-orders")) == 1


async def test_a_symbol_that_was_added_is_traded_too(engine: EngineCaller, world: World, clock: SetClock) -> None:
    await engine.call("POST", f"{PAPER}/reset")
    await engine.put(f"{PAPER}/symbols", {"symbols": {"XRPUSDT": {"enabled": True}}})
    clock.pass_time(days=2)
    await engine.data(f"{PAPER}/status")
    added = [p for p in world.book.positions.values() if p.symbol == "XRPUSDT"]
    added += [t.position for t in world.book.closed if t.position.symbol == "XRPUSDT"]
    assert added
    assert {(p.leverage, p.stop_loss, p.take_profit) for p in added} == {(3, None, None)}


async def test_no_more_positions_are_opened_than_allowed(engine: EngineCaller, world: World, clock: SetClock) -> None:
    await engine.call("POST", f"{PAPER}/reset")
    await engine.put(f"{PAPER}/basic-settings", {"max_positions": 2})
    for _ in range(48):
        clock.pass_time(hours=1)
        assert len(await engine.data(f"{PAPER}/trades/open")) <= 2
    assert world.book.closed


async def test_a_resting_order_can_be_cancelled_once(engine: EngineCaller) -> None:
    order = {"symbol": "BTCUSDT", "side": "sell", "price": 1e9}
    placed = (await engine.call("POST", f"{PAPER}/orders", json=order)).json()["data"]
    assert placed["trade_type"] == "Short"
    path = f"{PAPER}/pending-orders/{placed['id']}"
    assert (await engine.call("DELETE", path)).status_code == 200
    assert (await engine.call("DELETE", path)).status_code == 404


@pytest.mark.parametrize(
    "order",
    [
        [],
        {"symbol": "NOPEUSDT", "trade_type": "Long", "price": 1},
        {"symbol": "BTCUSDT", "trade_type": "Sideways", "price": 1},
        {"symbol": "BTCUSDT", "trade_type": "Long"},
        {"symbol": "BTCUSDT", "trade_type": "Long", "price": True},
        {"symbol": "BTCUSDT", "trade_type": "Long", "price": 1, "quantity": -1},
    ],
    ids=str,
)
async def test_an_order_that_makes_no_sense_is_refused(engine: EngineCaller, order: object) -> None:
    assert (await engine.call("POST", f"{PAPER}/orders", json=order)).status_code == 400


async def test_signals_come_newest_first_up_to_the_limit(engine: EngineCaller) -> None:
    signals = await engine.data(f"{PAPER}/signals-history?limit=7")
    times = [signal["timestamp"] for signal in signals]
    assert len(times) == 7
    assert times == sorted(times, reverse=True)
    assert len(await engine.data(f"{PAPER}/signals-history")) == 100


@pytest.mark.parametrize("path", ["trade-analyses", "config-suggestions"])
async def test_records_that_were_never_stored_are_a_404_in_the_envelope(engine: EngineCaller, path: str) -> None:
    answer = await engine.call("GET", f"{PAPER}/{path}")
    assert (answer.status_code, answer.json()["success"]) == (404, False)


async def test_a_restart_with_open_positions_keeps_the_trades_and_enables_the_symbols_again(
    engine: EngineCaller, world: World
) -> None:
    await engine.put(f"{PAPER}/symbols", {"symbols": {"BTCUSDT": {"enabled": False}}})
    before = await engine.data(f"{PAPER}/trades/closed")
    world.restart_engine()
    assert await engine.data(f"{PAPER}/trades/closed") == before
    assert (await engine.data(f"{PAPER}/symbols"))["BTCUSDT"] == FULL


async def test_a_restart_without_open_positions_loses_the_trades_and_the_balance(
    engine: EngineCaller, world: World
) -> None:
    for trade in await engine.data(f"{PAPER}/trades/open"):
        await engine.call("POST", f"{PAPER}/trades/{trade['id']}/close", json={"trade_id": trade["id"]})
    world.restart_engine()
    assert await engine.data(f"{PAPER}/trades/closed") == []
    assert (await engine.data(f"{PAPER}/portfolio"))["current_balance"] == 10_000


async def test_real_trading_is_absent(engine: EngineCaller) -> None:
    answer = await engine.call("GET", "/api/real-trading/portfolio")
    assert answer.status_code == 503
    assert "timestamp" in answer.json()


async def test_only_the_profile_needs_the_token_of_a_login(engine: EngineCaller) -> None:
    login = "/api/auth/login"
    assert (await engine.call("POST", login, json={"email": "a"})).status_code == 400
    assert (await engine.call("POST", login, json={"email": "a", "password": "b"})).status_code == 401
    assert (await engine.call("GET", "/api/auth/profile")).status_code == 401
    account = {"email": "operator@sandbox.invalid", "password": "sandbox"}
    token = (await engine.call("POST", login, json=account)).json()["data"]["token"]
    profile = await engine.call("GET", "/api/auth/profile", headers={"authorization": f"Bearer {token}"})
    assert profile.json()["data"]["email"] == account["email"]


async def test_notification_preferences_are_written_and_shown_secrets_and_all(engine: EngineCaller) -> None:
    assert "secret" in str(await engine.data("/api/notifications/preferences"))
    await engine.put("/api/notifications/preferences", {"enabled": False})
    assert await engine.data("/api/notifications/preferences") == {"enabled": False}


def test_the_overview_says_what_people_ask_first(world: World) -> None:
    overview = world.overview()
    assert overview["trading"] == "running"
    assert "BTCUSDT" in str(overview["prices"])
    assert str(overview["closed in 7 days"]).endswith("with a profit")
