"""One HTTP service of the sandbox: a port that can be closed and opened again, and what happened on it."""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Generator

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.faults import FaultBook
from sandbox.misbehaviour import answering

HOST = "127.0.0.1"
BACKLOG = 128
RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: close() sends an RST


class PortTakenError(Exception):
    """Somebody else listens on a port that was asked for by number."""


def claim(port: int, *, usual: bool = False, host: str = HOST) -> socket.socket:
    """A socket that listens on this port from now on.

    Args:
        port: 0 is any free one.
        usual: the port is a wish; when it is taken, any free one does.
        host: the address; loopback but inside of a network of containers.

    Raises:
        PortTakenError: it is taken, or may not be used, and was not just a wish.
    """
    try:
        return _bound(port, host)
    except OSError as error:
        if usual:
            return _bound(0, host)
        raise PortTakenError(f"port {port} cannot be used: {error.strerror or error}") from error


def _bound(port: int, host: str, *, listening: bool = True) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        if listening:
            sock.listen(BACKLOG)
        else:  # or somebody else who reuses addresses, too, may listen here
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except OSError:
        sock.close()
        raise
    return sock


def _address(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return str(host), int(port)


class Service:
    """An ASGI application on a port, of the loopback interface as a rule, as the fault book lets it be.

    Args:
        called: the name by which others reach it.

    Attributes:
        name: in rules, counts and addresses.
        port: the same for its whole life.
        requests: how many there were of each method and path, failed ones included.
    """

    def __init__(
        self, name: str, app: ASGIApp, listener: socket.socket, faults: FaultBook, *, called: str = HOST
    ) -> None:
        self.name = name
        self._host, self.port = _address(listener)
        self._called = called
        self.requests: Counter[tuple[str, str]] = Counter()
        self._app = app
        self._faults = faults
        self._socket = listener
        self._refusing = False
        self._server: _Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{self._called}:{self.port}"

    @property
    def listening(self) -> bool:
        """Whether it accepts connections."""
        return self._server is not None

    async def open(self) -> None:
        """Listen, when it does not yet."""
        if self._server is not None:
            return
        self._refusing = False
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or what has just ended keeps us from it
        config = uvicorn.Config(
            self._gate,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            ws="none",
        )
        self._server = server = _Server(config)
        task = asyncio.create_task(server.serve([self._socket]), name=f"serve {self.name}")
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        await server.listening.wait()

    def refuse(self) -> None:
        """Stop listening and reset what is connected; the port stays ours.

        A socket that is bound and does not listen keeps others from the port, and the kernel refuses connections to it.
        """
        if self._refusing:
            return
        self._refusing = True
        if self._server is not None:
            self._server.end()
            self._server = None
        self._socket.close()
        self._socket = _bound(self.port, self._host, listening=False)

    async def close(self) -> None:
        """Give the port back; returns when nothing of it runs any more."""
        if self._server is not None:
            self._server.end()
            self._server = None
        self._socket.close()
        await asyncio.gather(*self._serving)

    def replace(self, app: ASGIApp) -> None:
        """Answer with another application from the next request on."""
        self._app = app

    async def _gate(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        self.requests[method, path] += 1
        rule = self._faults.strike(self.name, method, path)
        app = self._app if rule is None else answering(self._app, rule, lambda: self._abort(scope))
        await app(scope, receive, _marked(send))

    def _abort(self, scope: Scope) -> None:
        if self._server is not None:
            self._server.abort(scope["client"])


def _marked(send: Send) -> Send:
    async def mark(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["X-Sandbox"] = "true"
        await send(message)

    return mark


class _Server(uvicorn.Server):
    """Serves one period of listening; signals are the runner's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    def abort(self, client: tuple[str, int]) -> None:
        """Reset the connection of this client."""
        for connection in list(self.server_state.connections):
            if getattr(connection, "client", None) == tuple(client):
                _reset(getattr(connection, "transport", None))

    def end(self) -> None:
        """Accept nothing more, at once, and reset what is connected; `serve` returns soon after."""
        self.should_exit = True
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            _reset(getattr(connection, "transport", None))


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is None or transport.is_closing():
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    transport.abort()
