"""The work of a rehearsal: the real jobs, deployed without what keeps two of them apart, in the mix of a busy desk."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import yaml

from scale_ladder.fleet import POOL, Fleet
from scale_ladder.processes import ROOT
from tradeops.cli.stack import RUN_COMMAND

STRATEGIES = ("rsi", "macd", "bollinger", "volume", "stochastic")
MIX = (
    "system-health-check",
    "daily-portfolio-report",
    "backtest-strategy",
    "system-health-check",
    "daily-api-cost-report",
    "emergency-strategy-disable",
    "system-health-check",
    "daily-performance-analysis",
    "gpt4-self-analysis",
    "model-watch",
)


def deploy(
    fleet: Fleet, *, one_at_a_time: bool, crons: Mapping[str, str] | None = None, command: str = RUN_COMMAND
) -> dict[str, str]:
    """Deploy every job; ids of the deployments by name.

    Args:
        fleet: with a server that answers.
        one_at_a_time: keep the limits by which a second run of a job gives way or waits; a burst needs them away.
        crons: the schedules in force, by deployment; all others have none.
        command: that starts the process of a run; empty is Prefect's own.
    """
    project = yaml.safe_load((ROOT / "prefect.yaml").read_text())
    for one in project["deployments"]:
        one["schedules"] = [
            {"cron": cron, "timezone": "UTC"} for name, cron in (crons or {}).items() if name == one["name"]
        ]
        if not one_at_a_time:
            one.pop("concurrency_limit", None)
    file = fleet.folder / "prefect.yaml"
    file.write_text(yaml.safe_dump(project))
    fleet.environment["TRADEOPS_RUN_COMMAND"] = command
    fleet.prefect("work-pool", "create", POOL, "--type", "process", "--overwrite")
    fleet.prefect("deploy", "--all", "--prefect-file", str(file))
    names = [one["name"] for one in project["deployments"]]
    return {name: fleet.api.deployment(f"{name}/{name}") for name in names}


def orders(*, braked: Sequence[str] = STRATEGIES) -> Iterator[tuple[str, dict[str, Any]]]:
    """Endlessly, names of deployments with parameters; `braked` are switched off in turn."""
    today = datetime.now(UTC).date()
    days = {"start_date": str(today - timedelta(days=8)), "end_date": str(today - timedelta(days=1))}
    strategies, targets = cycle(STRATEGIES), cycle(braked)
    for name in cycle(MIX):
        if name == "backtest-strategy":
            yield name, {"strategy_name": next(strategies), "symbol": "BTCUSDT", **days}
        elif name == "emergency-strategy-disable":
            yield name, {"strategy_name": next(targets), "reason": "rehearsal of scale"}
        else:
            yield name, {}
