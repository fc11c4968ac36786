"""What a run costs before its first line, and what makes it cheaper: a server, workers, a sandbox; four minutes.

`python benchmarks/startup.py` prints the tables of docs/scaling.md. Seconds of one column were measured in turn, in one
session; the share of a processor (CPU) is what the processes of the run used, so it bears other work on the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from scale_ladder.api import moment
from scale_ladder.fleet import Fleet
from scale_ladder.processes import ROOT, Running, launch, until
from scale_ladder.work import deploy

from tradeops.cli.stack import RUN_COMMAND

IDLE_SECONDS = 20
WITH_PREFECT = "import prefect.engine, prefect.flow_engine"
FLOWS = (
    "flows.monitoring.system_health",
    "flows.ai.emergency_disable",
    "flows.monitoring.portfolio_report",
    "flows.ai.self_analysis",
    "flows.research.backtest_strategy",
)
SERVED = "from flows.monitoring.system_health import system_health_check as f; f.serve('served')"
IN_PROCESS = """
import asyncio, json, logging, sys, time
logging.disable(logging.CRITICAL)
from flows.monitoring.system_health import system_health_check
async def main():
    took = []
    for _ in range(int(sys.argv[1]) + 1):
        wall, cpu = time.perf_counter(), time.process_time()
        await system_health_check(return_state=True)
        took.append((time.perf_counter() - wall, time.process_time() - cpu))
    print(json.dumps(took[1:]))
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Lived:
    """The life of one run, in seconds from its creation, and the CPU seconds of its processes."""

    pending: float
    running: float
    ended: float
    cpu: float


def cpu_of(program: str, repeat: int) -> float:
    """Least CPU seconds of a few Python processes."""
    used = []
    for _ in range(repeat):
        before = psutil.Process().cpu_times()
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True
        )
        after = psutil.Process().cpu_times()
        used.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return min(used)


def imports(repeat: int) -> None:
    """The table of what is loaded."""
    bare, prefect = cpu_of("pass", repeat), cpu_of(WITH_PREFECT, repeat)
    rare = cpu_of(f"import gc; gc.set_threshold(100_000, 50, 100); {WITH_PREFECT}", repeat)
    print(f"\n| loaded in a fresh process, least of {repeat} | CPU seconds | on top of Prefect |\n|:--|--:|--:|")
    print(f"| nothing | {bare:.2f} | |\n| Prefect's engine | {prefect:.2f} | |")
    print(f"| Prefect's engine, garbage collected rarely | {rare:.2f} | {rare - prefect:+.2f} |")
    for flow in FLOWS:
        used = cpu_of(f"{WITH_PREFECT}, {flow}", repeat)
        print(f"| … and `{flow}` | {used:.2f} | {used - prefect:+.2f} |")


def life(fleet: Fleet, by: Running, deployment: str, command: str | None = None) -> Lived:
    """Start a run now and see it through."""
    cpu = by.cpu_seconds_of_ended_children()
    run_id = fleet.api.start(deployment, command=command)
    ended = fleet.api.wait(run_id)
    if ended["state_type"] != "COMPLETED":
        raise SystemExit(f"a run ended {ended['state_name']}: {ended['state']['message']}")
    until("the end of its process", lambda: by.cpu_seconds_of_ended_children() > cpu)
    created, states = moment(ended["created"]), dict(fleet.api.states(run_id))
    times = [(states[name] - created).total_seconds() for name in ("Pending", "Running", ended["state_name"])]
    return Lived(*times, by.cpu_seconds_of_ended_children() - cpu)


def row(name: str, lives: Iterable[Lived], reference: float | None) -> float:
    """Print the medians; the median from creation to running."""
    found = list(lives)
    pending, running, ended, cpu = (
        statistics.median(getattr(one, part) for one in found) for part in ("pending", "running", "ended", "cpu")
    )
    ratio = "1" if reference is None else f"{running / reference:.2f}"
    print(f"| {name} | {pending:.1f} | {running:.1f} | {ended:.1f} | {cpu:.2f} | {ratio} |")
    return running


