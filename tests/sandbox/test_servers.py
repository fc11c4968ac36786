"""A service keeps its port, counts, and can be away and come back."""

import asyncio
import socket
import time

import httpx
import pytest
from starlette.applications import Starlette

from sandbox.faults import FaultBook, Kind, Rule
from sandbox.servers import HOST, PortTakenError, Service, claim


async def test_every_answer_says_that_it_is_a_sandbox(client: httpx.AsyncClient) -> None:
    answer = await client.get("/x")
    assert answer.headers["x-sandbox"] == "true"
    assert answer.json() == {"hello": "/x", "heard": ""}


async def test_requests_are_counted_by_method_and_path(service: Service, client: httpx.AsyncClient) -> None:
    await client.get("/a?b=1")
    await client.get("/a")
    await client.post("/a", content=b"x")
    assert service.requests == {("GET", "/a"): 2, ("POST", "/a"): 1}


async def test_it_refuses_and_listens_again_on_the_same_port(service: Service, client: httpx.AsyncClient) -> None:
    await client.get("/")
    service.refuse()
    service.refuse()
    assert not service.listening
    with pytest.raises((httpx.ConnectError, httpx.ReadError)):
        await client.get("/")
    with pytest.raises(httpx.ConnectError):
        await client.get("/")
    await service.open()
    await service.open()
    assert (await client.get("/")).is_success


async def test_it_can_refuse_from_the_start(faults: FaultBook, echo_app: Starlette) -> None:
    service = Service("echo", echo_app, claim(0), faults)
    service.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, service.port)
    await service.close()


async def test_a_port_that_refuses_is_still_ours(service: Service) -> None:
    service.refuse()
    rival = socket.socket()
    with rival, pytest.raises(OSError, match="in use"):
        rival.bind((HOST, service.port))


async def test_another_sandbox_cannot_listen_where_a_service_refuses(
    service: Service, client: httpx.AsyncClient
) -> None:
    await client.get("/")
    service.refuse()
    with pytest.raises(PortTakenError):
        claim(service.port)
    await service.open()
    assert (await client.get("/")).is_success


async def test_a_kept_connection_does_not_survive_a_refusal(service: Service, client: httpx.AsyncClient) -> None:
    await client.get("/")
    reader, writer = await asyncio.open_connection(HOST, service.port)
    service.refuse()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_it_closes_at_once_although_a_client_waits_for_an_answer(faults: FaultBook, echo_app: Starlette) -> None:
    service = Service("echo", echo_app, claim(0), faults)
    faults.add(Rule("echo", Kind.HANG))
    await service.open()
    async with httpx.AsyncClient(base_url=service.url, timeout=60, trust_env=False) as client:
        waiting = asyncio.create_task(client.get("/"))
        while not service.requests:  # noqa: ASYNC110 - a counter has no event
            await asyncio.sleep(0.01)
        began = time.monotonic()
        await service.close()
        assert time.monotonic() - began < 20
        with pytest.raises(httpx.ReadError):
            await waiting


async def test_closing_while_refusing_gives_the_port_back(faults: FaultBook, echo_app: Starlette) -> None:
    service = Service("echo", echo_app, claim(0), faults)
    await service.open()
    service.refuse()
    await service.close()
    with claim(service.port) as again:
        assert again.getsockname()[1] == service.port


async def test_another_application_answers_after_a_replacement(service: Service, client: httpx.AsyncClient) -> None:
    async def teapot(_scope: object, _receive: object, send: object) -> None:
        assert callable(send)
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body"})

    service.replace(teapot)
    assert (await client.get("/")).status_code == 418


def test_a_usual_port_that_is_taken_gives_way_to_a_free_one() -> None:
    with claim(0) as rival:
        taken = rival.getsockname()[1]
        with claim(taken, usual=True) as other:
            assert other.getsockname()[1] != taken


def test_a_port_that_was_asked_for_and_is_taken_is_an_error_that_names_it() -> None:
    with claim(0) as rival:
        taken = rival.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(taken)):
            claim(taken)


async def test_in_a_network_of_containers_it_bears_the_name_that_others_call_it(
    faults: FaultBook, echo_app: Starlette
) -> None:
    service = Service("echo", echo_app, claim(0, host="0.0.0.0"), faults, called="sandbox")  # noqa: S104 - seen from outside
    assert service.url == f"http://sandbox:{service.port}"
    service.refuse()
    await service.open()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.2:{service.port}/")).is_success
    await service.close()
