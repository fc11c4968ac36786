"""`tradeops doctor`: one line for each finding, what to do about it, and an exit code."""

import json
import re
from pathlib import Path

import pytest
import respx

from tests.unit.adapters.services import enveloped
from tests.unit.cli.conftest import Invoke
from tests.unit.jobs.test_doctor import ENGINE

ADDRESS = "http://engine.test"


def rows(shown: str) -> list[list[str]]:
    """The cells of each line; the first one is empty below its section's first line."""
    return [re.split(r"\s{2,}", line.rstrip()) for line in shown.splitlines()]


@pytest.fixture
def bot(respx_mock: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> respx.MockRouter:
    monkeypatch.setenv("RUST_API_URL", ADDRESS)
    for path, data in ENGINE.items():
        respx_mock.get(ADDRESS + path).respond(content=json.dumps(enveloped(data)))
    respx_mock.get(url__startswith=ADDRESS).respond(404, text="Not Found")
    return respx_mock


@pytest.mark.usefixtures("bot")
def test_a_good_installation_has_no_problem(invoke: Invoke) -> None:
    done = invoke("doctor")
    found = rows(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert found[0] == ["part", "what", "verdict", "detail"]
    assert {cells[2] for cells in found[1:-1]} == {"ok", "absent", "not configured"}
    assert ["ai_service", "address", "not configured", "PYTHON_API_URL is not set"] in found
    assert ["store", "sqlite", "ok"] in [cells[:3] for cells in found]
    assert all(cells[3].startswith("absent, not needed: ") for cells in found if cells[2:3] == ["absent"])
    assert found[-1] == ["no problems"]


def test_a_missing_engine_is_a_problem_with_its_remedy(invoke: Invoke) -> None:
    done = invoke("doctor")
    assert done.exit_code == 1
    detail = "RUST_API_URL is not set; set RUST_API_URL: without the engine no job can run"
    assert ["engine", "address", "problem", detail] in rows(done.stdout)
    assert rows(done.stdout)[-1] == ["1 problem"]


@pytest.mark.usefixtures("bot")
def test_a_variable_that_nothing_reads_is_a_problem(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_STOER", "sqlite")
    monkeypatch.setenv("TRADEOPS_XYZZY_QUUX_12", "1")
    done = invoke("doctor")
    assert done.exit_code == 1
    assert rows(done.stdout)[1:3] == [
        ["settings", "TRADEOPS_STOER", "problem", "no setting has that name; do you mean TRADEOPS_STORE?"],
        ["", "TRADEOPS_XYZZY_QUUX_12", "problem", "no setting has that name"],
    ]
    assert rows(done.stdout)[-1] == ["2 problems"]


@pytest.mark.usefixtures("bot")
def test_a_home_that_cannot_be_written_is_told_by_its_path(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "file" / "home"))
    done = invoke("doctor")
    problems = [cells for cells in rows(done.stdout) if cells[2:3] == ["problem"]]
    assert done.exit_code == 1
    assert [cells[0] for cells in problems] == ["home", "store"]
    assert str(tmp_path / "file") in "".join(done.stdout.split())
