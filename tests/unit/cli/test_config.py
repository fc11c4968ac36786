"""`tradeops config`: every setting, its origin, and never a secret."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Invoke
from tradeops.settings import MASK, Settings

NAMES = [str(info.validation_alias) for info in Settings.model_fields.values()]
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _some_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MONGODB_URL", f"mongodb://user:{SECRET}@db:27017")
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={SECRET}\nFRONTEND_URL=http://frontend:3000\n")


def test_text_has_a_line_for_each_setting_with_value_and_origin(invoke: Invoke) -> None:
    done = invoke("config")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == NAMES
    assert ["MONGODB_URL", MASK, "environment"] in lines
    assert ["OPENAI_API_KEY", MASK, ".env"] in lines
    assert ["FRONTEND_URL", "http://frontend:3000", ".env"] in lines
    assert ["RUST_API_URL", "not", "set", "default"] in lines
    assert ["TRADEOPS_SLOW_AFTER_SECONDS", "2", "default"] in lines
    assert done.stderr == ""


def test_json_says_the_same_to_programs(invoke: Invoke) -> None:
    told = json.loads(invoke("config", "--format", "json").stdout)
    assert list(told) == NAMES
    assert (told["MONGODB_URL"]["value"], told["MONGODB_URL"]["origin"]) == (MASK, "environment")
    assert told["RUST_API_URL"]["value"] is None
    assert told["OPENAI_BASE_URL"]["value"] == "https://api.openai.com/v1"


def test_markdown_is_the_reference_by_the_defaults_whatever_is_set(invoke: Invoke) -> None:
    lines = invoke("config", "--format", "markdown").stdout.splitlines()
    assert [line.split("`")[1] for line in lines[2:]] == NAMES
    assert "| `FRONTEND_URL` | – | `http://127.0.0.1:3000` | The bot's web frontend. |" in lines


@pytest.mark.parametrize("style", ["text", "json", "markdown"])
def test_no_form_shows_a_secret(style: str, invoke: Invoke) -> None:
    assert SECRET not in invoke("config", "--format", style).output


@pytest.mark.parametrize(
    ("name", "hint"),
    [("TRADEOPS_STOER", "; do you mean TRADEOPS_STORE?"), ("TRADEOPS_XYZZY_QUUX_12", "")],
    ids=["a slip", "a stranger"],
)
def test_a_name_that_nothing_reads_is_told(
    name: str, hint: str, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    done = invoke("config")
    assert done.stderr == f"{name} is set, but no setting has that name{hint}\n"
    assert done.exit_code == 0
