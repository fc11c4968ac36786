"""A secret in every setting that is one, and every system repeats it: no command shows, logs, keeps or sends it on."""

import logging
import stat
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.contract.secrets.parrot import MODES, Parrot, parrot
from tests.contract.secrets.planting import SECRETS, leaks, planted, settings
from tradeops.cli import tradeops
from tradeops.jobs.monitoring import health

TALKING = (  # to all of them
    "health --format json",
    "doctor",
    "report portfolio",
    "notify test",
    "model list",
    "backtest run rsi BTCUSDT 2026-10-01 2026-10-03",
    "eval --cases 1",
    "deploy",
)
SHOWING = (
    "report cost --format json",
    "report performance --format html",
    "bulk BTCUSDT",
    "disable rsi --reason test",
    "outbox send",
    "outbox --format json --state failed",
    "incidents",
    "decision list",
    "brakes",
    "config",
    "config --format json",
)
SPOOLING = ("health --format json", "report portfolio", "disable rsi --reason test", "incidents")
NEVER_SENT = {
    "TRADEOPS_WEBHOOK_SECRET",  # signs
    "PREFECT_API_KEY",  # the other credential of Prefect is set too
    "MONGODB_URL",  # no server of its kind shakes hands here, so no password is told
    "RABBITMQ_URL",
    "TRADEOPS_DASHBOARD_TOKEN",  # visitors send it to us
    "TRADEOPS_WATCHDOG_PING_URL",  # by the watchdog alone: test_planted_processes
}


@pytest.fixture
def bird() -> Iterator[Parrot]:
    with parrot() as one:
        yield one


def say(command: str, environment: Mapping[str, str]) -> str:
    """All that a command prints, with the whole chain of an error, as a log of Prefect's would have it."""
    result = CliRunner().invoke(tradeops, command.split(), env=environment, prog_name="tradeops")
    chain = "".join(traceback.format_exception(*result.exc_info)) if result.exc_info else ""
    return result.output + chain


CASES = {
    "refusal": ("sqlite", TALKING),
    "empty hands": ("sqlite", TALKING + SHOWING),
    "wrong fields": ("sqlite", TALKING),
    "gibberish": ("sqlite", TALKING),
    "elsewhere": ("sqlite", TALKING),
    "crash": ("mongodb", SPOOLING),
}


def test_every_way_to_answer_is_tried() -> None:
    assert CASES.keys() == set(MODES)


@pytest.mark.parametrize("mode", CASES)
def test_no_secret_comes_back(
    mode: str,
    bird: Parrot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(health, "PACE", health.Pace(pauses=()))
    monkeypatch.setenv("COLUMNS", "1000")
    caplog.set_level(logging.DEBUG)
    bird.mode = mode
    home = tmp_path / "home"
    store, commands = CASES[mode]
    environment = settings(bird.port, home, store)
    assert environment.keys() >= SECRETS
    for command in commands:
        caplog.clear()
        said = say(command, environment)
        assert said.strip(), command
        assert not leaks(said), command
        assert not leaks(caplog.text), command
    heard = "\n".join(bird.heard)
    assert commands is SPOOLING or {name for name in SECRETS if planted(name) not in heard} == NEVER_SENT
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert not leaks(file.read_bytes().decode("latin-1")), file
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
