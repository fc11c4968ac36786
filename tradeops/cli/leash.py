"""Holds a command so that nothing of it outlives its owner: `python -m tradeops.cli.leash COMMAND …`.

Standard input is the read end of a pipe that the owner keeps open. It closes when the owner ends, however it ends; then
everything below this process is ended, also what has made itself a daemon: on Linux orphans of ours come back to us
(`PR_SET_CHILD_SUBREAPER`), elsewhere those that left the process tree are out of reach.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

GRACE_SECONDS = 4.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def hold(command: Sequence[str]) -> int:
    """Run the command until it ends by itself or the owner does, and end all that is left of it.

    Returns its exit code, or 0 when it was ended.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (*ENDING, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    # the child dies with us even if we are killed; between fork and exec nothing but this one system call is made
    child = subprocess.Popen(  # noqa: S603 - the owner's own command
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: _prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - single-threaded here
    )
    try:
        while child.poll() is None:
            readable, _, _ = select.select([sys.stdin.fileno(), awake], [], [])
            if sys.stdin.fileno() in readable or set(os.read(awake, 64)) & {int(number) for number in ENDING}:
                return 0
        return child.returncode
    finally:
        _end_descendants()


def _end_descendants() -> None:
    """TERM to all, KILL to those that stay, until none is left; new ones that appear meanwhile included."""
    deadline = time.monotonic() + GRACE_SECONDS
    told: set[int] = set()
    while family := psutil.Process().children(recursive=True):
        late = time.monotonic() > deadline
        for process in family:
            if late or process.pid not in told:
                told.add(process.pid)
                _send(process, signal.SIGKILL if late else signal.SIGTERM)
        _reap()
        time.sleep(0.02)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))
