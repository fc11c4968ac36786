"""A SQLite file is private and durable, moves forward, and says in the operator's words what is wrong with it."""

import asyncio
import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tradeops.adapters.store import sqlite_file
from tradeops.adapters.store.sqlite_file import SqliteFile
from tradeops.errors import MisconfiguredError, UnavailableError

FIRST = "CREATE TABLE notes (text TEXT NOT NULL UNIQUE) STRICT;"
SECOND = "ALTER TABLE notes ADD COLUMN stars INTEGER NOT NULL DEFAULT 5; CREATE INDEX notes_stars ON notes (stars);"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "notes.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[SqliteFile]:
    with closing(SqliteFile(path, (FIRST,))) as opened:
        yield opened


async def test_the_folder_and_the_file_are_for_their_owner_alone(file: SqliteFile) -> None:
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert file.path.stat().st_mode & 0o777 == 0o600


async def test_what_is_acknowledged_is_on_the_disk(file: SqliteFile) -> None:
    assert await file.rows("PRAGMA journal_mode") == [("wal",)]
    full = 2
    assert await file.rows("PRAGMA synchronous") == [(full,)]


async def test_work_that_fails_half_way_leaves_nothing(file: SqliteFile) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes VALUES ('half')")
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        await file.write(half)
    assert await file.rows("SELECT * FROM notes") == []
    assert await file.changed("INSERT INTO notes VALUES ('whole')") == 1


async def test_a_newer_release_moves_the_schema_forward_and_keeps_the_data(path: Path) -> None:
    with closing(SqliteFile(path, (FIRST,))) as old:
        await old.changed("INSERT INTO notes VALUES ('kept')")
    with closing(SqliteFile(path, (FIRST, SECOND))) as new:
        assert await new.rows("SELECT text, stars FROM notes") == [("kept", 5)]
        assert await new.rows("PRAGMA user_version") == [(2,)]


def test_an_older_release_leaves_a_newer_schema_alone(path: Path) -> None:
    SqliteFile(path, (FIRST, SECOND)).close()
    with pytest.raises(MisconfiguredError, match=f"{path} has schema 2, this release knows 1; use the newer release"):
        SqliteFile(path, (FIRST,))


def test_a_migration_that_fails_leaves_the_schema_as_it_was(path: Path) -> None:
    SqliteFile(path, (FIRST,)).close()
    with pytest.raises(UnavailableError, match="no such table"):
        SqliteFile(path, (FIRST, "CREATE TABLE half (x); ALTER TABLE absent ADD COLUMN x;"))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("notes",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


async def test_of_many_that_make_the_file_at_once_one_migrates_and_none_fails(path: Path) -> None:
    files = await asyncio.gather(*(asyncio.to_thread(SqliteFile, path, (FIRST, SECOND)) for _ in range(8)))
    for file in files:
        assert await file.rows("PRAGMA user_version") == [(2,)]
        file.close()


@pytest.mark.parametrize("depth", [1, 2], ids=["home is a file", "home lies below a file"])
def test_a_home_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path, depth: int) -> None:
    (tmp_path / "taken").write_text("a file, which not even root can use as a folder")
    path = tmp_path.joinpath("taken", *["deeper"] * (depth - 1), "notes.sqlite")
    with pytest.raises(MisconfiguredError, match=f"{path} cannot be written: .*; set TRADEOPS_HOME to a folder"):
        SqliteFile(path, (FIRST,))


def test_a_folder_in_place_of_the_file_cannot_be_written(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(MisconfiguredError, match=f"{path} cannot be written; make it writable"):
        SqliteFile(path, (FIRST,))


def test_a_file_that_is_no_database_is_named_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("somebody's letter " * 100)
    with pytest.raises(UnavailableError, match=f"{path} is damaged or no database; move it aside"):
        SqliteFile(path, (FIRST,))
    assert path.read_text().startswith("somebody's letter")


async def test_a_damaged_page_is_named(path: Path) -> None:
    with closing(SqliteFile(path, (FIRST,))) as file:
        await file.changed("INSERT INTO notes VALUES ('kept')")
    scribble(path, after=4096)  # the first page holds the schema, so that it can still be opened
    with (
        closing(SqliteFile(path, (FIRST,))) as file,
        pytest.raises(UnavailableError, match=f"{path} is damaged or no database"),
    ):
        await file.rows("SELECT text FROM notes NOT INDEXED")


def scribble(path: Path, *, after: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:after] + b"\xff" * (len(whole) - after))


async def test_a_full_disk_is_named_and_what_was_there_stays(file: SqliteFile) -> None:
    await file.changed("INSERT INTO notes VALUES ('kept')")
    [(pages,)] = await file.rows("PRAGMA page_count")
    await file.rows(f"PRAGMA max_page_count = {pages}")  # SQLite fails as it does when the disk has no more pages
    with pytest.raises(UnavailableError, match=f"no space is left for {file.path}; free some disk space"):
        await file.changed("INSERT INTO notes VALUES (?)", "x" * 100_000)
    assert await file.rows("SELECT text FROM notes") == [("kept",)]


def test_a_disk_without_room_for_a_new_file_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "touch", full)
    with pytest.raises(UnavailableError, match=f"no space is left for {path}"):
        SqliteFile(path, (FIRST,))


async def test_a_file_that_stays_locked_is_waited_for_and_then_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.1)
    with closing(SqliteFile(path, (FIRST,))) as file, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match=f"{path} has been locked for 0.1 s; try again"):
            await file.changed("INSERT INTO notes VALUES ('late')")
        other.execute("ROLLBACK")
        assert await file.changed("INSERT INTO notes VALUES ('late')") == 1


def test_a_new_file_that_another_process_holds_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.2)
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UnavailableError, match="has been locked"):
            SqliteFile(path, (FIRST,))
        monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 5.0)
        release = threading.Timer(0.1, other.execute, ("ROLLBACK",))
        release.start()
        SqliteFile(path, (FIRST,)).close()
        release.join()


async def test_a_cancelled_caller_does_not_let_another_into_the_connection(file: SqliteFile) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes VALUES ('slow')")
        entered.set()
        leave.wait(5)

    task = asyncio.create_task(file.write(slow))
    await asyncio.to_thread(entered.wait, 5)
    task.cancel()
    after = asyncio.create_task(file.changed("INSERT INTO notes VALUES ('after')"))
    await asyncio.sleep(0.05)
    assert not after.done()
    leave.set()
    assert await after == 1
    assert await file.rows("SELECT text FROM notes ORDER BY rowid") == [("slow",), ("after",)]
