"""The exchange's answers as the contract sheet has them."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.adapters.samples import TICKER
from tests.unit.adapters.services import ADDRESS, serves, service
from tradeops.adapters.exchange.client import ExchangeClient
from tradeops.domain.candles import Gap
from tradeops.domain.readings import Reading
from tradeops.errors import ContractError, RateLimitedError, RejectedError, TradeOpsError

START = datetime(2025, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = "Wed, 26 Nov 2025 08:00:00 GMT"


@pytest.fixture
async def exchange() -> AsyncIterator[ExchangeClient]:
    async with service("exchange") as http:
        yield ExchangeClient(http)


def kline(number: int, **changes: object) -> list[Any]:
    opens = int((START + number * HOUR).timestamp() * 1000)
    row = {
        "open_time": opens,
        "open": "90110.0",
        "high": "90420.5",
        "low": "89980.0",
        "close": "90300.1",
        "volume": "812.4",
        "close_time": opens + 3_599_999,
        "quote": "73000000.0",
        "trades": 4711,
        "taker_base": "400.0",
        "taker_quote": "36000000.0",
        "unused": "0",
    }
    return list((row | changes).values())


def paging(history: list[list[Any]], *, limit: int = 1000, date: str = LATER) -> respx.types.SideEffectTypes:
    """The exchange over a whole history."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = {name: int(request.url.params[name]) for name in ("startTime", "endTime", "limit")}
        within = [row for row in history if asked["startTime"] <= row[0] <= asked["endTime"]]
        return httpx.Response(200, json=within[: min(asked["limit"], limit)], headers={"date": date})

    return answer


