"""`tradeops deploy` up to Prefect's own commands; the whole is run in tests/e2e."""

from pathlib import Path
from typing import cast

import pytest
import yaml

from tests.unit.cli.conftest import Invoke
from tradeops.adapters.prefect_api.client import Deployment, PrefectApiClient
from tradeops.cli import deploy, main
from tradeops.cli.deploy import apply_automations
from tradeops.cli.stack import Stack, project_folder
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.jobs.automations import Applied

DECIDE = Deployment("d-3", "gpt4-self-analysis/gpt4-self-analysis")
ALERT = Deployment("d-1", "run-state-alert/run-state-alert")
BRAKE = Deployment("d-4", "emergency-strategy-disable/emergency-strategy-disable")
CHECK = Deployment("d-2", "system-health-check/system-health-check")
FILE = """
automations:
  - name: a run did not work
    actions: [{type: run-deployment, deployment: run-state-alert/run-state-alert}]
"""


class Prefect:
    """A server with these deployments; keeps what it was given."""

    def __init__(self, *deployed: Deployment) -> None:
        self.deployed = deployed
        self.put: list[object] = []

    async def health(self) -> None:
        pass

    async def deployments(self, _pool: str) -> tuple[Deployment, ...]:
        return self.deployed

    async def automations(self) -> tuple[()]:
        return ()

    async def put_automation(self, definition: object, *, replaces: str | None = None) -> None:
        assert replaces is None
        self.put.append(definition)


def at(server: Prefect) -> PrefectApiClient:
    return cast("PrefectApiClient", server)


async def test_a_project_without_the_file_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match=r"automations\.yaml cannot be read: No such file"):
        await apply_automations(at(Prefect()), tmp_path)


async def test_a_file_that_starts_what_is_not_deployed_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "automations.yaml").write_text(FILE)
    server = Prefect()
    with pytest.raises(MisconfiguredError, match="starts run-state-alert/run-state-alert, which is not deployed"):
        await apply_automations(at(server), tmp_path)
    assert server.put == []


async def test_what_the_file_starts_is_found_by_its_full_name(tmp_path: Path) -> None:
    (tmp_path / "automations.yaml").write_text(FILE)
    server = Prefect(ALERT)
    assert await apply_automations(at(server), tmp_path) == Applied(created=("a run did not work",))
    [put] = server.put
    assert isinstance(put, dict)
    assert put["actions"] == [{"type": "run-deployment", "source": "selected", "deployment_id": "d-1"}]


def test_without_a_server_it_is_one_line_and_bad_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["tradeops", "deploy"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    remedy = "name your server, or use `tradeops up`, which starts one"
    assert told.err == f"tradeops: settings: PREFECT_API_URL is not set; {remedy}\n"


def test_a_server_that_is_not_there_is_told_before_anything_is_started(
    invoke: Invoke, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    outcome = invoke("deploy")
    assert isinstance(outcome.exception, UnavailableError)
    assert outcome.exception.system == "prefect"
    assert outcome.output == ""
    assert not home.exists()


def test_it_says_what_it_did(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    server, done = Prefect(ALERT, CHECK, DECIDE, BRAKE), []

    async def deployed(_: Stack, api: object) -> None:
        done.append(api)

    monkeypatch.setattr(Stack, "deploy", deployed)
    monkeypatch.setattr(deploy, "prefect_api", lambda *_: server)
    lines = invoke("deploy").output.splitlines()
    assert done == [server]
    assert lines[:7] == [
        "deployed    run-state-alert/run-state-alert",
        "deployed    system-health-check/system-health-check",
        "deployed    gpt4-self-analysis/gpt4-self-analysis",
        "deployed    emergency-strategy-disable/emergency-strategy-disable",
        "created     tradeops: a run did not do its work",
        "created     tradeops: a critical week is analysed at once",
        "created     tradeops: a loss limit is breached",
    ]
    assert all(line.startswith("created     tradeops: example, ") for line in lines[7:])


def test_no_schedule_says_that_it_is_active_so_that_one_which_a_person_paused_stays_paused() -> None:
    defined = yaml.safe_load((project_folder() / "prefect.yaml").read_text())["deployments"]
    schedules = [schedule for deployment in defined for schedule in deployment.get("schedules", [])]
    assert schedules
    assert not [schedule for schedule in schedules if "active" in schedule]
