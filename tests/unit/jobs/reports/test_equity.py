"""Equity that was seen is kept, and found again by the moment it was seen at."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tradeops.adapters.store import Point, Store, open_store
from tradeops.domain.day_start import Worth
from tradeops.jobs.reports import equity
from tradeops.jobs.reports.equity import MINUTES, SERIES

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
USD = Decimal("10391.2")
MARKS = {"$6f1c.x": Decimal("-12.5"), "6f1d": Decimal(3)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


async def test_a_look_is_found_with_its_marks(store: Store) -> None:
    at = MIDNIGHT + timedelta(seconds=3)
    assert await equity.observe(store, USD, at=at, marks=MARKS)
    assert not await equity.observe(store, USD + 1, at=at)
    assert await equity.looks_near(store, MIDNIGHT) == (Worth(at, USD, MARKS),)
    assert await equity.observed_near(store, MIDNIGHT) == {MIDNIGHT: USD}


async def test_what_an_earlier_release_kept_is_found_and_what_is_damaged_costs_no_other(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await store.add_point(MINUTES, Point("old", MIDNIGHT, {"equity_usd": "9", "unrealised_usd": {"ETHUSDT": "-1.5"}}))
    await store.add_point(MINUTES, Point("bad", MIDNIGHT, {"equity_usd": "9", "marks_usd": [["6f1c"]]}))
    await equity.observe(store, USD, at=MIDNIGHT)
    alone, old = await equity.looks_near(store, MIDNIGHT)
    assert alone == Worth(MIDNIGHT, USD)
    assert old == Worth(MIDNIGHT, Decimal(9), by_symbol={"ETHUSDT": Decimal("-1.5")})
    assert "record bad of equity_minutes cannot be read" in caplog.text


async def test_of_a_minute_the_first_look_is_kept(store: Store) -> None:
    for second in (5, 10, 65):
        at = MIDNIGHT + timedelta(seconds=second)
        assert await equity.observe_minute(store, Worth(at, USD + second, MARKS)) is (second != 10)
    kept = await store.points(MINUTES, since=MIDNIGHT, until=MIDNIGHT + timedelta(hours=1))
    assert [point.body["equity"] for point in kept] == [10396.2, 10456.2]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param((-2, 1), 1, id="the nearer one after"),
        pytest.param((-1, 2), -1, id="the nearer one before"),
        pytest.param((15,), 15, id="three polls after"),
        pytest.param((-15,), -15, id="three polls before"),
        pytest.param((-16, 16), None, id="nobody looked"),
    ],
)
async def test_the_look_at_a_moment_counts_of_whichever_kind(
    store: Store, seconds: tuple[int, ...], expected: int | None
) -> None:
    for number, second in enumerate(seconds):
        worth = Worth(MIDNIGHT + timedelta(seconds=second), USD + second)
        if number % 2:
            await equity.observe_minute(store, worth)
        else:
            await equity.observe(store, worth.equity, at=worth.at)
    found = await equity.observed_near(store, MIDNIGHT)
    assert found == ({} if expected is None else {MIDNIGHT: USD + expected})


async def test_all_looks_within_ten_minutes_are_found(store: Store) -> None:
    for minute in (-11, -9, 0, 9, 11):
        at = MIDNIGHT + timedelta(minutes=minute)
        await equity.observe_minute(store, Worth(at, USD + minute, {}))
    await store.add_point(SERIES, Point("report", MIDNIGHT, {"equity_usd": "1"}))
    assert {one.equity for one in await equity.looks_near(store, MIDNIGHT)} == {USD - 9, USD, USD + 9, 1}


async def test_the_highest_of_all_minutes_is_known(store: Store) -> None:
    assert await equity.highest(store, now=MIDNIGHT) is None
    for days, usd in ((-100, 20_000), (-80, 12_000), (-1, 11_000)):
        await equity.observe_minute(store, Worth(MIDNIGHT + timedelta(days=days), Decimal(usd)))
    assert await equity.highest(store, now=MIDNIGHT) == 12_000
