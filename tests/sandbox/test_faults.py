"""Each kind of fault as a client on a real socket sees it, and which requests a rule strikes."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from sandbox.faults import BadInputError, FaultBook, Kind, Rule, parse
from sandbox.misbehaviour import HUGE_BYTES
from sandbox.servers import HOST, Service

SERVICES = ("engine", "echo")


async def test_a_hang_never_answers_and_leaves_the_others_alone(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.HANG, path="/hang"))
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/hang", timeout=0.3)
    assert (await client.get("/other")).is_success


async def test_a_reset_is_a_real_one(faults: FaultBook, service: Service) -> None:
    faults.add(Rule("echo", Kind.RESET))
    reader, writer = await asyncio.open_connection(HOST, service.port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_an_error_has_the_status_asked_for(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.ERROR, path="/a"))
    faults.add(Rule("echo", Kind.ERROR, path="/b", status=503))
    assert (await client.get("/a")).status_code == 500
    answer = await client.get("/b")
    assert (answer.status_code, answer.json()) == (503, {"detail": "sandbox fault: error"})
    assert answer.headers["x-sandbox"] == "true"


async def test_garbage_calls_itself_json_and_is_none(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.GARBAGE))
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError):  # noqa: PT011 - undecodable or unparsable, both are
        answer.json()


async def test_html_is_a_proxys_page_with_a_200(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.HTML))
    answer = await client.get("/")
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")


async def test_empty_is_a_200_without_a_body(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.EMPTY))
    answer = await client.get("/")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_success_false_is_an_envelope_with_a_200(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.SUCCESS_FALSE))
    answer = await client.get("/")
    assert (answer.status_code, answer.json()["success"]) == (200, False)


async def test_huge_is_json_of_more_than_64_mib(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.HUGE))
    read = 0
    async with client.stream("GET", "/") as answer:
        assert "content-length" not in answer.headers
        async for chunk in answer.aiter_raw():
            read += len(chunk)
    assert read > HUGE_BYTES > 64 * 1024 * 1024


async def test_slow_is_the_true_answer_late(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.SLOW, delay_seconds=0.2))
    began = time.monotonic()
    answer = await client.post("/x", content=b"word")
    assert time.monotonic() - began >= 0.2
    assert answer.json() == {"hello": "/x", "heard": "word"}


async def test_drip_is_the_true_answer_byte_by_byte(faults: FaultBook, client: httpx.AsyncClient) -> None:
    faults.add(Rule("echo", Kind.DRIP, delay_seconds=0.001))
    async with client.stream("POST", "/x", content=b"word") as answer:
        chunks = [chunk async for chunk in answer.aiter_raw()]
    assert len(chunks) > 10
    assert json.loads(b"".join(chunks)) == {"hello": "/x", "heard": "word"}


async def test_a_drip_ends_when_its_client_leaves(
    faults: FaultBook, service: Service, client: httpx.AsyncClient
) -> None:
    faults.add(Rule("echo", Kind.DRIP, delay_seconds=0.1))
    async with client.stream("GET", "/") as answer:
        await anext(answer.aiter_raw())
    began = time.monotonic()
    await service.close()
    assert time.monotonic() - began < 20


def test_every_second_request_of_a_path_fails_the_first_one_first() -> None:
    faults = FaultBook()
    faults.add(Rule("engine", Kind.ERROR, every=2))
    asked = [("GET", "/a"), ("GET", "/a"), ("GET", "/b"), ("POST", "/a"), ("GET", "/a"), ("GET", "/b")]
    assert [bool(faults.strike("engine", *request)) for request in asked] == [True, False, True, True, True, False]


def test_a_rule_is_spent_after_its_times() -> None:
    faults = FaultBook()
    faults.add(Rule("engine", Kind.ERROR, times=2))
    assert [bool(faults.strike("engine", "GET", path)) for path in ("/a", "/b", "/c")] == [True, True, False]
    assert faults.as_json()[0]["struck"] == 2


def test_a_rule_concerns_its_service_and_its_paths_alone() -> None:
    faults = FaultBook()
    faults.add(Rule("engine", Kind.ERROR, path="/api/*"))
    assert faults.strike("echo", "GET", "/api/x") is None
    assert faults.strike("engine", "GET", "/x") is None
    assert faults.strike("engine", "GET", "/api/x/y") is not None


def test_the_next_rule_gets_a_request_that_the_first_lets_pass() -> None:
    faults = FaultBook()
    faults.add(Rule("engine", Kind.ERROR, every=2))
    faults.add(Rule("engine", Kind.EMPTY))
    struck = [faults.strike("engine", "GET", "/") for _ in range(2)]
    assert [rule.kind for rule in struck if rule] == [Kind.ERROR, Kind.EMPTY]


def test_clearing_one_service_keeps_the_rules_and_counts_of_the_others() -> None:
    faults = FaultBook()
    faults.add(Rule("engine", Kind.REFUSE))
    faults.add(Rule("echo", Kind.ERROR, times=1))
    assert faults.strike("echo", "GET", "/") is not None
    faults.clear("engine")
    assert not faults.refuses("engine")
    assert faults.rules == (Rule("echo", Kind.ERROR, times=1),)
    assert faults.strike("echo", "GET", "/") is None
    faults.clear()
    assert not faults.refuses("echo")
    assert not faults.as_json()


@pytest.mark.parametrize(
    "rule",
    [
        Rule("engine", Kind.REFUSE),
        Rule("echo", Kind.ERROR, path="/api/*", status=429, every=3, times=4),
        Rule("echo", Kind.DRIP, delay_seconds=0.5),
    ],
    ids=lambda rule: str(rule.kind),
)
def test_a_rule_survives_its_own_json(rule: Rule) -> None:
    assert parse(json.loads(json.dumps(rule.as_json())), services=SERVICES) == rule


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], ""),
        ({}, "service"),
        ({"service": "moon", "kind": "hang"}, "service"),
        ({"service": ["engine"], "kind": "hang"}, "service"),
        ({"service": "engine"}, "kind"),
        ({"service": "engine", "kind": "explode"}, "kind"),
        ({"service": "engine", "kind": "hang", "colour": "red"}, "colour"),
        ({"service": "engine", "kind": "hang", "path": "api"}, "path"),
        ({"service": "engine", "kind": "hang", "path": 1}, "path"),
        ({"service": "engine", "kind": "hang", "every": 0}, "every"),
        ({"service": "engine", "kind": "hang", "every": True}, "every"),
        ({"service": "engine", "kind": "hang", "times": 1.5}, "times"),
        ({"service": "engine", "kind": "error", "status": 200}, "status"),
        ({"service": "engine", "kind": "error", "status": 600}, "status"),
        ({"service": "engine", "kind": "hang", "status": 500}, "status"),
        ({"service": "engine", "kind": "slow", "delay_seconds": 0}, "delay_seconds"),
        ({"service": "engine", "kind": "slow", "delay_seconds": float("nan")}, "delay_seconds"),
        ({"service": "engine", "kind": "slow", "delay_seconds": "3"}, "delay_seconds"),
        ({"service": "engine", "kind": "hang", "delay_seconds": 3}, "delay_seconds"),
        ({"service": "engine", "kind": "refuse", "path": "/api/*"}, "path"),
        ({"service": "engine", "kind": "refuse", "every": 2}, "every"),
        ({"service": "engine", "kind": "refuse", "times": 2}, "times"),
    ],
    ids=str,
)
def test_a_senseless_rule_is_refused_by_the_name_of_its_field(raw: Any, field: str) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(BadInputError) as refused:
        parse(raw, services=SERVICES)
    assert refused.value.field == field
