"""History in memory is what the store keeps, read in pages, followed, and completed when records come late."""

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Point
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.domain.window.columns import micros
from tradeops.jobs.window import backwards
from tradeops.jobs.window import history as module
from tradeops.jobs.window.history import History

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SERIES = "trades"  # kept for ever, so that a fixed clock can be used


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    for reader in (module, backwards):
        monkeypatch.setattr(reader, "PAGE", 3)
    with closing(SqliteStore(tmp_path / "store.sqlite")) as opened:
        yield opened


def history() -> History:
    return History(SERIES, lambda _: "d", lambda body: {"x": float(str(body["x"]))})


async def keep(store: SqliteStore, *moments: datetime, first: int = 0) -> None:
    points = [Point(f"{at.isoformat()}/{n}", at, {"x": n}) for n, at in enumerate(moments, first)]
    await store.add_points(SERIES, points)


async def read_whole(store: SqliteStore, one: History) -> int:
    pages = 1
    while not await one.extend(store, now=NOW):
        pages += 1
        assert pages < 50
    return pages


async def test_it_reads_the_newest_first_and_every_record_once(store: SqliteStore) -> None:
    moments = [NOW - number * MINUTE for number in range(10)]
    await keep(store, *moments)
    one = history()
    await one.extend(store, now=NOW)
    assert not one.is_whole
    assert one.columns.at[-1] == micros(NOW)
    await read_whole(store, one)
    assert list(one.columns.at) == sorted(map(micros, moments))


@pytest.mark.parametrize("together", [2, 3, 4, 7], ids=lambda count: f"{count} of one moment")
async def test_records_of_one_moment_are_not_lost_between_pages(store: SqliteStore, together: int) -> None:
    await keep(store, NOW, *([NOW - MINUTE] * together), NOW - 2 * MINUTE)
    one = history()
    await read_whole(store, one)
    assert len(one.columns) == together + 2
    assert sorted(one.columns.column("x", (0, len(one.columns)))) == list(range(together + 2))


async def test_it_follows_what_comes_also_a_little_late_and_never_twice(store: SqliteStore) -> None:
    await keep(store, *(NOW - number * HOUR for number in range(4)))
    one = history()
    await read_whole(store, one)
    await keep(store, NOW + MINUTE, NOW - 90 * MINUTE, *(NOW + number * MINUTE for number in range(2, 8)), first=10)
    for _ in range(2):
        await one.follow(store, now=NOW + 10 * MINUTE)
    assert len(one.columns) == 12
    assert list(one.columns.at) == sorted(one.columns.at)


async def test_a_bots_trades_of_the_days_before_us_are_seen_at_once(store: SqliteStore) -> None:
    await keep(store, NOW)
    one = history()
    await read_whole(store, one)
    await keep(store, *(NOW - timedelta(days=30) - number * HOUR for number in range(5)), first=10)
    await one.follow(store, now=NOW)
    await read_whole(store, one)
    assert len(one.columns) == 6
    assert one.covered_since == NOW - module.KEPT


async def test_an_empty_series_is_whole_and_fills(store: SqliteStore) -> None:
    one = history()
    await read_whole(store, one)
    await one.follow(store, now=NOW)
    assert one.is_whole
    await keep(store, NOW)
    await one.follow(store, now=NOW)
    assert len(one.columns) == 1
    await read_whole(store, one)
    assert one.newest is not None
    assert one.newest.body == {"x": 0}


async def test_what_is_older_than_a_quarter_is_not_kept_in_memory(store: SqliteStore) -> None:
    await keep(store, NOW - module.KEPT - HOUR, NOW - module.KEPT + HOUR, NOW)
    one = history()
    await read_whole(store, one)
    assert len(one.columns) == 2
    await one.follow(store, now=NOW + 2 * HOUR)
    assert len(one.columns) == 1
