"""The sandbox as a process: it starts, says where everything is, and leaves nothing behind however it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from dotenv import dotenv_values

from sandbox import runner
from sandbox.brokers import RABBITMQ_SERVER
from sandbox.runner import PORTS, Wish
from sandbox.scenarios import HEALTHY, SCENARIOS
from sandbox.servers import claim
from tests.ports import reserved

START_SECONDS = 150.0
WITHOUT_BROKERS = ("--no-redis", "--no-rabbitmq")
Living = Callable[[Path], list[str]]


def _free_ports() -> dict[str, int]:
    """One for each service: the usual ones belong to whoever runs a sandbox on this machine."""
    return {name: reserved() for name in PORTS}


def _command(home: Path, *options: str, **ports: int) -> list[str]:
    chosen = _free_ports() | ports
    numbers = [word for name, port in chosen.items() for word in (f"--{name}-port", str(port))]
    return [sys.executable, "-m", "sandbox", "--home", str(home), *numbers, *options]


@contextmanager
def _started(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A sandbox from its first moment on."""
    with subprocess.Popen(_command(home, *options), stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _told(home: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    """What `sandbox.json` says, once it is there."""
    _until(lambda: (home / "sandbox.json").exists() or process.poll() is not None)
    told: dict[str, Any] = json.loads((home / "sandbox.json").read_text())
    return told


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def _ended_within(process: subprocess.Popen[str], seconds: float) -> int:
    return process.wait(seconds)


def test_it_says_where_everything_is_and_leaves_nothing_after_sigterm(tmp_path: Path, living_below: Living) -> None:
    home = tmp_path / "home"
    with _started(home, "--scenario", "degrading", "--seed", "7") as process:
        told = _told(home, process)
        assert (told["pid"], told["scenario"], told["seed"]) == (process.pid, "degrading", 7)
        assert told["expected_states"] == dict(SCENARIOS["degrading"].expected_states)
        assert "sandbox" in told["environment"]["OPENAI_API_KEY"]
        assert {"RUST_API_URL", "PYTHON_API_URL", "FRONTEND_URL", "BINANCE_API_URL"} < set(told["environment"])
        assert {"SLACK_WEBHOOK_URL", "DISCORD_WEBHOOK_URL", "TELEGRAM_BOT_TOKEN", "SMTP_HOST"} < set(
            told["environment"]
        )
        assert dotenv_values(home / "sandbox.env") == told["environment"]
        assert ("RABBITMQ_URL" in told["environment"]) == RABBITMQ_SERVER.exists()
        engine = httpx.get(told["environment"]["RUST_API_URL"] + "/api/health", trust_env=False)
        assert engine.headers["x-sandbox"] == "true"
        for url in (told["pages"]["sandbox"], told["pages"]["messages"], told["control_url"] + "/state"):
            assert httpx.get(url, trust_env=False).is_success
        with socket.create_connection(("127.0.0.1", int(told["sinks"]["smtp"].rpartition(":")[2])), 2) as mail:
            assert mail.recv(3) == b"220"
        connections = psutil.Process(process.pid).net_connections("tcp")
        listening = {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        assert _ended_within(process, 30) == 0
    assert not list(home.glob("sandbox.[ej]*"))
    assert not [one for one in family if one.is_running()]
    assert not living_below(home)


def test_ctrl_c_ends_it_too_although_a_client_hangs(tmp_path: Path) -> None:
    with _started(tmp_path, *WITHOUT_BROKERS) as process:
        told = _told(tmp_path, process)
        httpx.post(told["control_url"] + "/faults", json={"service": "engine", "kind": "hang"}, trust_env=False)
        host, port = told["environment"]["RUST_API_URL"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as hanging:
            hanging.sendall(b"GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n")
            _until(lambda: httpx.get(told["control_url"] + "/requests", trust_env=False).json())
            process.send_signal(signal.SIGINT)
            assert _ended_within(process, 30) == 0
    assert not (tmp_path / "sandbox.json").exists()


def test_another_scenario_is_told_in_its_file(tmp_path: Path) -> None:
    with _started(tmp_path, *WITHOUT_BROKERS) as process:
        told = _told(tmp_path, process)
        assert set(told["environment"]).isdisjoint({"REDIS_URL", "RABBITMQ_URL"})
        httpx.post(told["control_url"] + "/scenario/crash", trust_env=False).raise_for_status()
        after = _told(tmp_path, process)
        assert (after["scenario"], after["expected_states"]) == ("crash", dict(SCENARIOS["crash"].expected_states))
        assert after["environment"] == told["environment"]


def test_a_killed_sandbox_leaves_no_broker_and_its_home_can_be_used_again(tmp_path: Path, living_below: Living) -> None:
    with _started(tmp_path) as process:
        _told(tmp_path, process)
        process.kill()
        process.wait()
        _until(lambda: not living_below(tmp_path))
    with _started(tmp_path, *WITHOUT_BROKERS) as again:
        _until(lambda: (tmp_path / "sandbox.json").exists() and _told(tmp_path, again)["pid"] == again.pid)


@pytest.mark.skipif(not RABBITMQ_SERVER.exists(), reason="RabbitMQ is not installed")
def test_a_start_that_is_ended_halfway_leaves_nothing(tmp_path: Path, living_below: Living) -> None:
    with _started(tmp_path) as process:
        _until(lambda: "epmd" in living_below(tmp_path) or process.poll() is not None)
        process.terminate()
        assert _ended_within(process, 30) == 0
    assert not (tmp_path / "sandbox.json").exists()
    assert not living_below(tmp_path)


def test_a_port_asked_for_and_taken_is_one_clear_line(tmp_path: Path, living_below: Living) -> None:
    with claim(0) as rival:
        taken = rival.getsockname()[1]
        ended = subprocess.run(_command(tmp_path, llm=taken), capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert ended.stderr == f"sandbox: port {taken} cannot be used: Address already in use\n"
    assert not (tmp_path / "sandbox.json").exists()
    assert not living_below(tmp_path)


def test_a_second_sandbox_in_the_same_home_is_refused_and_does_not_disturb_the_first(tmp_path: Path) -> None:
    with _started(tmp_path, *WITHOUT_BROKERS) as first:
        told = _told(tmp_path, first)
        second = subprocess.run(_command(tmp_path), capture_output=True, text=True, timeout=120, check=False)
        assert second.returncode == 1
        assert second.stderr == f"sandbox: another sandbox runs in {tmp_path}\n"
        assert _told(tmp_path, first) == told


def test_a_home_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    ended = subprocess.run(_command(home), capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert ended.stderr == f"sandbox: {home} cannot be used: Not a directory\n"


def test_a_usual_port_that_is_taken_gives_way_but_never_to_one_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with claim(0) as rival:
        taken = rival.getsockname()[1]
        asked = _free_ports()["control"]
        monkeypatch.setattr(runner, "USUAL_PORTS", {"engine": taken, "ai": asked})
        with runner._claimed(Wish(tmp_path, HEALTHY, 1, {"control": asked})) as sockets:
            ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
    assert ports["control"] == asked
    assert taken not in ports.values()
    assert len(set(ports.values())) == len(PORTS)


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--scenario", "apocalypse"], "apocalypse"), (["--seed", "x"], "--seed"), (["--llm-port", "0"], "--llm-port")],
    ids=["scenario", "seed", "port"],
)
def test_bad_usage_is_named(tmp_path: Path, options: list[str], told: str) -> None:
    command = [sys.executable, "-m", "sandbox", "--home", str(tmp_path), *options]
    environment = os.environ | {"NO_COLOR": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert ended.returncode == 2
    assert told in ended.stderr


def test_beyond_this_machine_it_must_be_told_what_others_call_it(tmp_path: Path) -> None:
    done = subprocess.run(_command(tmp_path, "--host", "0.0.0.0"), capture_output=True, text=True, check=False)  # noqa: S104 - refused
    assert done.returncode == 2
    assert "say by --called what others call it" in done.stderr
    assert not list(tmp_path.iterdir())
