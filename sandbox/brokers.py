"""Real brokers where they are installed: Redis and RabbitMQ, on loopback, with nothing kept and nothing left behind."""

import asyncio
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.servers import HOST

LOG = logging.getLogger(__name__)
REDIS_PATIENCE_SECONDS = 30.0  # of a busy machine; one that has ended is noticed at once
RABBITMQ_PATIENCE_SECONDS = 90.0
RABBITMQ_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the one on PATH insists on root or its own user
POLL_SECONDS = 0.05
REPLY_SECONDS = 2.0
END_SECONDS = 20.0
AMQP_GREETING = b"AMQP\x00\x00\x09\x01"  # protocol 0-9-1; the server answers with its name


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run one broker.

    Attributes:
        name: in logs.
        variable: of the environment, by which its users find it.
        url: the value of that variable.
        command: starts it in the foreground.
        environment: of the command, on top of ours.
        folder: of its files; its output goes to `NAME.log` in there.
        hello: what to send to its port, and what its answer then contains.
        patience_seconds: how long it may take until it answers so.
    """

    name: str
    variable: str
    url: str
    port: int
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    hello: tuple[bytes, bytes]
    patience_seconds: float


class Broker:
    """One broker that was started, on a leash."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        with (plan.folder / f"{plan.name}.log").open("wb") as output:
            self._leash = subprocess.Popen(  # noqa: S603 - the command of the plan
                [sys.executable, "-m", "sandbox.leash", *plan.command],
                env={**os.environ, **plan.environment},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of its leash; all its processes are below that one."""
        return self._leash.pid

    async def ready(self) -> bool:
        """Wait until it answers; `False` when it has ended, or its patience has."""
        deadline = time.monotonic() + self.plan.patience_seconds
        while self._leash.poll() is None and time.monotonic() < deadline:
            if await self._answers():
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    async def gone(self) -> None:
        """End it, and return when nothing of it is left."""
        if self._leash.stdin is not None:
            self._leash.stdin.close()
        await asyncio.to_thread(self._leash.wait, END_SECONDS)

    async def _answers(self) -> bool:
        question, answer = self.plan.hello
        try:
            async with asyncio.timeout(REPLY_SECONDS):
                reader, writer = await asyncio.open_connection(HOST, self.plan.port)
                try:
                    writer.write(question)
                    return answer in await reader.read(1024)
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False


async def start(plan: Callable[[Path], Plan | None], home: Path) -> Broker | None:
    """Start what the plan says and wait for it; `None`, and a line in the log, when there is nothing or it fails."""
    planned = plan(home)
    if planned is None:
        LOG.info("%s is not installed: not configured", getattr(plan, "__name__", "it"))
        return None
    broker = Broker(planned)
    try:
        if await broker.ready():
            return broker
    except asyncio.CancelledError:
        await asyncio.shield(broker.gone())
        raise
    await broker.gone()
    LOG.warning("%s gave no sign of life: not configured; see its log in the sandbox's folder", planned.name)
    return None


def redis(home: Path) -> Plan | None:
    """A Redis that saves nothing; `None` without `redis-server` on PATH."""
    program = shutil.which("redis-server")
    if program is None:
        return None
    port, folder = _free_port(), _folder(home, "redis")
    options = {"bind": HOST, "port": str(port), "dir": str(folder), "save": "", "appendonly": "no", "daemonize": "no"}
    return Plan(
        name="redis",
        variable="REDIS_URL",
        url=f"redis://{HOST}:{port}/0",
        port=port,
        command=[program, *(word for name, value in options.items() for word in (f"--{name}", value))],
        environment={},
        folder=folder,
        hello=(b"PING\r\n", b"+PONG"),
        patience_seconds=REDIS_PATIENCE_SECONDS,
    )


def rabbitmq(home: Path) -> Plan | None:
    """A RabbitMQ node with files, cookie, ports and epmd of its own; `None` where it is not installed."""
    if not RABBITMQ_SERVER.exists():
        return None
    port, distribution, epmd, folder = _free_port(), _free_port(), _free_port(), _folder(home, "rabbitmq")
    configuration, plugins = folder / "rabbitmq.conf", folder / "enabled_plugins"
    configuration.write_text(f"listeners.tcp.1 = {HOST}:{port}\n")
    plugins.write_text("[].\n")
    return Plan(
        name="rabbitmq",
        variable="RABBITMQ_URL",
        url=f"amqp://guest:guest@{HOST}:{port}/",
        port=port,
        command=[str(RABBITMQ_SERVER)],
        environment={
            "HOME": str(folder),
            "RABBITMQ_MNESIA_BASE": str(folder),
            "RABBITMQ_LOG_BASE": str(folder),
            "RABBITMQ_NODENAME": f"sandbox{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": HOST,
        },
        folder=folder,
        hello=(AMQP_GREETING, b"RabbitMQ"),
        patience_seconds=RABBITMQ_PATIENCE_SECONDS,
    )


def _folder(home: Path, name: str) -> Path:
    """An empty one: what a broker kept from the last time would belong to another port."""
    folder = home / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port
