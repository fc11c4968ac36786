"""The local file in which writes wait while MongoDB is down, in order, until they are replayed.

It knows the three writes that may be made late and twice without harm: events, points and messages have unique keys.
"""

import fcntl
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, TypeAlias

from tradeops.adapters.store.interface import AuditEvent, Message, Point, Store
from tradeops.adapters.store.records import (
    checked_collection,
    checked_key,
    checked_name,
    checked_point_body,
    dumps,
    micros,
    moment_of,
)
from tradeops.adapters.store.sqlite_file import SqliteFile
from tradeops.errors import UnavailableError

MIGRATIONS = (
    """
    CREATE TABLE spool (
      place INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, series TEXT NOT NULL, key TEXT NOT NULL,
      record TEXT NOT NULL, spooled_at INTEGER NOT NULL, refusal TEXT
    ) STRICT;
    CREATE UNIQUE INDEX spool_waiting ON spool (kind, series, key) WHERE refusal IS NULL;
    """,
)
BATCH = 100
INSERT = "INSERT INTO spool (kind, series, key, record, spooled_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A point and the series that it belongs to."""

    series: str
    point: Point


Write: TypeAlias = AuditEvent | SeriesPoint | Message


@dataclass(frozen=True, slots=True)
class Spooled:
    """A write in the spool.

    Attributes:
        place: in the order of writing.
        write: what is to be made.
        spooled_at: when it came here, aware UTC.
        refusal: why MongoDB will not have it, so that it was set aside; empty while it waits.
    """

    place: int
    write: Write
    spooled_at: datetime
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """How many writes are not in MongoDB: those that wait for it, and those that it refused."""

    waiting: int
    set_aside: int


class Spool:
    """The file; any number of processes may use it.

    Raises:
        MisconfiguredError: it cannot be written.
        UnavailableError: it is damaged, locked for too long, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, MIGRATIONS)

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._file.path

    def close(self) -> None:
        """Close the file; nothing more may be called."""
        self._file.close()

    async def add(self, write: Write) -> bool:
        """Keep a write, durably, behind the others; `False` when one of its kind and key waits already."""
        return await self._file.changed(INSERT, *_row(write), micros(datetime.now(UTC))) == 1

    async def add_all(self, writes: Sequence[Write]) -> None:
        """Keep writes, durably, all or none; those that wait already are left as they are."""
        rows = [(*_row(write), micros(datetime.now(UTC))) for write in writes]
        await self._file.write(lambda connection: connection.executemany(INSERT, rows))

    async def waiting(self, limit: int = BATCH) -> list[Spooled]:
        """The writes that wait, in order."""
        return await self._spooled(limit, refused=False)

    async def set_aside(self, limit: int = BATCH) -> list[Spooled]:
        """The writes that MongoDB refused, in order; they stay until an operator deletes them."""
        return await self._spooled(limit, refused=True)

    async def pending(self) -> Pending:
        """How many there are."""
        [(waiting, refused)] = await self._file.rows("SELECT count(*) - count(refusal), count(refusal) FROM spool")
        return Pending(waiting, refused)

    async def made(self, spooled: Spooled) -> None:
        """The write is in MongoDB: forget it."""
        await self._file.changed("DELETE FROM spool WHERE place = ?", spooled.place)

    async def refused(self, spooled: Spooled, refusal: str) -> None:
        """MongoDB will never have the write: set it aside, so that the next can pass."""
        await self._file.changed("UPDATE spool SET refusal = ? WHERE place = ?", refusal, spooled.place)

    @contextmanager
    def replaying(self) -> Generator[bool]:
        """Whether this caller alone may replay now; the right ends with the block, or with the process.

        Raises:
            UnavailableError: the lock's file cannot be made: the disk is full.
        """
        with self._lock_file() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _lock_file(self) -> TextIO:
        path = self.path.with_suffix(".lock")
        try:
            return path.open("w")
        except OSError as error:
            remedy = "free some disk space and see that the folder is yours"
            raise UnavailableError("store", f"{path} cannot be made: {error.strerror}", remedy=remedy) from error

    async def _spooled(self, limit: int, *, refused: bool) -> list[Spooled]:
        rows = await self._file.rows(
            "SELECT place, kind, series, record, spooled_at, coalesce(refusal, '') FROM spool"
            " WHERE (refusal IS NOT NULL) = ? ORDER BY place LIMIT ?",
            refused,
            limit,
        )
        return [
            Spooled(place, _write(kind, series, json.loads(record)), moment_of(at), refusal)
            for place, kind, series, record, at, refusal in rows
        ]


async def make(write: Write, store: Store) -> bool:
    """Make the write; `False` when it is there already."""
    match write:
        case AuditEvent():
            return await store.append_event(write)
        case SeriesPoint():
            return await store.add_point(write.series, write.point)
        case Message():
            return await store.enqueue(write)


def checked(write: Write) -> Write:
    """The write, if every store would keep it.

    Raises:
        ValueError: it would not.
    """
    _row(write)
    return write


def _row(write: Write) -> tuple[str, str, str, str]:
    match write:
        case AuditEvent(key, kind, at, actor, body):
            record = [checked_key(key), checked_name(kind), micros(at), checked_key(actor), json.loads(dumps(body))]
            return "event", "", key, json.dumps(record)
        case SeriesPoint(series, Point(key, at, body)):
            record = [checked_key(key), micros(at), checked_point_body(body)]
            return "point", checked_collection(series), key, json.dumps(record)
        case Message(key, target, body, created_at, due_at):
            record = [
                checked_key(key),
                checked_key(target),
                json.loads(dumps(body)),
                micros(created_at),
                micros(due_at),
            ]
            return "message", "", key, json.dumps(record)


def _write(kind: str, series: str, record: list[Any]) -> Write:
    match kind:
        case "event":
            key, name, at, actor, body = record
            return AuditEvent(key, name, moment_of(at), actor, body)
        case "point":
            key, at, body = record
            return SeriesPoint(series, Point(key, moment_of(at), body))
        case _:
            key, target, body, created_at, due_at = record
            return Message(key, target, body, moment_of(created_at), moment_of(due_at))
