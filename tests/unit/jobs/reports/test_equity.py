"""Equity that was seen is kept, and found again by the moment it was seen at."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tradeops.adapters.store import Store, open_store
from tradeops.jobs.reports import equity
from tradeops.jobs.reports.equity import MINUTES, NEAR, Worth

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
USD = Decimal("10391.2")
PARTS = {"ETHUSDT": Decimal("-12.5"), "BTCUSDT": Decimal(3)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


async def test_a_look_is_found_with_its_parts(store: Store) -> None:
    at = MIDNIGHT + timedelta(seconds=3)
    assert await equity.observe(store, USD, at=at, unrealised=PARTS)
    assert not await equity.observe(store, USD + 1, at=at)
    assert await equity.worth_near(store, MIDNIGHT) == Worth(at, USD, PARTS)
    assert await equity.observed_near(store, MIDNIGHT) == {MIDNIGHT: USD}


async def test_a_sum_without_parts_is_found_as_such(store: Store) -> None:
    await equity.observe(store, USD, at=MIDNIGHT)
    assert await equity.worth_near(store, MIDNIGHT) == Worth(MIDNIGHT, USD, None)


async def test_of_a_minute_the_first_look_is_kept(store: Store) -> None:
    for second in (5, 10, 65):
        at = MIDNIGHT + timedelta(seconds=second)
        assert await equity.observe_minute(store, Worth(at, USD + second, PARTS)) is (second != 10)
    kept = await store.points(MINUTES, since=MIDNIGHT, until=MIDNIGHT + timedelta(hours=1))
    assert [point.body["equity"] for point in kept] == [10396.2, 10456.2]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param((-2, 1), 1, id="the nearer one after"),
        pytest.param((-1, 2), -1, id="the nearer one before"),
        pytest.param((10,), None, id="ten minutes after"),
        pytest.param((-10,), -10, id="ten minutes before"),
        pytest.param((-11, 11), None, id="nobody looked"),
    ],
)
async def test_the_look_next_to_a_moment_counts_of_whichever_kind(
    store: Store, minutes: tuple[int, ...], expected: int | None
) -> None:
    for number, minute in enumerate(minutes):
        worth = Worth(MIDNIGHT + timedelta(minutes=minute), USD + minute)
        if number % 2:
            await equity.observe_minute(store, worth)
        else:
            await equity.observe(store, worth.equity, at=worth.at)
    found = await equity.worth_near(store, MIDNIGHT)
    assert (found and found.equity) == (None if expected is None else USD + expected)
    assert timedelta(minutes=10) == NEAR


async def test_the_highest_of_all_minutes_is_known(store: Store) -> None:
    assert await equity.highest(store, now=MIDNIGHT) is None
    for days, usd in ((-100, 20_000), (-80, 12_000), (-1, 11_000)):
        await equity.observe_minute(store, Worth(MIDNIGHT + timedelta(days=days), Decimal(usd)))
    assert await equity.highest(store, now=MIDNIGHT) == 12_000
