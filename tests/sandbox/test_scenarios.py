"""Each scenario, played by the real services, looks from outside as its expected verdict needs it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from starlette.types import ASGIApp

from sandbox.faults import BadInputError, FaultBook, Kind, Rule
from sandbox.scenarios import SCENARIOS, Scenario
from sandbox.servers import Service, claim
from sandbox.stage import LLM_KEY, MIMICKED, Stage
from tradeops.cli.night import NIGHT

PROBES = {
    "engine": "/api/health",
    "ai": "/health",
    "frontend": "/",
    "exchange": "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=5",
    "llm": "/v1/models",
}
Playing = Callable[[str], AbstractAsyncContextManager[Stage]]


def _place(name: str, app: ASGIApp, faults: FaultBook) -> Service:
    return Service(name, app, claim(0), faults)


@pytest.fixture
def changes() -> list[str]:
    return []


@pytest.fixture
def playing(changes: list[str]) -> Playing:
    @asynccontextmanager
    async def play(name: str) -> AsyncIterator[Stage]:
        stage = Stage(SCENARIOS[name], seed=3, place=_place, on_change=lambda: changes.append(name))
        await stage.open()
        try:
            yield stage
        finally:
            await stage.close()

    return play


async def _ask(stage: Stage, service: str) -> int | None:
    """The status of a probe; `None` for no answer."""
    headers = {"authorization": f"Bearer {LLM_KEY}"}
    async with httpx.AsyncClient(trust_env=False, timeout=30, headers=headers) as client:
        try:
            return (await client.get(stage.services[service].url + PROBES[service])).status_code
        except httpx.TransportError:
            return None


async def _ask_all(stage: Stage) -> dict[str, int | None]:
    return {service: await _ask(stage, service) for service in PROBES}


def _ai_health(stage: Stage) -> bool:
    answer = httpx.get(f"{stage.services['ai'].url}/health", trust_env=False)
    connected: bool = answer.json()["mongodb_connected"]
    return connected


def test_each_scenario_goes_by_its_name_and_says_how_the_health_check_ends() -> None:
    assert {name: scenario.name for name, scenario in SCENARIOS.items()} == {name: name for name in SCENARIOS}
    assert {name: scenario.expected_states["system-health-check"] for name, scenario in SCENARIOS.items()} == {
        "healthy": "Completed",
        "degrading": "Critical",
        "crash": "Critical",
        "flaky": "Completed",
        "losing": "Completed",
    }


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_each_scenario_says_how_every_job_of_the_night_ends(scenario: Scenario) -> None:
    started_by_the_guard = {"emergency-strategy-disable"} if scenario.losses else set()
    started_by_a_decision = {"adaptive-retrain"} if scenario.regime == "degrading" else set()
    assert set(scenario.expected_states) == set(NIGHT) | started_by_the_guard | started_by_a_decision


async def test_healthy_answers_everywhere(playing: Playing) -> None:
    async with playing("healthy") as stage:
        assert await _ask_all(stage) == dict.fromkeys(PROBES, 200)
        assert await asyncio.to_thread(_ai_health, stage) is True


async def test_degrading_has_no_frontend_and_an_ai_service_without_its_database(playing: Playing) -> None:
    async with playing("degrading") as stage:
        assert await _ask_all(stage) == dict.fromkeys(PROBES, 200) | {"frontend": None}
        assert await asyncio.to_thread(_ai_health, stage) is False


async def test_crash_has_no_engine_and_errors_around_it(playing: Playing) -> None:
    async with playing("crash") as stage:
        expected = {"engine": None, "ai": 500, "frontend": 500}
        assert await _ask_all(stage) == dict.fromkeys(PROBES, 200) | expected


async def test_losing_has_lost_more_than_a_tenth_today_by_no_symbol_alone(playing: Playing) -> None:
    async with playing("losing") as stage, httpx.AsyncClient(trust_env=False, timeout=30) as client:
        assert await _ask_all(stage) == dict.fromkeys(PROBES, 200)
        paper = f"{stage.services['engine'].url}/api/paper-trading"
        account = (await client.get(f"{paper}/portfolio")).json()["data"]
        closed = (await client.get(f"{paper}/trades/closed")).json()["data"]
    newest = sorted(closed, key=lambda trade: trade["close_time"])[-12:]
    lost = {s: -sum(t["pnl"] for t in newest if t["symbol"] == s) for s in ("ETHUSDT", "BNBUSDT", "SOLUSDT")}
    before = account["equity"] + sum(lost.values())
    assert all(6 < usdt / before * 100 < 9 for usdt in lost.values())
    assert sum(lost.values()) / before > 0.2


async def test_flaky_fails_at_first_and_works_when_asked_once_more(playing: Playing) -> None:
    async with playing("flaky") as stage:
        rounds = [await _ask_all(stage) for _ in range(3)]
    assert rounds[0] == {"engine": 503, "ai": None, "frontend": 503, "exchange": 503, "llm": 503}
    assert rounds[1] == dict.fromkeys(PROBES, 200)
    assert rounds[2] == rounds[0] | {"exchange": 200}


async def test_another_scenario_takes_the_place_of_the_first_and_of_what_was_broken_by_hand(
    playing: Playing, changes: list[str]
) -> None:
    async with playing("crash") as stage:
        stage.faults.add(Rule("llm", Kind.REFUSE))
        await stage.apply_faults()
        assert await _ask(stage, "llm") is None
        await stage.play("healthy")
        assert await _ask_all(stage) == dict.fromkeys(PROBES, 200)
        assert stage.state()["expected_states"] == dict(SCENARIOS["healthy"].expected_states)
        assert changes == ["crash"]


async def test_an_unknown_scenario_changes_nothing(playing: Playing, changes: list[str]) -> None:
    async with playing("crash") as stage:
        with pytest.raises(BadInputError) as refused:
            await stage.play("apocalypse")
        assert refused.value.field == "scenario"
        assert stage.scenario.name == "crash"
        assert not changes


@pytest.mark.parametrize("service", MIMICKED)
async def test_a_restart_ends_the_connections_of_a_service_that_then_answers_again(
    playing: Playing, service: str
) -> None:
    async with playing("healthy") as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.services[service].port)
        await stage.restart(service)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.get(stage.services[service].url)
        assert answer.headers["x-sandbox"] == "true"


async def test_the_ai_service_has_counted_for_hours_and_a_restart_loses_it(playing: Playing) -> None:
    async with playing("healthy") as stage:
        assert await _requests_counted(stage) >= 6 * 30 * 4
        await stage.restart("ai")
        assert await _requests_counted(stage) == 0
        await stage.play("degrading")
        assert await _requests_counted(stage) >= 6 * 30 * 4


async def _requests_counted(stage: Stage) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(f"{stage.services['ai'].url}/ai/cost/statistics")
    return int(answer.json()["session_statistics"]["total_requests"])


async def test_a_restart_does_not_mend_a_service_that_must_refuse(playing: Playing) -> None:
    async with playing("crash") as stage:
        await stage.restart("engine")
        assert await _ask(stage, "engine") is None


async def test_time_goes_on_in_its_world(playing: Playing) -> None:
    async with playing("healthy") as stage:
        stage.advance()
        assert stage.state()["world"]
