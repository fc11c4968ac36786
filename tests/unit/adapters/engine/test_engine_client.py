"""The engine's answers as its contract sheet has them, ugly ones included."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.adapters.samples import FLAT_PORTFOLIO, PORTFOLIO, STAMP, TRADE
from tests.unit.adapters.services import ADDRESS, enveloped, serves, service
from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.bot import BasicSettings, SymbolSettings
from tradeops.domain.candles import Gap
from tradeops.domain.portfolio.portfolio import Side
from tradeops.domain.readings import Reading
from tradeops.errors import ContractError, MisconfiguredError, RateLimitedError, RejectedError, TradeOpsError

PAPER = "/api/paper-trading"
HOUR = 3_600_000
NEWEST = 1764144000000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["success", "data", "error", "timestamp", "candles", "symbol", "timeframe", "basic", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.fixture
async def engine() -> AsyncIterator[EngineClient]:
    async with service("engine") as http:
        yield EngineClient(http)


def candle(hours_back: int, **changes: object) -> dict[str, Any]:
    return {
        "timestamp": NEWEST - hours_back * HOUR,
        "open": 90110.0,
        "high": 90420.5,
        "low": 89980.0,
        "close": 90300.1,
        "volume": 812.4,
    } | changes


def candles(*records: object, symbol: str = "BTCUSDT", timeframe: str = "1h") -> dict[str, Any]:
    return enveloped(
        {
            "symbol": symbol,
            "timeframe": timeframe,
            "candles": list(records),
            "latest_price": 90311.0,
            "volume_24h": 18210.0,
            "price_change_24h": -410.2,
            "price_change_percent_24h": -0.45,
        }
    )


def opening(hours_back: int) -> datetime:
    return datetime(2025, 11, 26, 8, tzinfo=UTC) - timedelta(hours=hours_back)


async def test_health_is_the_text_inside_the_envelope(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/health", enveloped("Bot is running"), date="Wed, 26 Nov 2025 08:00:00 GMT")
    reading = await engine.health()
    assert reading.value == "Bot is running"
    assert reading.as_of == datetime(2025, 11, 26, 8, tzinfo=UTC)
    assert reading.latency > timedelta(0)


async def test_the_health_route_can_be_set(respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/alive", enveloped("Bot is running"))
    async with service("engine") as http:
        assert (await EngineClient(http, health_path="/alive").health()).value == "Bot is running"


@pytest.mark.parametrize("data", ["", " ", 1, True, {"status": "ok"}, []], ids=repr)
async def test_health_that_is_no_text_breaks_the_contract(
    data: object, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/api/health", enveloped(data))
    with pytest.raises(ContractError, match="data is no text"):
        await engine.health()


async def test_the_address_is_known_without_credentials() -> None:
    async with service("engine") as http:
        assert EngineClient(http).base_url == ADDRESS


# The envelope


async def test_success_false_in_a_200_is_a_refusal_with_the_engines_words(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    body = {"success": False, "data": None, "error": "Trade not\nfound"}
    serves(respx_mock, f"{PAPER}/status", body)
    with pytest.raises(RejectedError, match=r"refused: Trade not found$") as caught:
        await engine.status()
    assert caught.value.http_status is None


@pytest.mark.parametrize("error", [None, "", 7])
async def test_a_refusal_without_words_says_so(
    error: object, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/status", {"success": False, "error": error})
    with pytest.raises(RejectedError, match="no reason given"):
        await engine.status()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"success": "true", "data": PORTFOLIO}, "success is no boolean", id="success as text"),
        pytest.param({"success": None, "data": PORTFOLIO}, "success is no boolean", id="success null"),
        pytest.param({"success": True, "error": None}, "data is missing or null", id="no data"),
        pytest.param({"success": True, "data": None, "error": None}, "data is missing or null", id="data null"),
        pytest.param({"success": True, "data": [PORTFOLIO]}, "list instead of an object", id="data a list"),
        pytest.param({"success": True, "data": {}}, "current_balance is missing", id="data empty"),
        pytest.param({}, "current_balance is missing", id="nothing at all"),
        pytest.param([], "list instead of an object", id="flat list"),
        pytest.param("<html>Bad gateway</html>", "HTTP 200 with HTML", id="HTML"),
        pytest.param("", "empty body", id="empty"),
    ],
)
async def test_a_broken_envelope_is_named(
    body: object, says: str, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/portfolio", body)
    with pytest.raises(ContractError, match=says):
        await engine.portfolio()


async def test_the_envelopes_clock_is_read_to_the_microsecond_and_wins_over_the_date(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(
        respx_mock, f"{PAPER}/portfolio", enveloped(PORTFOLIO, timestamp=STAMP), date="Wed, 26 Nov 2025 09:00:00 GMT"
    )
    reading = await engine.portfolio()
    assert reading.as_of == datetime(2025, 11, 26, 8, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("minutes", [-10, 0, 10])
async def test_clock_skew_is_how_far_the_engine_is_ahead(
    minutes: int, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    theirs = datetime.now(UTC) + timedelta(minutes=minutes)
    serves(respx_mock, f"{PAPER}/portfolio", enveloped(PORTFOLIO, timestamp=theirs.isoformat()))
    skew = (await engine.portfolio()).clock_skew
    assert skew is not None
    assert abs(skew - timedelta(minutes=minutes)) < timedelta(seconds=5)


@pytest.mark.parametrize("stamp", [None, 1764144000, "soon", "2025-11-26T08:00:00", "0001-01-01T00:00:00+23:00"])
async def test_a_clock_that_cannot_be_read_is_unknown_and_never_ours(
    stamp: object, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/portfolio", enveloped(PORTFOLIO, timestamp=stamp))
    reading = await engine.portfolio()
    assert (reading.as_of, reading.clock_skew) == (None, None)


# Statuses


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_a_matter_of_settings(
    status: int, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/api/health", "", status=status)
    with pytest.raises(MisconfiguredError, match=f"HTTP {status}; check its token or key"):
        await engine.health()


async def test_too_many_requests_carry_the_wait(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/health", "", status=429, **{"Retry-After": "7"})
    with pytest.raises(RateLimitedError) as caught:
        await engine.health()
    assert caught.value.retry_after == timedelta(seconds=7)


# Status and settings


async def test_status_says_whether_trading_runs_and_since_when_nothing_moved(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    data = {"is_running": False, "portfolio": PORTFOLIO, "last_updated": STAMP}
    serves(respx_mock, f"{PAPER}/status", enveloped(data, timestamp=STAMP))
    status = (await engine.status()).value
    assert not status.is_running
    assert status.last_updated == datetime(2025, 11, 26, 8, 0, 0, 123456, tzinfo=UTC)


async def test_symbols_keep_null_as_the_engines_default(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    entry = {
        "enabled": True,
        "leverage": 10,
        "position_size_pct": 5.0,
        "stop_loss_pct": 2.0,
        "take_profit_pct": 4.0,
        "max_positions": 1,
    }
    serves(
        respx_mock, f"{PAPER}/symbols", enveloped({"BTCUSDT": entry, "ETHUSDT": {"enabled": False, "leverage": None}})
    )
    symbols = (await engine.symbols()).value
    assert symbols["BTCUSDT"] == SymbolSettings("BTCUSDT", True, 10, Decimal(5), Decimal(2), Decimal(4), 1)
    assert symbols["ETHUSDT"] == SymbolSettings("ETHUSDT", enabled=False)


@pytest.mark.parametrize("enabled", [None, "false", 0])
async def test_a_symbol_of_unknown_state_is_never_guessed(
    enabled: object, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/symbols", enveloped({"BTCUSDT": {"enabled": enabled}}))
    with pytest.raises(ContractError, match=r"\(BTCUSDT\) answered with a wrong shape: enabled"):
        await engine.symbols()


async def test_basic_settings_tell_the_fees(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    basic = {"initial_balance": 10000.0, "trading_fee_rate": 0.0004, "funding_fee_rate": 0.0001, "enabled": True}
    serves(respx_mock, f"{PAPER}/basic-settings", enveloped({"basic": basic, "risk": {}}))
    expected = BasicSettings(Decimal(10000), Decimal("0.0004"))
    assert (await engine.basic_settings()).value == expected


async def test_a_field_within_a_field_is_named_by_its_path(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/basic-settings", enveloped({"basic": {"initial_balance": 10000}}))
    with pytest.raises(ContractError, match=r"basic\.trading_fee_rate is missing"):
        await engine.basic_settings()


# Portfolio


@pytest.mark.parametrize("flat", [False, True], ids=["enveloped", "without envelope"])
async def test_the_portfolio_of_the_release(flat: bool, engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/portfolio", PORTFOLIO if flat else enveloped(PORTFOLIO, timestamp=STAMP))
    portfolio = (await engine.portfolio()).value
    assert portfolio.balance == Decimal("10391.2")
    assert portfolio.equity == Decimal("10412.7")
    assert portfolio.total_return_percent == Decimal("4.127")
    assert portfolio.total_trades == 48
    assert portfolio.winning_trades is None


async def test_a_figure_that_nobody_reads_costs_no_answer(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    without = {name: value for name, value in PORTFOLIO.items() if "margin" not in name}
    serves(respx_mock, f"{PAPER}/portfolio", enveloped(without))
    assert (await engine.portfolio()).value.equity == Decimal("10412.7")


@pytest.mark.parametrize(("sent", "shown"), [(58.333, "58.33"), (0, "0.00"), (10**400, None)])
async def test_what_the_engine_claims_of_its_trading_can_be_shown(
    engine: EngineClient, respx_mock: respx.MockRouter, sent: float, shown: str | None
) -> None:
    serves(respx_mock, f"{PAPER}/portfolio", enveloped(PORTFOLIO | {"win_rate": sent}))
    claims = (await engine.portfolio()).value.claims
    assert claims.win_rate_percent is not None
    assert shown is None or claims.win_rate_percent.shown() == shown
    assert claims.profit_factor is not None
    assert claims.average_profit is None


@pytest.mark.parametrize("sent", [None, "58.33", True, float("nan"), float("inf"), {}], ids=repr)
async def test_a_claim_that_is_no_number_is_not_there_and_costs_no_answer(
    engine: EngineClient, respx_mock: respx.MockRouter, sent: object
) -> None:
    serves(respx_mock, f"{PAPER}/portfolio", enveloped(PORTFOLIO | {"win_rate": sent}))
    account = (await engine.portfolio()).value
    assert account.claims.win_rate_percent is None
    assert account.balance == Decimal("10391.2")


@pytest.mark.parametrize("flat", [False, True], ids=["enveloped", "without envelope"])
async def test_the_portfolio_of_other_deployments(
    flat: bool, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/portfolio", FLAT_PORTFOLIO if flat else enveloped(FLAT_PORTFOLIO))
    portfolio = (await engine.portfolio()).value
    assert portfolio.balance == Decimal("10391.2")
    assert (portfolio.winning_trades, portfolio.losing_trades) == (28, 20)
    assert portfolio.equity is None, "not said is not zero"


@pytest.mark.parametrize("damage", ["missing", None, float("nan"), float("inf"), "10391.2", True, []], ids=repr)
@pytest.mark.parametrize(
    ("shape", "field"),
    [(PORTFOLIO, name) for name in ("current_balance", "equity", "total_pnl", "total_pnl_percentage", "total_trades")]
    + [(FLAT_PORTFOLIO, name) for name in ("balance", "total_return_percent")],
)
async def test_a_mandatory_figure_that_is_not_there_is_an_error_and_never_zero(
    shape: dict[str, Any], field: str, damage: object, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    damaged = {name: value for name, value in shape.items() if name != field}
    if damage != "missing":
        damaged[field] = damage
    serves(respx_mock, f"{PAPER}/portfolio", enveloped(damaged))
    expected = "current_balance" if field == "balance" and damage == "missing" else field
    with pytest.raises(ContractError, match=f"wrong shape: {expected} is"):
        await engine.portfolio()


# Trades


async def test_a_closed_trade_as_the_sheet_has_it(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE], timestamp=STAMP))
    (trade,) = (await engine.closed_trades()).value
    assert trade.side is Side.LONG
    assert trade.pnl == Decimal("19.69")
    assert trade.duration == timedelta(minutes=90)
    assert trade.closed_at == datetime(2025, 11, 25, 11, 45, 0, 100000, tzinfo=UTC)
    assert trade.strategy is None


async def test_the_strategy_of_a_trade_is_read_where_a_deployment_names_it(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    opened = {
        name: TRADE[name] for name in ("symbol", "trade_type", "entry_price", "quantity", "leverage", "open_time")
    }
    listed = [
        opened | {"id": "named", "strategy": "rsi"},
        opened | {"id": "null", "strategy": None},
        opened | {"id": "n"},
    ]
    serves(respx_mock, f"{PAPER}/trades/open", enveloped(listed))
    assert [trade.strategy for trade in (await engine.open_trades()).value] == ["rsi", None, None]


async def test_the_return_is_computed_and_the_engines_stale_percentage_ignored(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    lost = TRADE | {"pnl": -5.0, "pnl_percentage": 2.01}
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([lost]))
    (trade,) = (await engine.closed_trades()).value
    assert trade.return_percent == Decimal("-5.0") / (Decimal("2950.1") * Decimal("0.34")) * 100


async def test_other_spellings_of_a_closed_trade_are_understood(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    renamed = {k: v for k, v in TRADE.items() if k not in {"pnl", "pnl_percentage", "close_time", "trade_type"}}
    renamed |= {"pnl_usdt": 19.69, "profit_percent": 2.01, "executed_at": TRADE["close_time"], "side": "SHORT"}
    serves(respx_mock, f"{PAPER}/trades/closed", [renamed])
    (trade,) = (await engine.closed_trades()).value
    assert trade.pnl == Decimal("19.69")
    assert trade.closed_at == datetime(2025, 11, 25, 11, 45, 0, 100000, tzinfo=UTC)
    assert trade.side is Side.SHORT


async def test_closed_trades_come_in_the_order_of_their_closing(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    records = [TRADE | {"id": f"t{hour}", "close_time": f"2025-11-25T{hour}:00:00Z"} for hour in (15, 12, 18)]
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped(records))
    assert [trade.id for trade in (await engine.closed_trades()).value] == ["t12", "t15", "t18"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"close_time": None}, "close_time is null", id="not closed"),
        pytest.param({"close_time": "2025-11-25T09:00:00Z"}, "close_time is before open_time", id="time runs back"),
        pytest.param({"close_time": "yesterday"}, "close_time is no time with a time zone", id="no time"),
        pytest.param({"close_time": "2025-11-25T11:45:00"}, "close_time is no time with a time zone", id="naive time"),
        pytest.param({"close_time": 1764071100}, "close_time is int, not a time in a string", id="epoch"),
        pytest.param({"pnl": None}, "pnl is null", id="no profit"),
        pytest.param({"pnl": float("nan")}, "pnl is NaN or infinite", id="profit NaN"),
        pytest.param({"exit_price": float("-inf")}, "exit_price is NaN or infinite", id="infinite price"),
        pytest.param({"entry_price": -1.0}, "entry_price is wrong", id="negative price"),
        pytest.param({"entry_price": 0}, "entry_price is wrong", id="zero price, nothing to divide by"),
        pytest.param({"quantity": 0.0}, "quantity is wrong", id="zero quantity"),
        pytest.param({"pnl": "19.69"}, "pnl is str, not a number", id="profit as text"),
        pytest.param({"trade_type": "Sideways"}, "trade_type is wrong", id="unknown side"),
    ],
)
async def test_a_bad_trade_is_counted_and_the_others_stay(
    change: dict[str, Any], problem: str, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE | {"id": "bad"} | change, TRADE, 7]))
    reading = await engine.closed_trades()
    assert [trade.id for trade in reading.value] == ["6f1c"]
    assert [rejected.record for rejected in reading.rejected] == ["bad", "#3"]
    assert reading.rejected[0].problem.startswith(problem)


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("pnl", -1.1e15),
        ("pnl", 1e308),
        ("entry_price", 1e300),
        ("exit_price", 10**16),
        ("quantity", 1e300),
        ("duration_ms", 10**30),
    ],
)
async def test_a_trade_beyond_all_measure_is_counted_and_never_archived(
    field: str, sent: float, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE, TRADE | {"id": "odd", field: sent}]))
    reading = await engine.closed_trades()
    assert [trade.id for trade in reading.value] == [TRADE["id"]]
    assert [rejected.record for rejected in reading.rejected] == ["odd"]
    assert reading.rejected[0].problem.startswith(field)


async def test_a_list_of_trades_beyond_all_measure_is_no_break_of_the_contract(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE | {"duration_ms": 10**30}]))
    reading = await engine.closed_trades()
    assert reading.value == ()
    assert len(reading.rejected) == 1


async def test_an_account_beyond_all_measure_is_an_error(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/portfolio", enveloped(PORTFOLIO | {"current_balance": 1e308}))
    with pytest.raises(ContractError, match="current_balance is larger than any that can be meant"):
        await engine.portfolio()


async def test_a_trade_without_measured_duration_is_kept(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE | {"duration_ms": None}]))
    reading = await engine.closed_trades()
    assert reading.value[0].duration is None
    assert reading.rejected == ()


async def test_a_trade_that_is_listed_twice_counts_once(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE, TRADE]))
    reading = await engine.closed_trades()
    assert len(reading.value) == 1
    assert reading.rejected[0].problem == "id is listed twice"


async def test_only_unfinished_trades_are_an_empty_list_that_says_why(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE | {"close_time": None}]))
    reading = await engine.closed_trades()
    assert reading.value == ()
    assert len(reading.rejected) == 1


async def test_trades_of_another_shape_break_the_contract(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    records = [{k: v for k, v in TRADE.items() if k != "pnl"} for _ in range(3)]
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped(records))
    with pytest.raises(ContractError, match="no usable record: pnl is missing"):
        await engine.closed_trades()


@pytest.mark.parametrize("data", [{}, "none", 3])
async def test_trades_that_are_no_list_break_the_contract(
    data: object, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped(data))
    with pytest.raises(ContractError, match="instead of a list"):
        await engine.closed_trades()


async def test_no_trades_are_an_empty_list(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/trades/open", enveloped([]))
    assert (await engine.open_trades()).value == ()


async def test_thousands_of_trades_are_all_read(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, f"{PAPER}/trades/closed", enveloped([TRADE | {"id": str(n)} for n in range(2_500)]))
    assert len((await engine.closed_trades()).value) == 2_500


async def test_open_trades_come_oldest_first_with_their_unrealised_profit(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    running = TRADE | {"status": "Open", "exit_price": None, "close_time": None, "duration_ms": None, "pnl": None}
    earlier = running | {"id": "old", "open_time": "2025-11-24T10:15:00Z", "pnl": -3.5}
    serves(respx_mock, f"{PAPER}/trades/open", enveloped([running, earlier]))
    trades = (await engine.open_trades()).value
    assert [(trade.id, trade.unrealised_pnl) for trade in trades] == [("old", Decimal("-3.5")), ("6f1c", None)]
    assert trades[0].notional == Decimal("2950.1") * Decimal("0.34")


# Prices and candles


async def test_prices_that_cannot_be_true_are_counted(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    data = {"BTCUSDT": 90311.0, "ETHUSDT": float("nan"), "BNBUSDT": 0.0, "SOLUSDT": None}
    serves(respx_mock, "/api/market/prices", enveloped(data))
    reading = await engine.prices()
    assert reading.value == {"BTCUSDT": Decimal("90311.0")}
    assert [rejected.record for rejected in reading.rejected] == ["ETHUSDT", "BNBUSDT", "SOLUSDT"]


async def test_newest_first_becomes_ascending_without_the_open_one(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    route = serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles(candle(0), candle(1), candle(2)))
    series = (await engine.candles("BTCUSDT", "1h", 2)).value
    assert [c.opened_at for c in series.candles] == [opening(2), opening(1)]
    assert (series.open_dropped, series.missing, series.gaps) == (1, 0, ())
    assert route.calls.last.request.url.params["limit"] == "3", "one spare for the open one"


async def test_is_closed_decides_where_it_is_given(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    records = [candle(0, is_closed=True), candle(1, is_closed=True), candle(2, is_closed=False)]
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles(*records))
    series = (await engine.candles("BTCUSDT", "1h", 3)).value
    assert [c.opened_at for c in series.candles] == [opening(1), opening(0)]


async def test_without_is_closed_the_clock_of_the_engine_decides(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    body = candles(candle(0), candle(1), candle(2))
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", body, date="Wed, 26 Nov 2025 07:30:00 GMT")
    series = (await engine.candles("BTCUSDT", "1h", 3)).value
    assert [c.opened_at for c in series.candles] == [opening(2)]
    assert series.open_dropped == 2


async def test_duplicates_are_merged_to_the_fuller_one(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    records = [candle(0), candle(1, volume=5.0), candle(1, volume=9.0), candle(1, volume=7.0)]
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles(*records))
    series = (await engine.candles("BTCUSDT", "1h", 1)).value
    assert [c.volume for c in series.candles] == [9.0]
    assert series.duplicates == 2


async def test_gaps_and_a_short_history_are_reported(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles(candle(0), candle(1), candle(4), candle(5)))
    series = (await engine.candles("BTCUSDT", "1h", 720)).value
    assert series.gaps == (Gap(first=opening(3), missing=2),)
    assert (series.requested, series.missing) == (720, 717)


async def test_more_than_was_asked_for_is_cut_to_the_newest(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles(*(candle(back) for back in range(9))))
    series = (await engine.candles("BTCUSDT", "1h", 2)).value
    assert [c.opened_at for c in series.candles] == [opening(2), opening(1)]


@pytest.mark.parametrize(
    "change",
    [
        {"close": float("nan")},
        {"high": float("inf")},
        {"low": -1.0},
        {"open": 0},
        {"volume": -0.1},
        {"high": 1.0},
        {"timestamp": NEWEST - HOUR + 1},
        {"timestamp": 10**20},
        {"close": None},
    ],
    ids=repr,
)
async def test_a_candle_that_cannot_be_true_is_counted(
    change: dict[str, Any], engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles(candle(0), candle(1, **change), candle(2)))
    reading = await engine.candles("BTCUSDT", "1h", 2)
    assert [c.opened_at for c in reading.value.candles] == [opening(2)]
    assert len(reading.rejected) == 1


async def test_an_unknown_symbol_hidden_behind_success_is_refused(
    engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    body = candles(symbol="NOPE")
    body["data"]["latest_price"] = 0.0
    serves(respx_mock, "/api/market/candles/NOPE/1h", body)
    with pytest.raises(RejectedError, match="has no candles of NOPE; check the symbol"):
        await engine.candles("NOPE", "1h", 10)


async def test_candles_of_another_symbol_are_not_taken(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles(candle(0), symbol="ETHUSDT"))
    with pytest.raises(ContractError, match="answered for symbol ETHUSDT"):
        await engine.candles("BTCUSDT", "1h", 10)


async def test_candles_of_another_shape_break_the_contract(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/market/candles/BTCUSDT/1h", candles([1, 2, 3], [4, 5, 6]))
    with pytest.raises(ContractError, match="no usable record"):
        await engine.candles("BTCUSDT", "1h", 10)


async def test_a_symbol_is_encoded_into_the_path(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(url__startswith=ADDRESS).respond(json=candles(candle(0), candle(1), symbol="A/B?C"))
    await engine.candles("A/B?C", "1h", 1)
    assert route.calls.last.request.url.raw_path == b"/api/market/candles/A%2FB%3FC/1h?limit=2"


@pytest.mark.parametrize(("timeframe", "limit"), [("2h", 10), ("1h", 0)])
async def test_a_senseless_request_is_not_sent(timeframe: str, limit: int, engine: EngineClient) -> None:
    with pytest.raises(ValueError, match=r"2h|below 1"):
        await engine.candles("BTCUSDT", timeframe, limit)


# Optional routes


@pytest.mark.parametrize(
    ("verb", "status", "body", "there"),
    [
        pytest.param("POST", 404, "Not Found", False, id="absent"),
        pytest.param("POST", 405, "", True, id="takes another verb"),
        pytest.param("POST", 501, "", False, id="not implemented"),
        pytest.param("GET", 200, "[]", True, id="a read answers"),
        pytest.param("GET", 405, "", False, id="a read that takes no GET"),
    ],
)
async def test_an_optional_route_is_found_out_by_a_harmless_get(
    verb: str, status: int, body: str, there: bool, engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/api/strategies/RSI%20Strategy/disable", body, status=status)
    assert await engine.has_route(verb, "/api/strategies/RSI%20Strategy/disable") is there
    assert [call.request.method for call in respx_mock.calls] == ["GET"]


@pytest.mark.parametrize(
    ("verb", "status", "expected"),
    [("POST", 200, ContractError), ("GET", 200, ContractError), ("POST", 401, MisconfiguredError)],
)
async def test_a_page_for_everything_is_no_evidence_of_a_route(
    verb: str, status: int, expected: type[TradeOpsError], engine: EngineClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/api/x", "<html></html>", status=status)
    with pytest.raises(expected):
        await engine.has_route(verb, "/api/x")


# Whatever comes


@given(body=JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@pytest.mark.parametrize(
    "read",
    ["health", "status", "portfolio", "open_trades", "closed_trades", "symbols", "prices", "basic_settings", "candles"],
)
async def test_no_answer_can_cause_anything_but_a_reading_or_a_typed_error(
    read: str, body: object, engine: EngineClient
) -> None:
    arguments = ("BTCUSDT", "1h", 5) if read == "candles" else ()
    with respx.mock, contextlib.suppress(TradeOpsError):
        respx.get(url__startswith=ADDRESS).respond(content=json.dumps(body))
        assert isinstance(await getattr(engine, read)(*arguments), Reading)


async def test_a_number_beyond_all_floats_is_not_finite(engine: EngineClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/market/prices", enveloped({"BTCUSDT": 1, "ETHUSDT": 10**400}))
    assert (await engine.prices()).rejected[0].problem == "price is NaN or infinite"
