"""Kill in turn, under load, a server's replica, a worker, Redis and PostgreSQL, and see that nothing happens twice.

`python benchmarks/chaos.py` starts the whole fleet on free ports of loopback in a folder that is removed: two replicas
behind a balancer, their services, PostgreSQL, Redis, three workers, the watchdog, a trainer and the sandbox; ten
minutes. It ends with 1 when an action was done twice, a run was left behind, the long job was not started again, or a
kill cost more than `MOST_MISSED` of the checks that a schedule brings each minute. `--victims` chooses some of them.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scale_ladder.api import ENDED, moment
from scale_ladder.fleet import Fleet, missing
from scale_ladder.pressure import Load, effects, settle, written_to_the_engine
from scale_ladder.processes import Running, free_port, launch, listens, until
from scale_ladder.work import deploy

SCHEDULED, LONG = "system-health-check", "adaptive-retrain"
VICTIMS, CARRIER = ("replica", "worker", "redis", "postgres"), "the worker of the long job"
DOWN_SECONDS = 10.0  # until what was killed is started again
AFTERWARDS_SECONDS = 75.0  # one scheduled run comes in between at least
MOST_MISSED = 1  # scheduled checks after a kill: the one that is due while it is down
LOST_SECONDS = 780.0  # a lost run is found in two minutes, one that was lost before it began in ten


@dataclass(frozen=True, slots=True)
class Blow:
    """One kill, and when."""

    victim: str
    at: datetime


def start_all(fleet: Fleet) -> dict[str, str]:
    """Everything, the watchdog last; ids of the deployments by name."""
    fleet.start_sandbox()
    port = free_port()
    fleet.environment |= {
        "TRAINER_URL": f"http://127.0.0.1:{port}",
        "TRADEOPS_TRAINER_LEAST_DISK_GIB": "0",
        "TRADEOPS_RETRAIN_LEAST_DISK_GIB": "0",
        "TRADEOPS_RETRAIN_EPOCHS": "3",
        "TRADEOPS_RETRAIN_MODELS": "gru",
    }
    home = str(fleet.folder / "trainer")
    trainer = launch(
        "trainer",
        [sys.executable, "-m", "trainer", "--port", str(port), "--home", home],
        fleet.environment,
        fleet.folder,
    )
    fleet.stack.callback(trainer.stop)
    until("trainer", lambda: listens(port))
    fleet.start_replicas(fleet.start_postgres() | fleet.start_redis(), replicas=2)
    deployments = deploy(fleet, one_at_a_time=True, crons={SCHEDULED: "* * * * *"})
    for _ in range(3):
        fleet.start_worker(limit=2)
    environment = fleet.environment | {"PREFECT_API_URL": fleet.api.urls[0]}
    watchdog = launch("watchdog", [sys.executable, "-m", "tradeops.cli", "watchdog"], environment, fleet.folder)
    fleet.stack.callback(watchdog.stop)
    return deployments


def carrier(fleet: Fleet, run_id: str) -> Running:
    """The worker in whose process tree the run is at work."""
    found: list[Running] = []

    def at_work() -> bool:
        run = fleet.api.run(run_id)
        if run["state_type"] in ENDED:
            raise SystemExit(f"{LONG} was over before its worker was killed: {run['state']['message']}")
        pid = run["infrastructure_pid"]
        if run["state_type"] == "RUNNING" and pid:
            found[:] = [one for one in fleet.workers if any(process.pid == int(pid) for process in one.family())]
        return bool(found)

    until(f"{LONG} at work", at_work)
    return found[0]


def strike(fleet: Fleet, name: str, victim: Running, put: Callable[[Running], None]) -> Blow:
    """Kill it and all below it, start it again after a while, and give the fleet time."""
    blow = Blow(name, datetime.now(UTC))
    victim.kill()
    print(f"{blow.at:%H:%M:%S} killed {name}", file=sys.stderr, flush=True)
    time.sleep(DOWN_SECONDS)
    again = victim.start_again()
    fleet.stack.callback(again.stop)
    put(again)
    time.sleep(AFTERWARDS_SECONDS)
    return blow


def strikes(fleet: Fleet, deployments: dict[str, str], victims: Sequence[str]) -> tuple[list[Blow], str]:
    """Those that are asked for, in turn; and the id of the long run whose worker was killed, or nothing."""

    def in_place_of(old: Running, among: list[Running]) -> Callable[[Running], None]:
        return lambda new: among.__setitem__(among.index(old), new)

    blows, long_run, replica = list[Blow](), "", fleet.servers[0]
    if "replica" in victims:
        blows.append(strike(fleet, "a replica", replica, in_place_of(replica, fleet.servers)))
    if "worker" in victims:
        long_run = fleet.api.start(deployments[LONG], key="chaos-long")
        worker = carrier(fleet, long_run)
        time.sleep(5)  # into the training
        blows.append(strike(fleet, CARRIER, worker, in_place_of(worker, fleet.workers)))
    assert fleet.redis is not None and fleet.database is not None  # noqa: S101, PT018 - start_all started both
    if "redis" in victims:
        blows.append(strike(fleet, "Redis", fleet.redis, lambda new: setattr(fleet, "redis", new)))
    if "postgres" in victims:
        blows.append(strike(fleet, "PostgreSQL", fleet.database, lambda new: setattr(fleet, "database", new)))
    return blows, long_run


def told_of(blow: Blow, runs: list[dict[str, Any]], scheduled: str, load: Load, blamed: set[str]) -> tuple[str, int]:
    """The row of one kill, and how many scheduled checks were missed until one did its work; too many if none did."""
    end = blow.at + timedelta(seconds=DOWN_SECONDS + AFTERWARDS_SECONDS)
    silent = [at for at in load.silent if blow.at <= at < end]
    silence = f"{(max(silent) - blow.at).total_seconds():.0f} s" if silent else "never"
    checks = [
        one for one in runs if one["deployment_id"] == scheduled and moment(one["expected_start_time"]) >= blow.at
    ]
    missed = 0
    for one in checks:
        if one["state_type"] == "COMPLETED":
            after = (moment(one["state"]["timestamp"]) - blow.at).total_seconds()
            break
        missed += 1
    else:
        after, missed = float("nan"), max(missed, MOST_MISSED + 1)
    ordered = [
        (moment(one["state"]["timestamp"]) - blow.at).total_seconds()
        for one in runs
        if one["id"] in load.ids and load.ids[one["id"]] >= blow.at and one["state_type"] in {"COMPLETED", "FAILED"}
    ]
    first = f"{min(ordered):.0f} s" if ordered else "none"
    hit = {
        one["id"]
        for one in runs
        if one["state_type"] == "CRASHED" and one["start_time"] and moment(one["start_time"]) <= blow.at
    } - blamed
    blamed |= hit
    return f"| {blow.victim} | {silence} | {first} | {after:.0f} s, {missed} missed | {len(hit)} |", missed


def main() -> int:
    """Run it and print what came of it; 1 when it may not be so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=VICTIMS)
    victims = parser.parse_args().victims
    if lacks := missing():
        print(f"nothing was killed: {lacks} is not installed")
        return 0
    print(f"{os.cpu_count()} processors; load at the start {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fleet = Fleet(Path(folder), stack)
        try:
            deployments = start_all(fleet)
            load = Load(fleet, deployments, but=SCHEDULED)
            load.start()
            time.sleep(30)
            blows, long_run = strikes(fleet, deployments, victims)
            load.stop()
            runs = settle(fleet, within=LOST_SECONDS, works=deployments[SCHEDULED], since=blows[-1].at)
            done, written = effects(fleet), written_to_the_engine(fleet)
            chain = [one for one in runs if one["deployment_id"] == deployments[LONG]]
        finally:
            if keep := os.environ.get("SCALE_KEEP_LOGS"):
                fleet.keep_logs(Path(keep) / "chaos")
    return report(blows, runs, load, deployments, done, written, chain, long_run)


def report(
    blows: list[Blow],
    runs: list[dict[str, Any]],
    load: Load,
    deployments: dict[str, str],
    done: dict[str, Counter[str]],
    written: dict[str, int],
    chain: list[dict[str, Any]],
    long_run: str,
) -> int:
    """Print the tables; 1 when something may not be so."""
    print("\n| killed | API silent until | next ordered run ended | next scheduled check ended | runs crashed |")
    print("|:--|--:|--:|--:|--:|")
    blamed, late = set[str](), dict[str, int]()
    for blow in blows:
        row, missed = told_of(blow, runs, deployments[SCHEDULED], load, blamed)
        print(row)
        late |= {blow.victim: missed} if missed > MOST_MISSED else {}
    states = Counter(one["state_name"] for one in runs)
    left = [one for one in runs if one["state_type"] not in ENDED]
    print(f"\n{len(runs)} runs: {', '.join(f'{number} {name}' for name, number in states.most_common())}.")
    print("\n| action | how many | the most of one kind |\n|:--|--:|--:|")
    for name, counted in done.items():
        print(f"| {name} | {counted.total()} | {max(counted.values(), default=0)} |")
    print(f"\nSent to the engine: {json.dumps(written)}; {len(load.ids)} runs were ordered.")
    killed = next((blow for blow in blows if blow.victim == CARRIER), None)
    if killed:
        print(f"\n| {LONG} | ended as | after the kill |\n|:--|:--|--:|")
    for one in chain if killed else ():
        seconds = (moment(one["state"]["timestamp"]) - killed.at).total_seconds()
        which = "the one that was killed" if one["id"] == long_run else "the one after it"
        print(f"| {which} | {one['state_name']} | {seconds:.0f} s |")
    twice = {name: counted for name, counted in done.items() if max(counted.values(), default=0) > 1}
    again = killed is None or any(one["id"] != long_run and one["state_type"] == "COMPLETED" for one in chain)
    for what in (
        twice,
        [f"{one['name']} is {one['state_name']}" for one in left],
        None if again else "the long job was not started again",
        f"scheduled checks missed: {late}, where {MOST_MISSED} may be" if late else None,
    ):
        if what:
            print(f"NOT AS IT SHOULD BE: {what}")
    print(f"\nload at the end {os.getloadavg()[0]:.1f}; the API was asked anew: {json.dumps(load.fleet.api.refused)}")
    return int(bool(twice or left or late or not again))


if __name__ == "__main__":
    sys.exit(main())
