"""The retrain with the real trainer: a network learns, is judged, and comes into use."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from prefect import State

from flows.ai.adaptive_retrain import adaptive_retrain
from tests.flows.test_adaptive_retrain import artifacts
from tests.ports import reserved
from tests.trainer.running import CHEAP
from tests.unit.jobs.exchange_wire import EXCHANGE, Exchange
from tradeops.domain.retraining import RetrainReport
from tradeops.jobs.models.contest import champion_of
from tradeops.jobs.models.retrain_records import HISTORY
from tradeops.wiring import open_desk

ROOT = Path(__file__).parents[2]
SYMBOL = "BTCUSDT"
START_SECONDS = 180
EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A trainer of its own."""
    folder = tmp_path_factory.mktemp("trainer")
    port = reserved()
    command = [sys.executable, "-m", "trainer", "--port", str(port), "--home", str(folder / "home")]
    with (folder / "log").open("w") as log:
        environment = {**os.environ, **CHEAP, "TRADEOPS_TRAINER_LEAST_DISK_GIB": "0", "TRADEOPS_TRAINER_NICENESS": "0"}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(f"http://127.0.0.1:{port}", process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            if httpx.get(f"{address}/health").is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(autouse=True)
def _tiny(wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    Exchange(wire, clock=None)
    values = {
        "BINANCE_API_URL": EXCHANGE,
        "TRAINER_URL": address,
        "TRADEOPS_RETRAIN_WINDOW": "10",
        "TRADEOPS_RETRAIN_EPOCHS": "1",
        "TRADEOPS_RETRAIN_POLL_SECONDS": "0.2",
        "TRADEOPS_RETRAIN_LEAST_DISK_GIB": "0",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)


async def test_a_network_learns_is_judged_beside_the_baselines_and_comes_into_use() -> None:
    first: State[Any] = await adaptive_retrain(["gru"], return_state=True)
    report = await first.aresult(raise_on_failure=False)
    assert isinstance(report, RetrainReport), first.message
    assert [one.problem for one in report.outcomes] == [""]
    for one in report.outcomes:
        assert one.verdict is not None
        assert one.verdict.challenger.samples == 288
        assert set(one.verdict.baselines) == {"majority", "persistence", "logistic"}
        assert len(one.history) == 1
        assert one.deployed is one.verdict.promoted
        async with open_desk() as desk:
            assert desk.trainer is not None
            champion = await champion_of(desk.trainer, one.model_type, SYMBOL)
        assert (champion.version if champion else None) == (one.version if one.deployed else None)
    page = (await artifacts(first))["adaptive-retrain"]
    assert "| logistic |" in page
    async with open_desk() as desk:
        [point] = await desk.store.points(HISTORY, **EVER)
    assert point.body["successful_count"] == 1
