"""The morning's report on a real Prefect server, and against the sandbox's engine to the cent."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
import respx
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from flows import presentation
from flows.monitoring import portfolio_report
from flows.monitoring.portfolio_report import daily_portfolio_report
from sandbox import engine
from sandbox.faults import FaultBook
from sandbox.servers import Service, claim
from sandbox.world import World
from tests.flows import announcing
from tests.flows.conftest import ENGINE
from tests.flows.test_system_health import without_back_off
from tests.sandbox.worlds import SetClock, clock_at
from tests.unit.adapters.services import enveloped
from tests.unit.jobs.portfolio_wire import PAPER, differing, recomputed, serve, trade
from tradeops.domain.portfolio.report import PortfolioReport
from tradeops.errors import ContractError, RejectedError, UnavailableError
from tradeops.jobs.reports import portfolio
from tradeops.wiring import open_desk

NAME = "daily-portfolio-report"


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("read", "record"):
        monkeypatch.setattr(portfolio_report, name, without_back_off(getattr(portfolio_report, name)))


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def trades(now: datetime) -> list[dict[str, Any]]:
    return [
        trade(n, pnl=round((-1) ** n * 7.3 + n / 8, 3), closed_at=now - timedelta(hours=5 * n + 1)) for n in range(40)
    ]


async def run(day: date | str | None = None) -> State[PortfolioReport]:
    return await daily_portfolio_report(date=day, return_state=True)  # type: ignore[arg-type]


async def artifact(state: State[Any]) -> str:
    """The text of the run's one artifact."""
    where = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    async with get_client() as client:
        [found] = await client.read_artifacts(artifact_filter=where)
    assert (found.type, found.key) == ("markdown", NAME)
    return str(found.data)


async def kept() -> list[dict[str, Any]]:
    async with open_desk() as desk:
        since = datetime(2020, 1, 1, tzinfo=UTC)
        points = await desk.store.points(portfolio.SERIES, since=since, until=since + timedelta(days=9999))
    return [dict(point.body) for point in points]


async def test_a_report_is_published_and_kept(
    wire: respx.MockRouter, now: datetime, trades: list[dict[str, Any]]
) -> None:
    serve(wire, trades, now=now)
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Completed"), state.message
    text = await artifact(state)
    assert text.startswith(f"# ✓ Portfolio, {now.date()}: equity ")
    assert "(data:image/" in text
    [record] = await kept()
    assert record["run_id"] == str(state.state_details.flow_run_id)
    assert differing(record, recomputed(trades, until=now)) == {}
    report = await state.aresult()
    assert isinstance(report, PortfolioReport)


async def test_a_second_run_of_the_day_stores_nothing_and_says_so(
    wire: respx.MockRouter, now: datetime, trades: list[dict[str, Any]]
) -> None:
    serve(wire, trades, now=now)
    first = await run()
    second = await run()
    assert second.name == "Completed"
    assert "was already reported at" in str(second.message)
    assert "the figures of this run are shown, not stored" in await artifact(second)
    assert [record["run_id"] for record in await kept()] == [str(first.state_details.flow_run_id)]


async def test_a_day_without_trades_is_reported(wire: respx.MockRouter, now: datetime) -> None:
    serve(wire, [], now=now)
    state = await run()
    assert state.name == "Completed"
    assert "no trades" in str(state.message)
    assert "n/a: no closed trades" in await artifact(state)
    assert [record["win_rate"] for record in await kept()] == [None]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.ConnectError("refused"), UnavailableError),
        (httpx.Response(200, json=enveloped({"equity": 1.0})), ContractError),
    ],
    ids=["down", "field missing"],
)
async def test_an_engine_without_an_account_fails_the_run_and_nothing_is_published(
    wire: respx.MockRouter,
    now: datetime,
    answer: httpx.Response | Exception,
    error: type[Exception],
) -> None:
    serve(wire, [], now=now)["portfolio"].mock(side_effect=[answer] * 9)
    state = await run()
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert ENGINE in str(state.message)
    assert await kept() == []
    with pytest.raises(ValueError, match="unpack"):
        await artifact(state)
    with pytest.raises(error):
        await state.aresult()


