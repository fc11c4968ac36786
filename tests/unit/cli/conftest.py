"""A terminal without any of the developer's own settings, in a folder of the test's own."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tradeops.cli import tradeops
from tradeops.jobs.monitoring import health
from tradeops.settings import Settings

Invoke = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """TRADEOPS_HOME; not made yet."""
    for info in Settings.model_fields.values():
        monkeypatch.delenv(str(info.validation_alias), raising=False)
    monkeypatch.delenv("TRADEOPS_ENV_FILE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "400")
    for percent in ("DISK", "MEMORY"):  # the machine that runs the tests is not what they are about
        monkeypatch.setenv(f"TRADEOPS_{percent}_ALERT_PERCENT", "99.8")
        monkeypatch.setenv(f"TRADEOPS_{percent}_CRITICAL_PERCENT", "99.9")
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health, "PACE", health.Pace(pauses=(timedelta(0), timedelta(0))))
    return


@pytest.fixture
def invoke() -> Invoke:
    """A command as the terminal calls it; typed errors come through as exceptions."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(tradeops, list(arguments), prog_name="tradeops")

    return run
