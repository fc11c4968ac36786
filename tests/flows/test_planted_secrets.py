"""What Prefect keeps of runs whose every system repeats our secrets: artifacts, states, logs, results."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, Task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.logging.handlers import APILogHandler

from tests.contract.secrets.parrot import MODES, parrot
from tests.contract.secrets.planting import leaks, settings
from tests.flows.test_deployments import DEPLOYMENTS
from tests.unit.jobs.moving_exchange import day
from tradeops.errors import TradeOpsError
from tradeops.jobs.models.promotion import WATCHES
from tradeops.wiring import open_desk

TRADED = {"strategy_name": "RSI Strategy", "symbol": "BTCUSDT", "start_date": day(90), "end_date": day(10)}
WATCHED = {
    "model_type": "gru",
    "symbol": "BTCUSDT",
    "version": "2",
    "previous": "1",
    "promoted_at": f"{day(2)}T00:00:00+00:00",
}
PARAMETERS: dict[str, dict[str, Any]] = {  # the others need none
    "gpt4-self-analysis": {"force_analysis": True},
    "emergency-strategy-disable": {"strategy_name": "RSI Strategy", "reason": "a test"},
    "backtest-strategy": TRADED,
    "optimize-strategy": TRADED,
    "bulk-analysis": {"symbols": ["BTCUSDT"]},
    "run-state-alert": {
        "deployment": "system-health-check",
        "state": "Failed",
        "run_id": "1",
        "occurred": "2026-11-25T00:00:00Z",
    },
}
CASES = [
    pytest.param(one, MODES[number % len(MODES)], id=f"{one['name']}, {MODES[number % len(MODES)]}")
    for number, one in enumerate(DEPLOYMENTS)
]


def flow_of(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Flow[..., Any]:
    """Its flow, which tries each step once."""
    path, _, name = deployment["entrypoint"].partition(":")
    module = import_module(path.removesuffix(".py").replace("/", "."))
    for one in vars(module).values():
        if isinstance(one, Task):
            monkeypatch.setattr(one, "retries", 0)
    flow: Flow[..., Any] = getattr(module, name)
    return flow


@pytest.mark.parametrize(("deployment", "mode"), CASES)
async def test_no_secret_is_in_what_prefect_keeps(
    deployment: dict[str, Any],
    mode: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    flow, name = flow_of(deployment, monkeypatch), deployment["name"]
    with parrot() as bird:
        bird.mode = mode
        for variable, value in settings(bird.port, tmp_path / "home", "sqlite").items():
            monkeypatch.setenv(variable, value)  # Prefect itself keeps to its test server, which it knows already
        async with open_desk() as desk:  # or one of them would have nothing to look at
            await desk.store.put(WATCHES, "gru:BTCUSDT", WATCHED, expected_version=None)
        state = await flow(**PARAMETERS.get(name, {}), return_state=True)
    await APILogHandler.aflush()
    run = state.state_details.flow_run_id
    async with get_client() as client:
        artifacts = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        )
        logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])), limit=200)
        whole = await client.read_flow_run(run)
    told = [str(one.data) for one in artifacts] + [one.message for one in logs] + [str(state), whole.model_dump_json()]
    assert bird.heard
    assert logs
    assert len("".join(told)) > 500
    for text in (*told, caplog.text):
        assert not leaks(text)
    if state.is_failed():
        with pytest.raises(TradeOpsError) as caught:
            await state.aresult()
        assert not leaks(repr(vars(caught.value)))
