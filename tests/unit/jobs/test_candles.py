"""The candle cache: each closed candle is fetched once, and only from the exchange that told it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.unit.jobs.exchange_wire import EXCHANGE, MILLISECOND, NOW, Exchange, stop_the_clock
from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import Body
from tradeops.domain.candles import EPOCH, period_of
from tradeops.errors import MisconfiguredError, RateLimitedError, RejectedError, TransientError, UnavailableError
from tradeops.jobs import candles
from tradeops.jobs.candles import BLOCK, closed_candles
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

ENGINE, TESTNET = "http://engine.test", "http://testnet.test"
HOUR = timedelta(hours=1)
THIS_HOUR = NOW.replace(minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_the_clock(monkeypatch)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def exchange(wire: respx.MockRouter) -> Exchange:
    return Exchange(wire)


@asynccontextmanager
async def desk(home: Path, address: str | None = EXCHANGE) -> AsyncGenerator[Desk]:
    values: dict[str, Any] = {
        "RUST_API_URL": ENGINE,
        "BINANCE_API_URL": address,
        "TRADEOPS_HOME": home,
        "TRADEOPS_STORE": "sqlite",
    }
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


def ms(moment: datetime) -> int:
    return (moment - EPOCH) // MILLISECOND


def of(exchange: Exchange, times: Sequence[datetime]) -> list[float]:
    return [float(exchange.row(ms(at), ms(EPOCH + HOUR))[4]) for at in times]


@pytest.mark.parametrize(
    ("timeframe", "span", "requests"),
    [("1h", timedelta(days=60), 3), ("15m", timedelta(days=90), 11), ("1d", timedelta(days=500), 2)],
)
async def test_a_history_is_fetched_in_whole_pages_once(
    tmp_path: Path, exchange: Exchange, timeframe: str, span: timedelta, requests: int
) -> None:
    start = NOW - (NOW - EPOCH) % period_of(timeframe) - span
    async with desk(tmp_path) as opened:
        first = await closed_candles(opened, "BTCUSDT", timeframe, start, NOW)
        asked = len(exchange.asked)
        again = await closed_candles(opened, "BTCUSDT", timeframe, start, NOW)
    assert len(first.candles) == first.requested == span // period_of(timeframe)
    assert (first.missing, first.gaps, first.duplicates, first.rejected, first.remarks) == (0, (), 0, 0, ())
    assert again.candles == first.candles
    assert requests - 1 <= asked <= requests
    assert len(exchange.asked) == asked


async def test_only_what_is_new_is_fetched_and_the_open_candle_never_kept(tmp_path: Path, exchange: Exchange) -> None:
    async with desk(tmp_path) as opened:
        exchange.clock = THIS_HOUR - 2 * HOUR + timedelta(minutes=5)  # by its clock, two candles are not over yet
        early = await closed_candles(opened, "BTCUSDT", "1h", NOW - 10 * HOUR, NOW)
        exchange.clock = NOW
        late = await closed_candles(opened, "BTCUSDT", "1h", NOW - 10 * HOUR, NOW)
    assert early.candles[-1].opened_at == THIS_HOUR - 3 * HOUR
    assert (early.open_dropped, early.missing) == (1, 2)
    assert late.candles[-1].opened_at == THIS_HOUR - HOUR
    assert (late.open_dropped, late.missing) == (0, 0)
    assert exchange.asked[-1][1] == ms(THIS_HOUR - 3 * HOUR)  # the last known one again, to see that it is the same


async def test_an_interrupted_fetch_goes_on_where_it_stopped(tmp_path: Path, exchange: Exchange) -> None:
    start = NOW - 3 * BLOCK * HOUR
    async with desk(tmp_path) as opened:
        exchange.fails_at = 3
        with pytest.raises(TransientError, match="503"):
            await closed_candles(opened, "BTCUSDT", "1h", start, NOW)
        series = await closed_candles(opened, "BTCUSDT", "1h", start, NOW)
    assert series.missing == 0
    assert len(exchange.asked) == 5  # four blocks, one of them twice
    assert len({since for _, since, _ in exchange.asked}) == 4


async def test_holes_doubles_and_impossible_candles_are_counted_and_never_filled(
    tmp_path: Path, exchange: Exchange
) -> None:
    start = THIS_HOUR - 100 * HOUR
    exchange.holes = {ms(start + 10 * HOUR), ms(start + 11 * HOUR)}
    exchange.bad = {ms(start + 20 * HOUR)}
    exchange.twice = {ms(start + 30 * HOUR)}
    async with desk(tmp_path) as opened:
        for _ in range(2):
            series = await closed_candles(opened, "BTCUSDT", "1h", start, THIS_HOUR)
            assert (series.requested, len(series.candles), series.missing) == (100, 97, 3)
            assert [(gap.first, gap.missing) for gap in series.gaps] == [(start + 10 * HOUR, 2), (start + 20 * HOUR, 1)]
            assert (series.duplicates, series.rejected) == (1, 1)
    assert len(exchange.asked) <= 2  # what an exchange lacks of older days is not asked for again


async def test_an_impossible_candle_counts_once_however_often_it_is_told_and_only_in_its_window(
    tmp_path: Path, exchange: Exchange
) -> None:
    exchange.bad = {ms(THIS_HOUR - HOUR)}  # after the last good one, so that it is asked for again
    async with desk(tmp_path) as opened:
        for _ in range(3):
            series = await closed_candles(opened, "BTCUSDT", "1h", THIS_HOUR - 5 * HOUR, THIS_HOUR)
            assert (len(series.candles), series.rejected) == (4, 1)
        assert (await closed_candles(opened, "BTCUSDT", "1h", THIS_HOUR - 5 * HOUR, THIS_HOUR - HOUR)).rejected == 0
        exchange.bad = set()
        series = await closed_candles(opened, "BTCUSDT", "1h", THIS_HOUR - 5 * HOUR, THIS_HOUR)
        assert (len(series.candles), series.rejected) == (5, 0)


async def test_what_was_kept_before_the_times_of_rejected_ones_were_is_read(tmp_path: Path, exchange: Exchange) -> None:
    start = THIS_HOUR - 3 * BLOCK * HOUR
    async with desk(tmp_path) as opened:
        good = await closed_candles(opened, "BTCUSDT", "1h", start, THIS_HOUR)
        kept = await opened.store.documents(candles.COLLECTION)
        old = [{k: v for k, v in one.body.items() if k != "rejected_ms"} | {"rejected": 0} for one in kept]
        old[0]["rejected"] = 3  # which ones it was is not known: this one is asked for once more
        for one, body in zip(kept, old, strict=True):
            await opened.store.put(candles.COLLECTION, one.key, body, expected_version=one.version)
        asked = len(exchange.asked)
        for _ in range(2):
            series = await closed_candles(opened, "BTCUSDT", "1h", start, THIS_HOUR)
            assert (series.candles, series.rejected) == (good.candles, 0)
    assert len(exchange.asked) == asked + 1


async def test_a_newest_candle_that_is_late_is_asked_for_again(tmp_path: Path, exchange: Exchange) -> None:
    exchange.holes = {ms(THIS_HOUR - HOUR)}
    async with desk(tmp_path) as opened:
        assert (await closed_candles(opened, "BTCUSDT", "1h", THIS_HOUR - 5 * HOUR, THIS_HOUR)).missing == 1
        exchange.holes = set()
        assert (await closed_candles(opened, "BTCUSDT", "1h", THIS_HOUR - 5 * HOUR, THIS_HOUR)).missing == 0


async def test_a_symbol_that_did_not_exist_yet_has_no_candles_and_is_asked_once(
    tmp_path: Path, exchange: Exchange
) -> None:
    exchange.first = NOW
    async with desk(tmp_path) as opened:
        for _ in range(2):
            series = await closed_candles(
                opened, "NEWUSDT", "1d", NOW - timedelta(days=3000), NOW - timedelta(days=2000)
            )
            assert (series.candles, series.missing) == ((), 1000)
    assert len(exchange.asked) == len(set(exchange.asked))


async def test_another_exchange_shares_nothing(tmp_path: Path, wire: respx.MockRouter) -> None:
    mainnet, testnet = Exchange(wire), Exchange(wire, TESTNET)
    testnet.price = 7.0
    for address, source in ((EXCHANGE, mainnet), (TESTNET, testnet), (EXCHANGE, mainnet)):
        async with desk(tmp_path, address) as opened:
            series = await closed_candles(opened, "BTCUSDT", "1h", NOW - 50 * HOUR, NOW)
        assert [c.close for c in series.candles] == of(source, [c.opened_at for c in series.candles])
    assert len(testnet.asked) >= 1


async def test_an_exchange_that_tells_another_history_is_believed_whole(tmp_path: Path, exchange: Exchange) -> None:
    start = THIS_HOUR - 3 * BLOCK * HOUR
    async with desk(tmp_path) as opened:
        exchange.clock = THIS_HOUR - HOUR
        await closed_candles(opened, "BTCUSDT", "1h", start, THIS_HOUR - HOUR)
        exchange.price, exchange.clock = 55.0, NOW
        recent = await closed_candles(opened, "BTCUSDT", "1h", THIS_HOUR - 5 * HOUR, THIS_HOUR)
        assert recent.remarks == ("the exchange tells another history than before, so all of it was fetched anew",)
        older = await closed_candles(opened, "BTCUSDT", "1h", start, THIS_HOUR)
        assert older.remarks == ()
    for series in (recent, older):
        assert [c.close for c in series.candles] == of(exchange, [c.opened_at for c in series.candles])


class Broken:
    """A store in which one method fails."""

    def __init__(self, store: Store, method: str) -> None:
        self._store, self._method = store, method
        self.calls = 0

    def __getattr__(self, name: str) -> object:
        return self._fail if name == self._method else getattr(self._store, name)

    async def _fail(self, *_: object, **__: object) -> None:
        self.calls += 1
        raise UnavailableError("store", "it does not answer")


@pytest.mark.usefixtures("exchange")
@pytest.mark.parametrize(("method", "what"), [("get", "read"), ("put", "written")])
async def test_a_store_that_is_down_costs_no_candle_and_is_told_once(tmp_path: Path, method: str, what: str) -> None:
    async with desk(tmp_path) as opened:
        broken = Broken(opened.store, method)
        crippled = replace(opened, store=broken)  # type: ignore[arg-type]  # as much of a store as is used
        for _ in range(2):
            series = await closed_candles(crippled, "BTCUSDT", "1h", NOW - timedelta(days=90), NOW)
            assert (len(series.candles), series.missing) == (series.requested, 0)
            [remark] = series.remarks
            assert remark == f"the candle cache cannot be {what}, so all was fetched: it does not answer"
    assert broken.calls == 2


@pytest.mark.usefixtures("exchange")
async def test_kept_candles_that_cannot_be_read_are_fetched_anew(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        good = await closed_candles(opened, "BTCUSDT", "1h", NOW - 5 * HOUR, NOW)
        kept = (await opened.store.documents(candles.COLLECTION))[-1]
        spoiled_ones: list[Body] = [{}, {**kept.body, "close": [1.0]}, {**kept.body, "until_ms": "x"}]
        for spoiled in spoiled_ones:
            found = await opened.store.get(candles.COLLECTION, kept.key)
            assert found is not None
            await opened.store.put(candles.COLLECTION, found.key, spoiled, expected_version=found.version)
            series = await closed_candles(opened, "BTCUSDT", "1h", NOW - 5 * HOUR, NOW)
            assert series.candles == good.candles


async def test_a_pause_that_the_exchange_asks_for_is_kept_within_bounds(tmp_path: Path, exchange: Exchange) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with desk(tmp_path) as opened:
        exchange.refusals = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(418)]
        series = await closed_candles(opened, "BTCUSDT", "1h", NOW - 5 * HOUR, NOW, pause=pause)
        assert (series.missing, pauses) == (0, [7, 5])
        exchange.refusals = [httpx.Response(429, headers={"Retry-After": "60"})] * 5
        with pytest.raises(RateLimitedError):
            await closed_candles(opened, "ETHUSDT", "1h", NOW - 5 * HOUR, NOW, pause=pause)
        assert pauses[2:] == [60]


async def test_what_cannot_be_asked_is_said_before_any_request(tmp_path: Path, exchange: Exchange) -> None:
    async with desk(tmp_path) as opened:
        with pytest.raises(RejectedError, match="'btc/usdt' is no symbol"):
            await closed_candles(opened, "btc/usdt", "1h", NOW - HOUR, NOW)
        with pytest.raises(ValueError, match="start is not before end"):
            await closed_candles(opened, "BTCUSDT", "1h", NOW, NOW)
        with pytest.raises(ValueError, match="timeframe '2h'"):
            await closed_candles(opened, "BTCUSDT", "2h", NOW - HOUR, NOW)
    async with desk(tmp_path, None) as opened:
        with pytest.raises(MisconfiguredError, match="BINANCE_API_URL is not set"):
            await closed_candles(opened, "BTCUSDT", "1h", NOW - HOUR, NOW)
    assert exchange.asked == []


async def test_an_unknown_symbol_is_refused_and_the_future_has_no_candles(tmp_path: Path, exchange: Exchange) -> None:
    async with desk(tmp_path) as opened:
        future = await closed_candles(opened, "BTCUSDT", "1h", NOW + HOUR, NOW + 5 * HOUR)
        assert (future.candles, future.requested) == ((), 0)
        exchange.refusals = [httpx.Response(400, json={"code": -1121, "msg": "Invalid symbol."})]
        with pytest.raises(RejectedError, match="Invalid symbol"):
            await closed_candles(opened, "NOPEUSDT", "1h", NOW - 5 * HOUR, NOW)


async def test_two_runs_at_once_get_the_same(tmp_path: Path, exchange: Exchange) -> None:
    async with desk(tmp_path) as opened:
        both = await asyncio.gather(*(closed_candles(opened, "BTCUSDT", "1h", NOW - 50 * HOUR, NOW) for _ in range(2)))
        asked = len(exchange.asked)
        third = await closed_candles(opened, "BTCUSDT", "1h", NOW - 50 * HOUR, NOW)
    assert both[0] == both[1] == third
    assert len(exchange.asked) == asked
