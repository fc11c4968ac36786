"""The store as the dashboard has it: it only reads, and what is away now may be there later."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Point, ReadableStore, Store
from tradeops.adapters.store.sqlite import MIGRATIONS, SqliteStore
from tradeops.adapters.store.sqlite_file import SqliteFile
from tradeops.dashboard import reading
from tradeops.dashboard.reading import ASK_AGAIN_SECONDS, ReadingStore, open_for_reading
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.settings import Settings
from tradeops.wiring import our_readable_store

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def settings(home: Path) -> Settings:
    return Settings.model_validate({"TRADEOPS_HOME": home, "TRADEOPS_STORE": "sqlite"})


async def keep(home: Path, key: str) -> None:
    store = SqliteStore(home / "tradeops.sqlite")
    await store.add_point("seen", Point(key, NOW, {}))
    store.close()


def test_it_can_be_asked_all_that_a_store_can_be_asked_and_told_nothing() -> None:
    questions = {name for name in vars(ReadableStore) if not name.startswith("_")}
    orders = {name for name in vars(Store) if not name.startswith("_")} - questions
    assert {"put", "add_point", "prune", "claim", "drop_bodies"} <= orders
    assert {name for name in vars(ReadingStore) if not name.startswith("_")} == questions | {"close"}


async def test_what_others_write_is_read(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "tradeops.sqlite").close()
    async with open_for_reading(settings(tmp_path)) as store:
        assert await store.newest_point("seen") is None
        await keep(tmp_path, "first")
        found = await store.newest_point("seen")
        assert found is not None
        assert found.key == "first"


async def test_a_file_that_was_put_in_its_place_is_read_from_then_on(tmp_path: Path) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    await keep(home, "old")
    await keep(backup, "restored")
    async with open_for_reading(settings(home)) as store:
        assert await store.newest_point("seen") == Point("old", NOW, {})
        for leftover in home.glob("tradeops.sqlite-*"):
            leftover.unlink()
        (backup / "tradeops.sqlite").replace(home / "tradeops.sqlite")
        assert await store.newest_point("seen") == Point("restored", NOW, {})


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (0, "is not there yet; the next job or the watchdog"),
        (2, "has schema 2, this release reads 3; the next job or the watchdog"),
    ],
)
async def test_an_older_file_is_told_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: int, problem: str
) -> None:
    monkeypatch.setattr(reading, "ASK_AGAIN_SECONDS", 0.0)
    SqliteFile(tmp_path / "tradeops.sqlite", MIGRATIONS[:schema]).close()
    before = (tmp_path / "tradeops.sqlite").read_bytes()
    async with open_for_reading(settings(tmp_path)) as store:
        with pytest.raises(UnavailableError, match=problem):
            await store.newest_point("seen")
        assert (tmp_path / "tradeops.sqlite").read_bytes() == before
        await keep(tmp_path, "first")
        assert await store.newest_point("seen") == Point("first", NOW, {})


async def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    SqliteFile(tmp_path / "tradeops.sqlite", (*MIGRATIONS, "CREATE TABLE new (one TEXT) STRICT;")).close()
    async with open_for_reading(settings(tmp_path)) as store:
        with pytest.raises(MisconfiguredError, match=r"this release knows 3; use the newer release again"):
            await store.newest_point("seen")


async def test_not_even_a_defect_of_ours_could_write_to_the_file(tmp_path: Path) -> None:
    await keep(tmp_path, "first")
    async with our_readable_store(settings(tmp_path)) as store:
        assert isinstance(store, SqliteStore)
        with pytest.raises(MisconfiguredError, match="cannot be written"):
            await store.add_point("seen", Point("second", NOW, {}))
        assert await store.newest_point("seen") == Point("first", NOW, {})


async def test_a_damaged_file_is_told_and_a_mended_one_is_read_without_a_restart(tmp_path: Path) -> None:
    now = 0.0
    (tmp_path / "tradeops.sqlite").write_bytes(b"no database at all" * 100)

    @asynccontextmanager
    async def opening() -> AsyncIterator[Store]:
        nonlocal tries
        tries += 1
        store = SqliteStore(tmp_path / "tradeops.sqlite")
        yield store
        store.close()

    tries = 0
    store = ReadingStore(opening, which=lambda: 1, clock=lambda: now)
    for _ in range(5):
        with pytest.raises(UnavailableError, match="damaged"):
            await store.describe()
    assert tries == 1  # nobody hammers at it
    (tmp_path / "tradeops.sqlite").unlink()
    now += ASK_AGAIN_SECONDS
    assert await store.documents("anything") == []
    await store.close()


async def test_a_store_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ANSWER", timedelta(seconds=0.05))

    @asynccontextmanager
    async def opening() -> AsyncIterator[Store]:
        await asyncio.Event().wait()
        yield SqliteStore(Path("never"))

    store = ReadingStore(opening, which=lambda: 1)
    with pytest.raises(UnavailableError, match=r"it did not answer within 0\.05 s"):
        await store.outbox()
    await store.close()


async def test_every_question_is_passed_on_as_it_was_asked(tmp_path: Path) -> None:
    await keep(tmp_path, "first")
    period = {"since": NOW, "until": NOW + timedelta(seconds=1)}
    async with open_for_reading(settings(tmp_path)) as store:
        assert await store.points("seen", **period, limit=1, newest_first=True) == [Point("first", NOW, {})]
        assert await store.roll_up("seen", "value", **period, every=timedelta(seconds=1)) == []
        assert await store.tally("seen", "state", **period) == {}
        assert await store.events(**period, kind="any", limit=1) == []
        assert await store.get("any", "thing") is None
        assert await store.outbox(limit=1) == []
