"""The lock of a retrain whose process is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Document, Store, open_store
from tradeops.adapters.store.interface import Body
from tradeops.errors import ConflictError, UnavailableError
from tradeops.jobs.models import retrain_lock

SOON = timedelta(milliseconds=50)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


async def test_the_run_that_takes_its_place_goes_on_from_it_at_once_and_one_that_lived_after_all_stops(
    store: Store,
) -> None:
    with pytest.raises(ConflictError, match="its lock was lost to another run"):
        await taken_for_lost(store)


async def taken_for_lost(store: Store) -> None:
    async with retrain_lock.held(store, run_id="lost", renew=SOON) as lost:
        await retrain_lock.let_go(store, "somebody else's")
        assert await retrain_lock.at_work(store, datetime.now(UTC))
        await retrain_lock.let_go(store, "lost")
        async with retrain_lock.held(store, run_id="next") as ours:
            assert (ours.as_of, ours.resumes) == (lost.as_of, ("lost",))
            await asyncio.sleep(60)  # until the renewal of the first finds out


async def test_a_renewal_whose_answer_was_lost_does_not_cost_the_lock(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, writes, renewed = store.put, 0, asyncio.Event()

    async def deaf(collection: str, key: str, body: Body, *, expected_version: int | None) -> Document:
        nonlocal writes
        written = await put(collection, key, body, expected_version=expected_version)
        writes += 1
        if writes == 2:  # the first renewal
            raise UnavailableError("store", "written, and not acknowledged in time")
        if writes == 3:
            renewed.set()
        return written

    monkeypatch.setattr(store, "put", deaf)
    async with retrain_lock.held(store, run_id="ours", renew=SOON):
        await asyncio.wait_for(renewed.wait(), 60)
