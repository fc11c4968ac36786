"""Real Redis, RabbitMQ and MongoDB-compatible servers on free ports, and ports that refuse, hang or talk nonsense."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import reserved

PASSWORD = "sesame"
START = 180  # a RabbitMQ on a busy machine


@dataclass(frozen=True)
class Broker:
    """A running RabbitMQ whose user is guest/guest.

    Attributes:
        control: a command line before which `rabbitmqctl`'s arguments go.
        environment: that the command line needs.
    """

    address: str
    management: str
    control: str
    environment: dict[str, str]

    def run(self, *arguments: str) -> None:
        subprocess.run(
            [self.control, *arguments], env=self.environment, check=True, stdout=subprocess.DEVNULL, timeout=START
        )


def program(name: str, *places: str) -> str:
    """Its path; without it the test is skipped, and fails in CI, where everything must be installed."""
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if found is None:
        problem = f"{name} is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(problem)
        pytest.skip(problem)
    return found


@contextmanager
def running(command: Sequence[str], *, ports: Sequence[int], folder: Path, **environment: str) -> Iterator[None]:
    """A server in a process group of its own until all its ports listen, ended with all its children."""
    log = folder / "output.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | environment,
            start_new_session=True,
        )
    try:
        wait_for(ports, process, log)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def wait_for(ports: Sequence[int], process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + START
    for port in ports:
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < ends_at, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.05)


@pytest.fixture(scope="session")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a Redis whose password is `PASSWORD`."""
    folder, port = tmp_path_factory.mktemp("redis"), reserved()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD]
    command += ["--save", "", "--dir", str(folder), "--enable-protected-configs", "local"]
    with running(command, ports=[port], folder=folder):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def mongodb_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a MongoDB-compatible server without users."""
    folder, port = tmp_path_factory.mktemp("mongodb"), reserved()
    command = [program("secantusd-py", str(Path(sys.executable).parent)), "--host", "127.0.0.1", "--port", str(port)]
    with running([*command, "--storage-path", str(folder / "data")], ports=[port], folder=folder):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A RabbitMQ with its management API."""
    folder = tmp_path_factory.mktemp("rabbitmq")
    amqp, management, distribution, mapper = reserved(), reserved(), reserved(), reserved()
    server = program("rabbitmq-server", "/usr/lib/rabbitmq/bin")
    (folder / "plugins").write_text("[rabbitmq_management].")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {management}\n"
    )
    environment = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"probes{amqp}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper),
    }
    names = [program("epmd"), "-address", "127.0.0.1", "-port", str(mapper)]  # ours, or a daemon would stay behind
    with (
        running(names, ports=[mapper], folder=folder),
        running([server], ports=[amqp, management], folder=folder, **environment),
    ):
        control = program("rabbitmqctl", "/usr/lib/rabbitmq/bin")
        yield Broker(f"127.0.0.1:{amqp}", f"127.0.0.1:{management}", control, os.environ | environment)


@pytest.fixture
def refusing_address() -> Iterator[str]:
    """`host:port` that is taken, and where nobody listens."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{silent.getsockname()[1]}"


@pytest.fixture
def hanging_address() -> Iterator[str]:
    """`host:port` that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
async def nonsense_address() -> AsyncIterator[str]:
    """`host:port` that answers everything like a web server that understands nothing."""

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
