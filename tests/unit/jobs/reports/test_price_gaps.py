"""An engine on the testnet: a gap between its prices and the exchange's is told, and its silence costs nothing."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.unit.jobs.moving_exchange import EXCHANGE, NOW, MovingExchange, day
from tradeops.jobs.exchange_weight import ExchangeWeight
from tradeops.jobs.laboratory import backtest, bulk
from tradeops.jobs.reports import price_gaps
from tradeops.rendering.backtest import backtest_page
from tradeops.rendering.bulk import bulk_page
from tradeops.rendering.text import to_text
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

TESTNET = "the engine's price of BTCUSDT is 3.1 % from the exchange's: is the engine on the testnet?"
SEVERAL = (
    "the engine's price of ETHUSDT is 50.0 % from the exchange's, and 2 of 3 are more than 2 % off: "
    "is the engine on the testnet?"
)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
def exchange(wire: respx.MockRouter) -> MovingExchange:
    made = MovingExchange(wire, BTCUSDT=9e9, ETHUSDT=8e9, SOLUSDT=7e9)
    made.last_price = 1000.0
    return made


@asynccontextmanager
async def desk(home: Path, exchange: str | None = EXCHANGE) -> AsyncGenerator[Desk]:
    values: dict[str, Any] = {
        "RUST_API_URL": "http://engine.test",
        "BINANCE_API_URL": exchange,
        "TRADEOPS_HOME": home,
        "TRADEOPS_STORE": "sqlite",
    }
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        pytest.param({"BTCUSDT": 1031.0}, (TESTNET,), id="above"),
        pytest.param({"BTCUSDT": 969.0}, (TESTNET,), id="below"),
        pytest.param({"BTCUSDT": 1020.0}, (), id="two percent are allowed"),
        pytest.param({"BNBUSDT": 5.0}, (), id="nothing that both know"),
        pytest.param({"BTCUSDT": 0.0, "ETHUSDT": -1.0}, (), id="prices that cannot be true"),
        pytest.param(
            {"BTCUSDT": 1000.0, "ETHUSDT": 1500.0, "SOLUSDT": 1021.0, "NOPEUSDT": 7.0},
            (SEVERAL,),
            id="several, one unknown to the exchange",
        ),
    ],
)
async def test_a_gap_of_more_than_two_percent_is_told(
    exchange: MovingExchange, tmp_path: Path, prices: dict[str, float], told: tuple[str, ...]
) -> None:
    exchange.engine_prices = prices
    async with desk(tmp_path) as here:
        assert await price_gaps.told_of(here, ["NOPEUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT"]) == told


async def test_a_bulk_analysis_and_a_backtest_tell_of_it_in_report_and_page(
    exchange: MovingExchange, tmp_path: Path
) -> None:
    exchange.engine_prices = {"BTCUSDT": 1031.0}
    async with desk(tmp_path) as here:
        order = bulk.checked(["ETHUSDT", "BTCUSDT"], "1h")
        gathered = await bulk.gather(
            here, order, order.symbols or (), ExchangeWeight(), now=NOW, told=lambda _done, _of: None
        )
        looked = bulk.made(order, gathered, run_id="b", started_at=NOW)
        asked = backtest.checked("rsi", "BTCUSDT", day(40), day(10), now=NOW)
        tested = backtest.made(asked, await backtest.gather(here, asked), run_id="t", started_at=NOW)
    assert bulk.as_fields(looked)["remarks"] == [TESTNET]
    assert TESTNET in tested.remarks
    for page in (bulk_page(looked, UTC), backtest_page(tested, UTC)):
        assert TESTNET in " ".join(to_text(page).split())


@pytest.mark.parametrize(
    "answer",
    [httpx.ConnectError("refused"), httpx.Response(500), httpx.Response(401), httpx.Response(200, html="<p>proxy</p>")],
    ids=["refused", "500", "401", "a page"],
)
async def test_an_engine_that_does_not_answer_costs_nothing(
    exchange: MovingExchange, wire: respx.MockRouter, tmp_path: Path, answer: httpx.Response | Exception
) -> None:
    del exchange
    wire.get(path="/api/market/prices").mock(side_effect=[answer] * 3)
    async with desk(tmp_path) as here:
        assert await price_gaps.told_of(here, ["BTCUSDT"]) == ()


async def test_an_engine_that_hangs_costs_three_seconds_at_most(
    exchange: MovingExchange, wire: respx.MockRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange

    async def hangs(request: httpx.Request) -> httpx.Response:
        del request
        await asyncio.Event().wait()
        return httpx.Response(200)

    assert timedelta(seconds=3) == price_gaps.WITHIN
    monkeypatch.setattr(price_gaps, "WITHIN", timedelta(seconds=0.05))
    wire.get(path="/api/market/prices").mock(side_effect=hangs)
    async with desk(tmp_path) as here:
        assert await price_gaps.told_of(here, ["BTCUSDT"]) == ()


async def test_without_an_exchange_there_is_nothing_to_compare(tmp_path: Path) -> None:
    async with desk(tmp_path, None) as here:
        assert await price_gaps.told_of(here, ["BTCUSDT"]) == ()
