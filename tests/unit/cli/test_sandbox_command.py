"""`tradeops sandbox`: what it asks of the control interface, and what it says when there is none."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import respx

from sandbox.faults import Kind
from tests.unit.cli.conftest import Invoke
from tradeops.cli import sandbox
from tradeops.errors import MisconfiguredError, RejectedError, UnavailableError

CONTROL = "http://control.test"


@pytest.fixture
def running(home: Path) -> None:
    """A sandbox as `tradeops up` starts it: below the home."""
    (home / "sandbox").mkdir(parents=True)
    (home / "sandbox" / "sandbox.json").write_text(json.dumps({"control_url": CONTROL}))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        pytest.param([], {}, id="plain"),
        pytest.param(["--status", "503"], {"status": 503}, id="status"),
        pytest.param(
            ["--delay", "1.5", "--every", "2", "--times", "3"],
            {"delay_seconds": 1.5, "every": 2, "times": 3},
            id="how and when",
        ),
    ],
)
@pytest.mark.usefixtures("running")
def test_a_fault_is_a_rule(
    options: list[str], rule: dict[str, Any], invoke: Invoke, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.post(f"{CONTROL}/faults").respond(201, json=[{"service": "engine"}])
    done = invoke("sandbox", "fault", "engine", "/api/health", "error", *options)
    assert (done.exit_code, json.loads(done.stdout)) == (0, [{"service": "engine"}])
    expected = {"service": "engine", "path": "/api/health", "kind": "error"} | rule
    assert json.loads(route.calls.last.request.content) == expected


@pytest.mark.parametrize(
    ("words", "method", "path"),
    [
        (["faults"], "GET", "/faults"),
        (["clear"], "DELETE", "/faults"),
        (["restart", "a/b"], "POST", "/restart/a%2Fb"),
        (["status"], "GET", "/state"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@pytest.mark.usefixtures("running")
def test_each_command_is_one_request_whose_answer_is_shown(
    words: list[str], method: str, path: str, invoke: Invoke, respx_mock: respx.MockRouter
) -> None:
    route = respx_mock.request(method, CONTROL + path).respond(json={"is": "so"})
    assert json.loads(invoke("sandbox", *words).stdout) == {"is": "so"}
    assert route.call_count == 1


def test_every_kind_of_the_sandbox_can_be_given() -> None:
    assert sorted(sandbox.KINDS) == sorted(kind.value for kind in Kind)


@pytest.mark.usefixtures("running")
def test_what_the_sandbox_refuses_is_told_in_its_words(invoke: Invoke, respx_mock: respx.MockRouter) -> None:
    answer = {"field": "service", "error": "'x' is not there"}
    respx_mock.post(f"{CONTROL}/faults").respond(400, json=answer)
    done = invoke("sandbox", "fault", "x", "/", "hang")
    assert isinstance(done.exception, RejectedError)
    assert "is not there" in str(done.exception)


def test_an_unknown_kind_is_bad_usage(invoke: Invoke) -> None:
    done = invoke("sandbox", "fault", "engine", "/", "explode")
    assert done.exit_code == 2
    assert "'explode' is not one of" in done.stderr


def test_without_a_sandbox_it_says_where_it_looked_and_how_to_start_one(invoke: Invoke, home: Path) -> None:
    done = invoke("sandbox", "status")
    assert isinstance(done.exception, UnavailableError)
    remedy = "start it with `tradeops up` or `tradeops sandbox run`"
    assert str(done.exception) == f"sandbox: no sandbox runs in {home / 'sandbox'}; {remedy}"


def test_within_the_shell_of_the_desk_the_home_is_the_sandboxs_own(
    invoke: Invoke, home: Path, respx_mock: respx.MockRouter
) -> None:
    home.mkdir()
    (home / "sandbox.json").write_text(json.dumps({"control_url": CONTROL}))
    respx_mock.get(f"{CONTROL}/state").respond(json={})
    assert invoke("sandbox", "status").exit_code == 0


@pytest.mark.parametrize(
    ("options", "passed"),
    [
        pytest.param([], ["--home", "{home}/sandbox"], id="below our home"),
        pytest.param(["--home", "x"], ["--home", "x"], id="where it is told"),
        pytest.param(
            ["--scenario", "crash"], ["--home", "{home}/sandbox", "--scenario", "crash"], id="options are its own"
        ),
    ],
)
def test_run_becomes_the_sandbox(
    options: list[str], passed: list[str], invoke: Invoke, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, words: became.append((path, words)))
    assert invoke("sandbox", "run", *options).exit_code == 0
    words = [word.format(home=home) for word in passed]
    assert became == [(sys.executable, [sys.executable, "-m", "sandbox", *words])]


def test_run_without_its_packages_says_what_to_install(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "find_spec", lambda _: None)
    done = invoke("sandbox", "run")
    assert isinstance(done.exception, MisconfiguredError)
    assert str(done.exception) == "sandbox: it is not installed; install tradeops[sandbox]"
