"""The pieces of `tradeops up`; the whole is started in tests/e2e."""

import asyncio
import fcntl
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console

from tradeops.adapters.prefect_api.client import Deployment, Run
from tradeops.cli import up
from tradeops.cli.night import Job
from tradeops.cli.processes import Leashed
from tradeops.cli.stack import Stack
from tradeops.cli.up import Wish
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.jobs.only_one import only_one
from tradeops.settings import Settings, load_settings

ROOT = Path(__file__).parents[3]
UI = "http://127.0.0.1:4200"
JOB = "system-health-check"
EXPECTED = {JOB: "Completed", "daily-portfolio-report": "Completed"}


@pytest.fixture
def desk(home: Path) -> Iterator[Stack]:
    home.mkdir()
    made = Stack(home, ROOT, {"PREFECT_API_URL": f"{UI}/api"})
    yield made
    made.stop()


def wide() -> Console:
    return Console(file=io.StringIO(), width=200, highlight=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_home_is_made_for_this_user_alone(home: Path) -> None:
    assert up._writable(home) == home
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "logs").is_dir()
    assert not list((home / "logs").iterdir())
    assert up._writable(home) == home


def test_a_home_that_cannot_be_made_is_told_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    with pytest.raises(MisconfiguredError) as raised:
        up._writable(home)
    remedy = "set TRADEOPS_HOME to a folder that you may write"
    assert str(raised.value) == f"TRADEOPS_HOME: {home} cannot be used: Not a directory; {remedy}"