def by_schedule(fleet: Fleet, deployment: str, runs: int) -> list[float]:
    """Seconds from the scheduled time to running, for runs that are known ahead as those of a schedule are."""
    started = datetime.now(UTC) + timedelta(seconds=20)
    ids = [
        fleet.api.start(deployment, at=started + timedelta(seconds=12 * n), command=RUN_COMMAND) for n in range(runs)
    ]
    ended = [fleet.api.wait(one) for one in ids]
    return [(moment(one["start_time"]) - moment(one["expected_start_time"])).total_seconds() for one in ended]


def measure(fleet: Fleet, repeat: int) -> None:
    """The table of lives."""
    fleet.start_sandbox()
    fleet.start_server()
    deployment = deploy(fleet, one_at_a_time=False, command="")["system-health-check"]
    slow = min(repeat, 3)
    rare = fleet.start_worker(limit=2, settings={"PREFECT_WORKER_QUERY_SECONDS": "10"})
    life(fleet, rare, deployment)
    seldom = []
    idle_10 = idle_cpu(rare)
    for number in range(slow):
        time.sleep(number * 10 / slow)  # somewhere else between two looks each time
        seldom.append(life(fleet, rare, deployment))
    rare.stop()
    worker = fleet.start_worker(limit=2)
    idle_1 = idle_cpu(worker)
    ways: dict[str, Callable[[], Lived]] = {
        "worker, looks each second": lambda: life(fleet, worker, deployment),
        "… its process started as `python -m prefect.engine`": lambda: life(
            fleet, worker, deployment, f"{sys.executable} -m prefect.engine"
        ),
        "… and garbage collected rarely: **our default**": lambda: life(fleet, worker, deployment, RUN_COMMAND),
    }
    found: dict[str, list[Lived]] = {name: [] for name in ways}
    for number in range(repeat + 1):
        for name, way in ways.items():
            lived = way()
            if number:
                found[name].append(lived)
    late = by_schedule(fleet, deployment, slow)
    worker.stop()
    served = served_lives(fleet, repeat)
    print("\n| the health check by | pending | running | ended | CPU seconds | creation → running, ratio |")
    print("|:--|--:|--:|--:|--:|--:|")
    first = row("worker as Prefect ships it, looks each 10 s", seldom, None)
    for name, lives in found.items():
        row(name, lives, first)
    row("`flow.serve`, looks each second", served, first)
    walls, cpus = zip(*called(fleet, repeat), strict=True)
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    print(f"| called in a process that lives on | – | – | {wall:.1f} | {cpu:.2f} | – |")
    print(f"\nA worker that waits, each 10 s: {idle_10:.1f} % of a processor; each second: {idle_1:.1f} %.")
    print(f"\nRuns whose time is known ahead, {len(late)} by our default: running at most {max(late):.2f} s after it.")


def idle_cpu(worker: Running) -> float:
    """Percent of a processor that a worker without work uses."""
    before = worker.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    return (worker.cpu_seconds() - before) / IDLE_SECONDS * 100


def served_lives(fleet: Fleet, repeat: int) -> list[Lived]:
    """Runs of a long-lived runner."""
    environment = fleet.environment | {"PREFECT_API_URL": fleet.api.urls[0], "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    runner = launch("serve", [sys.executable, "-c", SERVED], environment, fleet.folder)
    fleet.stack.callback(runner.stop)
    name = "system-health-check/served"
    wanted = {"deployments": {"name": {"any_": ["served"]}}}
    until(name, lambda: bool(fleet.api.call("POST", "/deployments/filter", wanted)))
    deployment = fleet.api.deployment(name)
    return [life(fleet, runner, deployment) for _ in range(repeat + 1)][1:]


def called(fleet: Fleet, repeat: int) -> list[tuple[float, float]]:
    """Seconds and CPU seconds of the flow in one process, the first call left out."""
    environment = fleet.environment | {"PREFECT_API_URL": fleet.api.urls[0]}
    command = [sys.executable, "-c", IN_PROCESS, str(repeat)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return [(wall, cpu) for wall, cpu in json.loads(done.stdout.splitlines()[-1])]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each kind")
    repeat = parser.parse_args().repeat
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    imports(min(repeat, 3))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        measure(Fleet(Path(folder), stack), repeat)
    print(f"\nload of the machine at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
