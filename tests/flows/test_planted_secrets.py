"""What Prefect keeps of runs whose every system repeats our secrets: artifacts, states, logs, results."""

import logging
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)

from flows.monitoring.portfolio_report import daily_portfolio_report
from flows.monitoring.system_health import system_health_check
from tests.contract.secrets.parrot import parrot
from tests.contract.secrets.planting import leaks, settings
from tradeops.errors import TradeOpsError


@pytest.mark.parametrize(
    ("flow", "mode"),
    [(system_health_check, "refusal"), (daily_portfolio_report, "empty hands")],
    ids=["health", "money"],
)
async def test_no_secret_is_in_what_prefect_keeps(
    flow: object, mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with parrot() as bird:
        bird.mode = mode
        for name, value in settings(bird.port, tmp_path / "home", "sqlite").items():
            if not name.startswith("PREFECT_"):  # that server is Prefect's own test server
                monkeypatch.setenv(name, value)
        state = await flow(return_state=True)  # type: ignore[operator]
    run = state.state_details.flow_run_id
    async with get_client() as client:
        artifacts = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
        )
        logs = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])), limit=200)
        whole = await client.read_flow_run(run)
    told = [str(one.data) for one in artifacts] + [one.message for one in logs] + [str(state), whole.model_dump_json()]
    assert bird.heard
    assert len("".join(told)) > 500
    for text in (*told, caplog.text):
        assert not leaks(text)
    if state.is_failed():
        with pytest.raises(TradeOpsError) as caught:
            await state.aresult()
        assert not leaks(repr(vars(caught.value)))