async def test_all_tickers_come_in_one_answer_and_a_bad_one_alone_is_left_out(
    exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    dead = TICKER | {"symbol": "DEADUSDT", "lastPrice": "0.00000000"}
    serves(respx_mock, "/api/v3/ticker/24hr", [TICKER, dead, TICKER | {"symbol": "ETHUSDT"}], date=LATER)
    reading = await exchange.tickers()
    assert [ticker.symbol for ticker in reading.value] == ["BTCUSDT", "ETHUSDT"]
    assert len(reading.rejected) == 1


async def test_the_ticker_turns_text_into_numbers(exchange: ExchangeClient, respx_mock: respx.MockRouter) -> None:
    serves(respx_mock, "/api/v3/ticker/24hr?symbol=BTCUSDT", TICKER, date=LATER)
    reading = await exchange.ticker("BTCUSDT")
    assert reading.value.last_price == Decimal("90311.00000000")
    assert reading.value.change_percent == Decimal("-0.450")
    assert reading.value.closed_at == reading.as_of == datetime(2025, 11, 26, 8, tzinfo=UTC)
    assert reading.clock_skew is not None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"lastPrice": "NaN"}, "lastPrice is no finite number"),
        ({"lastPrice": "Infinity"}, "lastPrice is no finite number"),
        ({"lastPrice": "1_000"}, "lastPrice is no finite number"),
        ({"lastPrice": "1e9999"}, "lastPrice is no finite number"),
        ({"lastPrice": "0.0"}, "lastPrice is wrong"),
        ({"lastPrice": None}, "lastPrice is null"),
        ({"lastPrice": 90311.0}, "lastPrice is float, not a number in a string"),
        ({"volume": "-1"}, "volume is wrong"),
        ({"closeTime": "1764144000000"}, "closeTime is str, not milliseconds"),
        ({"closeTime": True}, "closeTime is bool, not milliseconds"),
    ],
    ids=repr,
)
async def test_an_implausible_ticker_breaks_the_contract(
    change: dict[str, Any], problem: str, exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/api/v3/ticker/24hr?symbol=BTCUSDT", TICKER | change)
    with pytest.raises(ContractError, match=problem):
        await exchange.ticker("BTCUSDT")


@pytest.mark.parametrize("status", [400, 404])
async def test_a_refusal_keeps_code_and_message(
    status: int, exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    body = {"code": -1121, "msg": "Invalid symbol."}
    serves(respx_mock, "/api/v3/ticker/24hr?symbol=NOPE", body, status=status)
    with pytest.raises(RejectedError, match=r"refused with code -1121: Invalid symbol\.") as caught:
        await exchange.ticker("NOPE")
    assert caught.value.http_status == status


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"code": "x"}'])
async def test_a_refusal_of_another_shape_is_still_a_refusal(
    body: str, exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    serves(respx_mock, "/api/v3/ticker/24hr?symbol=NOPE", body, status=400)
    with pytest.raises(RejectedError, match="HTTP 400"):
        await exchange.ticker("NOPE")


@pytest.mark.parametrize("status", [429, 418])
async def test_limits_and_bans_carry_the_wait(
    status: int, exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    body = {"code": -1003, "msg": "Too many requests."}
    serves(respx_mock, "/api/v3/ticker/24hr?symbol=BTCUSDT", body, status=status, **{"Retry-After": "120"})
    with pytest.raises(RateLimitedError, match="Too many requests") as caught:
        await exchange.ticker("BTCUSDT")
    assert caught.value.retry_after == timedelta(minutes=2)
    assert len(respx_mock.calls) == 1


@pytest.mark.parametrize("served", [1000, 500], ids=["full pages", "pages shorter than asked"])
async def test_a_long_history_is_paged_until_it_is_whole(
    served: int, exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    count = 2_300
    history = [kline(n) for n in range(-5, count + 5)]
    route = respx_mock.get(ADDRESS + "/api/v3/klines").mock(
        side_effect=paging(history, limit=served, date="Fri, 26 Nov 2027 08:00:00 GMT")
    )
    series = (await exchange.klines("BTCUSDT", "1h", START, START + count * HOUR)).value
    assert [c.opened_at for c in series.candles] == [START + n * HOUR for n in range(count)]
    assert (series.requested, series.missing, series.gaps, series.duplicates) == (count, 0, (), 0)
    assert route.call_count == -(-count // served)


async def test_each_page_begins_after_the_last_opening(exchange: ExchangeClient, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(ADDRESS + "/api/v3/klines").mock(side_effect=paging([kline(n) for n in range(4)], limit=3))
    await exchange.klines("BTCUSDT", "1h", START, START + 4 * HOUR)
    starts = [int(call.request.url.params["startTime"]) for call in route.calls]
    assert starts == [kline(0)[0], kline(2)[0] + 1]


async def test_the_unfinished_last_candle_is_left_out(exchange: ExchangeClient, respx_mock: respx.MockRouter) -> None:
    history = [kline(n) for n in range(4)]
    date = "Sat, 01 Nov 2025 03:30:00 GMT"
    respx_mock.get(ADDRESS + "/api/v3/klines").mock(side_effect=paging(history, date=date))
    reading = await exchange.klines("BTCUSDT", "1h", START, START + 24 * HOUR)
    assert [c.opened_at for c in reading.value.candles] == [START + n * HOUR for n in range(3)]
    assert (reading.value.open_dropped, reading.value.requested, reading.value.missing) == (1, 3, 0)
    assert reading.as_of == datetime(2025, 11, 1, 3, 30, tzinfo=UTC)


async def test_holes_and_a_late_listing_are_reported(exchange: ExchangeClient, respx_mock: respx.MockRouter) -> None:
    history = [kline(n) for n in (3, 4, 7)]
    respx_mock.get(ADDRESS + "/api/v3/klines").mock(side_effect=paging(history))
    series = (await exchange.klines("BTCUSDT", "1h", START, START + 8 * HOUR)).value
    assert series.gaps == (Gap(first=START + 5 * HOUR, missing=2),)
    assert (series.requested, series.missing) == (8, 5)


async def test_nothing_in_the_period_is_an_empty_series(exchange: ExchangeClient, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(ADDRESS + "/api/v3/klines").mock(side_effect=paging([]))
    series = (await exchange.klines("BTCUSDT", "1h", START, START + 8 * HOUR)).value
    assert (series.candles, series.missing) == ((), 8)


async def test_a_candle_that_cannot_be_true_is_counted(exchange: ExchangeClient, respx_mock: respx.MockRouter) -> None:
    history = [kline(0), kline(1, close="NaN"), kline(2, high="1.0"), kline(3)[:5], kline(4, low="-3"), kline(5)]
    respx_mock.get(ADDRESS + "/api/v3/klines").mock(side_effect=paging(history))
    reading = await exchange.klines("BTCUSDT", "1h", START, START + 6 * HOUR)
    assert [c.opened_at for c in reading.value.candles] == [START, START + 5 * HOUR]
    left_out = [(START + n * HOUR).isoformat() for n in range(1, 5)]
    assert [rejected.record for rejected in reading.rejected] == left_out


async def test_a_server_that_ignores_the_start_cannot_keep_us_paging(
    exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.get(ADDRESS + "/api/v3/klines").respond(json=[kline(0), kline(1)])
    with pytest.raises(ContractError, match="does not advance"):
        await exchange.klines("BTCUSDT", "1h", START, START + 100 * HOUR)
    assert route.call_count == 2


async def test_a_server_that_crawls_cannot_keep_us_paging(
    exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    def crawl(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[kline(0, open_time=int(request.url.params["startTime"]))])

    route = respx_mock.get(ADDRESS + "/api/v3/klines").mock(side_effect=crawl)
    with pytest.raises(ContractError, match="does not advance"):
        await exchange.klines("BTCUSDT", "1h", START, START + 100 * HOUR)
    assert route.call_count == 2


@pytest.mark.parametrize("rows", [{}, "x", [[]], [["x"]], [7], [[True]]], ids=repr)
async def test_klines_of_another_shape_break_the_contract(
    rows: object, exchange: ExchangeClient, respx_mock: respx.MockRouter
) -> None:
    respx_mock.get(ADDRESS + "/api/v3/klines").respond(json=rows)
    with pytest.raises(ContractError, match="wrong shape"):
        await exchange.klines("BTCUSDT", "1h", START, START + HOUR)


@pytest.mark.parametrize(
    ("interval", "end"),
    [("1w", START + HOUR), ("1h", START), ("1h", START - HOUR)],
    ids=["unknown interval", "empty", "reversed"],
)
async def test_a_senseless_request_is_not_sent(interval: str, end: datetime, exchange: ExchangeClient) -> None:
    with pytest.raises(ValueError, match=r"1w|start is not before end"):
        await exchange.klines("BTCUSDT", interval, START, end)


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from([*TICKER, "code", "msg"]), inner, max_size=4)
        ),
        max_leaves=12,
    ),
    status=st.sampled_from([200, 400]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
async def test_no_answer_can_cause_anything_but_a_reading_or_a_typed_error(
    body: object, status: int, exchange: ExchangeClient
) -> None:
    with respx.mock:
        respx.get(url__startswith=ADDRESS).respond(status, content=json.dumps(body))
        with contextlib.suppress(TradeOpsError):
            assert isinstance(await exchange.ticker("BTCUSDT"), Reading)
        with contextlib.suppress(TradeOpsError):
            assert isinstance(await exchange.klines("BTCUSDT", "1h", START, START + HOUR), Reading)


async def test_its_address_is_known() -> None:
    async with service("exchange") as http:
        assert ExchangeClient(http).base_url == ADDRESS
