"""All systems hang at once: each is named, in the time of the slowest, not of their sum."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tradeops.domain.health import Severity, Status, assess
from tradeops.jobs.monitoring import health
from tradeops.jobs.monitoring.health import Pace
from tradeops.jobs.monitoring.parts import parts_of
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

NAMES = {"engine", "ai_service", "frontend", "mongodb", "redis", "rabbitmq", "exchange", "llm"}
PROBE = timedelta(seconds=0.5)


@pytest.fixture
async def desk(hanging_address: str, tmp_path: Path) -> AsyncIterator[Desk]:
    settings = Settings(
        _env_file=None,
        TRADEOPS_HOME=tmp_path,
        TRADEOPS_STORE="sqlite",
        RUST_API_URL=f"http://{hanging_address}",
        PYTHON_API_URL=f"http://{hanging_address}",
        FRONTEND_URL=f"http://{hanging_address}",
        MONGODB_URL=f"mongodb://{hanging_address}",
        REDIS_URL=f"redis://{hanging_address}",
        RABBITMQ_URL=f"amqp://{hanging_address}",
        TRADEOPS_RABBITMQ_MANAGEMENT_URL=f"http://{hanging_address}",
        BINANCE_API_URL=f"http://{hanging_address}",
        OPENAI_API_KEY="none",
        OPENAI_BASE_URL=f"http://{hanging_address}",
    )
    async with open_desk(settings) as opened:
        yield opened


async def test_each_hanging_part_is_named_within_the_time_of_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    pause = timedelta(seconds=0.05)
    monkeypatch.setattr(health, "PACE", Pace(probe=PROBE, part=timedelta(seconds=5), pauses=(pause, pause)))
    started = time.monotonic()
    probed = await health.probe_all(desk)
    assert time.monotonic() - started < len(NAMES) * 3 * PROBE.total_seconds() / 2, "not one after the other"
    report = assess(probed, health.thresholds(desk.settings))
    assert {f.result.part for f in report.findings if f.result.status is Status.DOWN} == NAMES
    assert all(f.result.attempts == 3 for f in report.findings if f.result.status is Status.DOWN)
    assert report.overall is Severity.CRITICAL
    assert report.suspicion == "the monitor may be the problem: all 8 parts are down at once while loopback works"


async def test_the_first_round_takes_no_longer_than_its_slowest_probe(desk: Desk) -> None:
    limits, once = health.thresholds(desk.settings), Pace(probe=PROBE, pauses=())
    started = time.monotonic()
    results = await asyncio.gather(*(health.probe(part, limits, once) for part in parts_of(desk)))
    slowest = max(result.latency for result in results if result.latency)
    one_after_the_other = len(NAMES) * PROBE.total_seconds()
    assert time.monotonic() - started - slowest.total_seconds() < one_after_the_other - 1
