"""Runs the whole sandbox: one process, one event loop, a port for each service, of the loopback interface as a rule."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import signal
import socket
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from sandbox import brokers
from sandbox.faults import FaultBook
from sandbox.scenarios import Scenario
from sandbox.servers import HOST, Service, claim
from sandbox.sinks import TELEGRAM_TOKEN, sink_settings
from sandbox.stage import Stage

LOG = logging.getLogger(__name__)
USUAL_PORTS = {"engine": 8080, "ai": 8000, "frontend": 3000}
PORTS = ("engine", "ai", "frontend", "exchange", "llm", "sinks", "smtp", "control")
BROKERS = {"redis": brokers.redis, "rabbitmq": brokers.rabbitmq}
TRADE_EVERY_SECONDS = 5.0


class HomeError(Exception):
    """The folder cannot be used: not writable, or another sandbox lives in it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to run.

    Attributes:
        home: the folder of its files; made when it is not there.
        scenario: to begin with.
        seed: of the world.
        ports: those that were asked for by number, by the names in `PORTS`.
        brokers: the names, from `BROKERS`, of those to start where they are installed.
        host: the address on which it listens; whoever reaches it commands it, so nothing but loopback outside of a
            network of containers.
        called: the name by which others reach it.
    """

    home: Path
    scenario: Scenario
    seed: int
    ports: Mapping[str, int]
    brokers: tuple[str, ...] = tuple(BROKERS)
    host: str = HOST
    called: str = HOST


async def run(wish: Wish) -> None:
    """Run until SIGTERM or SIGINT; meanwhile `sandbox.json` in the home says where everything is.

    Raises:
        HomeError: the home cannot be used.
        PortTakenError: a port that was asked for cannot be had.
    """
    with contextlib.suppress(asyncio.CancelledError), _cancelled_by_signals(), _own(wish.home), _claimed(wish) as ports:
        await _Play(wish, ports).run()


class _Play:
    """One run, from the first port to the last."""

    def __init__(self, wish: Wish, ports: dict[str, socket.socket]) -> None:
        self._wish = wish
        self._smtp = ports.pop("smtp")
        self._brokers: list[brokers.Broker] = []

        def place(name: str, app: ASGIApp, faults: FaultBook) -> Service:
            return Service(name, app, ports[name], faults, called=wish.called)

        self._stage = Stage(wish.scenario, seed=wish.seed, place=place, on_change=self._tell)

    async def run(self) -> None:
        starting = [asyncio.create_task(brokers.start(BROKERS[name], self._wish.home)) for name in self._wish.brokers]
        mail = None
        try:
            await self._stage.open()
            mail = await asyncio.get_running_loop().create_server(self._stage.sinks.build_smtp, sock=self._smtp)
            self._brokers = [broker for broker in await asyncio.gather(*starting) if broker is not None]
            self._tell()
            LOG.info("sandbox ready (%s): %s", self._stage.scenario.name, self._stage.control.url)
            while True:
                await asyncio.sleep(TRADE_EVERY_SECONDS)
                self._stage.advance()
        finally:
            self._found.unlink(missing_ok=True)
            self._variables.unlink(missing_ok=True)
            if mail is not None:
                mail.close()
            await asyncio.gather(self._end_brokers(starting), self._stage.close())

    async def _end_brokers(self, starting: list[asyncio.Task[brokers.Broker | None]]) -> None:
        for task in starting:
            task.cancel()
        started = await asyncio.gather(*starting, return_exceptions=True)
        running = [one for one in started if isinstance(one, brokers.Broker)]
        await asyncio.gather(*(broker.gone() for broker in running))

    @property
    def _found(self) -> Path:
        return self._wish.home / "sandbox.json"

    @property
    def _variables(self) -> Path:
        return self._wish.home / "sandbox.env"

    def _tell(self) -> None:
        """Write `sandbox.json`, and its environment as a settings file beside it, each whole or not at all."""
        stage, sinks = self._stage, self._stage.services["sinks"].url
        host, port = self._wish.called, self._smtp.getsockname()[1]
        environment = (
            stage.environment
            | {one.plan.variable: one.plan.url for one in self._brokers}
            | sink_settings(sinks, smtp_host=host, smtp_port=port)
        )
        told = {
            "pid": os.getpid(),
            "scenario": stage.scenario.name,
            "seed": stage.seed,
            "control_url": stage.control.url,
            "expected_states": dict(stage.scenario.expected_states),
            "environment": environment,
            "pages": {
                "sandbox": f"{stage.control.url}/",
                "frontend": f"{stage.services['frontend'].url}/",
                "messages": f"{sinks}/",
            },
            "sinks": {
                "slack": f"{sinks}/slack",
                "discord": f"{sinks}/discord",
                "telegram": f"{sinks}/bot{TELEGRAM_TOKEN}/sendMessage",
                "webhook": f"{sinks}/webhook",
                "smtp": f"smtp://{host}:{port}",
                "deliveries": f"{sinks}/deliveries",
            },
        }
        _write(self._variables, "".join(f"{name}='{value}'\n" for name, value in environment.items()))
        _write(self._found, json.dumps(told, indent=2) + "\n")


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(text)
    draft.replace(path)


@contextlib.contextmanager
def _cancelled_by_signals() -> Generator[None]:
    """SIGTERM and SIGINT cancel the current task, once: what it does to end must not be cancelled too."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    signals = (signal.SIGTERM, signal.SIGINT)
    asked = False

    def end() -> None:
        nonlocal asked
        if not asked and task is not None:
            asked = True
            task.cancel()

    for number in signals:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _own(home: Path) -> Generator[None]:
    """Hold the home for this process alone; the lock goes with the process, however that ends."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "sandbox.lock").open("w")
    except OSError as error:
        raise HomeError(f"{home} cannot be used: {error.strerror or error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise HomeError(f"another sandbox runs in {home}") from error
        for name in ("sandbox.json", "sandbox.env"):
            (home / name).unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def _claimed(wish: Wish) -> Generator[dict[str, socket.socket]]:
    """A listening socket for each name in `PORTS`; those asked for by number first, so that no wish takes them."""
    with contextlib.ExitStack() as stack:
        claimed: dict[str, socket.socket] = {}
        for name in sorted(PORTS, key=lambda name: name not in wish.ports):
            asked = wish.ports.get(name)
            port = USUAL_PORTS.get(name, 0) if asked is None else asked
            claimed[name] = stack.enter_context(claim(port, usual=asked is None, host=wish.host))
        yield dict(claimed)
