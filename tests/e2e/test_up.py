"""The whole product, started once as a user starts it: what they see, do in a second terminal, and leave behind."""

import json
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Page, sync_playwright

from tests.contract.probes.conftest import program
from tests.e2e.conftest import (
    BIN,
    PATIENCE,
    UNTIL_GONE,
    UNTIL_UP,
    Up,
    keep_clear_of_the_schedule,
    living_in,
    prefect,
    press_ctrl_c,
    started,
    until,
)

pytestmark = pytest.mark.e2e

CHROMIUM = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
JOB = "system-health-check"
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pytest.fixture
def page() -> Iterator[Page]:
    """A tab of a headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=list(CHROMIUM), ignore_default_args=["--headless"]
        )
        tab = browser.new_page()
        tab.set_default_timeout(120_000)
        yield tab
        browser.close()


def sandbox(up: Up) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((up.home / "sandbox" / "sandbox.json").read_text())
    return told


def health(up: Up) -> tuple[int, dict[str, str]]:
    """The exit code of `tradeops health` and the severity of each part."""
    done = up.in_second_terminal("tradeops health --format json")
    assert done.stdout, done.stderr
    severities: dict[str, str] = json.loads(done.stdout)["severities"]
    return done.returncode, severities


def test_the_night_ends_as_its_scenario_expects_with_a_finding_and_a_link(up: Up) -> None:
    lines = up.said.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith(JOB)]
    assert re.split(r"\s{2,}", lines[at - 1].strip()) == ["job", "state", "expected", "took", "finding"]
    name, state, expected, took, finding = re.split(r"\s{2,}", lines[at].strip())
    assert (name, state, expected) == (JOB, "Critical", "Critical")
    assert "frontend" in finding.split(", ")  # and, on a machine that is too busy, more
    assert 0 < float(took.removesuffix(" s")) < 30
    link = lines[at + 1].strip()
    assert re.fullmatch(rf"http://127\.0\.0\.1:\d+/runs/flow-run/{ID}", link)
    assert prefect(up, f"/flow_runs/{link.rpartition('/')[2]}")["state"]["name"] == "Critical"
    assert not up.complained


def test_the_artifact_is_seen_in_prefects_pages(up: Up, page: Page) -> None:
    page.goto(up.address(JOB))
    page.get_by_text(re.compile(r"Critical: .*frontend")).first.wait_for()
    table = page.locator("table", has_text="ai_service").first
    table.wait_for()
    assert "has lost its MongoDB" in table.inner_text()
    text = page.locator("body").inner_text()
    assert re.search(r"refused the connection", text)
    assert "Can't connect" not in text


def test_the_run_is_seen_in_prefects_pages(up: Up, page: Page) -> None:
    page.goto(re.findall(r"http\S+/runs/flow-run/\S+", up.said)[0])
    page.get_by_text("Critical", exact=True).first.wait_for()
    assert "Can't connect" not in page.locator("body").inner_text()


def test_a_run_from_a_second_terminal_ends_critical(up: Up) -> None:
    keep_clear_of_the_schedule()
    done = up.in_second_terminal(f"prefect deployment run '{JOB}/{JOB}' --watch")
    assert "Traceback" not in done.stdout + done.stderr
    run_id = re.findall(ID, done.stdout)[0]
    run = prefect(up, f"/flow_runs/{run_id}")
    assert run["state"]["name"] == "Critical"
    assert "frontend" in run["state"]["message"]
    assert run["id"] not in up.said


def test_the_schedule_is_there(up: Up) -> None:
    where = {
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "deployments": {"name": {"any_": ["system-health-check"]}},
    }
    asked = {**where, "sort": "EXPECTED_START_TIME_ASC", "limit": 2}
    until(lambda: len(prefect(up, "/flow_runs/filter", asked)) == 2, PATIENCE)  # another test had it switched off
    runs = prefect(up, "/flow_runs/filter", asked)
    first, second = (datetime.fromisoformat(run["expected_start_time"]) for run in runs)
    assert all(run["auto_scheduled"] for run in runs)
    assert first - datetime.now(UTC) <= timedelta(minutes=15)
    assert second - first == timedelta(minutes=15)
    assert first.minute % 15 == 0
    assert re.search(r"next scheduled run +\d\d:(00|07|15|30|45) UTC", up.said)  # at 7 past, model-watch


def test_a_fault_given_to_the_sandbox_is_found_by_the_health_command(up: Up) -> None:
    until(lambda: health(up)[1]["engine"] == "healthy", PATIENCE)
    done = up.in_second_terminal("tradeops sandbox fault engine /api/health error --status 500")
    assert done.returncode == 0, done.stderr
    try:
        code, found = health(up)
        assert (code, found["engine"], found["frontend"]) == (1, "degraded", "critical")
    finally:
        address = sandbox(up)["control_url"] + "/faults"
        httpx.delete(address, params={"service": "engine"}, trust_env=False).raise_for_status()
    until(lambda: health(up)[1]["engine"] == "healthy", PATIENCE)


def test_the_doctor_examines_the_same_bot(up: Up) -> None:
    done = up.in_second_terminal("tradeops doctor")
    assert done.returncode == 1  # the frontend of this scenario is down
    assert re.search(r"^\d+ problems?$", done.stdout, re.MULTILINE)
    assert re.search(r"^frontend +\S.* problem +not answering", done.stdout, re.MULTILINE)


def test_everything_listens_on_this_machine_alone(up: Up) -> None:
    family = psutil.Process(up.process.pid).children(recursive=True)
    listening = {
        one.laddr.ip for process in family for one in process.net_connections("inet") if one.status == "LISTEN"
    }
    assert listening
    assert listening <= {"127.0.0.1", "::1"}


def test_a_second_one_in_the_same_home_is_refused_in_one_line(up: Up) -> None:
    done = up.in_second_terminal(f"TRADEOPS_HOME='{up.home}' {BIN / 'tradeops'} up --once")
    problem = f"already runs in {up.home} as process {up.process.pid}; end it, or set another TRADEOPS_HOME"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"tradeops: tradeops up: {problem}\n")
    assert up.process.poll() is None


def test_with_a_bot_and_a_prefect_of_ones_own_it_starts_neither(up: Up, tmp_path: Path) -> None:
    api = up.address("Prefect UI").removesuffix("/dashboard") + "/api"
    with started(tmp_path, "--once", PREFECT_API_URL=api, **sandbox(up)["environment"]) as second:
        assert second.process.wait(UNTIL_UP) == 1, second.said + second.complained  # critical, and nobody expected it
        assert re.search(rf"✓ Prefect at {api} ", second.said)
        assert re.search(rf"^{JOB} +Critical +\S+ s +.*frontend", second.said, re.MULTILINE)
        assert not second.complained
        assert {path.name for path in (second.home / "logs").iterdir()} == {
            "prefect-deploy.log",
            "watchdog.log",
            "worker.log",
        }
    assert up.process.poll() is None


def test_the_dashboard_shows_what_the_night_found(up: Up) -> None:
    with httpx.Client(base_url=up.address("dashboard"), trust_env=False, timeout=30) as browser:
        page = browser.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "frontend" in page.text
        status = browser.get("/status.json").json()
        assert (status["state"], status["services"]["frontend"]) == ("critical", "critical")
        assert status["open_incidents"] > 0


def test_ctrl_c_leaves_no_process_behind(up: Up) -> None:
    """The last one with `up`: it ends it."""
    family = psutil.Process(up.process.pid).children(recursive=True)
    assert len(family) >= 8  # four leashes, the sandbox, the server, the worker, the watchdog
    assert sum(one.endswith(" -m tradeops.cli watchdog") for one in living_in(up.home)) == 2  # itself and its leash
    assert press_ctrl_c(up) == 0
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not living_in(up.home)
    assert not up.complained


def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    with started(tmp_path) as killed:
        killed.wait_for("✓ worker")
        assert len(living_in(killed.home)) >= 7
        killed.process.send_signal(signal.SIGKILL)
        assert killed.process.wait(5) == -signal.SIGKILL
        until(lambda: not living_in(killed.home), UNTIL_GONE)


def test_once_ends_by_itself_and_well_when_all_is_as_expected(tmp_path: Path) -> None:
    last = tmp_path / "home" / "sandbox" / "tradeops.sqlite"
    last.parent.mkdir(parents=True)
    last.write_text("what was recorded of the last sandbox, which was another bot")
    with started(tmp_path, "--once", "--scenario", "losing") as once:
        assert once.process.wait(UNTIL_UP) == 0, once.said + once.complained
        assert re.search(rf"^{JOB} +(\S+) +\1 +\d+\.\d s +\S", once.said, re.MULTILINE)
        brake = r"^emergency-strategy-disable +Completed +Completed +\d+\.\d s +portfolio was off already"
        assert re.search(brake, once.said, re.MULTILINE), "the guard braked, and Prefect's event let the flow record it"
        assert not once.complained
        assert "In a second terminal" not in once.said
        assert not (once.home / "shell").exists()
        assert not living_in(once.home)


def test_a_bad_setting_stops_it_before_anything_starts(tmp_path: Path) -> None:
    with started(tmp_path, TRADEOPS_DISK_ALERT_PERCENT="full") as bad:
        assert bad.process.wait(UNTIL_GONE) == 2
        assert bad.complained.startswith("tradeops: settings: TRADEOPS_DISK_ALERT_PERCENT ")
        assert bad.complained.count("\n") == 1
        assert not bad.said
        assert not bad.home.exists()
