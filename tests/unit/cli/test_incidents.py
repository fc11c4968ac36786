"""`tradeops incidents` and `tradeops silence` on a real store."""

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from unittest.mock import AsyncMock

import pytest
from click.testing import CliRunner, Result

from tradeops.adapters.store import open_store
from tradeops.cli import person
from tradeops.cli.incidents import command as incidents_command
from tradeops.cli.silence import command as silence_command
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level
from tradeops.errors import RejectedError, UnavailableError
from tradeops.jobs.alerts import incidents, standin
from tradeops.settings import Settings, load_settings
from tradeops.wiring import Desk


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/hook")
    monkeypatch.setenv("TRADEOPS_STARTUP_GRACE_SECONDS", "0")
    return tmp_path / "home"


class Ground:
    def __init__(self, store: object) -> None:
        self.settings, self.store = load_settings(), store


def see(home: Path, *looks: tuple[str, Level | None], rounds: int = 1) -> None:
    async def observe() -> None:
        async with open_store("sqlite", home=home) as store:
            for number in range(rounds):
                now = datetime.now(UTC)
                seen = [
                    Observation(key, level, f"{key} refused", now, looks=3, may_be_starting=True)
                    for key, level in looks
                ]
                ground = cast("Desk", Ground(store))
                await incidents.observe(ground, seen, source="health", run_id=f"{now}-{number}", now=now)

    asyncio.run(observe())


def waiting(home: Path) -> int:
    async def count() -> int:
        async with open_store("sqlite", home=home) as store:
            return len(await store.outbox())

    return asyncio.run(count())


def run_incidents(*arguments: str) -> Result:
    return CliRunner().invoke(incidents_command, arguments, env={"COLUMNS": "200"})


def run_silence(*arguments: str) -> Result:
    return CliRunner().invoke(silence_command, arguments, env={"COLUMNS": "200"})


def test_an_empty_board_says_so(home: Path) -> None:
    assert run_incidents().output == "0 open\n"
    assert run_incidents("--format", "json").output == "[]\n"
    assert home.exists()


def test_what_is_broken_is_listed_with_who_knows(home: Path) -> None:
    see(home, ("mongodb", Level.CRITICAL), ("engine", Level.CRITICAL), ("disk", Level.WARNING))
    output = run_incidents().output
    assert "3 open" in output
    rows = {line.split()[0]: line for line in output.splitlines()}
    assert "critical" in rows["mongodb"]
    assert "to slack" in rows["mongodb"]
    assert "nobody yet; part of mongodb" in rows["engine"]
    assert "degraded" in rows["disk"]
    listed = json.loads(run_incidents("--format", "json").output)
    assert [(one["key"], one["severity"]) for one in listed] == [
        ("engine", "critical"),
        ("mongodb", "critical"),
        ("disk", "warning"),
    ]


def test_while_the_store_is_down_the_copy_of_this_machine_is_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see(home / standin.FOLDER, ("engine", Level.CRITICAL))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MONGODB_URL", f"mongodb://127.0.0.1:{nobody.getsockname()[1]}")
        result = run_incidents()
    assert "this machine's copy is shown: store: MongoDB at" in result.stderr
    assert "1 open" in result.stdout


def test_a_local_store_that_is_broken_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incidents, "open_incidents", AsyncMock(side_effect=UnavailableError("store", "damaged")))
    assert isinstance(run_incidents().exception, UnavailableError)
    assert home.exists()


def test_taking_care_is_kept_and_shown(home: Path) -> None:
    see(home, ("engine", Level.CRITICAL))
    result = run_incidents("ack", "engine", "--by", "ada")
    assert result.output == "engine is yours, ada: no reminders until it is over\n"
    assert "ada takes care" in run_incidents().output


def test_taking_care_of_what_is_not_broken_is_refused(home: Path) -> None:
    result = run_incidents("ack", "engine")
    assert isinstance(result.exception, RejectedError)
    assert home.exists()


def test_a_bot_that_was_just_started_gets_its_grace(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_STARTUP_GRACE_SECONDS", "50")
    assert "get their grace" in run_incidents("started").output
    see(home, ("engine", Level.CRITICAL))
    assert waiting(home) == 0


def test_a_flapping_incident_says_so(home: Path) -> None:
    for _ in range(2):
        see(home, ("engine", Level.CRITICAL))
        see(home, ("engine", None), rounds=2)
    see(home, ("engine", Level.CRITICAL))
    assert "flapping" in run_incidents().output


def test_a_silence_is_kept_listed_and_lifted(home: Path) -> None:
    begun = run_silence("eng*", "--for", "1h30m", "--reason", "new disk", "--by", "ada")
    assert begun.exit_code == 0
    name = begun.output.split("--lift ")[1].split()[0]
    listed = run_silence("--list").output
    assert listed.startswith(f"{name}  eng*  ")
    assert listed.endswith("ada: new disk\n")
    see(home, ("engine", Level.CRITICAL))
    assert waiting(home) == 0
    assert "silenced until" in run_incidents().output
    assert run_silence("--lift", name).output == "eng* is no longer silent\n"
    assert run_silence("--list").output == ""
    see(home, ("engine", Level.CRITICAL))
    assert waiting(home) == 1


def test_maintenance_can_be_planned(home: Path) -> None:
    moment = datetime.now(UTC).replace(microsecond=0, tzinfo=None) + timedelta(days=1)
    result = run_silence("*", "--for", "2h", "--reason", "move", "--from", moment.isoformat())
    assert f"* is silent from {moment:%Y-%m-%d %H:%M} UTC to " in result.output
    see(home, ("engine", Level.CRITICAL))
    assert waiting(home) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give a PATTERN, or --list, or --lift ID"),
        (("x", "--list"), "give a PATTERN"),
        (("x",), "needs --for and --reason"),
        (("x", "--for", "2h"), "needs --for and --reason"),
        (("x", "--for", "2 h", "--reason", "r"), "is no duration"),
        (("x", "--for", "h", "--reason", "r"), "is no duration"),
        (("x", "--for", "0s", "--reason", "r"), "not between 1s and 30d"),
        (("x", "--for", "31d", "--reason", "r"), "not between 1s and 30d"),
        (("x", "--for", "1h", "--reason", "r", "--from", "noon"), "is no time"),
    ],
)
def test_bad_usage_is_explained(home: Path, arguments: tuple[str, ...], says: str) -> None:
    result = run_silence(*arguments)
    assert result.exit_code == 2
    assert says in result.output
    assert not home.exists()


def test_an_unknown_silence_is_not_lifted(home: Path) -> None:
    assert isinstance(run_silence("--lift", "s-1").exception, RejectedError)
    assert home.exists()


@pytest.mark.parametrize("trouble", [KeyError("uid"), OSError("no user")])
def test_a_user_without_a_name_is_the_operator(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    def unknown() -> str:
        raise trouble

    monkeypatch.setattr(person.getpass, "getuser", unknown)
    assert person.whoami() == "operator"