def test_a_home_that_is_there_but_not_ours_is_told_as_well(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:  # the superuser, as whom CI may run, is refused nothing
        raise PermissionError(13, "Permission denied")

    up._writable(home)
    monkeypatch.setattr(up.tempfile, "TemporaryFile", refuse)
    with pytest.raises(MisconfiguredError, match="cannot be used: Permission denied"):
        up._writable(home)


def test_only_one_may_have_a_home_and_the_next_may_after_it(home: Path) -> None:
    up._writable(home)
    with only_one(home, "up"):
        with pytest.raises(UnavailableError) as raised, only_one(home, "up"):
            pytest.fail("two at once")
        problem = f"already runs in {home} as process {os.getpid()}"
        assert str(raised.value) == f"tradeops up: {problem}; end it, or set another TRADEOPS_HOME"
    with only_one(home, "up"):
        assert (home / "up.lock").read_text() == str(os.getpid())


def test_a_lock_of_somebody_who_did_not_write_who_they_are(home: Path) -> None:
    up._writable(home)
    with (home / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UnavailableError, match="as process unknown"), only_one(home, "up"):
            pytest.fail("two at once")


def test_the_shell_file_means_the_same_whatever_is_in_it(desk: Stack) -> None:
    awkward = 'it\'s $HOME `id` "quoted" \\ back'
    desk.environment |= {"PREFECT_HOME": awkward, "REDIS_URL": awkward, "UNRELATED": "x"}
    desk.sandbox = {"environment": {"REDIS_URL": awkward, "RABBITMQ_URL": "amqp://"}}
    path = up._write_shell(desk)
    assert path.stat().st_mode & 0o777 == 0o600
    told = subprocess.run(
        ["sh", "-c", f". '{path}'; env -0"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    environment = dict(entry.partition("=")[::2] for entry in told.stdout.split("\0") if entry)
    assert told.stderr == ""
    assert environment["PREFECT_HOME"] == environment["REDIS_URL"] == awkward
    assert environment["PREFECT_API_URL"] == f"{UI}/api"
    assert environment["PATH"] == f"{Path(sys.executable).parent}:/usr/bin:/bin"
    assert not {"UNRELATED", "RABBITMQ_URL", "TRADEOPS_HOME"} & set(environment)


def test_a_shell_file_that_everybody_could_read_is_closed(desk: Stack) -> None:
    path = desk.home / "shell"
    path.touch(mode=0o644)
    assert up._write_shell(desk).stat().st_mode & 0o777 == 0o600


async def test_what_is_expected_of_a_machine_that_is_well_is_what_the_scenario_says(desk: Stack) -> None:
    desk.sandbox = {"expected_states": EXPECTED}
    assert await up._expected(desk, load_settings()) == EXPECTED


@pytest.mark.parametrize(
    ("alert", "critical", "state"),
    [("0.01", "99.99", "Degraded"), ("0.001", "0.01", "Critical")],
    ids=["rather full", "full"],
)
@pytest.mark.parametrize("what", ["DISK", "MEMORY"])
async def test_this_machines_own_trouble_is_expected_too_but_only_of_the_health_check(
    what: str, alert: str, critical: str, state: str, desk: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TRADEOPS_{what}_ALERT_PERCENT", alert)
    monkeypatch.setenv(f"TRADEOPS_{what}_CRITICAL_PERCENT", critical)
    desk.sandbox = {"expected_states": EXPECTED}
    assert await up._expected(desk, load_settings()) == EXPECTED | {JOB: state}
    desk.sandbox = {"expected_states": {JOB: "Critical"}}
    assert await up._expected(desk, load_settings()) == {JOB: "Critical"}


async def test_of_a_bot_of_ones_own_nothing_is_expected(desk: Stack) -> None:
    assert await up._expected(desk, load_settings()) == {}


def test_children_in_another_folder_mean_the_same_home_file_and_prefect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEOPS_HOME", "data")
    (tmp_path / ".env").write_text("PREFECT_API_URL=http://prefect:4200/api\nPREFECT_API_AUTH_STRING=admin:pass\n")
    assert up._for_children(load_settings()) == {
        "TRADEOPS_HOME": str(tmp_path / "data"),
        "TRADEOPS_ENV_FILE": str(tmp_path / ".env"),
        "PREFECT_API_URL": "http://prefect:4200/api",
        "PREFECT_API_AUTH_STRING": "admin:pass",
    }


def test_where_json_is_wanted_prefect_logs_it_too() -> None:
    handed_on = up._for_children(Settings.model_construct(home=Path("x"), log_format="json"))
    assert handed_on["TRADEOPS_LOG_FORMAT"] == "json"
    assert handed_on["PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER"] == "json"


def test_a_key_of_prefect_cloud_is_handed_on() -> None:
    settings = Settings.model_construct(home=Path("x"), prefect_api_key=SecretStr("pnu_1"))
    assert up._for_children(settings)["PREFECT_API_KEY"] == "pnu_1"


class Told:
    """A Prefect that has one artifact and perhaps a scheduled run."""

    base_url = f"{UI}/api"

    def __init__(self, *upcoming: Run) -> None:
        self._upcoming = upcoming

    async def artifact_id(self, key: str) -> str | None:
        return "its-id" if key == JOB else None

    async def next_runs(self, _: object, *, limit: int) -> tuple[Run, ...]:
        return self._upcoming[:limit]


NEXT = Run("id", "n", "SCHEDULED", "Scheduled", "", datetime(2026, 11, 25, 13, 30, tzinfo=UTC), None, None, timedelta())


@pytest.mark.parametrize(("upcoming", "says"), [((NEXT,), "13:30 UTC"), ((), "none yet")], ids=["soon", "none yet"])
async def test_it_tells_where_everything_is(upcoming: tuple[Run, ...], says: str, desk: Stack) -> None:
    console = wide()
    desk.sandbox = {"environment": {}, "pages": {"frontend": "http://127.0.0.1:3000/"}}
    jobs = [Job(JOB, None), Job("without-artifact", None)]
    await up._tell(console, desk, Told(*upcoming), [Deployment("id", JOB)], jobs, stays=True)  # type: ignore[arg-type]
    lines = [line.split(maxsplit=1) for line in shown(console).splitlines() if line.startswith("  ")]
    assert lines[:4] == [
        ["Prefect", f"UI                   {UI}/dashboard"],
        [JOB, f"{UI}/artifacts/artifact/its-id"],
        ["frontend", "http://127.0.0.1:3000/"],
        ["logs", str(desk.home / "logs")],
    ]
    assert f"next scheduled run           {says}\n" in shown(console)
    assert f"In a second terminal: . {desk.home / 'shell'} and then" in shown(console)


async def test_what_ends_at_once_names_no_address_that_will_be_dead(desk: Stack) -> None:
    console = wide()
    await up._tell(console, desk, Told(), [], [Job(JOB, None)], stays=False)  # type: ignore[arg-type]
    assert shown(console).split() == ["logs", str(desk.home / "logs")]


def leashed(stack: Stack, name: str, code: str) -> Leashed:
    process = Leashed(name, [sys.executable, "-c", code], dict(os.environ), ROOT, stack.home / "logs" / f"{name}.log")
    process.start()
    stack.processes.append(process)
    return process


async def test_what_ends_is_started_again_a_few_times_and_never_unsaid(
    desk: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "WATCH_SECONDS", 0.02)
    console, worker = wide(), leashed(desk, "worker", "raise SystemExit('gone [/red] again')")
    with pytest.raises(UnavailableError, match="worker: ended with exit code 1"):
        await asyncio.wait_for(up._keep_running(desk, console), 60)
    assert worker.restarts == up.MOST_RESTARTS
    assert shown(console).count("worker ended with exit code 1:\n  gone [/red] again\nStarting it again.") == 3


async def test_a_sandbox_that_ends_ends_the_desk_for_its_history_is_gone(
    desk: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "WATCH_SECONDS", 0.02)
    leashed(desk, "worker", "import time; time.sleep(60)")
    leashed(desk, "sandbox", "raise SystemExit(3)")
    with pytest.raises(UnavailableError, match="sandbox: ended with exit code 3"):
        await asyncio.wait_for(up._keep_running(desk, wide()), 60)


@pytest.mark.parametrize(("once", "code"), [(False, 0), (True, 1)], ids=["kept running", "once, cut short"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
async def test_a_signal_ends_it_in_order_and_a_second_one_does_not_disturb(
    number: signal.Signals, once: bool, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    async def work(*_: object) -> int:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(60)
        finally:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
            done.append("stopped")
        return 7

    monkeypatch.setattr(up, "_up", work)
    began = time.monotonic()
    assert await up._until_interrupted(load_settings(), Wish(once=once, scenario="healthy", seed=None)) == code
    assert done == ["stopped"]
    assert time.monotonic() - began < 30
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.remove_signal_handler(each)
