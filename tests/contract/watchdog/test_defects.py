"""What breaks in the watchdog's first half is logged whole, and neither half ends for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tradeops import watchdog
from tradeops.adapters.store import open_store
from tradeops.jobs.monitoring.watch import Post
from tradeops.jobs.upkeep import retention
from tradeops.settings import Settings
from tradeops.watchdog import Watch


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, TRADEOPS_HOME=tmp_path, TRADEOPS_WATCHDOG_SECONDS=1)


@pytest.fixture
async def at_work(settings: Settings) -> AsyncIterator[Watch]:
    async with open_store("sqlite", home=settings.home_folder) as store:
        yield Watch(settings, store, Post(store, None, ()), {}, None)


async def test_a_damaged_record_ends_no_round(at_work: Watch, caplog: pytest.LogCaptureFixture) -> None:
    damaged = {"done_at": "yesterday"}
    await at_work.store.put(retention.COLLECTION, retention.DOCUMENT, damaged, expected_version=None)
    assert await at_work.round() is False
    assert "the watchdog broke" in caplog.text
    assert "yesterday" in caplog.text


async def test_a_defect_that_ends_all_rounds_lets_them_begin_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Semaphore(0)

    async def broken(_: Settings) -> None:
        begun.release()
        raise KeyError("seen")

    monkeypatch.setattr(watchdog, "_rounds", broken)
    watching = asyncio.create_task(watchdog.watch(settings))
    async with asyncio.timeout(20):
        await begun.acquire()
        await begun.acquire()
    assert not watching.done()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    assert "it begins anew" in caplog.text
