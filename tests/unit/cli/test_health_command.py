"""`tradeops health`: the verdict in words, as JSON, and as an exit code."""

import json
from pathlib import Path

import httpx
import pytest
import respx

from tests.unit.adapters.services import enveloped
from tests.unit.cli.conftest import Invoke
from tradeops.errors import MisconfiguredError

ENGINE = "http://engine.test"
FRONTEND = "http://frontend.test"
WELL = httpx.Response(200, json=enveloped("Bot is running"))
SICK = httpx.Response(500, text="boom")


@pytest.fixture(autouse=True)
def _bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUST_API_URL", ENGINE)
    monkeypatch.setenv("FRONTEND_URL", FRONTEND)


def answering(wire: respx.MockRouter, engine: httpx.Response | type[Exception]) -> None:
    wire.get(f"{ENGINE}/api/health").mock(side_effect=engine if isinstance(engine, type) else [engine] * 3)
    wire.get(f"{FRONTEND}/").respond(html="<!doctype html><title>The [/bot]</title>")


@pytest.mark.parametrize(
    ("engine", "code", "word", "finding"),
    [
        pytest.param(WELL, 0, "healthy", "", id="healthy"),
        pytest.param(SICK, 3, "degraded", "HTTP 500", id="degraded"),
        pytest.param(httpx.ConnectError, 1, "critical", "cannot be reached", id="critical"),
    ],
)
def test_the_exit_code_is_the_verdict(
    engine: httpx.Response | type[Exception],
    code: int,
    word: str,
    finding: str,
    invoke: Invoke,
    respx_mock: respx.MockRouter,
) -> None:
    answering(respx_mock, engine)
    done = invoke("health")
    assert (done.exit_code, done.stderr) == (code, "")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["part", "state", "latency", "finding"]
    [row] = [line for line in lines if line.startswith("engine ")]
    assert row.split()[1] == word
    assert finding in row
    assert lines[-1] == f"overall: {word}"


def test_what_is_not_configured_is_shown_and_alarms_nobody(invoke: Invoke, respx_mock: respx.MockRouter) -> None:
    answering(respx_mock, WELL)
    done = invoke("health")
    [row] = [line for line in done.stdout.splitlines() if line.startswith("mongodb ")]
    assert row.split() == ["mongodb", "not", "configured", "MONGODB_URL", "is", "not", "set"]
    assert done.exit_code == 0


def test_json_is_the_record_of_a_run(invoke: Invoke, respx_mock: respx.MockRouter) -> None:
    answering(respx_mock, SICK)
    done = invoke("health", "--format", "json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["overall_status"], told["run_id"]) == (3, "degraded", "terminal")
    assert told["services"]["engine"]["status"] == "unhealthy"
    assert told["severities"]["frontend"] == "healthy"


def test_all_failing_at_once_makes_the_monitor_a_suspect(invoke: Invoke, respx_mock: respx.MockRouter) -> None:
    respx_mock.get(url__startswith="http").mock(side_effect=httpx.ConnectError)
    done = invoke("health")
    assert done.exit_code == 1
    assert "the monitor may be the problem" in done.stdout


def test_nothing_is_recorded(invoke: Invoke, respx_mock: respx.MockRouter, home: Path) -> None:
    answering(respx_mock, WELL)
    size = []
    for _ in range(2):
        invoke("health")
        size.append(sum(path.stat().st_size for path in home.rglob("*.db")))
    assert size[0] == size[1]


def test_without_an_engine_there_is_nothing_to_probe(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUST_API_URL")
    done = invoke("health")
    assert isinstance(done.exception, MisconfiguredError)
    assert "RUST_API_URL is not set" in str(done.exception)
