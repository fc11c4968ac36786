"""The lock of a retrain whose process is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Store, open_store
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
        assert await retrain_lock.is_running(store, datetime.now(UTC))
        await retrain_lock.let_go(store, "lost")
        async with retrain_lock.held(store, run_id="next") as ours:
            assert (ours.as_of, ours.resumes) == (lost.as_of, ("lost",))
            await asyncio.sleep(10)  # until the renewal of the first finds out


class Mute:
    """A store whose answer to one write is lost, as a MongoDB's that has applied it and waits for its replicas."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lost = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def put(self, *args: object, **kwargs: object) -> object:
        done = await self._store.put(*args, **kwargs)  # type: ignore[arg-type]
        self.lost += 1
        if self.lost == 2:  # the first renewal
            raise UnavailableError("store", "no answer in time")
        return done


async def test_a_renewal_whose_answer_is_lost_is_no_lost_lock(store: Store) -> None:
    mute = Mute(store)
    async with retrain_lock.held(mute, run_id="ours", renew=SOON):  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            while mute.lost < 4:  # noqa: ASYNC110 - renewals have no event to wait for
                await asyncio.sleep(0.01)
    found = await store.get(retrain_lock.COLLECTION, retrain_lock.KEY)
    assert found is not None
    assert datetime.fromisoformat(str(found.body["until"])) <= datetime.now(UTC), "released by its own run"
