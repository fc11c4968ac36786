"""Processes of a rehearsal: each in a session of its own, with a log, killed with all that it started."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 10.0
READY_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 0.2
MIB = 2**20


@dataclass(slots=True)
class Running:
    """A process that we started.

    Attributes:
        name: in tables.
        log: both its outputs; a restart appends.
        start_again: starts another one like it.
    """

    name: str
    popen: subprocess.Popen[bytes]
    log: Path
    start_again: Callable[[], "Running"]

    def family(self) -> list[psutil.Process]:
        """It and all below it; empty when it is gone."""
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.popen.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def memory_mib(self) -> float:
        """Resident memory of it and all below it; pages that they share count once for each."""
        total = 0.0
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss / MIB
        return total

    def cpu_seconds(self) -> float:
        """Of it alone, since its start."""
        return sum(psutil.Process(self.popen.pid).cpu_times()[:2])

    def cpu_seconds_of_ended_children(self) -> float:
        """Of all that it started and saw end."""
        times = psutil.Process(self.popen.pid).cpu_times()
        return float(times.children_user + times.children_system)

    def cpu_seconds_of_all(self) -> float:
        """Of it, of all below it, and of all that those saw end."""
        total = 0.0
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])  # user, system, and both of ended children
        return total

    def kill(self) -> None:
        """SIGKILL to it and to all below it, as when its machine goes."""
        family = self.family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.popen.wait()

    def kill_alone(self) -> None:
        """SIGKILL to it; what it started lives on."""
        self.popen.kill()
        self.popen.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to all that is left of the family after a while."""
        family = self.family()
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(STOP_SECONDS)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.popen.wait()


def launch(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, *, user: str | None = None
) -> Running:
    """Start it; its log is `NAME.log` in the folder, and the folder is where it runs.

    Args:
        name: of the process and its log.
        command: what runs.
        environment: all of its environment.
        folder: of the rehearsal.
        user: who runs it, where we are root and it refuses root.
    """
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("ab") as output:
        popen = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user,
        )
    return Running(name, popen, log, lambda: launch(name, command, environment, folder, user=user))


def run(name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    """Run it to its end.

    Raises:
        SystemExit: it failed; with the end of its log.
    """
    step = launch(name, command, environment, folder)
    if step.popen.wait() != 0:
        raise SystemExit(f"{name} failed:\n{step.log.read_text()[-2000:]}")


def until(what: str, ready: Callable[[], bool], *, within: float = READY_SECONDS) -> float:
    """Seconds until it was ready.

    Raises:
        SystemExit: it never was.
    """
    started = time.monotonic()
    while not ready():
        if time.monotonic() - started > within:
            raise SystemExit(f"{what}: not within {within:g} s")
        time.sleep(LOOK_AGAIN_SECONDS)
    return time.monotonic() - started


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    with closing(socket.socket()) as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """One that nobody uses now."""
    with closing(socket.socket()) as candidate:
        candidate.bind(("127.0.0.1", 0))
        return int(candidate.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Ours without any setting of TradeOps, of Prefect or of the bot, whose place the sandbox takes."""
    mine = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER"}
    return {name: value for name, value in os.environ.items() if name in mine} | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]),
        "PYTHONUNBUFFERED": "1",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
