"""Secrets from files, as containers get them: below the environment and the settings file, and never read by halves."""

from pathlib import Path

import pytest

from tradeops.errors import MisconfiguredError
from tradeops.settings import effective_settings, load_settings, unknown_names
from trainer.settings import TrainerSettings


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder, with nothing else set."""
    for name in ("OPENAI_API_KEY", "REDIS_URL", "TRADEOPS_HOME", "TRADEOPS_TRAINER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("TRADEOPS_SECRETS_DIR", str(folder))
    monkeypatch.setenv("TRADEOPS_ENV_FILE", str(tmp_path / "env"))
    return folder


def key() -> str | None:
    found = load_settings().openai_api_key
    return None if found is None else found.get_secret_value()


def test_a_file_is_the_setting_of_its_name_without_the_line_end(secrets: Path) -> None:
    (secrets / "OPENAI_API_KEY").write_text("sk-file\n")
    assert key() == "sk-file"
    [row] = [row for row in effective_settings(load_settings()) if row.name == "OPENAI_API_KEY"]
    assert (row.origin, row.value) == ("secret file", "********")
    assert "TRADEOPS_SECRETS_DIR" not in dict(unknown_names())


def test_the_environment_and_the_settings_file_win_over_it(
    secrets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (secrets / "OPENAI_API_KEY").write_text("sk-file")
    (tmp_path / "env").write_text("OPENAI_API_KEY=sk-dotenv\n")
    assert key() == "sk-dotenv"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    assert key() == "sk-environment"


def test_an_empty_file_and_an_empty_variable_count_as_not_set(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "OPENAI_API_KEY").write_text("\n")
    assert key() is None
    (secrets / "OPENAI_API_KEY").write_text("sk-file")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert key() == "sk-file"


def test_a_bad_value_in_a_file_is_named_and_not_repeated(secrets: Path) -> None:
    (secrets / "REDIS_URL").write_text("http://:hunter2@cache")
    with pytest.raises(MisconfiguredError, match=r"REDIS_URL has no redis://") as raised:
        load_settings()
    assert "hunter2" not in str(raised.value)


def test_what_cannot_be_read_stops_start_up_and_is_named(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "OPENAI_API_KEY").mkdir()
    with pytest.raises(MisconfiguredError, match=r"the file of OPENAI_API_KEY in \S+ cannot be read: Is a directory"):
        load_settings()
    (secrets / "OPENAI_API_KEY").rmdir()
    (secrets / "OPENAI_API_KEY").write_bytes(b"\xff\xfe")
    with pytest.raises(MisconfiguredError, match=r"the file of OPENAI_API_KEY .* it is no UTF-8 text"):
        load_settings()
    monkeypatch.setenv("TRADEOPS_SECRETS_DIR", str(secrets / "absent"))
    with pytest.raises(MisconfiguredError, match=r"TRADEOPS_SECRETS_DIR is no folder: \S+absent"):
        load_settings()


def test_the_trainer_finds_its_token_there(secrets: Path) -> None:
    (secrets / "TRADEOPS_TRAINER_TOKEN").write_text("a-token-of-the-trainer\n")
    token = TrainerSettings(host="0.0.0.0", _secrets_dir=secrets).token  # noqa: S104 - what a container listens on
    assert token is not None
    assert token.get_secret_value() == "a-token-of-the-trainer"
