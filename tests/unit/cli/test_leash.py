"""A leash holds whatever it started, and lets go of nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
DAEMON = f"import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(60)  # of {os.getpid()}"
RAISES_A_DAEMON = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {DAEMON!r}])"
linux = pytest.mark.skipif(sys.platform != "linux", reason="orphans come back to us on Linux alone")


@contextmanager
def leashed(code: str, *, grace: float = 4) -> Iterator[subprocess.Popen[bytes]]:
    """A leash around Python code, from that code's first line of output on."""
    hold = f"from tradeops.cli import leash; leash.GRACE_SECONDS = {grace}; sys.exit(leash.hold(sys.argv[1:]))"
    command = [sys.executable, "-c", f"import sys; {hold}", sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as leash:
        assert leash.stdout is not None
        leash.stdout.readline()
        yield leash
        leash.kill()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in family if _runs(one)]


def _runs(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


@linux
def test_when_its_owner_lets_go_everything_ends_daemons_included() -> None:
    with leashed(f"{RAISES_A_DAEMON}; print(1, flush=True); import time; time.sleep(60)") as leash:
        family = alive(psutil.Process(leash.pid).children(recursive=True))
        assert len(family) == 2
        assert leash.stdin is not None
        leash.stdin.close()
        assert leash.wait(60) == 0
    assert not alive(family)


@linux
def test_a_killed_owner_leaves_nothing(tmp_path: Path) -> None:
    held = f"{RAISES_A_DAEMON}; print('up', flush=True); import time; time.sleep(60)"
    owner = f"""
import os, sys, time
from pathlib import Path
from tradeops.cli.processes import Leashed
log = Path({str(tmp_path / "log")!r})
Leashed("one", [sys.executable, "-c", {held!r}], dict(os.environ), Path.cwd(), log).start()
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", owner], cwd=ROOT) as process:
        try:
            until(lambda: (tmp_path / "log").exists() and "up" in (tmp_path / "log").read_text())
            family = alive(psutil.Process(process.pid).children(recursive=True))
            assert len(family) == 3  # leash, command, daemon
        finally:
            process.kill()
    until(lambda: not alive(family))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_to_end_ends_all(number: signal.Signals) -> None:
    with leashed("print(1, flush=True); import time; time.sleep(60)") as leash:
        family = psutil.Process(leash.pid).children()
        leash.send_signal(number)
        assert leash.wait(60) == 0
    assert not alive(family)


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_of_what_ends_by_itself_is_passed_on(code: int) -> None:
    with leashed(f"print(1, flush=True); raise SystemExit({code})") as leash:
        assert leash.wait(60) == code


@linux
def test_what_stays_behind_its_command_is_ended_too() -> None:
    with leashed(f"{RAISES_A_DAEMON}; print(1, flush=True); raise SystemExit(4)") as leash:
        assert leash.wait(60) == 4
        assert not [p for p in psutil.process_iter(["cmdline"]) if (p.info["cmdline"] or [])[-1:] == [DAEMON]]


def test_what_ignores_sigterm_is_killed_after_the_grace() -> None:
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"
    with leashed(f"{ignoring}; time.sleep(60)", grace=0.2) as leash:
        family = psutil.Process(leash.pid).children()
        leash.send_signal(signal.SIGTERM)
        assert leash.wait(60) == 0
    assert not alive(family)


@linux
def test_a_killed_leash_takes_its_command_along() -> None:
    with leashed("print(1, flush=True); import time; time.sleep(60)") as leash:
        family = psutil.Process(leash.pid).children()
        leash.kill()
        until(lambda: not alive(family))
