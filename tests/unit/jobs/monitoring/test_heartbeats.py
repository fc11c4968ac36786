"""Signs of life in a real store."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from tradeops.adapters.store import Store, open_store
from tradeops.domain.heartbeats import key_of_job
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.errors import UnavailableError
from tradeops.jobs.alerts.incidents import observe, open_incidents
from tradeops.jobs.monitoring import heartbeats
from tradeops.jobs.monitoring.heartbeats import beat, beats, beats_of_runs, heartbeat
from tradeops.settings import Settings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


async def test_the_last_sign_of_each_job_is_kept(store: Store) -> None:
    await beat(store, "check", now=NOON)
    await beat(store, "report", now=NOON)
    await beat(store, "check", now=NOON + timedelta(minutes=15))
    assert await beats(store) == {"check": NOON + timedelta(minutes=15), "report": NOON}


async def test_a_sign_keeps_the_run_that_left_it_and_an_old_one_knows_none(store: Store) -> None:
    await store.put("heartbeats", "old", {"at": NOON.isoformat()}, expected_version=None)
    with pytest.raises(UnavailableError):
        async with heartbeat(Own(store), "check", run_id="a-failed-run"):
            raise UnavailableError("engine", "refused")
    assert {job: run for job, (_, run) in (await beats_of_runs(store)).items()} == {"check": "a-failed-run", "old": ""}


async def test_an_earlier_sign_never_takes_the_place_of_a_later_one(store: Store) -> None:
    await beat(store, "check", now=NOON)
    await beat(store, "check", now=NOON - timedelta(minutes=15))
    assert await beats(store) == {"check": NOON}


async def test_of_many_at_once_the_latest_stays(store: Store) -> None:
    await asyncio.gather(*(beat(store, "check", now=NOON + timedelta(seconds=n)) for n in range(8)))
    assert await beats(store) == {"check": NOON + timedelta(seconds=7)}


async def test_a_run_that_fails_has_run(store: Store) -> None:
    with pytest.raises(UnavailableError, match="engine"):
        async with heartbeat(Own(store), "check"):
            raise UnavailableError("engine", "refused")
    assert datetime.now(UTC) - (await beats(store))["check"] < timedelta(seconds=10)


@pytest.mark.parametrize("end", ["works", "fails", "skipped"])
async def test_only_a_run_that_works_ends_the_incident_of_its_job(store: Store, end: str) -> None:
    ground, now = Own(store), datetime.now(UTC) - timedelta(minutes=1)
    late = Observation(key_of_job("check"), Level.CRITICAL, "late", now, CERTAIN)
    await observe(ground, [late], source="job", run_id="watchdog", now=now)
    with contextlib.suppress(UnavailableError):
        async with heartbeat(ground, "check") as sign:
            sign.skipped = end == "skipped"
            if end == "fails":
                raise UnavailableError("engine", "refused")
    still_open = await open_incidents(store, now=datetime.now(UTC))
    assert [one.key for one in still_open] == ([] if end == "works" else ["job:check"])
    assert "check" in await beats(store)


@dataclass
class Own:
    """What incidents need of a desk."""

    store: Store
    settings: Settings = field(default_factory=Settings.model_construct)


class DeadStore:
    """Refuses, or hangs when it is asked to."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def get(self, collection: str, key: str) -> None:
        if self._hangs:
            await asyncio.Event().wait()
        raise UnavailableError("store", f"{collection}/{key} cannot be read")


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
async def test_a_dead_store_costs_the_sign_and_never_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, hangs: bool
) -> None:
    monkeypatch.setattr(heartbeats, "PATIENCE", timedelta(milliseconds=50))
    with caplog.at_level(logging.WARNING):
        async with heartbeat(Own(DeadStore(hangs=hangs)), "check"):  # type: ignore[arg-type]
            pass
    assert "no sign of life was left" in caplog.text


async def test_a_defect_of_ours_costs_the_sign_and_never_the_run(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeats, "observe", AsyncMock(side_effect=ZeroDivisionError("a defect")))
    async with heartbeat(Own(store), "check"):
        pass
    assert "a defect" in caplog.text
