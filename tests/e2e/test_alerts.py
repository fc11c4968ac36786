"""From a run that fails on a live server to what people get: automation, incident, channels, watchdog."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from tests.e2e.conftest import PATIENCE, ROOT, Up, keep_clear_of_the_schedule, prefect, until

pytestmark = pytest.mark.e2e

JOB = "system-health-check"
KEY = f"job:{JOB}"
CHANNELS = ["discord", "email", "slack", "telegram", "webhook"]
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def messages(up: Up) -> list[dict[str, Any]]:
    """All that the sandbox's channels got, oldest first."""
    [hook] = re.findall(r"^export SLACK_WEBHOOK_URL=(\S+)/slack$", (up.home / "shell").read_text(), re.MULTILINE)
    answer = httpx.get(f"{hook}/deliveries", trust_env=False, timeout=60).raise_for_status()
    found: list[dict[str, Any]] = answer.json()
    return found


def alerts(up: Up, about: str, *, after: int = 0) -> list[str]:
    """The channels that were told that something is broken."""
    return sorted(m["channel"] for m in told(up, about, after) if "recovered" not in m["text"])


def recoveries(up: Up, about: str, *, after: int = 0) -> list[str]:
    return sorted(m["channel"] for m in told(up, about, after) if "recovered" in m["text"])


def told(up: Up, about: str, after: int) -> list[dict[str, Any]]:
    return [m for m in messages(up) if m["number"] > after and about in m["text"]]


@pytest.fixture
def unscheduled(up: Up) -> Iterator[None]:
    """No run of the health check but ours: a good one in between would end the incident that a test looks at."""
    deployment = prefect(up, f"/deployments/name/{JOB}/{JOB}")
    [schedule] = deployment["schedules"]
    there = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
    keep_clear_of_the_schedule()
    prefect(up, there, {"active": False}, method="PATCH")
    yield
    prefect(up, there, {"active": True}, method="PATCH")


def run(up: Up, environment: dict[str, str]) -> str:
    """Run the health check in a changed environment to its end; the name of its last state."""
    query = {"name": "of the alert tests", "job_variables": {"env": environment}, "state": {"type": "SCHEDULED"}}
    query["idempotency_key"] = str(uuid4())  # a start whose answer was lost is no second run
    deployment = prefect(up, f"/deployments/name/{JOB}/{JOB}")["id"]
    return ended(up, prefect(up, f"/deployments/{deployment}/create_flow_run", query)["id"])


def ended(up: Up, run_id: str) -> str:
    until(lambda: prefect(up, f"/flow_runs/{run_id}")["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED"}, PATIENCE)
    return str(prefect(up, f"/flow_runs/{run_id}")["state"]["name"])


def alert_runs_ended(up: Up) -> int:
    """How often the automation has started its flow, and that has ended well."""
    where = {
        "deployments": {"name": {"any_": ["run-state-alert"]}},
        "flow_runs": {"state": {"name": {"any_": ["Completed"]}}},
    }
    return len(prefect(up, "/flow_runs/filter", where))


@pytest.mark.usefixtures("unscheduled")
def test_a_run_that_fails_is_told_once_by_the_automation_and_its_end_once_by_the_watchdog(up: Up) -> None:
    before, alerted = max((m["number"] for m in messages(up)), default=0), alert_runs_ended(up)
    started = up.in_second_terminal(
        f"""prefect deployment run '{JOB}/{JOB}' -jv 'env={{"RUST_API_URL": "nonsense"}}'"""
    )
    assert ended(up, re.findall(ID, started.stdout)[0]) == "Failed"
    assert run(up, {"RUST_API_URL": "more nonsense"}) == "Failed"
    until(lambda: alert_runs_ended(up) == alerted + 2, PATIENCE)
    assert alerts(up, KEY, after=before) == CHANNELS

    # it does its work: that the bot is not well is another incident
    assert run(up, {"TRADEOPS_STARTUP_GRACE_SECONDS": "0"}) == "Critical"
    until(lambda: recoveries(up, KEY, after=before) == CHANNELS, PATIENCE)
    assert alerts(up, KEY, after=before) == CHANNELS
    assert alerts(up, "frontend") == CHANNELS


def schedules(up: Up) -> dict[str, dict[str, bool]]:
    """Of each deployment, by both their ids, which schedules are in force."""
    found = prefect(up, "/deployments/filter", {})
    return {one["id"]: {each["id"]: each["active"] for each in one["schedules"]} for one in found}


def test_deploying_again_changes_nothing(up: Up) -> None:
    report = prefect(up, "/deployments/name/daily-api-cost-report/daily-api-cost-report")
    paused = up.in_second_terminal(
        f"prefect deployment schedule pause daily-api-cost-report/daily-api-cost-report {report['schedules'][0]['id']}"
    )
    assert paused.returncode == 0, paused.stderr
    before = schedules(up)
    assert not before[report["id"]][report["schedules"][0]["id"]]
    done = up.in_second_terminal("tradeops deploy")
    assert done.returncode == 0, done.stderr
    what = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {name for word, name in what if word == "deployed"} == {
        f"{one['name']}/{one['name']}" for one in deployments
    }
    assert {word for word, _ in what} == {"deployed", "unchanged"}
    assert {name for word, name in what if word == "unchanged"} == {
        one["name"] for one in prefect(up, "/automations/filter", {})
    }
    assert schedules(up) == before
