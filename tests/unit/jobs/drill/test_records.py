"""Drills are kept whole, and a new installation is given its time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from tradeops.adapters.store import Store, open_store
from tradeops.domain.drills import Drill, Exercise, Outcome
from tradeops.errors import ConflictError
from tradeops.jobs.drill import records as drill_records

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
DONE = Drill(
    "drill-1",
    "symbol DOGEUSDT",
    "me",
    NOW - timedelta(seconds=9),
    NOW,
    (
        Exercise("brake", Outcome.PASSED, "off after 120 ms", timedelta(milliseconds=120.5)),
        Exercise("rollback", Outcome.NOT_CONFIGURED, "TRAINER_URL is not set"),
    ),
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


async def test_the_newest_drill_comes_back_as_it_was(store: Store) -> None:
    assert await drill_records.last(store) is None
    await drill_records.keep(store, replace(DONE, drill_id="drill-0", finished_at=NOW - MONTH))
    await drill_records.keep(store, DONE)
    await drill_records.keep(store, replace(DONE, operator="somebody else"))
    assert await drill_records.last(store) == DONE


async def test_the_first_look_begins_the_time_of_an_installation(store: Store) -> None:
    for days in (0, 30):
        said = await drill_records.look(store, every=MONTH, now=NOW + timedelta(days=days))
        assert (said.problem, said.note[:13]) == ("", "never drilled")
    assert (await drill_records.look(store, every=MONTH, now=NOW + timedelta(days=31))).problem
    await drill_records.keep(store, DONE)
    assert (await drill_records.look(store, every=MONTH, now=NOW + MONTH)).problem == ""
    assert (await drill_records.look(store, every=MONTH, now=NOW + timedelta(days=31))).problem


async def test_of_two_first_looks_both_are_told_the_same(store: Store) -> None:
    raced = AsyncMock(wraps=store)
    raced.put.side_effect = ConflictError("store", "another was first")
    said = await drill_records.look(raced, every=MONTH, now=NOW)
    assert (said.problem, said.note[:13]) == ("", "never drilled")
