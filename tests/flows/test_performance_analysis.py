"""The nightly analysis on a real Prefect server: state, artifact, record, event."""

import asyncio
import logging
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import respx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.events.filters import EventFilter, EventNameFilter, EventRelatedFilter, EventResourceFilter
from prefect.events.schemas.events import Event
from prefect.tasks import Task

from flows import presentation
from flows.monitoring import performance_analysis
from flows.monitoring.performance_analysis import daily_performance_analysis
from tests.flows import announcing
from tests.flows.test_system_health import without_back_off
from tests.unit.domain.performances import trade
from tests.unit.domain.test_performance_verdict import BAD_WEEK, GOOD_WEEK
from tests.unit.jobs.engine_wire import PAPER, serve
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.domain.performance import Window
from tradeops.domain.performance_report import PerformanceReport
from tradeops.domain.portfolio.portfolio import ClosedTrade
from tradeops.errors import CriticalVerdictError, RejectedError, UnavailableError
from tradeops.jobs.alerts import incidents
from tradeops.jobs.reports import performance
from tradeops.wiring import open_desk

WARNING_WEEK = ["3.5", "2.5", "4", "-1"] * 9
TASKS: dict[str, Task[..., Any]] = {
    name: getattr(performance_analysis, name)
    for name in ("collect_trades", "read_balance", "read_initial_balance", "record", "share")
}


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, task in TASKS.items():
        monkeypatch.setattr(performance_analysis, name, without_back_off(task))


def today() -> date:
    return datetime.now(UTC).date()


def recent(returns: list[str]) -> list[ClosedTrade]:
    """Trades of the seven whole days before today."""
    window = Window.before(today(), days=7)
    step = window.length / max(len(returns), 1)
    return [trade(n, value, window.since + n * step) for n, value in enumerate(returns)]


async def run(**parameters: Any) -> State[PerformanceReport]:  # noqa: ANN401 - parameters of the flow
    return await daily_performance_analysis(**parameters, return_state=True)


async def artifact(state: State[Any]) -> str:
    """The text of the run's one artifact."""
    where = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]),
        key=ArtifactFilterKey(any_=["daily-performance-analysis"]),
    )
    async with get_client() as client:
        [found] = await client.read_artifacts(artifact_filter=where)
    return str(found.data)


async def kept() -> list[dict[str, Any]]:
    async with open_desk() as desk:
        now = datetime.now(UTC)
        points = await desk.store.points(
            performance.SERIES, since=now - timedelta(days=40), until=now + timedelta(days=1)
        )
    return [dict(point.body) for point in points]


async def told(state: State[Any]) -> list[Event]:
    """The critical events of a run, looked for once its end is among the server's events."""
    run = [f"prefect.flow-run.{state.state_details.flow_run_id}"]
    ended = EventFilter(
        event=EventNameFilter(name=[f"prefect.flow-run.{state.name}"]), resource=EventResourceFilter(id=run)
    )
    critical = EventFilter(event=EventNameFilter(name=[performance.CRITICAL_EVENT]), related=EventRelatedFilter(id=run))
    async with get_client() as client:
        for _ in range(1200):
            if (await client.read_events(filter=ended, limit=1)).events:
                return list((await client.read_events(filter=critical, limit=50)).events)
            await asyncio.sleep(0.1)
    pytest.fail("the end of the run is not among the events after two minutes")


async def until_told(state: State[Any]) -> list[Event]:
    for _ in range(1200):
        if events := await told(state):
            return events
        await asyncio.sleep(0.1)
    pytest.fail("no event within two minutes")


async def test_a_good_week_ends_completed_with_its_page_and_its_record(wire: respx.MockRouter) -> None:
    serve(wire, recent(GOOD_WEEK))
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Completed")
    assert state.message == "36 trades: every metric that is known reaches its target"
    text = await artifact(state)
    assert text.startswith("# ✓ Performance: good\n")
    assert "| win rate | 91.7 % | 70 % |" in text
    assert "data:image/" in text
    [record] = await kept()
    assert (record["run_id"], record["date"]) == (str(state.state_details.flow_run_id), today().isoformat())
    assert record["performance_status"] == "good"
    assert await told(state) == []
    report = await state.aresult()
    assert isinstance(report, PerformanceReport)


