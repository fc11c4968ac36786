"""The SQLite file itself: where it is, its schema and how that moves forward, and what its errors mean."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError

BUSY_SECONDS = 5.0
MIGRATIONS = (
    """
    CREATE TABLE events (
      event_id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_at ON events (at);
    CREATE TABLE documents (
      collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (collection, key)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE points (
      series TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (series, key)
    ) STRICT;
    CREATE INDEX points_at ON points (series, at);
    CREATE TABLE outbox (
      key TEXT NOT NULL PRIMARY KEY, target TEXT NOT NULL, body TEXT NOT NULL, created_at INTEGER NOT NULL,
      due_at INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', owner TEXT, leased_until INTEGER,
      tries INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX outbox_due ON outbox (state, due_at);
    """,
)


def open_file(path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> sqlite3.Connection:
    """A connection to the file, made if missing, its schema brought up to date; its folder is for its owner alone.

    Raises:
        MisconfiguredError: it cannot be written, or a newer release of ours has already changed it.
        UnavailableError: it is damaged, locked for too long, or the disk is full.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        remedy = "set TRADEOPS_HOME to a folder that you may write"
        raise MisconfiguredError("store", f"{path.parent} cannot be made: {error.strerror}", remedy=remedy) from error
    with typed_errors(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection, path, migrations)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def typed_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into ours, naming the file and the remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise _typed(error, path) from error


def _migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[str, ...]) -> None:
    if _version(connection) == len(migrations):
        return
    with immediate(connection):  # of several processes that start at once, one migrates and the others find it done
        version = _version(connection)
        if version > len(migrations):
            problem = f"{path} has schema {version}, this release knows {len(migrations)}"
            raise MisconfiguredError("store", problem, remedy="use the newer release again")
        for migration in migrations[version:]:
            for statement in filter(str.strip, migration.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that takes the write lock at its beginning, so that it cannot fail for it half-way."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _typed(error: sqlite3.Error, path: Path) -> TradeOpsError:
    name = getattr(error, "sqlite_errorname", "")
    match name.split("_")[1:2]:
        case ["BUSY"] | ["LOCKED"]:
            return UnavailableError("store", f"{path} has been locked for {BUSY_SECONDS:g} s", remedy="try again")
        case ["FULL"]:
            return UnavailableError("store", f"no space is left for {path}", remedy="free some disk space")
        case ["CORRUPT"] | ["NOTADB"]:
            remedy = "move it aside with its -wal and -shm files, and restore a backup if there is one"
            return UnavailableError("store", f"{path} is damaged or no database", remedy=remedy)
        case ["CANTOPEN"] | ["READONLY"] | ["PERM"] | ["AUTH"]:
            remedy = "make it writable for this user or set TRADEOPS_HOME"
            return MisconfiguredError("store", f"{path} cannot be written", remedy=remedy)
        case _:
            return UnavailableError("store", f"{path}: {error}", remedy="look at the disk")
