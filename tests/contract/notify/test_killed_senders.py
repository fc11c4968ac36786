"""A sender that is killed at any step, and the run after it: nothing critical is lost, no report arrives twice."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.contract.notify.sender import STEPS
from tradeops.jobs.alerts.outbox import LEASE

ROOT = Path(__file__).parents[3]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Sink(ThreadingHTTPServer):
    """Counts what arrives."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.keys.append(self.headers["x-key"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def send(home: Path, sink: Sink, event: str, step: str, at: datetime) -> int:
    command = [sys.executable, "-m", "tests.contract.notify.sender", str(home), sink.url, event, step, at.isoformat()]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=180).returncode


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("event", ["health_critical", "portfolio_report"])
def test_a_sender_killed_at_any_step_loses_nothing_critical_and_doubles_no_report(
    tmp_path: Path, sink: Sink, event: str, step: str
) -> None:
    assert send(tmp_path, sink, event, step, NOON) == -signal.SIGKILL
    assert send(tmp_path, sink, event, "never", NOON + LEASE + timedelta(seconds=1)) == 0
    assert set(sink.keys) <= {"run-1/sink"}
    if event == "health_critical":
        assert len(sink.keys) == (2 if step == "after send" else 1)
    else:
        assert len(sink.keys) == (0 if step == "after begin" else 1)
