"""The ladder of scale: the real jobs on SQLite, on PostgreSQL, and on two replicas with Redis, in one session.

`python benchmarks/scale.py --runs 500` starts all of it on free ports of loopback, in folders that are removed, and
prints the tables of docs/scaling.md. It needs PostgreSQL, redis-server (Debian's packages do) and tradeops[replicas].
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from scale_ladder.figures import Gauge, Outcome, part, signs, wait_for
from scale_ladder.fleet import Fleet, missing
from scale_ladder.work import deploy, orders

CALM = 0.5  # of what the rung can do: how many runs a second are due in the calm part
CALM_SHARE, MOST_CALM = 0.2, 30  # of all runs
WORKERS = 3
LOGGED = {"PREFECT_SERVER_LOG_RETRYABLE_ERRORS": "true"}  # each 503 leaves its trace


@dataclass(frozen=True, slots=True)
class Rung:
    """A step of the ladder.

    Attributes:
        name: in the table.
        runs: how many.
        start: starts its servers; seconds until they answered.
        workers: how many.
    """

    name: str
    runs: int
    start: Callable[[Fleet], float]
    workers: int = WORKERS


@dataclass(frozen=True, slots=True)
class Climbed:
    """What a rung did."""

    rung: Rung
    ready: float
    burst: Outcome
    calm: Outcome
    gauge: Gauge
    refused: int
    locked: int
    load: float


def on_sqlite(fleet: Fleet) -> float:
    """One server and its file."""
    return fleet.start_server(LOGGED)


def on_postgres(fleet: Fleet) -> float:
    """One server beside a PostgreSQL."""
    return fleet.start_server(fleet.start_postgres() | LOGGED)


def on_replicas(fleet: Fleet) -> float:
    """Two servers and the services beside a PostgreSQL and a Redis."""
    return fleet.start_replicas(fleet.start_postgres() | fleet.start_redis() | LOGGED, replicas=2)


def climb(rung: Rung, limit: int) -> Climbed:
    """Start the rung, give it a burst, then calm work, and end it."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fleet = Fleet(Path(folder), stack)
        fleet.start_sandbox()
        ready = rung.start(fleet)
        deployments = deploy(fleet, one_at_a_time=False)
        for _ in range(rung.workers):
            fleet.start_worker(limit=limit)
        watched = {"servers": fleet.servers, "workers": fleet.workers}
        watched |= {"PostgreSQL": [fleet.database]} if fleet.database else {}
        watched |= {"Redis": [fleet.redis]} if fleet.redis else {}
        calm_runs = min(MOST_CALM, max(5, int(rung.runs * CALM_SHARE)))
        source = orders()
        with Gauge(watched) as gauge:
            burst_orders = list(islice(source, rung.runs - calm_runs))
            ids = [fleet.api.start(deployments[name], parameters=wish) for name, wish in burst_orders]
            burst = wait_for(fleet.api, ids, within=60 + 10 * len(ids))
            pause, begin = 1 / (CALM * burst.per_second), datetime.now(UTC) + timedelta(seconds=15)
            ids = [
                fleet.api.start(deployments[name], parameters=wish, at=begin + timedelta(seconds=number * pause))
                for number, (name, wish) in enumerate(islice(source, calm_runs))
            ]
            calm = wait_for(fleet.api, ids, within=120 + 10 * len(ids) + calm_runs * pause)
        found = signs(fleet.servers)
        if keep := os.environ.get("SCALE_KEEP_LOGS"):
            fleet.keep_logs(Path(keep) / rung.name.replace(" ", "-"))
        return Climbed(
            rung,
            ready,
            burst,
            calm,
            gauge,
            refused=found["Encountered retryable exception"],
            locked=found["database is locked"],
            load=os.getloadavg()[0],
        )


def middle_and_late(seconds: Sequence[float]) -> str:
    """The median and what 95 % stay below."""
    return f"{part(seconds, 0.5):.1f} / {part(seconds, 0.95):.1f}"


