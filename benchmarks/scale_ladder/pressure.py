"""Load for a fleet under attack, and what the attack did: runs left behind, actions done twice."""

import json
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from scale_ladder.api import ENDED, PAGE, moment
from scale_ladder.fleet import Fleet
from scale_ladder.work import orders

EACH_SECONDS = 10.0  # one more run; less than two processors can do, or what is killed is not the reason to wait
SWITCHED_OFF = "SELECT json_extract(body, '$.target') FROM events WHERE kind = 'strategy_disabled'"
RECENT = timedelta(seconds=60)  # due since then, a run may be at work as it should
BRAKED = ("rsi", "macd")  # each is ordered to be switched off again and again


@dataclass(slots=True)
class Load:
    """Starts one more run every few seconds, and asks all the while whether the API answers.

    Attributes:
        fleet: under load.
        ids: of the runs, and when each was ordered.
        silent: moments in which the API did not answer.
        but: the job that is not ordered, since a schedule brings it.
    """

    fleet: Fleet
    deployments: dict[str, str]
    but: str
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
        source = (one for one in orders(braked=BRAKED) if one[0] != self.but)
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


def settle(fleet: Fleet, *, within: float, works: str, since: datetime) -> list[dict[str, Any]]:
    """All runs that were due, once they have ended and that deployment has done its work since, or time is up."""
    begun = time.monotonic()
    deadline, all_seen = begun + within, begun + RECENT.total_seconds() + EACH_SECONDS
    while True:
        runs = all_runs(fleet)
        worked = any(
            one["deployment_id"] == works
            and one["state_type"] == "COMPLETED"
            and moment(one["expected_start_time"]) >= since
            for one in runs
        )
        settled = worked and time.monotonic() > all_seen and all(one["state_type"] in ENDED for one in runs)
        if settled or time.monotonic() > deadline:
            return runs
        time.sleep(5)


def all_runs(fleet: Fleet) -> list[dict[str, Any]]:
    """Those that were due a minute ago, the oldest first."""
    due = (datetime.now(UTC) - RECENT).isoformat()
    runs: list[dict[str, Any]] = []
    while True:
        body = {
            "flow_runs": {"expected_start_time": {"before_": due}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": PAGE,
            "offset": len(runs),
        }
        page = fleet.api.call("POST", "/flow_runs/filter", body)
        runs += page
        if len(page) < PAGE:
            return runs


def effects(fleet: Fleet) -> dict[str, Counter[str]]:
    """How often each action was done, by the store, the trainer, and the receiver of messages: of each kind once."""
    store = f"file:{fleet.folder / 'tradeops' / 'tradeops.sqlite'}?mode=ro"
    with closing(sqlite3.connect(store, uri=True)) as connection:
        switched = Counter(str(target) for (target,) in connection.execute(SWITCHED_OFF))
    asked = (json.loads(path.read_text())["plan"] for path in (fleet.folder / "trainer").glob("jobs/*/asked.json"))
    sent = httpx.get(fleet.sandbox["sinks"]["deliveries"], trust_env=False).json()
    return {
        "strategies switched off, by target": switched,
        "trainings at the trainer, by model and symbol": Counter(
            f"{one['model_type']} {one['symbol']}" for one in asked
        ),
        "messages at the webhook, by key": Counter(one["raw"]["key"] for one in sent if one["channel"] == "webhook"),
    }


def written_to_the_engine(fleet: Fleet) -> dict[str, int]:
    """What changed the bot, by route, as the bot counted it."""
    counted = httpx.get(f"{fleet.sandbox['control_url']}/requests", trust_env=False).json()
    return {
        f"{one['method']} {one['path']}": one["count"]
        for one in counted
        if one["service"] == "engine" and one["method"] not in {"GET", "HEAD"}
    }
