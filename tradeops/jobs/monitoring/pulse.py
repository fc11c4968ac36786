"""A sign of life on the local disk for each half of the watchdog, so that a supervisor can tell one that hangs."""

import contextlib
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

WATCH, GUARD = "watch", "guard"


def beat(home: Path, half: str) -> None:
    """Say that this half has just done a round, whatever came of it; a disk that cannot be written ends nothing."""
    with contextlib.suppress(OSError):
        _file(home, half).touch()


def silent(home: Path, halves: Sequence[str], *, within: timedelta) -> dict[str, float | None]:
    """The halves that were not heard of within that time, with the seconds since; `None` where never."""
    ages = {half: _age(_file(home, half)) for half in halves}
    return {half: age for half, age in ages.items() if age is None or age > within.total_seconds()}


def _file(home: Path, half: str) -> Path:
    return home / f"{half}.pulse"


def _age(path: Path) -> float | None:
    try:
        return max(time.time() - path.stat().st_mtime, 0.0)
    except OSError:
        return None
