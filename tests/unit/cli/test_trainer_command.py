"""`tradeops trainer` becomes the service; what it needs for that is said before."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Invoke
from tradeops.cli import trainer
from tradeops.errors import MisconfiguredError
from tradeops.settings import unknown_names
from tradeops.settings.retrain import TRAINER_NAMES
from trainer.settings import TrainerSettings


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls: list[Any] = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.extend(call))
    return calls


def test_it_hands_its_options_and_settings_on(
    became: list[Any], invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings"
    file.write_text("TRADEOPS_TRAINER_PORT=9001\nTRADEOPS_TRAINER_QUEUE_SIZE=3\nOPENAI_API_KEY=not-its-business\n")
    monkeypatch.setenv("TRADEOPS_ENV_FILE", str(file))
    monkeypatch.setenv("TRADEOPS_TRAINER_PORT", "9002")
    monkeypatch.setenv("TRADEOPS_TRAINER_HOME", "")
    monkeypatch.setenv("TRADEOPS_HOME", str(tmp_path))
    assert invoke("trainer", "--host", "::1").exit_code == 0
    program, command, environment = became
    assert (program, command[1:]) == (sys.executable, ["-m", "trainer", "--host=::1"])
    assert environment["TRADEOPS_TRAINER_PORT"] == "9002"
    assert environment["TRADEOPS_TRAINER_QUEUE_SIZE"] == "3"
    assert environment["TRADEOPS_TRAINER_HOME"] == str(tmp_path / "trainer")
    assert "OPENAI_API_KEY" not in environment


def test_without_its_libraries_it_says_how_to_install_them(
    became: list[Any], invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "LIBRARIES", ("uvicorn", "no_such_library"))
    problem = invoke("trainer").exception
    assert isinstance(problem, MisconfiguredError)
    assert "it needs no_such_library; install them: pip install 'tradeops[trainer]'" in str(problem)
    assert became == []


def test_the_settings_of_the_service_are_no_slips_of_the_pen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(TRAINER_NAMES) == {f"TRADEOPS_TRAINER_{name}".upper() for name in TrainerSettings.model_fields}
    for name in TRAINER_NAMES:
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("TRADEOPS_TRAINER_HOMES", "x")
    assert unknown_names() == [("TRADEOPS_TRAINER_HOMES", "TRADEOPS_TRAINER_HOME")]
