"""The console script: what it imports, what it says when something is wrong, how it exits."""

import importlib
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from tests.unit.cli.conftest import Invoke
from tradeops import cli
from tradeops.cli import COMMANDS, main
from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError

ROOT = Path(__file__).parents[3]
WEIGHTY = {"prefect", "pymongo", "matplotlib", "pandas", "numpy", "scipy", "sqlalchemy", "fastapi", "openai"}
ASK_FOR_HELP = """
import sys
from tradeops.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def imported_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", ASK_FOR_HELP, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "Usage: tradeops" in done.stdout
    return set(done.stderr.split())


def test_help_imports_next_to_nothing() -> None:
    assert not imported_by("--help") & (WEIGHTY | {"httpx", "pydantic", "rich", "redis", "psutil"})


@pytest.mark.parametrize("command", list(COMMANDS))
def test_help_of_a_command_imports_nothing_that_it_may_not_need(command: str) -> None:
    assert not imported_by(command, "--help") & (WEIGHTY - {"pymongo"})


def test_help_lists_every_command_with_what_it_does(invoke: Invoke) -> None:
    shown = invoke("--help").stdout
    assert list(COMMANDS) == re.findall(r"^  ([a-z]+)  +[A-Z].*\.$", shown, re.MULTILINE)
    assert invoke("-h").stdout == shown


@pytest.mark.parametrize("command", list(COMMANDS))
def test_the_list_says_what_the_command_itself_says(command: str) -> None:
    module, summary = COMMANDS[command]
    assert (importlib.import_module(module).command.help or "").startswith(summary.removesuffix("."))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_is_documented(command: str) -> None:
    texts = [path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]]
    assert any(f"tradeops {command}" in text for text in texts)


def test_the_shell_completes_commands_in_the_same_order() -> None:
    offered = ShellComplete(cli.tradeops, {}, "tradeops", "_TRADEOPS_COMPLETE").get_completions([], "")
    assert [item.value for item in offered] == list(COMMANDS)


def test_a_command_that_is_not_there_is_bad_usage(invoke: Invoke) -> None:
    done = invoke("fly")
    assert done.exit_code == 2
    assert "No such command 'fly'" in done.stderr


def test_the_version_is_the_distributions(invoke: Invoke) -> None:
    assert re.fullmatch(r"tradeops \d+\.\d+\.\d+\n", invoke("--version").stdout)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(MisconfiguredError("settings", "bad", remedy="mend it"), 2, id="settings"),
        pytest.param(UnavailableError("engine", "bad", remedy="mend it"), 1, id="anything else of ours"),
    ],
)
def test_a_typed_error_is_one_line_and_an_exit_code(
    error: TradeOpsError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(cli, "tradeops", failing)
    monkeypatch.setattr(sys, "argv", ["tradeops"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert tuple(capsys.readouterr()) == ("", f"tradeops: {error.system}: bad; mend it\n")


def test_as_a_module_it_is_the_same_and_a_bad_setting_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUST_API_URL", "localhost:8080")
    done = subprocess.run(
        [sys.executable, "-m", "tradeops.cli", "config"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    problem = "RUST_API_URL has no http:// or https://; for example RUST_API_URL=http://127.0.0.1:8080"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"tradeops: settings: {problem}\n")
