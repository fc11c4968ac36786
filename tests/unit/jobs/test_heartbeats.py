"""Signs of life in a real store."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Store, open_store
from tradeops.errors import UnavailableError
from tradeops.jobs import heartbeats
from tradeops.jobs.heartbeats import beat, beats, heartbeat

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


async def test_an_earlier_sign_never_takes_the_place_of_a_later_one(store: Store) -> None:
    await beat(store, "check", now=NOON)
    await beat(store, "check", now=NOON - timedelta(minutes=15))
    assert await beats(store) == {"check": NOON}


async def test_of_many_at_once_the_latest_stays(store: Store) -> None:
    await asyncio.gather(*(beat(store, "check", now=NOON + timedelta(seconds=n)) for n in range(8)))
    assert await beats(store) == {"check": NOON + timedelta(seconds=7)}


async def test_a_run_that_fails_has_run(store: Store) -> None:
    with pytest.raises(UnavailableError, match="engine"):
        async with heartbeat(store, "check"):
            raise UnavailableError("engine", "refused")
    assert datetime.now(UTC) - (await beats(store))["check"] < timedelta(seconds=10)


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
        async with heartbeat(DeadStore(hangs=hangs), "check"):  # type: ignore[arg-type]
            pass
    assert "no sign of life was left" in caplog.text