def memory(climbed: Climbed, name: str) -> str:
    """The most that was seen; a dash where the rung has no such process."""
    most = climbed.gauge.most.get(name)
    return "–" if most is None else f"{most:.0f}"


def cpu_a_run(climbed: Climbed) -> str:
    """CPU seconds of each kind of process, over all runs."""
    runs, used = climbed.burst.ended + climbed.calm.ended, climbed.gauge.cpu
    names = ("workers", "servers", "PostgreSQL", "Redis")
    return " / ".join(f"{used[name] / runs:.2f}" if name in used else "–" for name in names)


def table(climbed: list[Climbed], limit: int) -> None:
    """Print what the rungs did, a column each."""
    first = climbed[0]

    def line(name: str, value: Callable[[Climbed], str]) -> None:
        print(f"| {name} | {' | '.join(value(one) for one in climbed)} |")

    print(f"\n| | {' | '.join(one.rung.name for one in climbed)} |\n|:--|{'--:|' * len(climbed)}")
    line("workers × runs at once", lambda c: f"{c.rung.workers} × {limit}")
    line("server answers after, s", lambda c: f"{c.ready:.0f}")
    line("burst: runs", lambda c: str(c.burst.ended))
    line("burst: runs per second", lambda c: f"{c.burst.per_second:.2f}")
    line("… ratio", lambda c: f"{c.burst.per_second / first.burst.per_second:.2f}")
    line(
        "burst: due to running, p50 / p95, s; with its wait for a free place",
        lambda c: middle_and_late(c.burst.delays),
    )
    line(
        "burst: start to end of a run, p50 / p95, s",
        lambda c: middle_and_late(c.burst.took),
    )
    line("calm: runs, at half that pace", lambda c: str(c.calm.ended))
    line(
        "calm: due to running, p50 / p95, s",
        lambda c: middle_and_late(c.calm.delays),
    )
    line(
        "calm: start to end of a run, p50 / p95, s",
        lambda c: middle_and_late(c.calm.took),
    )
    line("end states", lambda c: ", ".join(f"{n} {name}" for name, n in (c.burst.names + c.calm.names).most_common()))
    line("answers 503", lambda c: str(c.refused))
    line("`database is locked` in the servers' logs, lines", lambda c: f"{c.locked:,}")
    for name in ("servers", "workers", "PostgreSQL", "Redis"):
        line(
            f"memory of {name}, most, MiB",
            lambda c, name=name: f"{c.gauge.most[name]:.0f}" if name in c.gauge.most else "–",
        )
    line("CPU seconds a run: workers and runs / servers / PostgreSQL / Redis", cpu_a_run)
    line("processors busy, %", lambda c: f"{sum(c.gauge.busy) / max(1, len(c.gauge.busy)):.0f}")
    line("load at the end", lambda c: f"{c.load:.1f}")


RUNGS = {
    "sqlite": ("SQLite", on_sqlite),
    "postgres": ("PostgreSQL", on_postgres),
    "replicas": ("2 replicas, PostgreSQL, Redis", on_replicas),
}


def main() -> None:
    """Climb and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="of the last rung that is climbed")
    parser.add_argument("--other-runs", type=int, help="of the rungs before; as many without it")
    parser.add_argument("--limit", type=int, default=2, help="runs at once in each of the workers")
    parser.add_argument("--rungs", nargs="+", choices=list(RUNGS), default=list(RUNGS))
    wish = parser.parse_args()
    if lacks := missing():
        print(f"SQLite alone is measured: {lacks} is not installed")
        wish.rungs = ["sqlite"]
    climbed = []
    print(f"{os.cpu_count()} processors; load at the start {os.getloadavg()[0]:.1f}", flush=True)
    for number, key in enumerate(wish.rungs, 1):
        name, start = RUNGS[key]
        runs = wish.runs if number == len(wish.rungs) else (wish.other_runs or wish.runs)
        started = time.monotonic()
        climbed.append(climb(Rung(name, runs, start), wish.limit))
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        table(climbed, wish.limit)  # after each rung: the next one may fail
        sys.stdout.flush()


if __name__ == "__main__":
    main()
