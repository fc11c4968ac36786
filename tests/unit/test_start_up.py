"""What a job loads before its first line: each run is a process of its own, and pays for it."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tradeops.cli.stack import RUN_COMMAND

ROOT = Path(__file__).parents[2]
DRIVERS = ["pymongo", "redis", "aiormq", "aiosmtplib", "apprise", "openai"]
LIBRARIES = ["matplotlib", "pandas", "scipy", "talib", "numba", "optuna", "pyarrow", "PIL"]


@pytest.mark.parametrize(
    ("flows", "never"),
    [
        pytest.param(
            ["flows.monitoring.system_health", "flows.ai.emergency_disable", "flows.monitoring.run_state_alert"],
            [*DRIVERS, *LIBRARIES, "numpy"],
            id="the check of each quarter of an hour, the brake, the alert",
        ),
        pytest.param(
            ["flows.monitoring.portfolio_report", "flows.ai.self_analysis", "flows.research.optimize_strategy"],
            [*DRIVERS, *LIBRARIES],
            id="reports, decision, laboratory",
        ),
    ],
)
def test_a_job_loads_what_it_may_not_need_only_when_it_needs_it(flows: list[str], never: list[str]) -> None:
    program = f"import sys, {', '.join(flows)}; print(*[name for name in sys.argv[1:] if name in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", program, *never], cwd=ROOT, capture_output=True, text=True, check=True, timeout=180
    )
    assert loaded.stdout.split() == []


def test_the_command_that_starts_a_run_is_prefects_engine() -> None:
    ended = subprocess.run(shlex.split(RUN_COMMAND), cwd=ROOT, capture_output=True, text=True, check=False, timeout=180)
    assert (ended.returncode, "Invalid flow run id" in ended.stdout + ended.stderr) == (1, True)


def test_each_deployment_lets_whoever_deploys_it_say_how_its_process_is_started() -> None:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    commands = {one["work_pool"]["job_variables"]["command"] for one in deployments}
    assert commands == {"{{ $TRADEOPS_RUN_COMMAND }}"}
