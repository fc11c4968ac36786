"""`tradeops watchdog` as a command; what it watches is tested in unit/jobs/monitoring and contract/watchdog."""

import asyncio
import logging
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Invoke
from tradeops import watchdog as at_work
from tradeops.cli.watchdog import _until_ended
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.jobs.monitoring import pulse
from tradeops.jobs.only_one import only_one
from tradeops.settings import Settings, load_settings


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_a_signal_ends_it_well_and_lets_it_put_things_away(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put_away: list[str] = []

    async def watch(settings: Settings) -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            put_away.append(settings.home_folder.name)

    monkeypatch.setattr(at_work, "watch", watch)
    with caplog.at_level(logging.INFO):
        await asyncio.wait_for(_until_ended(load_settings()), 10)
    assert put_away == ["home"]
    assert "ended" in caplog.messages


async def test_what_it_cannot_go_on_after_is_raised(home: Path) -> None:
    with only_one(home, "watchdog"), pytest.raises(UnavailableError, match="tradeops watchdog: already runs in"):
        await _until_ended(load_settings())


def test_a_bad_setting_ends_it_before_it_watches(invoke: Invoke, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_WATCHDOG_SECONDS", "often")
    outcome = invoke("watchdog")
    assert isinstance(outcome.exception, MisconfiguredError)
    assert "TRADEOPS_WATCHDOG_SECONDS" in str(outcome.exception)
    assert not home.exists()


def test_a_home_that_cannot_be_used_ends_it(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "file" / "home"))
    assert isinstance(invoke("watchdog").exception, MisconfiguredError)


def test_a_supervisor_is_told_whether_both_halves_are_at_work(
    invoke: Invoke, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUST_API_URL", "http://127.0.0.1:9")
    outcome = invoke("watchdog", "--check")
    assert str(outcome.exception).startswith("watchdog: its watch was never heard of; its guard was never heard of; ")
    assert not home.exists(), "it starts nothing"
    home.mkdir()
    for half in (pulse.WATCH, pulse.GUARD):
        pulse.beat(home, half)
    assert invoke("watchdog", "--check").output == "at work: watch and guard\n"
    ago = time.time() - 300
    os.utime(home / "guard.pulse", (ago, ago))
    said = str(invoke("watchdog", "--check").exception)
    assert re.match(r"watchdog: its guard was last heard of 3[0-4]\d s ago; ", said), said
    monkeypatch.delenv("RUST_API_URL")
    assert invoke("watchdog", "--check").output == "at work: watch\n"
    pulse.beat(home / "absent", pulse.WATCH)  # a disk that cannot be written is another one's finding
