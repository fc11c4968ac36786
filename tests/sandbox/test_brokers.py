"""Real brokers come up, answer, and leave nothing; absent or broken ones are left out."""

import asyncio
import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sandbox import brokers
from sandbox.servers import HOST

Living = Callable[[Path], list[str]]

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
needs_rabbitmq = pytest.mark.skipif(not brokers.RABBITMQ_SERVER.exists(), reason="RabbitMQ is not installed")


@needs_redis
async def test_redis_answers_on_loopback_and_leaves_nothing(tmp_path: Path, living_below: Living) -> None:
    broker = await brokers.start(brokers.redis, tmp_path)
    assert broker is not None
    assert broker.plan.url == f"redis://{HOST}:{broker.plan.port}/0"
    assert living_below(tmp_path)
    await broker.gone()
    assert not living_below(tmp_path)
    assert not list((tmp_path / "redis").glob("*.rdb"))


@needs_rabbitmq
async def test_rabbitmq_answers_on_loopback_alone_and_takes_its_epmd_with_it(
    tmp_path: Path, living_below: Living
) -> None:
    broker = await brokers.start(brokers.rabbitmq, tmp_path)
    assert broker is not None
    assert "epmd" in living_below(tmp_path)
    family = psutil.Process(broker.pid).children(recursive=True)
    listening = set().union(*(_listens_on(process) for process in family))
    assert listening
    assert listening <= {"127.0.0.1", "::1"}
    await broker.gone()
    assert not living_below(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="orphans come back to us on Linux alone")
def test_a_leash_ends_with_the_owner_of_its_standard_input_and_takes_daemons_along() -> None:
    daemon = "import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(60)"
    owner = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {daemon!r}]); print(1, flush=True)"
    with _leashed(f"{owner}; time.sleep(60)") as leash:
        family = psutil.Process(leash.pid).children(recursive=True)
        assert len(family) == 2
        assert leash.stdin is not None
        leash.stdin.close()
        assert leash.wait(30) == 0
    assert not [one for one in family if one.is_running()]


def test_a_leash_returns_the_exit_code_of_what_ends_by_itself() -> None:
    with _leashed("print(1, flush=True); raise SystemExit(3)") as leash:
        assert leash.wait(30) == 3


def test_what_ignores_sigterm_is_killed() -> None:
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"
    with _leashed(f"{ignoring}; time.sleep(60)") as leash:
        (child,) = psutil.Process(leash.pid).children()
        leash.send_signal(signal.SIGTERM)
        assert leash.wait(30) == 0
    assert not child.is_running()


async def test_a_broker_that_is_not_installed_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(brokers, "RABBITMQ_SERVER", tmp_path / "missing")
    with caplog.at_level(logging.INFO):
        assert await brokers.start(brokers.redis, tmp_path) is None
        assert await brokers.start(brokers.rabbitmq, tmp_path) is None
    assert [record.args for record in caplog.records] == [("redis",), ("rabbitmq",)]


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(1)", "import time; time.sleep(60)"],
    ids=["it ends", "it never answers"],
)
async def test_a_broker_that_does_not_come_up_is_left_out_and_ended(
    tmp_path: Path, living_below: Living, caplog: pytest.LogCaptureFixture, code: str
) -> None:
    plan = replace(_plan(tmp_path, code), patience_seconds=0.5)
    assert await brokers.start(lambda _: plan, tmp_path) is None
    assert "not configured" in caplog.text
    assert not living_below(tmp_path)


async def test_a_port_where_somebody_else_answers_is_no_sign_of_life(tmp_path: Path) -> None:
    async def impostor(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(impostor, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        plan = replace(_plan(tmp_path, "import time; time.sleep(60)"), port=port, patience_seconds=0.5)
        assert await brokers.start(lambda _: plan, tmp_path) is None


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path, living_below: Living) -> None:
    plan = _plan(tmp_path, "import time; time.sleep(60)")
    starting = asyncio.create_task(brokers.start(lambda _: plan, tmp_path))
    while not living_below(tmp_path):  # noqa: ASYNC110 - processes have no event
        await asyncio.sleep(0.05)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not living_below(tmp_path)


def _plan(folder: Path, code: str) -> brokers.Plan:
    return brokers.Plan(
        name="fake",
        variable="FAKE_URL",
        url="fake://",
        port=1,
        command=[sys.executable, "-c", code, str(folder)],
        environment={},
        folder=folder,
        hello=(b"", b"never"),
        patience_seconds=20,
    )


@contextmanager
def _leashed(code: str) -> Iterator[subprocess.Popen[bytes]]:
    """A leash around Python code, from its first line of output on."""
    command = [sys.executable, "-m", "sandbox.leash", sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as leash:
        assert leash.stdout is not None
        leash.stdout.readline()
        yield leash


def _listens_on(process: psutil.Process) -> set[str]:
    try:
        connections = process.net_connections("inet")
    except psutil.NoSuchProcess:
        return set()
    return {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}
