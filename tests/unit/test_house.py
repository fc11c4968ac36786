"""Rules of the house that no linter knows: documents are complete, locks are clean, every fault has its test."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tradeops.settings import Settings
from tradeops.settings.retrain import TRAINER_NAMES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FAULTS = ROOT / "tests" / "contract" / "faults.toml"
JOBS = (
    "system-health-check",
    "daily-portfolio-report",
    "daily-api-cost-report",
    "daily-performance-analysis",
    "gpt4-self-analysis",
    "adaptive-retrain",
    "emergency-strategy-disable",
    "train-model",
    "backtest-strategy",
    "optimize-strategy",
    "bulk-analysis",
)


def tracked_text_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    return [ROOT / name for name in listed if name and (ROOT / name).suffix != ".png" and (ROOT / name).exists()]


def settings_names() -> list[str]:
    return [str(info.validation_alias) for info in Settings.model_fields.values()]


def deployments() -> list[str]:
    return [d["name"] for d in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]]


@pytest.mark.parametrize("name", settings_names())
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in (DOCS / "settings.md").read_text()


def test_the_documentation_names_no_setting_that_does_not_exist() -> None:
    documented = set(re.findall(r"^\| `([A-Z0-9_]+)`", (DOCS / "settings.md").read_text(), re.MULTILINE))
    assert documented == {*settings_names(), *TRAINER_NAMES}


@pytest.mark.parametrize("name", deployments())
def test_every_deployment_is_documented(name: str) -> None:
    assert f"`{name}`" in (DOCS / "deployments.md").read_text()


@pytest.mark.parametrize("job", JOBS)
def test_the_readme_lists_every_job_and_says_whether_it_is_there(job: str) -> None:
    [row] = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| `{job}` ")]
    assert ("planned" in row) is (job not in deployments())


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_package_with_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    requirements = re.split(r"\n(?=\S)", text.strip())
    assert len(requirements) > 50
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9_.-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement
    assert "://" not in text
    assert not re.search(r"--(extra-)?index|--find-links", text)


def test_no_tracked_file_carries_a_path_of_one_machine() -> None:
    machine_path = re.compile("|".join(["/wo" + "rk/", "/ro" + "ot/", "/fa" + "rm/", "/tm" + r"p/[a-z_]+[-/]"]))
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()[:80]}"
        for path in tracked_text_files()
        for line in path.read_text(errors="replace").splitlines()
        if machine_path.search(line)
    ]
    assert not found


REAL_SECRETS = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40}|glpat-[\w-]{20}|xox[abprs]-[\w-]{20}"
    r"|hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20}|discord(?:app)?\.com/api/webhooks/\d{17,}/[\w-]{50}"
    r"|\b\d{8,10}:AA[\w-]{33}|sk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{40}|pn[ub]_[A-Za-z0-9]{36}|AIza[\w-]{35}"
    r"|eyJ[\w-]{20,}\.eyJ[\w-]{20,}\.[\w-]{20}|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|AGE-SECRET-KEY-1\w{20}"
)
INVENTED = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"  # by tests of prompts, which must refuse it


def test_no_tracked_file_holds_what_is_formed_like_a_real_secret() -> None:
    assert REAL_SECRETS.search(INVENTED)
    found = [
        f"{path.relative_to(ROOT)}: {one[0][:8]}…"
        for path in tracked_text_files()
        for one in REAL_SECRETS.finditer(path.read_text(errors="replace"))
        if one[0] != INVENTED
    ]
    assert not found


def faults() -> dict[str, dict[str, object]]:
    return tomllib.loads(FAULTS.read_text())


def test_the_list_of_faults_is_complete() -> None:
    assert [int(key[1:]) for key in faults()] == list(range(1, 130))


@pytest.mark.parametrize("key", list(faults()))
def test_every_fault_has_tests_or_a_step_that_owes_them(key: str) -> None:
    fault = faults()[key]
    tests = fault.get("tests", [])
    assert isinstance(tests, list)
    assert tests or fault.get("owed_by_step") in range(2, 11)
    for test in tests:
        file, _, name = str(test).partition("::")
        assert name in function_names(ROOT / file), test


def function_names(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize("route", ["/api/monitoring", "/ai/performance", "/ai/market-condition", "/predict-trend"])
def test_routes_that_answer_constants_are_never_read(route: str) -> None:
    readers = [path for folder in ("tradeops", "flows") for path in (ROOT / folder).rglob("*.py")]
    assert readers
    assert not [str(path) for path in readers if route in path.read_text()]
