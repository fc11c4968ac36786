"""Lets one process of a kind run in a folder."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tradeops.errors import MisconfiguredError, UnavailableError


@contextmanager
def only_one(home: Path, what: str) -> Generator[None]:
    """Hold the lock of `what` in this home; the system frees it when we end, however we end.

    Raises:
        UnavailableError: another process holds it; names that process.
        MisconfiguredError: the home cannot be written.
    """
    path = home / f"{what}.lock"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        lock = path.open("a+")
    except OSError as error:
        remedy = "set TRADEOPS_HOME to a folder that you may write"
        raise MisconfiguredError("TRADEOPS_HOME", f"{home} cannot be used: {error.strerror}", remedy=remedy) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            problem = f"already runs in {home} as process {lock.read().strip() or 'unknown'}"
            remedy = "end it, or set another TRADEOPS_HOME"
            raise UnavailableError(f"tradeops {what}", problem, remedy=remedy) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def is_held(home: Path, what: str) -> bool:
    """Whether a process holds the lock of `what` in this home now."""
    try:
        with (home / f"{what}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
