"""Kill in turn, under load, a server's replica, a worker, Redis and PostgreSQL, and see that nothing happens twice.

`python benchmarks/chaos.py` starts the whole fleet on free ports of loopback in a folder that is removed: two replicas
behind a balancer, their services, PostgreSQL, Redis, three workers, the watchdog, a trainer and the sandbox; ten
minutes. It ends with 1 when an action was done twice, a run was left behind, or the long job was not started again.
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from scale_ladder.api import ENDED, moment
from scale_ladder.fleet import Fleet
from scale_ladder.processes import Running, free_port, launch, listens, until
from scale_ladder.work import deploy, orders

SCHEDULED, LONG = "system-health-check", "adaptive-retrain"
EACH_SECONDS = 5.0  # one more run
DOWN_SECONDS = 10.0  # until what was killed is started again
AFTERWARDS_SECONDS = 75.0  # one scheduled run comes in between at least
LOST_SECONDS = 300.0  # until the last lost run has been found, ended, started again and done
ACTIONS = {
    "strategies switched off": "SELECT json_extract(body, '$.target') FROM events WHERE kind = 'strategy_disabled'",
    "models put into use": "SELECT event_id FROM events WHERE kind = 'model_promoted'",
    "lost runs ended by the watchdog": "SELECT event_id FROM events WHERE kind = 'run_lost'",
}


@dataclass(slots=True)
class Load:
    """Starts one more run every few seconds, and asks all the while whether the API answers.

    Attributes:
        fleet: under load.
        ids: of the runs, and when each was ordered.
        silent: moments in which the API did not answer.
    """

    fleet: Fleet
    deployments: dict[str, str]
    ids: dict[str, datetime] = field(default_factory=dict)
    silent: list[datetime] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin both."""
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._order, self._ask)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both."""
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _order(self) -> None:
        source = (one for one in orders() if one[0] != SCHEDULED)
        number = 0
        while not self._ends.wait(EACH_SECONDS):
            name, parameters = next(source)
            number += 1
            at = datetime.now(UTC)
            self.ids[self.fleet.api.start(self.deployments[name], parameters=parameters, key=f"chaos-{number}")] = at

    def _ask(self) -> None:
        with httpx.Client(timeout=3, trust_env=False) as client:
            while not self._ends.wait(0.5):
                at = datetime.now(UTC)
                try:
                    answer = client.post(f"{self.fleet.api.urls[0]}/flow_runs/count", json={})
                    if answer.is_success:
                        continue
                except httpx.TransportError:
                    pass
                self.silent.append(at)


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


def strikes(fleet: Fleet, deployments: dict[str, str]) -> tuple[list[Blow], str]:
    """All four; and the id of the long run whose worker was killed."""

    def in_place_of(old: Running, among: list[Running]) -> Callable[[Running], None]:
        return lambda new: among.__setitem__(among.index(old), new)

    replica = fleet.servers[0]
    blows = [strike(fleet, "a replica", replica, in_place_of(replica, fleet.servers))]
    long_run = fleet.api.start(deployments[LONG], key="chaos-long")
    worker = carrier(fleet, long_run)
    time.sleep(5)  # into the training
    blows.append(strike(fleet, "the worker of the long job", worker, in_place_of(worker, fleet.workers)))
    assert fleet.redis is not None and fleet.database is not None  # noqa: S101, PT018 - start_all started both
    blows.append(strike(fleet, "Redis", fleet.redis, lambda new: setattr(fleet, "redis", new)))
    blows.append(strike(fleet, "PostgreSQL", fleet.database, lambda new: setattr(fleet, "database", new)))
    return blows, long_run


def settle(fleet: Fleet) -> list[dict[str, Any]]:
    """All runs that were due, once they have ended or time is up."""
    deadline = time.monotonic() + LOST_SECONDS
    while True:
        runs = all_runs(fleet)
        if all(one["state_type"] in ENDED for one in runs) or time.monotonic() > deadline:
            return runs
        time.sleep(5)


def all_runs(fleet: Fleet) -> list[dict[str, Any]]:
    """Those that were due a minute ago, the oldest first."""
    due = (datetime.now(UTC) - timedelta(seconds=60)).isoformat()
    runs: list[dict[str, Any]] = []
    while True:
        body = {
            "flow_runs": {"expected_start_time": {"before_": due}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": 200,
            "offset": len(runs),
        }
        page = fleet.api.call("POST", "/flow_runs/filter", body)
        runs += page
        if len(page) < 200:  # noqa: PLR2004 - the limit above
            return runs


def told_of(blow: Blow, runs: list[dict[str, Any]], scheduled: str, load: Load) -> str:
    """The row of one kill."""
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
        after = float("nan")
    ordered = [
        (moment(one["state"]["timestamp"]) - blow.at).total_seconds()
        for one in runs
        if one["id"] in load.ids and load.ids[one["id"]] >= blow.at and one["state_type"] in {"COMPLETED", "FAILED"}
    ]
    first = f"{min(ordered):.0f} s" if ordered else "none"
    hit = [
        one
        for one in runs
        if one["state_type"] == "CRASHED"
        and one["start_time"]
        and moment(one["start_time"]) <= blow.at
        and moment(one["state"]["timestamp"]) >= blow.at
    ]
    return f"| {blow.victim} | {silence} | {first} | {after:.0f} s, {missed} missed | {len(hit)} |"


def effects(fleet: Fleet) -> dict[str, Counter[str]]:
    """How often each action was done, by what the store, the bot and the receivers of messages say."""
    found: dict[str, Counter[str]] = {}
    store = f"file:{fleet.folder / 'tradeops' / 'tradeops.sqlite'}?mode=ro"
    with closing(sqlite3.connect(store, uri=True)) as connection:
        for name, query in ACTIONS.items():
            found[name] = Counter(str(key) for (key,) in connection.execute(query))
    sent = httpx.get(fleet.sandbox["sinks"]["deliveries"], trust_env=False).json()
    webhook = (one["raw"] for one in sent if one["channel"] == "webhook")
    found["messages by the webhook"] = Counter(one["key"] for one in webhook)
    return found


def main() -> int:
    """Run it and print what came of it; 1 when it may not be so."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"{os.cpu_count()} processors; load at the start {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fleet = Fleet(Path(folder), stack)
        try:
            deployments = start_all(fleet)
            load = Load(fleet, deployments)
            load.start()
            time.sleep(30)
            blows, long_run = strikes(fleet, deployments)
            load.stop()
            runs = settle(fleet)
            done = effects(fleet)
            chain = [one for one in runs if one["deployment_id"] == deployments[LONG]]
        finally:
            if keep := os.environ.get("SCALE_KEEP_LOGS"):
                keep_logs(fleet, Path(keep) / "chaos")
    return report(blows, runs, load, deployments, done, chain, long_run)


def report(
    blows: list[Blow],
    runs: list[dict[str, Any]],
    load: Load,
    deployments: dict[str, str],
    done: dict[str, Counter[str]],
    chain: list[dict[str, Any]],
    long_run: str,
) -> int:
    """Print the tables; 1 when something may not be so."""
    print(
        "\n| killed | API silent until | next run by order ended after | next scheduled check ended after | runs crashed |"
    )
    print("|:--|--:|--:|--:|--:|")
    for blow in blows:
        print(told_of(blow, runs, deployments[SCHEDULED], load))
    states = Counter(one["state_name"] for one in runs)
    left = [one for one in runs if one["state_type"] not in ENDED]
    print(f"\n{len(runs)} runs: {', '.join(f'{number} {name}' for name, number in states.most_common())}.")
    print("\n| action | how many | the most of one kind |\n|:--|--:|--:|")
    for name, counted in done.items():
        print(f"| {name} | {counted.total()} | {max(counted.values(), default=0)} |")
    killed = next(blow for blow in blows if "worker" in blow.victim)
    print(f"\n| {LONG} | ended as | after the kill |\n|:--|:--|--:|")
    for one in chain:
        seconds = (moment(one["state"]["timestamp"]) - killed.at).total_seconds()
        print(
            f"| {'the one that was killed' if one['id'] == long_run else 'the one after it'} | {one['state_name']} | {seconds:.0f} s |"
        )
    twice = {name: counted for name, counted in done.items() if max(counted.values(), default=0) > 1}
    again = any(one["id"] != long_run and one["state_type"] == "COMPLETED" for one in chain)
    for what in (twice, [one["name"] for one in left], None if again else "the long job was not started again"):
        if what:
            print(f"NOT AS IT SHOULD BE: {what}")
    print(f"\nload at the end {os.getloadavg()[0]:.1f}; the API was asked anew: {json.dumps(load.fleet.api.refused)}")
    return int(bool(twice or left or not again))


def keep_logs(fleet: Fleet, folder: Path) -> None:
    """Copy the logs to where they can be read after the end."""
    folder.mkdir(parents=True, exist_ok=True)
    for log in fleet.folder.glob("*.log"):
        (folder / log.name).write_bytes(log.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
