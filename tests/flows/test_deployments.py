"""Every flow is deployed, every deployment loads and takes its parameters; no server is needed for that."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import Flow, load_flow_from_entrypoint

from tradeops.jobs.automations import read_definitions
from tradeops.jobs.queues import read_queues

ROOT = Path(__file__).parents[2]
FLOW_FILES = sorted(path for path in (ROOT / "flows").rglob("*.py") if path.name != "__init__.py")
LABORATORY = ("backtest-strategy", "optimize-strategy", "bulk-analysis")
ON_DEMAND = ("train-model", *LABORATORY)
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
NAMES = [deployment["name"] for deployment in DEPLOYMENTS]

deployment = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=NAMES)


def flow_names(path: Path) -> list[str]:
    """Functions that are decorated with `@flow` or `@flow(…)`."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            calls = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
            found += [node.name for call in calls if isinstance(call, ast.Name) and call.id == "flow"]
    return found


def test_every_flow_has_its_deployment_and_every_deployment_its_flow() -> None:
    written = [name.replace("_", "-") for path in FLOW_FILES for name in flow_names(path)]
    assert sorted(written) == sorted(NAMES)
    assert "system-health-check" in written


@deployment
def test_a_deployment_loads_its_flow_by_the_same_name_and_its_parameters_are_valid(
    deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path])
    loaded: Flow[..., Any] = load_flow_from_entrypoint(deployment["entrypoint"], use_placeholder_flow=False)
    assert loaded.name == deployment["name"]
    assert loaded.fn.__name__.replace("_", "-") == deployment["name"]
    assert loaded.timeout_seconds
    if "tradeops" in deployment["tags"] and not loaded.parameters.required:  # others get theirs from who starts them
        for started in [{}, *deployment["schedules"]]:
            loaded.validate_parameters(deployment.get("parameters", {}) | started.get("parameters", {}))


def test_an_automation_gives_the_flow_that_it_starts_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path])
    entrypoints = {f"{d['name']}/{d['name']}": d["entrypoint"] for d in DEPLOYMENTS}
    automations = read_definitions((ROOT / "automations.yaml").read_text())
    starts = [action for one in automations for action in one["actions"] if action["type"] == "run-deployment"]
    assert {"run-state-alert/run-state-alert"} <= {action["deployment"] for action in starts}
    for action in starts:
        loaded: Flow[..., Any] = load_flow_from_entrypoint(
            entrypoints[action["deployment"]], use_placeholder_flow=False
        )
        given = action.get("parameters", {})
        assert set(loaded.parameters.required or []) <= set(given) <= set(loaded.parameters.properties)


@deployment
def test_a_deployment_runs_alone_in_utc_in_our_pool(deployment: dict[str, Any]) -> None:
    if "tradeops" in deployment["tags"] and "emergency" not in deployment["tags"]:  # those may run twice at once
        in_turn = deployment["name"] in ON_DEMAND  # what a person asked for waits; what is due again soon gives way
        strategy = "ENQUEUE" if in_turn else "CANCEL_NEW"
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": strategy}
    assert deployment["work_pool"]["name"] == "tradeops"
    assert deployment["description"]
    assert deployment["tags"]
    for schedule in deployment["schedules"]:
        assert CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"]).timezone == "UTC"


@pytest.mark.parametrize(
    ("name", "cron"),
    [
        ("system-health-check", "*/15 * * * *"),
        ("daily-performance-analysis", "0 1 * * *"),
        ("gpt4-self-analysis", "0 3 * * *"),
        ("daily-portfolio-report", "0 8 * * *"),
        ("daily-api-cost-report", "0 9 * * *"),
        ("model-watch", "7 * * * *"),
    ],
)
def test_a_job_runs_when_its_readers_expect_it(name: str, cron: str) -> None:
    [found] = [d for d in DEPLOYMENTS if d["name"] == name]
    assert [schedule["cron"] for schedule in found["schedules"]] == [cron]


def test_what_takes_long_waits_in_queues_of_its_own() -> None:
    queues = {d["name"]: d["work_pool"]["work_queue_name"] for d in DEPLOYMENTS}
    long = {"adaptive-retrain": "retrain", "train-model": "retrain"} | dict.fromkeys(LABORATORY, "research")
    assert queues == dict.fromkeys(NAMES, "monitoring") | long
    assert not [d["name"] for d in DEPLOYMENTS if d["schedules"] and d["name"] in long]
    assert set(queues.values()) < {queue.name for queue in read_queues((ROOT / "prefect.yaml").read_text())}


def test_every_run_that_may_be_at_work_has_a_slot_in_its_queue() -> None:
    """Otherwise one would wait there, Prefect would call it late, and people would be told of it."""
    for queue in read_queues((ROOT / "prefect.yaml").read_text()):
        runs = [d["concurrency_limit"]["limit"] for d in DEPLOYMENTS if d["work_pool"]["work_queue_name"] == queue.name
                and "concurrency_limit" in d]  # fmt: skip
        assert queue.most_at_once is None or queue.most_at_once >= sum(runs)


OFFLINE = """
import socket, sys
def refuse(*_): raise SystemExit("a connection was made")
socket.socket.connect = socket.socket.connect_ex = refuse
import flows.presentation, flows.monitoring.system_health, flows.monitoring.run_state_alert, tradeops.watchdog
import flows.ai.self_analysis, flows.starting
import flows.monitoring.api_cost_report, flows.monitoring.performance_analysis, flows.monitoring.portfolio_report
import flows.ai.adaptive_retrain, flows.ai.model_watch, flows.research.train_model
import flows.research.backtest_strategy, flows.research.bulk_analysis, flows.research.optimize_strategy
heavy = {"numba", "talib", "optuna", "pyarrow", "matplotlib", "pandas", "scipy"} & set(sys.modules)
if heavy: raise SystemExit(f"loaded before anything is computed: {sorted(heavy)}")
"""


def test_importing_a_flow_makes_no_connection_and_needs_no_variable(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_flow_files_have_unique_names_that_shadow_nothing() -> None:
    names = [path.stem for path in FLOW_FILES]
    assert len(set(names)) == len(names)
    assert not set(names) & (set(sys.stdlib_module_names) | {"prefect", "tradeops", "flows"})


@pytest.mark.parametrize("path", FLOW_FILES, ids=lambda path: path.stem)
def test_a_flow_file_fits_on_a_screen_and_holds_no_class(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    if path.parent.name != "flows":
        assert len(path.read_text().splitlines()) <= 100
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef):
                body = [n for n in node.body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]
                assert (body[-1].end_lineno or 0) - body[0].lineno < 25
