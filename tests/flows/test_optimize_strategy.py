"""The optimisation on a real Prefect server: state, artifact, record, progress, and no touch of the bot."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

from flows.research import optimize_strategy as module
from flows.research.optimize_strategy import optimize_strategy
from tests.flows.test_system_health import without_back_off
from tests.unit.jobs.moving_exchange import EXCHANGE, NOW, MovingExchange, day
from tradeops.adapters.store import Point
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candles import EPOCH
from tradeops.errors import RejectedError, TransientError
from tradeops.jobs.laboratory import optimise, optimise_records
from tradeops.jobs.monitoring.heartbeats import beats
from tradeops.wiring import open_desk

ORDER: dict[str, Any] = {
    "strategy_name": "RSI Strategy",
    "symbol": "BTCUSDT",
    "start_date": day(85),
    "end_date": day(1),
    "parameter_variations": 20,
}


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_URL", EXCHANGE)
    for name in ("gather", "record"):
        monkeypatch.setattr(module, name, without_back_off(getattr(module, name)))


@pytest.fixture
def exchange(wire: respx.MockRouter) -> Iterator[MovingExchange]:
    return MovingExchange(wire)


async def ran(**change: Any) -> State[Any]:  # noqa: ANN401 - of the flow
    state: State[Any] = await optimize_strategy(**(ORDER | change), return_state=True)
    return state


async def artifacts(state: State[Any], key: str) -> list[Any]:
    where = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]), key=ArtifactFilterKey(any_=[key])
    )
    async with get_client() as client:
        return [found.data for found in await client.read_artifacts(artifact_filter=where)]


async def kept() -> list[Point]:
    async with open_desk() as desk:
        return await desk.store.points(optimise_records.SERIES, since=EPOCH, until=NOW + timedelta(days=1))


async def test_an_optimisation_is_made_shown_and_kept_and_the_bot_is_left_alone(
    exchange: MovingExchange, wire: respx.MockRouter
) -> None:
    exchange.refusals["BTCUSDT"] = [httpx.Response(503)]  # waited for, tried again
    bot = wire.route(host="engine.test").respond(200, json={})
    state = await ran(parameters={"oversold": 30}, random_seed=3)
    assert state.name in ("Completed", "InsufficientData")
    report = await state.aresult()
    assert state.message == report.summary
    [text] = await artifacts(state, "optimize-strategy")
    assert "Optimisation: RSI Strategy on BTCUSDT" in text
    assert text.count("data:image/png;base64,") <= 2
    assert len(text) < 120_000
    assert (await artifacts(state, "optimize-strategy-progress"))[-1] == 100
    [point] = await kept()
    assert point.key == str(state.state_details.flow_run_id)
    assert point.body["fingerprint"] == report.fingerprint
    assert point.body["total_variations_tested"] == 20
    assert point.body["order"]["parameters"] == {"oversold": 30.0}  # type: ignore[index, call-overload]
    async with open_desk() as desk:
        assert "optimize-strategy" in await beats(desk.store)
    assert not bot.called


async def test_nothing_to_rank_ends_insufficient_data(
    exchange: MovingExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    del exchange
    shy = BacktestRules(least_confidence=1.0)
    made = optimise.made
    monkeypatch.setattr(optimise, "made", lambda *given, **named: made(*given, **named, rules=shy))
    state = await ran()
    assert (state.type.value, state.name) == ("COMPLETED", "InsufficientData")
    assert "no variation made 30 trades both in and out of sample" in str(state.message)
    [point] = await kept()
    assert (point.body["status"], point.body["variations_pruned"]) == ("insufficient_data", 20)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"parameter_variations": 9}, "from 10 to 500, not 9", id="9 variations"),
        pytest.param({"parameter_variations": 501}, "from 10 to 500, not 501", id="501 variations"),
        pytest.param({"strategy_name": "astrology"}, "no strategy", id="strategy"),
        pytest.param({"start_date": day(9)}, "8 days are too few", id="short"),
    ],
)
async def test_what_cannot_be_done_fails_before_any_work(
    exchange: MovingExchange, change: dict[str, Any], problem: str
) -> None:
    state = await ran(**change)
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert problem in str(state.message)
    with pytest.raises(RejectedError):
        await state.aresult()
    [text] = await artifacts(state, "optimize-strategy")
    assert "Optimisation: failed" in text
    assert exchange.asked == []
    assert await kept() == []


async def test_an_exchange_that_stays_down_fails_after_three_retries(exchange: MovingExchange) -> None:
    exchange.refusals["BTCUSDT"] = [httpx.Response(503)] * 9
    state = await ran()
    assert state.name == "Failed"
    with pytest.raises(TransientError):
        await state.aresult()
    assert len(exchange.asked) == 4


def test_it_waits_as_told_between_tries_and_two_hours_at_most() -> None:
    from flows.research.optimize_strategy import again  # noqa: PLC0415 - the fixture has replaced the tasks

    task = again(optimise.gather)
    assert (task.retries, task.retry_delay_seconds) == (3, [60, 120, 300])
    assert optimize_strategy.timeout_seconds == 7200
