"""The backtest and the bulk analysis on a real Prefect server: state, artifact, record, progress."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import respx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.states import Failed

from flows import progress, retries
from flows.research import backtest_strategy as backtest_flow
from flows.research import bulk_analysis as bulk_flow
from flows.research.backtest_strategy import backtest_strategy
from flows.research.bulk_analysis import bulk_analysis
from tests.flows.test_system_health import without_back_off
from tests.unit.jobs.moving_exchange import EXCHANGE, NOW, MovingExchange, day
from tradeops.adapters.store import Point
from tradeops.domain.candles import EPOCH
from tradeops.errors import (
    MisconfiguredError,
    RateLimitedError,
    RejectedError,
    TradeOpsError,
    TransientError,
    UnavailableError,
)
from tradeops.jobs.laboratory import backtest_records, bulk
from tradeops.jobs.monitoring.heartbeats import beats
from tradeops.wiring import open_desk


def refused(seconds: int | None) -> RateLimitedError:
    wait = None if seconds is None else timedelta(seconds=seconds)
    return RateLimitedError("exchange", "HTTP 418", retry_after=wait)


ORDER = {"strategy_name": "RSI Strategy", "symbol": "BTCUSDT", "start_date": day(40), "end_date": day(10)}


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_URL", EXCHANGE)
    for module, names in ((backtest_flow, ("gather", "record")), (bulk_flow, ("gather", "record"))):
        for name in names:
            monkeypatch.setattr(module, name, without_back_off(getattr(module, name)))


@pytest.fixture
def exchange(wire: respx.MockRouter) -> Iterator[MovingExchange]:
    return MovingExchange(wire, BTCUSDT=9e9, ETHUSDT=8e9, SOLUSDT=7e9)


async def ran(flow: Any, **parameters: Any) -> State[Any]:  # noqa: ANN401 - of the flow
    state: State[Any] = await flow(**parameters, return_state=True)
    return state


async def artifacts(state: State[Any], key: str) -> list[Any]:
    where = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]), key=ArtifactFilterKey(any_=[key])
    )
    async with get_client() as client:
        return [found.data for found in await client.read_artifacts(artifact_filter=where)]


async def kept(series: str) -> list[Point]:
    async with open_desk() as desk:
        return await desk.store.points(series, since=EPOCH, until=NOW + timedelta(days=1))


async def test_a_backtest_is_made_shown_and_kept(exchange: MovingExchange) -> None:
    exchange.refusals["BTCUSDT"] = [httpx.Response(503)]
    state = await ran(backtest_strategy, **ORDER, parameters={"period": 10}, random_seed=3)
    assert state.name == "Completed"
    report = await state.aresult()
    assert state.message == report.summary
    [text] = await artifacts(state, "backtest-strategy")
    assert "Backtest: RSI Strategy on BTCUSDT" in text
    assert text.count("data:image/png;base64,") == 2
    assert len(text) < 150_000
    [point] = await kept(backtest_records.SERIES)
    assert point.key == str(state.state_details.flow_run_id)
    assert point.body["fingerprint"] == report.result.fingerprint
    assert point.body["random_seed"] == 3
    async with open_desk() as desk:
        assert "backtest-strategy" in await beats(desk.store)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"strategy_name": "astrology"}, "no strategy", id="strategy"),
        pytest.param({"symbol": "NOPEUSDT"}, "Invalid symbol", id="symbol"),
        pytest.param({"end_date": day(-3)}, "in the future", id="future"),
        pytest.param({"start_date": day(1)}, "lies before end_date", id="reversed"),
        pytest.param({"parameters": {"period": 5000}}, "period lies between", id="bounds"),
        pytest.param({"start_date": day(99), "end_date": day(95)}, "needs 79 candles before", id="warm-up"),
    ],
)
async def test_a_backtest_that_cannot_be_done_fails_in_words_without_a_second_try(
    exchange: MovingExchange, change: dict[str, Any], problem: str
) -> None:
    state = await ran(backtest_strategy, **(ORDER | change))
    assert state.name == "Failed"
    assert problem in str(state.message)
    with pytest.raises(RejectedError):
        await state.aresult()
    [text] = await artifacts(state, "backtest-strategy")
    assert problem in text
    assert len(exchange.asked) <= 2
    assert await kept(backtest_records.SERIES) == []


async def test_an_exchange_that_stays_down_fails_the_backtest_after_four_tries(exchange: MovingExchange) -> None:
    exchange.refusals["BTCUSDT"] = [httpx.Response(503)] * 9
    state = await ran(backtest_strategy, **ORDER)
    assert state.name == "Failed"
    with pytest.raises(TransientError):
        await state.aresult()
    assert len(exchange.asked) == 4


@pytest.mark.parametrize(
    ("error", "tried", "waited"),
    [
        pytest.param(UnavailableError("exchange", "it is down"), True, [0.0], id="down"),
        pytest.param(refused(None), True, [0.0], id="no word how long"),
        pytest.param(refused(299), True, [299.0], id="a pause within patience"),
        pytest.param(refused(301), False, [], id="a ban"),
        pytest.param(RejectedError("exchange", "no"), False, [0.0], id="no use"),
    ],
)
async def test_a_next_try_comes_after_the_pause_that_was_asked_for_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, error: TradeOpsError, tried: bool, waited: list[float]
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(retries, "asyncio", SimpleNamespace(sleep=sleep))
    assert await retries.when_welcome(None, None, Failed(data=error)) is tried
    assert slept == waited


async def test_a_ban_for_hours_ends_the_run_at_its_first_request(exchange: MovingExchange) -> None:
    exchange.refusals["BTCUSDT"] = [httpx.Response(418, headers={"retry-after": "7200"})] * 9
    for flow, order in ((backtest_strategy, ORDER), (bulk_analysis, {"symbols": ["BTCUSDT"]})):
        exchange.asked.clear()
        state = await ran(flow, **order)
        assert state.name == "Failed"
        with pytest.raises(RateLimitedError):
            await state.aresult()
        assert exchange.asked == ["BTCUSDT"]


async def test_many_symbols_are_analysed_kept_exported_and_their_progress_shown(
    exchange: MovingExchange, tmp_path: Path
) -> None:
    exchange.symbols["OLDUSDT"] = 5.0
    exchange.refusals["OLDUSDT"] = [httpx.Response(503)]
    state = await ran(bulk_analysis, export_name="all.csv")
    assert state.name == "Degraded"
    report = await state.aresult()
    assert set(report.failed) == {"OLDUSDT"}
    assert {one.symbol for one in report.analyses} == {"BTCUSDT", "ETHUSDT", "SOLUSDT"}
    [text] = await artifacts(state, "bulk-analysis")
    assert "Not analysed: 1" in text
    assert "data:image/png;base64," in text
    assert (await artifacts(state, "bulk-analysis-progress"))[-1] == 100.0
    [point] = await kept(bulk.SERIES)
    assert point.timestamp > datetime.fromisoformat(str(point.body["started_at"])) - timedelta(seconds=1)
    assert (tmp_path / "home" / "exports" / "all.csv").exists()


async def test_neither_progress_that_cannot_be_shown_nor_a_lost_record_costs_the_analysis(
    exchange: MovingExchange, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    del exchange

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("Prefect is busy")

    monkeypatch.setattr(progress, "acreate_progress_artifact", broken)
    (tmp_path / "home" / "exports" / "all.csv").mkdir(parents=True)
    state = await ran(bulk_analysis, symbols=["BTCUSDT", "ETHUSDT"], export_name="all.csv")
    assert state.name == "Degraded"
    assert "not kept: export: all.csv cannot be written" in str(state.message)
    assert len(await kept(bulk.SERIES)) == 1


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        pytest.param({"symbols": []}, "an empty list of symbols", id="empty list"),
        pytest.param({"timeframe": "9h"}, "9h", id="timeframe"),
        pytest.param({"export_name": "../x.csv"}, "is no name of a file", id="a file elsewhere"),
        pytest.param({"symbols": ["NOPEUSDT"]}, "no symbol could be analysed", id="none is known"),
    ],
)
async def test_a_bulk_analysis_that_cannot_be_done_fails_in_words(
    exchange: MovingExchange, parameters: dict[str, Any], problem: str
) -> None:
    del exchange
    state = await ran(bulk_analysis, **parameters)
    assert state.name == "Failed"
    assert problem in str(state.message)
    assert await kept(bulk.SERIES) == []


async def test_without_an_exchange_both_say_which_setting_is_missing(
    exchange: MovingExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    monkeypatch.delenv("BINANCE_API_URL")
    for flow, order in ((backtest_strategy, ORDER), (bulk_analysis, {})):
        state = await ran(flow, **order)
        assert "BINANCE_API_URL is not set" in str(state.message)
        with pytest.raises(MisconfiguredError):
            await state.aresult()