async def test_a_source_that_fails_makes_a_partial_report_that_ends_degraded(
    wire: respx.MockRouter, now: datetime, trades: list[dict[str, Any]]
) -> None:
    serve(wire, trades, now=now)["trades/open"].respond(500)
    state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Degraded")
    assert "the engine's open trades could not be read" in str(state.message)
    text = await artifact(state)
    assert text.startswith("# ▲ Portfolio")
    assert "n/a: the engine's open trades could not be read" in text
    assert [record["partial"] for record in await kept()] == [True]


async def test_what_waiting_cures_is_read_again(
    wire: respx.MockRouter, now: datetime, trades: list[dict[str, Any]]
) -> None:
    for route in serve(wire, trades, now=now).values():
        good = route.return_value
        route.mock(side_effect=[httpx.Response(503), httpx.Response(503), httpx.Response(503), good, good, good])
    assert (await run()).name == "Completed"


@pytest.mark.parametrize(("trouble", "tries"), [(UnavailableError, 4), (RejectedError, 1)])
async def test_a_report_that_cannot_be_kept_is_still_published(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, now: datetime, trouble: type[Exception], tries: int
) -> None:
    serve(wire, [], now=now)
    monkeypatch.setattr(portfolio, "record", AsyncMock(side_effect=[trouble("store", "disk full")] * 9))
    state = await run()
    assert state.name == "Degraded"
    assert "not kept: store: disk full" in str(state.message)
    assert "Portfolio" in await artifact(state)
    assert portfolio.record.await_count == tries


async def test_a_past_day_is_made_up_for_even_when_the_run_is_late(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, now: datetime, trades: list[dict[str, Any]]
) -> None:
    serve(wire, trades, now=now)
    monkeypatch.setattr(presentation.flow_run, "get_scheduled_start_time", lambda: now - timedelta(hours=7))
    late = await run()
    assert (late.type.value, late.name) == ("COMPLETED", "Skipped")
    assert "7.0 h late" in str(late.message)
    yesterday = now.date() - timedelta(days=1)
    state = await run(yesterday.isoformat())
    assert state.name == "Completed"
    assert "known live only" in await artifact(state)
    [record] = await kept()
    assert record["date"] == yesterday.isoformat()
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    assert differing(record, recomputed(trades, until=midnight)) == {}


async def test_a_future_day_is_refused_without_asking_the_engine(wire: respx.MockRouter, now: datetime) -> None:
    route = wire.get(f"{PAPER}/portfolio")
    state = await run(now.date() + timedelta(days=1))
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert "is in the future" in str(state.message)
    assert not route.called


async def test_the_tries_end_before_the_deadline_of_the_flow() -> None:
    for task in (portfolio_report.read, portfolio_report.record):
        assert task.retries == 3
    assert daily_portfolio_report.timeout_seconds == 300


# the sandbox's engine


@pytest.fixture
def clock() -> SetClock:
    return clock_at(datetime.now(UTC))


@pytest.fixture
def world(clock: SetClock) -> World:
    return World.build(seed=11, now_ms=clock)


