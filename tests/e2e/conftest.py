"""`tradeops up` as a user starts it: the installed command, a home of its own, an environment without our settings."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.conftest import UNTRACED
from tradeops.settings import Settings

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
UNTIL_UP = 420.0  # a third of a minute on two free cores, ten times that on busy ones
UNTIL_GONE = 30.0
PATIENCE = 120.0  # with a Prefect that is busy
OURS = tuple(str(info.validation_alias) for info in Settings.model_fields.values())


@dataclass(frozen=True)
class Up:
    """A `tradeops up` that was started.

    Attributes:
        home: its TRADEOPS_HOME; every process of it bears this path in its environment or command.
        environment: that it was started with, so that other commands can be given the same.
    """

    process: subprocess.Popen[bytes]
    home: Path
    environment: dict[str, str]

    @property
    def said(self) -> str:
        return (self.home.parent / "stdout").read_text()

    @property
    def complained(self) -> str:
        return (self.home.parent / "stderr").read_text()

    def address(self, name: str) -> str:
        """What it printed behind a name."""
        [line] = [line for line in self.said.splitlines() if line.startswith(f"  {name} ")]
        return line.split()[-1]

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.said or self.process.poll() is not None, UNTIL_UP)
        assert text in self.said, self.said + self.complained

    def in_second_terminal(self, command: str) -> subprocess.CompletedProcess[str]:
        """The command in another shell that has sourced the file which `tradeops up` names."""
        return subprocess.run(
            ["sh", "-c", f". '{self.home}/shell' && {command}"],
            env=bare_environment() | {"HOME": self.environment["HOME"]},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )


def bare_environment() -> dict[str, str]:
    """Ours, without what the developer has set for a bot or a Prefect of their own."""
    kept = {n: v for n, v in os.environ.items() if n not in OURS and not n.startswith(("PREFECT_", "TRADEOPS_"))}
    path = os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])  # so that a worktree tests itself
    return kept | {"PYTHONPATH": path, "COLUMNS": "120"} | UNTRACED


def until(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def prefect(up: Up, path: str, query: object = None, *, method: str = "POST") -> Any:  # noqa: ANN401 - JSON
    """What Prefect answers; on SQLite it is busy now and then, and says so by 503 or for long by nothing."""
    address = up.address("Prefect UI").removesuffix("/dashboard") + "/api" + path
    ends_at = time.monotonic() + PATIENCE
    while True:
        try:
            answer = httpx.request("GET" if query is None else method, address, json=query, trust_env=False, timeout=70)
        except httpx.ReadTimeout:
            if time.monotonic() > ends_at:
                raise
            continue
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > ends_at:
            return answer.raise_for_status().json() if answer.content else None
        time.sleep(1)


def keep_clear_of_the_schedule() -> None:
    """Wait where a scheduled run is near: a run of ours would give way to it."""
    period, before, after = 900, 40, 20
    into = time.time() % period
    if into > period - before or into < after:
        time.sleep((after - into) % period)


def living_in(home: Path) -> list[str]:
    """The processes whose environment or command speaks of this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            command, words = process.cmdline(), [*process.cmdline(), *process.environ().values()]
        except psutil.Error:  # gone meanwhile, a zombie, or somebody else's
            continue
        if process.pid != os.getpid() and any(str(home) in word for word in words):
            found.append(" ".join(command))
    return found


@contextmanager
def started(folder: Path, *options: str, **variables: str) -> Iterator[Up]:
    """`tradeops up` from its first moment on; killed at exit, should it still be there."""
    home = folder / "home"
    quick = {"TRADEOPS_RETRAIN_MODELS": "gru"}  # one network learns instead of three
    environment = bare_environment() | quick | {"HOME": str(folder), "TRADEOPS_HOME": str(home)} | variables
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [BIN / "tradeops", "up", *options],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    with process:
        try:
            yield Up(process, home, environment)
        finally:
            process.kill()


def press_ctrl_c(up: Up) -> int:
    """As a terminal does: to the whole process group. Returns the exit code."""
    os.killpg(up.process.pid, signal.SIGINT)
    return up.process.wait(UNTIL_GONE)


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that keeps its schedule, shared by all tests that only look."""
    with started(tmp_path_factory.mktemp("up")) as running:
        running.wait_for("The schedule runs")
        yield running