async def test_a_week_below_target_ends_degraded(wire: respx.MockRouter) -> None:
    serve(wire, recent(WARNING_WEEK))
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert state.message == "average profit per trade 2.25 %"
    assert (await artifact(state)).startswith("# ▲ Performance warning: average profit per trade\n")
    assert [r["trigger_ai_analysis"] for r in await kept()] == [False]
    assert await told(state) == []


async def test_a_critical_week_ends_failed_as_critical_and_tells_the_automations(
    wire: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    serve(wire, recent(BAD_WEEK))
    state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Critical")
    assert str(state.message).startswith("win rate 25.0 %, average profit per trade −1.00 %, Sharpe ratio −")
    assert (await artifact(state)).startswith("# ✗ Performance critical: win rate, average profit per trade, Sharpe")
    assert not [record for record in caplog.records if record.exc_info]
    with pytest.raises(CriticalVerdictError, match="daily-performance-analysis: critical: win rate"):
        await state.aresult()
    assert [r["trigger_ai_analysis"] for r in await kept()] == [True]
    [event] = await until_told(state)
    assert event.resource.id == "tradeops.performance.portfolio"
    assert event.payload["date"] == today().isoformat()
    assert event.payload["critical"] == ["win_rate", "avg_profit_per_trade", "sharpe_ratio"]
    assert event.payload["win_rate"] == 25.0


async def test_average_profit_alone_is_critical_and_told(wire: respx.MockRouter) -> None:
    serve(wire, recent(["1.5", "1.2", "1.4", "1.3"] * 9))
    state = await run()
    assert (state.name, state.message) == ("Critical", "average profit per trade 1.35 %")
    [event] = await until_told(state)
    assert event.payload["critical"] == ["avg_profit_per_trade"]


@pytest.mark.parametrize(("count", "name"), [(0, "InsufficientData"), (9, "InsufficientData"), (10, "Critical")])
async def test_a_verdict_needs_ten_trades(wire: respx.MockRouter, count: int, name: str) -> None:
    serve(wire, recent(["-2", "-1"] * 5)[:count])
    state = await run()
    assert state.name == name
    text = await artifact(state)
    if count < 10:
        assert text.startswith("# ○ Performance: insufficient data\n")
        assert ("No trades" in text) is (count == 0)
        assert await told(state) == []
        assert [r["status"] for r in await kept()] == ["insufficient_data"]


async def test_an_engine_that_is_down_fails_the_run_after_its_retries(
    wire: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    serve(wire, [], balance=httpx.ConnectError("refused"), initial=httpx.Response(503))
    route = wire.get(f"{PAPER}/trades/closed").mock(side_effect=httpx.ConnectError("refused"))
    with caplog.at_level(logging.ERROR):
        state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "engine" in str(state.message)
    assert "\n" not in str(state.message)
    assert route.call_count == 4
    assert not await kept()
    with pytest.raises(UnavailableError):
        await state.aresult()


async def test_each_read_that_fails_for_a_moment_is_asked_again(wire: respx.MockRouter) -> None:
    route = serve(wire, recent(GOOD_WEEK), before=[httpx.Response(503), httpx.ConnectTimeout("slow")])
    assert (await run()).name == "Completed"
    assert route.call_count == 3


async def test_a_read_that_is_refused_is_not_asked_again(wire: respx.MockRouter) -> None:
    serve(wire, [])
    route = wire.get(f"{PAPER}/trades/closed").mock(side_effect=[httpx.Response(401)] * 4)
    state = await run()
    assert (state.name, route.call_count) == ("Failed", 1)


async def test_without_the_balance_a_good_week_is_only_degraded(wire: respx.MockRouter) -> None:
    serve(wire, recent(GOOD_WEEK), balance=httpx.Response(404))
    state = await run()
    assert state.name == "Degraded"
    assert "without the balance there is no Sharpe ratio" in str(state.message)
    assert (await artifact(state)).startswith("# ▲ Performance: good, but not all is known\n")


async def test_the_second_run_of_a_day_shows_its_figures_and_stores_and_tells_nothing(wire: respx.MockRouter) -> None:
    serve(wire, recent(BAD_WEEK))
    first = await run()
    second = await run()
    assert second.name == "Critical"
    assert "This day was analysed at " in await artifact(second)
    assert [r["run_id"] for r in await kept()] == [str(first.state_details.flow_run_id)]
    assert len(await until_told(first)) == 1
    assert await told(second) == []


async def test_a_missed_day_is_made_up_for_without_touching_others_and_without_an_alarm(wire: respx.MockRouter) -> None:
    serve(wire, recent(BAD_WEEK))
    yesterday = today() - timedelta(days=1)
    state = await run(date=yesterday)
    assert state.name == "Critical"
    assert [r["date"] for r in await kept()] == [yesterday.isoformat()]
    assert await told(state) == []
    await run()
    assert [r["date"] for r in await kept()] == [yesterday.isoformat(), today().isoformat()]


async def test_a_day_in_the_future_is_refused(wire: respx.MockRouter) -> None:
    route = serve(wire, [])
    state = await run(date=today() + timedelta(days=2))
    assert state.name == "Failed"
    assert "is in the future" in str(state.message)
    assert not route.called
    with pytest.raises(RejectedError):
        await state.aresult()


@pytest.mark.parametrize("days", [0, 91])
async def test_a_window_has_1_to_90_days(days: int) -> None:
    state = await run(days=days)
    assert state.type.value == "FAILED"
    assert "days" in str(state.message)


async def test_a_window_of_another_length_is_shown_and_not_stored(wire: respx.MockRouter) -> None:
    serve(wire, recent(BAD_WEEK))
    state = await run(days=30)
    assert state.name == "Critical"
    assert "Only windows of 7 days are stored; this one is shown." in await artifact(state)
    assert not await kept()
    assert await told(state) == []


async def test_a_scheduled_run_that_is_too_late_is_skipped(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = serve(wire, recent(GOOD_WEEK))
    due = datetime.now(UTC) - timedelta(hours=7)
    monkeypatch.setattr(presentation.flow_run, "get_scheduled_start_time", lambda: due)
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Skipped")
    assert not route.called
    assert (await run(date=today())).name == "Completed"


@pytest.mark.parametrize(("returns", "name"), [(GOOD_WEEK, "Degraded"), (BAD_WEEK, "Critical")])
async def test_a_dead_redis_never_fails_the_analysis_and_is_told(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, returns: list[str], name: str
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@127.0.0.1:1/0")
    serve(wire, recent(returns))
    state = await run()
    assert state.name == name
    assert "not kept: redis: 127.0.0.1:1 refused" in str(state.message)
    assert "hunter2" not in str(state.message)
    assert len(await kept()) == 1


@pytest.mark.parametrize("step", ["record", "share"])
async def test_what_cannot_be_kept_is_published_all_the_same(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    serve(wire, recent(GOOD_WEEK))
    monkeypatch.setattr(performance, step, AsyncMock(side_effect=RejectedError("store", "disk full")))
    state = await run()
    assert state.name == "Degraded"
    assert str(state.message).endswith("; not kept: store: disk full")
    assert (await artifact(state)).startswith("# ✓ Performance: good")


async def test_a_missing_address_fails_with_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUST_API_URL")
    state = await run()
    assert state.name == "Failed"
    assert "RUST_API_URL is not set" in str(state.message)


def test_all_tries_of_a_read_and_of_a_record_end_before_the_deadline() -> None:
    for task in TASKS.values():
        delays = task.retry_delay_seconds
        assert isinstance(delays, list)
        assert (task.retries, delays) == (3, [5, 15, 45])
        assert sum(delays) * (1 + (task.retry_jitter_factor or 0)) < 100
    assert daily_performance_analysis.timeout_seconds == 300


# what it tells besides

EVERY_METRIC = {f"performance:{metric}": Level.CRITICAL for metric in ("win-rate", "average-profit", "sharpe")}


async def test_a_critical_week_is_told_beside_the_report_and_the_day_once(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(wire, recent(BAD_WEEK))
    async with announcing.webhook(monkeypatch) as sink:
        await run()
        assert await announcing.broken() == EVERY_METRIC
        await run()
    reports = [one for one in announcing.arrived(sink) if one["event"] == "performance_report"]
    alerts = [one for one in announcing.arrived(sink) if one["event"] != "performance_report"]
    assert [one["key"] for one in reports] == [f"daily-performance-analysis:{today()}"]
    assert [one["level"] for one in alerts] == ["CRITICAL"]
    assert "win rate critical: 25.0 % is below the critical limit of 55 %" in alerts[0]["body"]
    assert await announcing.broken() == EVERY_METRIC


async def test_a_good_day_ends_what_a_bad_one_opened(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Observation("performance:win-rate", Level.CRITICAL, "bad", datetime.now(UTC) - timedelta(days=1), CERTAIN)
    async with announcing.webhook(monkeypatch) as sink:
        async with open_desk() as desk:
            await incidents.observe(desk, [look], source="performance", run_id="yesterday", now=look.at)
        serve(wire, recent(GOOD_WEEK))
        assert (await run()).name == "Completed"
    assert await announcing.broken() == {}
    assert sorted(announcing.events(sink)) == ["performance_degraded", "performance_recovered", "performance_report"]


@pytest.mark.parametrize("count", [0, 9])
async def test_too_few_trades_end_no_incident_and_are_reported(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    look = Observation("performance:win-rate", Level.CRITICAL, "bad", datetime.now(UTC) - timedelta(days=1), CERTAIN)
    async with open_desk() as desk:
        await incidents.observe(desk, [look], source="performance", run_id="yesterday", now=look.at)
    serve(wire, recent(GOOD_WEEK[:count]))
    async with announcing.webhook(monkeypatch) as sink:
        assert (await run()).name == "InsufficientData"
    assert list(await announcing.broken()) == ["performance:win-rate"]
    assert "performance_report" in announcing.events(sink)


async def test_a_window_of_another_length_is_not_sent_and_opens_nothing(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(wire, recent(BAD_WEEK))
    async with announcing.webhook(monkeypatch) as sink:
        assert (await run(days=30)).name == "Critical"
    assert (sink.posts, await announcing.sent(), await announcing.broken()) == ([], [], {})


async def test_a_past_day_is_sent_and_opens_nothing(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(wire, recent(BAD_WEEK))
    yesterday = today() - timedelta(days=1)
    async with announcing.webhook(monkeypatch) as sink:
        assert (await run(date=yesterday)).name == "Critical"
    assert [one["key"] for one in announcing.arrived(sink)] == [f"daily-performance-analysis:{yesterday}"]
    assert await announcing.broken() == {}


@pytest.mark.parametrize(("returns", "name"), [(GOOD_WEEK, "Completed"), (BAD_WEEK, "Critical")])
async def test_a_channel_that_refuses_stands_in_the_artifact_and_changes_no_verdict(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, returns: list[str], name: str
) -> None:
    serve(wire, recent(returns))
    async with announcing.webhook(monkeypatch, announcing.REFUSES):
        state = await run()
    assert state.name == name
    assert "not kept" not in str(state.message)
    text = await artifact(state)
    assert "Alerting is degraded" in text
    assert "HTTP 400" in text


@pytest.mark.parametrize(("balance", "name"), [(None, "Completed"), (httpx.Response(401), "Failed")])
async def test_a_run_leaves_a_sign_of_life_whether_it_works_or_not(
    wire: respx.MockRouter, balance: httpx.Response | None, name: str
) -> None:
    route = serve(wire, recent(GOOD_WEEK))
    if balance is not None:
        route.mock(side_effect=[balance] * 4)
    assert (await run()).name == name
    assert await announcing.heard_of() == {"daily-performance-analysis"}