@pytest.fixture
async def sandbox_engine(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    service = Service("engine", engine.build_app(world), claim(0), FaultBook())
    await service.open()
    monkeypatch.setenv("RUST_API_URL", service.url)
    yield service
    await service.close()


async def raw(service: Service, path: str) -> Any:  # noqa: ANN401 -- as it came over the wire
    async with httpx.AsyncClient(trust_env=False) as client:
        return json.loads((await client.get(f"{service.url}/api/paper-trading/{path}")).text)["data"]


async def test_every_number_is_that_of_the_sandboxs_trades(sandbox_engine: Service, clock: SetClock) -> None:
    listed, account, positions = [await raw(sandbox_engine, p) for p in ("trades/closed", "portfolio", "trades/open")]
    state = await run()
    assert state.name == "Completed", state.message
    until = datetime.fromtimestamp(clock.ms / 1000, UTC) + timedelta(milliseconds=1)
    expected = recomputed(listed, until=until)
    [record] = await kept()
    assert differing(record, expected | {"balance": Decimal(repr(account["current_balance"]))}) == {}
    assert Decimal(record["equity"]) == Decimal(repr(account["equity"]))
    unrealised = Decimal(repr(account["equity"])) - Decimal(repr(account["current_balance"]))
    assert Decimal(record["unrealised_pnl"]) == unrealised
    assert [p["unrealised_pnl"] for p in record["positions"]] == [
        str(Decimal(repr(p["pnl"]))) for p in sorted(positions, key=lambda p: p["open_time"])
    ]
    text = await artifact(state)
    for shown in (
        f"${account['equity']:,.2f}",
        f"${account['current_balance']:,.2f}",
        f"{'+' if expected['realised_pnl'] > 0 else '−'}${abs(expected['realised_pnl']):,.2f}",
        f"{expected['total_trades']}: {expected['winning_trades']} won, {expected['losing_trades']} lost",
        f"| Win rate | {expected['win_rate']:.2f} % |",
        f"${expected['fees_estimated']:,.2f}",
        f"| Deepest drawdown | {expected['max_drawdown_pct']:.2f} % |",
        f"| Drawdown now | {expected['drawdown_now_pct']:.2f} % |",
        f"${expected['day_start_equity']:,.2f} (reconstructed)",
        f"{account['win_rate']:.2f}",
    ):
        assert shown in text
    for symbol in {one["symbol"] for one in listed}:
        of_it = [Decimal(repr(one["pnl"])) for one in listed if one["symbol"] == symbol]
        assert record["symbols"][symbol]["trades"] == len(of_it)
        assert Decimal(record["symbols"][symbol]["pnl"]) == sum(of_it)
        assert f"| {symbol} | {len(of_it)} |" in text


async def test_history_outlives_the_sandboxs_restart(sandbox_engine: Service, world: World, clock: SetClock) -> None:
    listed = await raw(sandbox_engine, "trades/closed")
    await run()
    world.reset_portfolio(10_000.0)  # what a restart without open positions does
    clock.pass_time(seconds=1)
    state = await run()
    assert state.name == "Completed", state.message
    text = await artifact(state)
    assert "the engine has lost its history and its balance begins anew" in text
    assert f"{len(listed)} trades are known from our own archive alone" in text
    report = await state.aresult()
    assert isinstance(report, PortfolioReport)
    assert report.balance.value == 10_000
    assert report.trading is not None
    assert report.trading.whole.trades == len(listed)


# what it tells besides


async def test_a_day_is_sent_once_with_its_figures(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, now: datetime, trades: list[dict[str, Any]]
) -> None:
    serve(wire, trades, now=now)
    async with announcing.webhook(monkeypatch) as sink:
        first = await run()
        second = await run()
    assert (first.name, second.name) == ("Completed", "Completed")
    [told] = announcing.arrived(sink)
    assert (told["event"], told["level"], told["key"]) == ("portfolio_report", "INFO", f"{NAME}:{now.date()}")
    assert told["title"].startswith(f"✓ Portfolio, {now.date()}: equity ")
    assert "Win rate" in told["body"]
    assert told["link"].startswith("http://127.0.0.1:")
    assert told["link"].endswith(f"/runs/flow-run/{first.state_details.flow_run_id}")
    assert await announcing.sent() == [f"{NAME}:{now.date()}:webhook"]
    assert "Alerting is degraded" not in await artifact(second)
    assert await announcing.broken() == {}


async def test_a_day_that_is_made_up_for_is_sent_too_each_once(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, now: datetime, trades: list[dict[str, Any]]
) -> None:
    serve(wire, trades, now=now)
    yesterday = now.date() - timedelta(days=1)
    async with announcing.webhook(monkeypatch) as sink:
        for day in (yesterday, yesterday, None):
            await run(day)
    assert [one["key"] for one in announcing.arrived(sink)] == [f"{NAME}:{yesterday}", f"{NAME}:{now.date()}"]


async def test_a_channel_that_refuses_stands_in_the_artifact_and_changes_no_verdict(
    wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, now: datetime, trades: list[dict[str, Any]]
) -> None:
    serve(wire, trades, now=now)
    async with announcing.webhook(monkeypatch, announcing.REFUSES):
        state = await run()
    assert (state.type.value, state.name) == ("COMPLETED", "Completed")
    text = await artifact(state)
    assert "Alerting is degraded" in text
    assert "HTTP 400" in text
    assert [record["run_id"] for record in await kept()] == [str(state.state_details.flow_run_id)]


@pytest.mark.parametrize("works", [True, False], ids=["works", "fails"])
async def test_a_run_leaves_a_sign_of_life_whether_it_works_or_not(
    wire: respx.MockRouter, now: datetime, *, works: bool
) -> None:
    routes = serve(wire, [], now=now)
    if not works:
        routes["portfolio"].respond(401)
    assert (await run()).name == ("Completed" if works else "Failed")
    assert await announcing.heard_of() == {NAME}
