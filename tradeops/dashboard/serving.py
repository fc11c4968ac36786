"""Listens, and serves until it is told to end. Beyond this machine it listens only where a token is asked for."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from ipaddress import ip_address
from typing import Any

import uvicorn

from tradeops.dashboard.access import LONGEST_HEAD_BYTES
from tradeops.dashboard.app import create_app, guarded
from tradeops.dashboard.connections import SILENT_SECONDS, PatientProtocol
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.settings import Settings

MOST_CONNECTIONS = 256
END_SECONDS = 5
Place = tuple[Any, ...]  # host and port, of IPv6 more
NO_SUCH_FAMILY = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def serve(settings: Settings, *, told: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        settings: where to listen, among the rest.
        told: is told the address once it answers there.

    Raises:
        MisconfiguredError: beyond this machine without TRADEOPS_DASHBOARD_TOKEN, or at an address it does not have.
        UnavailableError: the port is taken.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(one)) for one in listen(settings)]
        asyncio.run(_serve(settings, sockets, told))


def listen(settings: Settings) -> list[socket.socket]:
    """The sockets, one for each address of the host.

    Raises:
        MisconfiguredError: as `serve`.
        UnavailableError: the port is taken.
    """
    host, port = settings.dashboard_host, settings.dashboard_port
    places = _places(host, port)
    if settings.dashboard_token is None and not all(
        ip_address(place[0].partition("%")[0]).is_loopback for _, place in places
    ):
        problem = f"TRADEOPS_DASHBOARD_HOST is {host}, beyond this machine, but TRADEOPS_DASHBOARD_TOKEN is not set"
        raise MisconfiguredError("dashboard", problem, remedy="set the token, or listen on 127.0.0.1")
    sockets: list[socket.socket] = []
    trouble: OSError | None = None
    for family, place in places:
        at = (place[0], sockets[0].getsockname()[1], *place[2:]) if sockets else place
        try:
            sockets.append(_listening(family, at))
        except OSError as error:
            trouble = error
            if error.errno not in NO_SUCH_FAMILY:  # localhost may mean IPv6 too, on a machine that has none
                break
    else:
        if sockets:
            return sockets
    for one in sockets:
        one.close()
    problem = f"it cannot listen on {host} port {port}: {trouble and trouble.strerror}"
    remedy = "set TRADEOPS_DASHBOARD_PORT, or 0 for a free one"
    raise UnavailableError("dashboard", problem, remedy=remedy) from trouble


def address_of(settings: Settings, port: int) -> str:
    """Where a browser on this machine finds it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.dashboard_host, settings.dashboard_host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{port}"


def _places(host: str, port: int) -> list[tuple[socket.AddressFamily, Place]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        remedy = "set it to an address of this machine, such as 127.0.0.1"
        raise MisconfiguredError("dashboard", f"TRADEOPS_DASHBOARD_HOST {host} is not known", remedy=remedy) from None
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _listening(family: socket.AddressFamily, place: Place) -> socket.socket:
    # the protocol by its number, which accepted sockets inherit: without it asyncio leaves Nagle on, 40 ms an answer
    one = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind(place)
        one.listen(MOST_CONNECTIONS)
    except BaseException:
        one.close()
        raise
    return one


class _Server(uvicorn.Server):
    """Uvicorn's, which otherwise waits at its end for pages that listen, and then ends by the signal it was sent."""

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None], before_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._before_end = ready, before_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._before_end()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        loop, ending = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in ending:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in ending:
                loop.remove_signal_handler(number)


def server_of(settings: Settings, port: int, told: Callable[[str], None]) -> uvicorn.Server:
    """The server, which does not run yet; it ends by a signal or when its `should_exit` is set."""
    app = create_app(settings)
    proxies = settings.dashboard_trusted_proxies
    config = uvicorn.Config(
        guarded(app),
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=int(SILENT_SECONDS),
        timeout_graceful_shutdown=END_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD_BYTES,
    )

    def end_streams() -> None:
        app.state.live.close()

    return _Server(config, ready=lambda: told(address_of(settings, port)), before_end=end_streams)


async def _serve(settings: Settings, sockets: Sequence[socket.socket], told: Callable[[str], None]) -> None:
    server = server_of(settings, sockets[0].getsockname()[1], told)
    await server.serve(list(sockets))
    if not server.started:
        raise UnavailableError("dashboard", "it did not start", remedy="see the lines above")
