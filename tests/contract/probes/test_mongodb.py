"""The MongoDB probe against a real wire-protocol server, and one that answers the ping but no query."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import bson
import pytest
from pydantic import SecretStr

from tests.contract.probes.conftest import PASSWORD
from tradeops.adapters.probes.mongodb import ping_and_query
from tradeops.errors import MisconfiguredError, UnavailableError

WITHIN = timedelta(seconds=10)  # of a busy machine
BRIEFLY = timedelta(seconds=0.5)
FIND, PING = b"\x02find\x00", b"\x10ping\x00"
OP_MSG = 2013


@asynccontextmanager
async def between(server: str, word: bytes, answer: Callable[[bytes], bytes] | None) -> AsyncIterator[SecretStr]:
    """A proxy before the server that keeps commands with `word` back, and gives its own answer, if any, instead."""
    host, port = server.split(":")
    tasks = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, requests = await asyncio.open_connection(host, port)
        back = asyncio.create_task(pour(upstream, writer))
        tasks.add(back)
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(4)
                message = head + await reader.readexactly(struct.unpack("<i", head)[0] - 4)
                if word not in message:
                    requests.write(message)
                elif answer:
                    writer.write(answer(message))
        requests.close()
        writer.close()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as proxy:
        address = "{}:{}".format(*proxy.sockets[0].getsockname())
        yield SecretStr(f"mongodb://{address}/?directConnection=true")
        for task in tasks:
            task.cancel()


def unauthorized(request: bytes) -> bytes:
    return refusal(request, code=13, name="Unauthorized")


def out_of_disk(request: bytes) -> bytes:
    return refusal(request, code=14031, name="OutOfDiskSpace")


def refusal(request: bytes, *, code: int, name: str) -> bytes:
    body = bson.encode({"ok": 0, "code": code, "codeName": name, "errmsg": f"no {PASSWORD}"})
    (request_id,) = struct.unpack_from("<i", request, 4)
    return struct.pack("<iiiiIB", 21 + len(body), 1, request_id, OP_MSG, 0, 0) + body


async def test_a_server_that_answers_ping_and_query_is_well(mongodb_address: str) -> None:
    await ping_and_query(SecretStr(f"mongodb://{mongodb_address}"), within=WITHIN)


@pytest.mark.parametrize("word", [PING, FIND], ids=["ping", "query"])
async def test_a_server_that_stalls_is_given_up_in_time(mongodb_address: str, word: bytes) -> None:
    async with between(mongodb_address, word, None) as url:
        started = time.monotonic()
        with pytest.raises(UnavailableError, match=r"did not answer within 0\.5 s"):
            await ping_and_query(url, within=BRIEFLY)
        assert time.monotonic() - started < 10


async def test_a_server_whose_queries_fail_is_unavailable(mongodb_address: str) -> None:
    async with between(mongodb_address, FIND, out_of_disk) as url:
        with pytest.raises(UnavailableError, match="is there, but a query fails: OutOfDiskSpace") as caught:
            await ping_and_query(url, within=WITHIN)
    assert PASSWORD not in str(caught.value)


async def test_a_refused_query_is_a_matter_of_rights(mongodb_address: str) -> None:
    async with between(mongodb_address, FIND, unauthorized) as url:
        with pytest.raises(MisconfiguredError, match="refuses our query; check user, password and rights"):
            await ping_and_query(url, within=WITHIN)


async def test_a_refused_login_is_told_without_showing_the_password(mongodb_address: str) -> None:
    with pytest.raises(MisconfiguredError, match="refuses our login; check user, password and rights") as caught:
        await ping_and_query(SecretStr(f"mongodb://bot:{PASSWORD}@{mongodb_address}"), within=WITHIN)
    assert PASSWORD not in str(caught.value)


async def test_a_stopped_server_refuses(refusing_address: str) -> None:
    with pytest.raises(UnavailableError, match=f"{refusing_address} refused the connection") as caught:
        await ping_and_query(SecretStr(f"mongodb://bot:{PASSWORD}@{refusing_address}"), within=BRIEFLY)
    assert PASSWORD not in str(caught.value)


async def test_a_server_that_hangs_is_given_up_in_time(hanging_address: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"did not answer within 0\.5 s"):
        await ping_and_query(SecretStr(f"mongodb://{hanging_address}"), within=BRIEFLY)
    assert time.monotonic() - started < 10


async def test_an_address_that_no_driver_understands_is_a_setting_to_change() -> None:
    with pytest.raises(MisconfiguredError, match="cannot be used as it is written; check MONGODB_URL"):
        await ping_and_query(SecretStr("mongodb://127.0.0.1,127.0.0.2/?directConnection=true"), within=BRIEFLY)
