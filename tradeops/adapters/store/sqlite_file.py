"""A SQLite file for many processes of one machine: durable, with a schema that moves forward and typed errors.

Write-ahead log with full synchronisation: what a call acknowledged survives `kill -9` and a power cut.
"""

import asyncio
import errno
import sqlite3
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

from tradeops.adapters.store.schema import check_schema, not_there, too_new
from tradeops.errors import MisconfiguredError, TradeOpsError, UnavailableError

BUSY_SECONDS = 5.0
T = TypeVar("T")


class SqliteFile:
    """One file, its folder for its owner alone. Calls run in threads, one at a time; other processes have their own.

    Args:
        path: of the file; made if missing.
        migrations: scripts that each bring the schema one version forward; a released one never changes.
        for_reading: alone; it is then neither made nor brought forward.

    Raises:
        MisconfiguredError: it cannot be written, or a newer release of ours has already changed it.
        UnavailableError: it is damaged, locked for too long, or the disk is full; for reading also when it is not there
            yet, or its schema is an older one.
    """

    def __init__(self, path: Path, migrations: tuple[str, ...], *, for_reading: bool = False) -> None:
        self.path = path
        self._connection = (_connected_for_reading if for_reading else connected)(path, migrations)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file; nothing more may be called."""
        with self._lock:
            self._connection.close()

    async def rows(self, statement: str, *values: object) -> list[Any]:
        """What a query finds."""
        return await asyncio.to_thread(lambda: self._alone(lambda c: c.execute(statement, values).fetchall()))

    async def changed(self, statement: str, *values: object) -> int:
        """How many rows a statement changed, durably."""
        return await self.write(lambda connection: connection.execute(statement, values).rowcount)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the work in one durable transaction."""

        def transaction(connection: sqlite3.Connection) -> T:
            with _immediate(connection):
                return work(connection)

        return await asyncio.to_thread(lambda: self._alone(transaction))

    def _alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # a lock of threads, not of tasks: a cancelled task lets go of its lock while its thread is still at work
        with self._lock, typed_errors(self.path):
            return work(self._connection)


def connected(path: Path, migrations: tuple[str, ...]) -> sqlite3.Connection:
    """A connection to the file as `SqliteFile` uses it, for who reads or writes all of it at once; in autocommit mode.

    Raises:
        MisconfiguredError, UnavailableError: as `SqliteFile`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(path) from error
        remedy = "set TRADEOPS_HOME to a folder that you may write"
        raise MisconfiguredError("store", f"{path} cannot be written: {error.strerror}", remedy=remedy) from error

    def prepare(connection: sqlite3.Connection) -> None:
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        _migrate(connection, path, migrations)

    return _opened(path, "rwc", prepare)


def _connected_for_reading(path: Path, migrations: tuple[str, ...]) -> sqlite3.Connection:
    if not path.exists():
        raise not_there(str(path))
    return _opened(path, "ro", lambda connection: check_schema(str(path), _version(connection), len(migrations)))


def _opened(
    path: Path, mode: Literal["rwc", "ro"], prepare: Callable[[sqlite3.Connection], None]
) -> sqlite3.Connection:
    with typed_errors(path):
        address = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite waits for no lock when it changes the journal mode: of processes that make a file at once, some ask again
    ends_at = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends_at:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def typed_errors(path: Path) -> Generator[None]:
    """Errors of SQLite as those of our tree, with the path."""
    try:
        yield
    except sqlite3.Error as error:
        raise _typed(error, path) from error


def _migrate(connection: sqlite3.Connection, path: Path, migrations: tuple[str, ...]) -> None:
    if _version(connection) == len(migrations):
        return
    with _immediate(connection):  # of several processes that start at once, one migrates and the others find it done
        version = _version(connection)
        if version > len(migrations):
            raise too_new(str(path), version, len(migrations))
        for migration in migrations[version:]:
            for statement in filter(str.strip, migration.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


@contextmanager
def _immediate(connection: sqlite3.Connection) -> Generator[None]:
    # the write lock at the beginning, so that a transaction cannot fail for it half-way
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
            return _disk_full(path)
        case ["CORRUPT"] | ["NOTADB"]:
            remedy = "move it aside with its -wal and -shm files, and restore a backup if there is one"
            return UnavailableError("store", f"{path} is damaged or no database", remedy=remedy)
        case ["CANTOPEN"] | ["READONLY"] | ["PERM"] | ["AUTH"]:
            remedy = "make it writable for this user or set TRADEOPS_HOME"
            return MisconfiguredError("store", f"{path} cannot be written", remedy=remedy)
        case _:
            return UnavailableError("store", f"{path}: {error}", remedy="look at the disk")


def _disk_full(path: Path) -> UnavailableError:
    return UnavailableError("store", f"no space is left for {path}", remedy="free some disk space")
