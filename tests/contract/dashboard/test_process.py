"""`tradeops dashboard` as a process: where it listens, where it refuses to, and that it ends when it is told to."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.contract.dashboard.running import TOKEN
from tradeops.dashboard.serving import address_of, listen
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.settings import Settings

ROOT = Path(__file__).parents[3]
ALL = "0.0.0.0"  # noqa: S104 - refused, or closed at once


def settings(**variables: object) -> Settings:
    return Settings.model_validate({"TRADEOPS_DASHBOARD_PORT": 0, **variables})


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRADEOPS_")}
    ours = {"TRADEOPS_HOME": str(home), "TRADEOPS_ENV_FILE": os.devnull, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tradeops.cli", "dashboard", *options],
        env=kept | ours,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_tells_its_address_and_ends_at_once_though_a_page_listens(tmp_path: Path) -> None:
    with start(tmp_path, "--host", "127.0.0.1", "--port", "0") as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().removeprefix("dashboard at ").strip()
            with httpx.Client(base_url=address, trust_env=False, timeout=60) as browser:
                assert browser.get("/healthz").json() == {"status": "ok"}
                with browser.stream("GET", "/api/live") as live:
                    events = live.iter_lines()
                    assert "event: hello" in (next(events), next(events))
                    process.send_signal(signal.SIGTERM)
                    assert not [line for line in events if line.startswith("event: changed")]
            assert process.wait(60) == 0
            assert process.stderr is not None
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


@pytest.mark.parametrize("host", [ALL, "::", "192.0.2.1"])
def test_every_address_beyond_loopback_needs_a_token(host: str) -> None:
    with pytest.raises(MisconfiguredError, match="TRADEOPS_DASHBOARD_TOKEN is not set"):
        listen(settings(TRADEOPS_DASHBOARD_HOST=host))


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), (ALL, "127.0.0.1")]
)
def test_with_a_token_it_listens_anywhere_on_one_port(host: str, address: str) -> None:
    told = settings(TRADEOPS_DASHBOARD_HOST=host, TRADEOPS_DASHBOARD_TOKEN=TOKEN)
    sockets = listen(told)
    ports = {one.getsockname()[1] for one in sockets}
    assert {one.proto for one in sockets} == {socket.IPPROTO_TCP}  # or asyncio leaves Nagle on
    for one in sockets:
        one.close()
    assert len(ports) == 1
    assert address_of(told, 8090) == f"http://{address}:8090"
    assert address_of(settings(TRADEOPS_DASHBOARD_HOST="::1"), 1) == "http://[::1]:1"


def test_a_port_that_is_taken_and_a_host_that_is_nobodys_are_told_with_a_remedy() -> None:
    with socket.socket() as rival:
        rival.bind(("127.0.0.1", 0))
        rival.listen()
        port = rival.getsockname()[1]
        with pytest.raises(UnavailableError, match=rf"port {port}: .*; set TRADEOPS_DASHBOARD_PORT"):
            listen(settings(TRADEOPS_DASHBOARD_PORT=port))
    with pytest.raises(MisconfiguredError, match=r"TRADEOPS_DASHBOARD_HOST nowhere\.invalid is not known"):
        listen(settings(TRADEOPS_DASHBOARD_HOST="nowhere.invalid"))
