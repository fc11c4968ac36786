"""The engine's levers in the sandbox: each mode misbehaves in its own way, and a wrong one is refused by its field."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox import engine
from sandbox.engine_levers import Levers, Mode, parse
from sandbox.faults import BadInputError
from sandbox.world import World
from tests.sandbox.worlds import clock_at

SYMBOLS = "/api/paper-trading/symbols"
ROUTE = "/api/strategies/RSI%20Strategy/disable"
ORDER = {"reason": "too much lost", "emergency": True}


@pytest.fixture(scope="module")
def world() -> World:
    return World.build(seed=3, now_ms=clock_at())


@pytest.fixture
def levers() -> Levers:
    return Levers()


@pytest.fixture
async def client(world: World, levers: Levers) -> AsyncIterator[httpx.AsyncClient]:
    world.restart_engine()
    transport = httpx.ASGITransport(engine.build_app(world, levers))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine") as one:
        yield one


async def on(client: httpx.AsyncClient) -> list[str]:
    entries = (await client.get(SYMBOLS)).json()["data"]
    return [symbol for symbol, entry in entries.items() if entry["enabled"]]


async def put_all_off(client: httpx.AsyncClient) -> httpx.Response:
    entries = (await client.get(SYMBOLS)).json()["data"]
    return await client.put(SYMBOLS, json={"symbols": {s: {**e, "enabled": False} for s, e in entries.items()}})


async def test_the_sheets_release_has_no_route_for_strategies(client: httpx.AsyncClient) -> None:
    assert (await client.post(ROUTE, json=ORDER)).status_code == 404
    assert (await client.get(ROUTE)).status_code == 404


@pytest.mark.parametrize(("route", "left"), [("works", 0), ("lies", 4)])
async def test_a_route_that_is_there_says_yes_whether_it_does_it_or_not(
    client: httpx.AsyncClient, levers: Levers, route: str, left: int
) -> None:
    levers.set(Mode(disable_route=route))
    assert (await client.get(ROUTE)).status_code == 405
    assert (await client.post(ROUTE, json=ORDER)).json()["success"] is True
    assert len(await on(client)) == left


@pytest.mark.parametrize("status", ["404", "405", "500", "501"])
async def test_a_route_answers_with_the_status_that_it_is_told(
    client: httpx.AsyncClient, levers: Levers, status: str
) -> None:
    levers.set(Mode(disable_route=status))
    assert (await client.post(ROUTE, json=ORDER)).status_code == int(status)
    assert len(await on(client)) == 4


@pytest.mark.parametrize(
    ("put", "status", "left"),
    [("works", 200, 0), ("lies", 200, 4), ("half", 200, 2), ("restart", 200, 4), ("error", 500, 4)],
)
async def test_a_put_obeys_as_much_as_its_mode_says(
    client: httpx.AsyncClient, levers: Levers, put: str, status: int, left: int
) -> None:
    levers.set(Mode(put=put))
    assert (await put_all_off(client)).status_code == status
    assert len(await on(client)) == left


@pytest.mark.parametrize(("put", "first", "then"), [("slow", 4, 0), ("flips_back", 0, 4)])
async def test_a_put_may_take_effect_later_or_for_a_while_only(
    client: httpx.AsyncClient, levers: Levers, put: str, first: int, then: int
) -> None:
    levers.set(Mode(put=put, delay_seconds=0.8))
    await put_all_off(client)
    assert len(await on(client)) == first
    async with asyncio.timeout(20):
        while len(await on(client)) != then:  # noqa: ASYNC110 - the engine has no event to wait for
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("mode", "left"), [("hang", 4), ("hang_applied", 0)])
async def test_a_put_that_hangs_has_obeyed_or_not(
    client: httpx.AsyncClient, levers: Levers, mode: str, left: int
) -> None:
    levers.set(Mode(put=mode))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(put_all_off(client), 1)
    assert len(await on(client)) == left


async def test_a_route_that_hangs_never_answers(client: httpx.AsyncClient, levers: Levers) -> None:
    levers.set(Mode(disable_route="hang"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.post(ROUTE, json=ORDER), 0.2)


async def test_after_so_many_times_a_put_works(client: httpx.AsyncClient, levers: Levers) -> None:
    levers.set(Mode(put="lies", times=1))
    await put_all_off(client)
    assert len(await on(client)) == 4
    await put_all_off(client)
    assert await on(client) == []


async def test_a_put_that_makes_no_sense_is_refused_in_every_mode(client: httpx.AsyncClient, levers: Levers) -> None:
    levers.set(Mode(put="lies"))
    assert (await client.put(SYMBOLS, json={"symbols": {"NOUSDT": {"enabled": False}}})).status_code == 400


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], ""),
        ({"speed": 1}, "speed"),
        ({"put": "explodes"}, "put"),
        ({"disable_route": 404}, "disable_route"),
        ({"delay_seconds": -1}, "delay_seconds"),
        ({"delay_seconds": True}, "delay_seconds"),
        ({"times": 0}, "times"),
        ({"times": 1.5}, "times"),
    ],
)
def test_a_mode_that_makes_no_sense_is_refused_by_its_field(raw: object, field: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse(raw)
    assert caught.value.field == field


def test_what_a_mode_leaves_out_is_as_in_the_sheet() -> None:
    assert parse({}) == Mode()
    assert parse({"put": "half", "times": 2}) == Mode(put="half", times=2)
