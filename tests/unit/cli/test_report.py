"""`tradeops report` against a running sandbox: the reports, their formats, the codes it exits with."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sandbox.runner import PORTS
from sandbox.servers import claim
from tests.ports import reserved
from tradeops.cli import report, tradeops
from tradeops.domain.health import Severity
from tradeops.errors import RejectedError
from tradeops.rendering.page import Page, Text
from tradeops.settings import Settings

REPORTS = ("portfolio", "cost", "performance")
TITLES = {"portfolio": "Portfolio, ", "cost": "LLM cost, ", "performance": "Performance"}


@pytest.fixture(scope="module")
def bot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of a sandbox whose bot loses money."""
    home = tmp_path_factory.mktemp("sandbox")
    ports = [word for name in PORTS for word in (f"--{name}-port", str(reserved()))]
    command = [sys.executable, "-m", "sandbox", "--home", str(home), "--scenario", "degrading", *ports]
    with subprocess.Popen([*command, "--no-redis", "--no-rabbitmq"]) as process:
        deadline = time.monotonic() + 180
        while not (home / "sandbox.json").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield json.loads((home / "sandbox.json").read_text())["environment"]
        process.terminate()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing is configured; what is written goes to this folder."""
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def connected(desk: Path, bot: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in bot.items():
        monkeypatch.setenv(name, value)
    return desk


def run(*words: str) -> Result:
    return CliRunner().invoke(tradeops, ["report", *words])


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("name", REPORTS)
def test_each_report_is_made_in_each_format_with_the_same_verdict(name: str) -> None:
    text, page, fields = (run(name, "--format", style) for style in ("text", "html", "json"))
    assert text.exit_code == page.exit_code == fields.exit_code in {0, 1, 3}, text.output
    assert TITLES[name] in text.output.splitlines()[0]
    assert max(map(len, text.output.splitlines())) <= 100
    assert page.output.startswith("<!doctype html>")
    assert TITLES[name] in page.output
    assert json.loads(fields.output)["run_id"] == "terminal"


@pytest.mark.usefixtures("connected")
def test_a_bot_that_loses_money_exits_as_critical() -> None:
    result = run("performance")
    assert result.exit_code == 1
    assert result.output.startswith("✗ Performance critical: ")


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("name", REPORTS)
def test_a_past_day_can_be_asked_for(name: str) -> None:
    day = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    result = run(name, "--date", day, "--format", "json")
    assert result.exit_code in {0, 1, 3}, result.output
    assert json.loads(result.output)["date"] == day


@pytest.mark.usefixtures("connected")
def test_the_times_are_those_of_the_display_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert " UTC; the engine" in run("portfolio").output
    monkeypatch.setenv("TRADEOPS_TIME_ZONE", "Asia/Tokyo")
    assert " JST; the engine" in run("portfolio").output


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["portfolio", "--date", "2999-01-01"], "is in the future"),
        (["portfolio", "--date", "yesterday"], "does not match the format"),
        (["portfolio", "--format", "pdf"], "is not one of"),
        (["weather"], "is not one of"),
        ([], "Missing argument"),
    ],
)
def test_bad_usage_exits_with_2_and_says_what_is_wrong(words: list[str], said: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert said in result.output


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[3])
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )


def as_a_user(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "tradeops.cli", "report", *words)


def test_without_an_engine_address_it_exits_with_2_and_one_line(desk: Path) -> None:
    done = as_a_user(desk, "portfolio")
    assert (done.returncode, done.stdout) == (2, "")
    assert "RUST_API_URL is not set" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_dead_engine_exits_with_1_and_one_line(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with claim(0) as closed:
        monkeypatch.setenv("RUST_API_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
    done = as_a_user(desk, "portfolio")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tradeops: engine: ")
    assert "Traceback" not in done.stderr


HEAVY = ("matplotlib", "numpy", "pandas", "httpx", "pymongo", "prefect")
HELP = f"""
import sys
from tradeops.cli import main
sys.argv = ["tradeops", "report", "--help"]
try:
    main()
finally:
    print(sorted(set({HEAVY}) & set(sys.modules)))
"""


def test_help_loads_nothing_heavy(desk: Path) -> None:
    done = python(desk, "-c", HELP)
    assert done.returncode == 0
    assert "Usage: tradeops report" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def scripted(monkeypatch: pytest.MonkeyPatch, severity: Severity | None, problem: Exception | None = None) -> list[Any]:
    """Puts a job of one line in the place of the portfolio report; answers what it was asked for."""
    asked: list[Any] = []

    async def produce(_desk: object, *, date: date | None, now: datetime) -> str:
        asked.extend((date, now))
        if problem is not None:
            raise problem
        return "done"

    module = ModuleType("scripted_job")
    vars(module).update(
        produce=produce,
        as_fields=lambda text, run_id: {"text": text, "run_id": run_id},
        page=lambda text, _zone: Page(text, severity, (Text("\x1b[31m"),)),
    )
    monkeypatch.setitem(sys.modules, "scripted_job", module)
    monkeypatch.setitem(report.REPORTS, "portfolio", ("scripted_job", "scripted_job:page"))
    return asked


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize(
    ("severity", "code"), [(Severity.HEALTHY, 0), (None, 0), (Severity.DEGRADED, 3), (Severity.CRITICAL, 1)]
)
def test_the_verdict_is_the_exit_code(monkeypatch: pytest.MonkeyPatch, severity: Severity | None, code: int) -> None:
    scripted(monkeypatch, severity)
    assert [run("portfolio", "--format", style).exit_code for style in ("text", "html", "json")] == [code] * 3


@pytest.mark.usefixtures("connected")
def test_today_is_left_to_the_job_and_a_date_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = scripted(monkeypatch, Severity.HEALTHY)
    run("portfolio")
    run("portfolio", "--date", "2026-02-28")
    assert (asked[0], asked[2]) == (None, date(2026, 2, 28))
    assert abs(asked[1] - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.usefixtures("connected")
def test_a_job_that_refuses_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, Severity.HEALTHY, RejectedError("portfolio", "no such day"))
    result = run("portfolio")
    assert isinstance(result.exception, RejectedError)
    assert result.stdout == ""
