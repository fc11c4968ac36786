"""Owned processes: their logs, their ends, and how their ends are told."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tradeops.cli import processes
from tradeops.cli.processes import Leashed
from tradeops.errors import UnavailableError

ROOT = Path(__file__).parents[3]
FOR_EVER = "import time; print('up', flush=True); time.sleep(60)"
Make = Callable[[str], Leashed]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Python code as an owned process; ended at exit."""
    made: list[Leashed] = []

    def leashed(code: str) -> Leashed:
        command = [sys.executable, "-c", code]
        made.append(Leashed("worker", command, dict(os.environ), ROOT, tmp_path / "logs" / "worker.log"))
        return made[-1]

    yield leashed
    for process in made:
        process.ask_to_stop()
        process.wait_stopped()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_it_runs_until_it_is_asked_to_stop(make: Make) -> None:
    process = make(FOR_EVER)
    assert (process.pid, process.exit_code()) == (None, None)
    process.start()
    until(lambda: process.log.read_text() == "up\n")
    family = psutil.Process(process.pid).children()
    process.check()
    process.ask_to_stop()
    process.wait_stopped()
    assert process.exit_code() == 0
    assert not any(one.is_running() for one in family)


def test_one_that_was_never_started_is_stopped_already(make: Make) -> None:
    process = make(FOR_EVER)
    process.ask_to_stop()
    process.wait_stopped()
    process.check()


def test_the_end_of_one_that_ended_by_itself_is_told_with_the_end_of_its_log(make: Make) -> None:
    process = make("import sys; [print(n) for n in range(20)]; sys.exit(7)")
    process.start()
    until(lambda: process.exit_code() is not None)
    with pytest.raises(UnavailableError) as raised:
        process.check()
    tail = "\n".join(f"  {number}" for number in range(8, 20))
    assert str(raised.value) == f"worker: ended with exit code 7:\n{tail}; see {process.log}"


def test_both_outputs_go_to_the_log_and_the_one_before_is_kept(make: Make) -> None:
    process = make("import os, sys; print('out', flush=True); print('err', file=sys.stderr)")
    for _ in range(2):
        process.start()
        until(lambda: process.exit_code() is not None)
    assert process.log.read_text() == "out\nerr\n"
    assert (process.log.parent / "worker.log.1").read_text() == "out\nerr\n"


def test_a_log_that_says_nothing_says_so(make: Make) -> None:
    process = make("")
    process.start()
    until(lambda: process.exit_code() is not None)
    assert process.tail() == "  (its log is empty)"
    process.log.unlink()
    assert process.tail() == "(its log cannot be read: No such file or directory)"


def test_the_terminals_ctrl_c_does_not_reach_it(make: Make) -> None:
    process = make(FOR_EVER)
    process.start()
    assert process.pid is not None
    assert os.getsid(process.pid) != os.getsid(0)


def test_a_leash_that_hangs_is_killed_and_its_command_with_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    process = make(FOR_EVER)
    process.start()
    until(lambda: process.log.read_text() == "up\n")
    assert process.pid is not None
    family = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGSTOP)
    process.ask_to_stop()
    process.wait_stopped()
    assert process.exit_code() == -signal.SIGKILL
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family))
