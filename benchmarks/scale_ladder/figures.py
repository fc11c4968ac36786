"""What a rehearsal measures while it runs and reads from Prefect when it is over."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import psutil

from scale_ladder.api import ENDED, Api, moment
from scale_ladder.processes import Running

EACH_SECONDS = 1.0
SIGNS = ("database is locked", "Encountered retryable exception", "Traceback")


@dataclass(slots=True)
class Gauge:
    """Looks each second at the memory of some processes and at how busy the machine is.

    Attributes:
        watched: by the name of the row.
        most: resident memory in MiB, the most that was seen, by name.
        busy: percent of all processors, each second.
        cpu: CPU seconds that were used meanwhile, by name.
    """

    watched: dict[str, list[Running]]
    most: dict[str, float] = field(default_factory=dict)
    busy: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    _ends: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self.cpu = {name: -seconds for name, seconds in self._used().items()}
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ends.set()
        if self._thread:
            self._thread.join()
        self.cpu = {name: self.cpu[name] + seconds for name, seconds in self._used().items()}

    def _used(self) -> dict[str, float]:
        return {name: sum(one.cpu_seconds_of_all() for one in them) for name, them in self.watched.items()}

    def _look(self) -> None:
        psutil.cpu_percent()
        while not self._ends.wait(EACH_SECONDS):
            self.busy.append(psutil.cpu_percent())
            for name, processes in self.watched.items():
                with suppress(psutil.NoSuchProcess):
                    now = sum(one.memory_mib() for one in processes)
                    self.most[name] = max(self.most.get(name, 0.0), now)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some runs.

    Attributes:
        ended: how many.
        names: of the final states.
        per_second: runs that ended, from the first time they were due to the last end.
        delays: seconds from the time a run was due to its start, sorted.
        took: seconds from start to end, sorted.
    """

    ended: int
    names: Counter[str]
    per_second: float
    delays: tuple[float, ...]
    took: tuple[float, ...]


def wait_for(api: Api, ids: Sequence[str], *, within: float) -> Outcome:
    """What became of those runs; those that have not ended in time count as `still …`."""
    deadline = time.monotonic() + within
    while True:
        runs = api.runs(ids)
        if all(one["state_type"] in ENDED for one in runs) or time.monotonic() > deadline:
            return outcome(runs)
        time.sleep(2)


def outcome(runs: Sequence[dict[str, Any]]) -> Outcome:
    """Of runs as Prefect tells them."""
    ended = [one for one in runs if one["state_type"] in ENDED]
    began = [one for one in runs if one["start_time"]]
    names = Counter(one["state_name"] if one["state_type"] in ENDED else f"still {one['state_name']}" for one in runs)
    first = min(moment(one["expected_start_time"]) for one in runs)
    last = max((moment(one["state"]["timestamp"]) for one in ended), default=first)
    seconds = (last - first).total_seconds()
    delays = sorted((moment(one["start_time"]) - moment(one["expected_start_time"])).total_seconds() for one in began)
    took = sorted(float(one["total_run_time"]) for one in ended if one["start_time"])
    return Outcome(len(ended), names, len(ended) / seconds if seconds else 0.0, tuple(delays), tuple(took))


def part(values: Sequence[float], fraction: float) -> float:
    """The value below which that fraction of the sorted ones lies; NaN of none."""
    return values[min(len(values) - 1, int(fraction * len(values)))] if values else float("nan")


def signs(processes: Sequence[Running]) -> Counter[str]:
    """How often the logs of those processes tell of trouble, by its sign."""
    found = Counter[str]()
    for one in processes:
        text = one.log.read_text(errors="replace")
        for sign in SIGNS:
            found[sign] += text.count(sign)
    return found
