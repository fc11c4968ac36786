"""`tradeops watchdog` as a command; what it watches is tested in unit/jobs/monitoring and contract/watchdog."""

import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Invoke
from tradeops import watchdog as at_work
from tradeops.cli.watchdog import _until_ended
from tradeops.errors import MisconfiguredError, UnavailableError
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
