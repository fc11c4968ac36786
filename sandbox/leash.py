"""Holds one broker so that nothing of it outlives the sandbox: `python -m sandbox.leash COMMAND …`.

Its standard input is a pipe that the sandbox keeps open and that closes when the sandbox ends, however it ends.
RabbitMQ's epmd makes itself a daemon; on Linux it comes back to us as an orphan (`PR_SET_CHILD_SUBREAPER`), elsewhere
it is lost.
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

GRACE_SECONDS = 0.8  # a broker of the sandbox has nothing that is worth more patience
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def hold(command: Sequence[str]) -> int:
    """Run the command until it ends, or standard input does, or a signal comes; then end all that is left of it.

    Returns its exit code, or 0 when it was ended.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(  # noqa: S603 - a broker that the sandbox found on this machine
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: _prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - single-threaded here
    )
    try:
        while child.poll() is None:
            readable, _, _ = select.select([sys.stdin.fileno(), awake], [], [])
            if sys.stdin.fileno() in readable or set(os.read(awake, 64)) - {int(signal.SIGCHLD)}:
                return 0
        return child.returncode
    finally:
        _end_descendants()


def _end_descendants() -> None:
    """TERM to all, KILL to those that stay or appear, until none is left."""
    began = time.monotonic()
    while family := psutil.Process().children(recursive=True):
        late = time.monotonic() > began + GRACE_SECONDS
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL if late else signal.SIGTERM)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        time.sleep(0.05)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))
