"""A real HTTP server on loopback that does to each request what the test says, however rude."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """What the server saw.

    Attributes:
        requests: the head of each request, in order of arrival.
        connections: how many were made.
        asked: set by the first request.
    """

    url: str = ""
    requests: list[str] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serving(*behaviours: Behaviour) -> AsyncIterator[Server]:
    """Each request gets the next behaviour, the last one for ever."""
    seen = Server()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                seen.requests.append(head.decode())
                seen.asked.set()
                behaviour = behaviours[min(len(seen.requests), len(behaviours)) - 1]
                await behaviour(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(connection(reader, writer))
        tasks.add(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    seen.url = f"http://{host}:{port}"
    try:
        yield seen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def answer(
    body: bytes = b'{"success": true, "data": "Bot is running", "error": null}',
    *,
    status: str = "200 OK",
    headers: tuple[str, ...] = ("content-type: application/json",),
    length: int | None = None,
) -> Behaviour:
    """A whole answer on a connection that stays open; `length` is what it claims."""
    lines = (f"HTTP/1.1 {status}", *headers, f"content-length: {len(body) if length is None else length}", "", "")
    return raw("\r\n".join(lines).encode() + body)


def raw(data: bytes) -> Behaviour:
    """Exactly these bytes."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return behave


def then_close(first: Behaviour) -> Behaviour:
    """After `first` the connection is closed in order."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        await first(writer)
        writer.close()
        await writer.wait_closed()
        raise ConnectionAbortedError

    return behave


async def reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST, as a process that died or a firewall that forgot."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionAbortedError


async def hang(_: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def drip(writer: asyncio.StreamWriter) -> None:
    """One byte of body after the other, each well within the read time-out, without end."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(writer: asyncio.StreamWriter) -> None:
    """A body without end, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()
