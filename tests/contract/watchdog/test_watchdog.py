"""`tradeops watchdog` as a process: what it tells when Prefect, its worker or the store are gone, and how it ends."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.ports import reserved

ROOT = Path(__file__).parents[3]
PATIENCE = 120.0


@dataclass
class Outside:
    """A Prefect server, a webhook and a watcher of watchers on one port.

    Attributes:
        told: titles that the webhook got.
        pings: how often the watcher heard.
        worker_alive: what Prefect says of its worker.
    """

    port: int = 0
    told: list[str] = field(default_factory=list)
    pings: int = 0
    worker_alive: bool = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[dict[str, Any]]:
        heard = datetime.now(UTC) - (timedelta(0) if self.worker_alive else timedelta(minutes=2))
        return [{"name": "w", "status": "ONLINE", "last_heartbeat_time": heard.isoformat()}]


def handler_of(outside: Outside) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/ping/secret-check":
                outside.pings += 1
            self.answer(True if self.path == "/api/health" else "ok")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])) or b"{}")
            if self.path == "/hook":
                outside.told.append(body["title"])
                self.answer("ok")
            else:
                self.answer(outside.workers())

        def answer(self, body: object) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


@contextmanager
def served(outside: Outside) -> Iterator[Outside]:
    with ThreadingHTTPServer(("127.0.0.1", outside.port), handler_of(outside)) as server:
        outside.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield outside
        server.shutdown()
        thread.join()


def started(home: Path, outside: Outside, *, prefect: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TRADEOPS_", "PREFECT_"))}
    environment |= {
        "TRADEOPS_HOME": str(home),
        "TRADEOPS_ENV_FILE": str(home / "none"),
        "TRADEOPS_WATCHDOG_SECONDS": "1",
        "TRADEOPS_WATCHDOG_PING_URL": f"{outside.url}/ping/secret-check",
        "TRADEOPS_WATCHDOG_PING_SECONDS": "1",
        "TRADEOPS_WEBHOOK_URL": f"{outside.url}/hook",
        "TRADEOPS_WEBHOOK_SECRET": "hush",
        "PREFECT_API_URL": f"{prefect}/api",
    }
    with (home.parent / f"{home.name}.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tradeops.cli", "watchdog"], cwd=ROOT, env=environment, stderr=log, text=True
        )


@contextmanager
def watching(home: Path, outside: Outside, *, prefect: str) -> Iterator[subprocess.Popen[str]]:
    process = started(home, outside, prefect=prefect)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], object]) -> None:
    ends_at = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < ends_at, "it did not come to pass"
        time.sleep(0.05)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_a_server_that_goes_and_returns_is_told_once_each(home: Path) -> None:
    with served(Outside()) as outside:
        with served(Outside(port=reserved())) as prefect, watching(home, outside, prefect=prefect.url):
            wait_for(lambda: outside.pings > 1)
            assert outside.told == []
        prefect_port = prefect.port
        with watching(home, outside, prefect=prefect.url):
            wait_for(lambda: outside.told)
            assert outside.told == ["prefect:server is critical"]
            with served(Outside(port=prefect_port)):
                wait_for(lambda: len(outside.told) > 1)
        assert outside.told[1].startswith("prefect:server recovered after ")
        assert "secret-check" not in (home.parent / "home.log").read_text()


def test_a_worker_that_is_gone_is_told_and_survives_kill_9_of_the_watchdog(home: Path) -> None:
    with served(Outside()) as outside:
        outside.worker_alive = False
        with watching(home, outside, prefect=outside.url):
            wait_for(lambda: outside.told)
        with watching(home, outside, prefect=outside.url):
            pings = outside.pings
            wait_for(lambda: outside.pings > pings + 2)
        assert outside.told == ["prefect:worker is critical"]


def test_a_store_that_is_damaged_is_told_past_the_outbox(home: Path) -> None:
    with served(Outside()) as outside, watching(home, outside, prefect=outside.url):
        wait_for(lambda: outside.pings)
        with sqlite3.connect(home / "tradeops.sqlite") as connection:
            connection.execute("DROP TABLE documents")
        connection.close()
        wait_for(lambda: outside.told)
        pings = outside.pings
        wait_for(lambda: (home.parent / "home.log").read_text().count("this round was not counted") > 4)
        assert (outside.told, outside.pings) == (["the store is down"], pings)


def test_one_watches_a_home_and_a_second_says_which(home: Path) -> None:
    with served(Outside()) as outside, watching(home, outside, prefect=outside.url) as first:
        wait_for(lambda: outside.pings)
        second = started(home, outside, prefect=outside.url)
        assert second.wait(timeout=PATIENCE) == 1
        assert f"already runs in {home} as process {first.pid}" in (home.parent / "home.log").read_text()


def test_it_ends_when_it_is_asked_to(home: Path) -> None:
    with served(Outside()) as outside, watching(home, outside, prefect=outside.url) as process:
        wait_for(lambda: outside.pings > 1)
        wait_for((home / "watch.pulse").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
