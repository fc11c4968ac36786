"""The store in one SQLite file: the default, for any number of processes of one machine."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tradeops.adapters.store import series as series_rules
from tradeops.adapters.store.interface import (
    AuditEvent,
    Backlog,
    Body,
    Bucket,
    Claim,
    Document,
    Message,
    MessageState,
    Point,
    QueuedMessage,
)
from tradeops.adapters.store.records import (
    batched,
    checked_collection,
    checked_key,
    checked_lease,
    checked_limit,
    checked_name,
    checked_path,
    checked_point_body,
    dumps,
    micros,
    moment_of,
)
from tradeops.adapters.store.sqlite_file import SqliteFile
from tradeops.errors import ConflictError

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
    "ALTER TABLE outbox ADD COLUMN note TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE outbox ADD COLUMN begun INTEGER;",  # null: not known
)
INSERT_POINT = "INSERT INTO points VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
QUEUED = "key, target, body, created_at, due_at, state, tries, note"


class SqliteStore:
    """See `Store`.

    Args:
        path: of the file.
        for_reading: alone, as a `ReadableStore`; the file is then neither made nor brought forward.

    Raises:
        MisconfiguredError, UnavailableError: as `SqliteFile`.
    """

    def __init__(self, path: Path, *, for_reading: bool = False) -> None:
        self._file = SqliteFile(path, MIGRATIONS, for_reading=for_reading)

    def close(self) -> None:
        """Close the file; nothing more may be called."""
        self._file.close()

    async def append_event(self, event: AuditEvent) -> bool:
        """See `Store`."""
        row = (
            checked_key(event.event_id),
            checked_name(event.kind),
            micros(event.occurred_at),
            checked_key(event.actor),
            dumps(event.body),
        )
        return await self._file.changed("INSERT INTO events VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", *row) == 1

    async def events(
        self, *, since: datetime, until: datetime, kind: str | None = None, limit: int = 1000
    ) -> list[AuditEvent]:
        """See `Store`."""
        rows = await self._file.rows(
            "SELECT event_id, kind, at, actor, body FROM events"
            " WHERE at >= ? AND at < ? AND (? IS NULL OR kind = ?) ORDER BY at, event_id LIMIT ?",
            micros(since),
            micros(until),
            kind,
            kind,
            checked_limit(limit),
        )
        return [AuditEvent(i, k, moment_of(at), actor, json.loads(body)) for i, k, at, actor, body in rows]

    async def get(self, collection: str, key: str) -> Document | None:
        """See `Store`."""
        rows = await self._file.rows(
            "SELECT key, body, version FROM documents WHERE collection = ? AND key = ?",
            checked_collection(collection),
            checked_key(key),
        )
        return _document(rows[0]) if rows else None

    async def documents(self, collection: str) -> list[Document]:
        """See `Store`."""
        rows = await self._file.rows(
            "SELECT key, body, version FROM documents WHERE collection = ? ORDER BY key", checked_collection(collection)
        )
        return [_document(row) for row in rows]

    async def put(self, collection: str, key: str, body: Body, *, expected_version: int | None) -> Document:
        """See `Store`."""
        place, text = (checked_collection(collection), checked_key(key)), dumps(body)
        if expected_version is None:
            won = await self._file.changed(
                "INSERT INTO documents VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING", *place, text
            )
        else:
            won = await self._file.changed(
                "UPDATE documents SET body = ?, version = version + 1 WHERE collection = ? AND key = ? AND version = ?",
                text,
                *place,
                expected_version,
            )
        if not won:
            raise ConflictError("store", f"{collection}/{key} was changed by somebody else")
        return Document(key, json.loads(text), (expected_version or 0) + 1)

    async def add_point(self, series: str, point: Point) -> bool:
        """See `Store`."""
        return await self._file.changed(INSERT_POINT, *_row(checked_collection(series), point)) == 1

    async def add_points(self, series: str, points: Sequence[Point]) -> None:
        """See `Store`; other processes may write in between."""
        name = checked_collection(series)
        for batch in batched(points):
            await self._insert(await asyncio.to_thread(lambda several: [_row(name, point) for point in several], batch))

    async def points(
        self, series: str, *, since: datetime, until: datetime, limit: int = 1000, newest_first: bool = False
    ) -> list[Point]:
        """See `Store`."""
        order = "DESC" if newest_first else "ASC"
        return await self._points(series, since, until, order=f"at {order}, key {order}", limit=checked_limit(limit))

    async def newest_point(self, series: str) -> Point | None:
        """See `Store`."""
        rows = await self._file.rows(
            "SELECT key, at, body FROM points WHERE series = ? ORDER BY at DESC, key DESC LIMIT 1",
            checked_collection(series),
        )
        return _point(rows[0]) if rows else None

    async def roll_up(
        self, series: str, path: str, *, since: datetime, until: datetime, every: timedelta
    ) -> list[Bucket]:
        """See `Store`."""
        found = await self._points(series, since, until)
        return series_rules.roll_up(found, checked_path(path), since=since, every=every)

    async def tally(self, series: str, path: str, *, since: datetime, until: datetime) -> dict[str, int]:
        """See `Store`."""
        return series_rules.tally(await self._points(series, since, until), checked_path(path))

    async def prune(self, series: str, *, before: datetime, limit: int | None = None) -> int:
        """See `Store`."""
        most = -1 if limit is None else checked_limit(limit)
        return await self._file.changed(
            "DELETE FROM points WHERE rowid IN"
            " (SELECT rowid FROM points WHERE series = ? AND at < ? ORDER BY at LIMIT ?)",
            checked_collection(series),
            micros(before),
            most,
        )

    async def enqueue(self, message: Message) -> bool:
        """See `Store`."""
        added = await self._file.changed(
            "INSERT INTO outbox (key, target, body, created_at, due_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            checked_key(message.key),
            checked_key(message.target),
            dumps(message.body),
            micros(message.created_at),
            micros(message.due_at),
        )
        return added == 1

    async def claim(self, owner: str, *, now: datetime, lease: timedelta, limit: int = 10) -> list[Claim]:
        """See `Store`."""
        at, until = micros(now), now + checked_lease(lease)
        due = (at, at, checked_limit(limit))
        lease_of = (checked_key(owner), micros(until))

        def claimed(connection: sqlite3.Connection) -> list[Any]:
            rows = connection.execute(
                "SELECT key, target, body, created_at, due_at, tries, owner IS NOT NULL AND begun IS NOT 0"
                " FROM outbox WHERE key IN ("
                "SELECT key FROM outbox WHERE state = 'waiting'"
                " AND due_at <= ? AND (leased_until IS NULL OR leased_until <= ?) ORDER BY"
                " row_number() OVER (PARTITION BY target ORDER BY due_at, created_at, key), due_at, created_at, key"
                " LIMIT ?) ORDER BY due_at, created_at, key",
                due,
            ).fetchall()
            connection.executemany(
                "UPDATE outbox SET owner = ?, leased_until = ?, tries = tries + 1, begun = ? WHERE key = ?",
                [(*lease_of, row[6], row[0]) for row in rows],
            )
            return rows

        rows = await self._file.write(claimed)
        return [Claim(_message(row), owner, until, row[5] + 1, interrupted=bool(row[6])) for row in rows]

    async def begin(self, claim: Claim) -> bool:
        """See `Store`."""
        return await self._changed_claim(claim, "begun = 1")

    async def settle(self, claim: Claim, state: MessageState, *, note: str = "") -> bool:
        """See `Store`."""
        return await self._end_claim(claim, state, claim.message.due_at, note)

    async def postpone(self, claim: Claim, *, until: datetime, note: str = "") -> bool:
        """See `Store`."""
        return await self._end_claim(claim, MessageState.WAITING, until, note)

    async def outbox(self, state: MessageState = MessageState.WAITING, *, limit: int = 100) -> list[QueuedMessage]:
        """See `Store`."""
        order = "" if state is MessageState.WAITING else "DESC"
        rows = await self._file.rows(
            f"SELECT {QUEUED} FROM outbox WHERE state = ?"  # noqa: S608 - our own words
            f" ORDER BY due_at {order}, created_at {order}, key {order} LIMIT ?",
            state,
            checked_limit(limit),
        )
        return [_queued(row) for row in rows]

    async def queued(self, key: str) -> QueuedMessage | None:
        """See `Store`."""
        query = f"SELECT {QUEUED} FROM outbox WHERE key = ?"  # noqa: S608 - our own words
        rows = await self._file.rows(query, checked_key(key))
        return _queued(rows[0]) if rows else None

    async def backlogs(self, *, created_before: datetime) -> dict[str, Backlog]:
        """See `Store`."""
        rows = await self._file.rows(
            "SELECT target, count(*), min(created_at) FROM outbox WHERE state = 'waiting' AND created_at < ?"
            " GROUP BY target",
            micros(created_before),
        )
        return {target: Backlog(count, moment_of(oldest)) for target, count, oldest in rows}

    async def drop_bodies(self, *, before: datetime, limit: int) -> int:
        """See `Store`."""
        return await self._file.changed(
            "UPDATE outbox SET body = '{}' WHERE key IN (SELECT key FROM outbox"
            " WHERE state IN ('delivered', 'failed') AND due_at < ? AND body != '{}' LIMIT ?)",
            micros(before),
            checked_limit(limit),
        )

    async def describe(self) -> str:
        """See `Store`."""
        [(version,)] = await self._file.rows("PRAGMA user_version")
        return f"{self._file.path}, schema {version}"

    async def _insert(self, rows: list[tuple[str, str, int, str]]) -> None:
        await self._file.write(lambda connection: connection.executemany(INSERT_POINT, rows))

    async def _points(
        self, series: str, since: datetime, until: datetime, *, order: str = "at", limit: int = -1
    ) -> list[Point]:
        rows = await self._file.rows(
            f"SELECT key, at, body FROM points WHERE series = ? AND at >= ? AND at < ? ORDER BY {order} LIMIT ?",  # noqa: S608 - one of our own words
            checked_collection(series),
            micros(since),
            micros(until),
            limit,
        )
        return [_point(row) for row in rows]

    async def _end_claim(self, claim: Claim, state: MessageState, due_at: datetime, note: str) -> bool:
        change = "state = ?, due_at = ?, note = ?, owner = NULL, leased_until = NULL, begun = NULL"
        return await self._changed_claim(claim, change, state, micros(due_at), note)

    async def _changed_claim(self, claim: Claim, change: str, *values: object) -> bool:
        changed = await self._file.changed(
            f"UPDATE outbox SET {change} WHERE key = ? AND owner = ? AND leased_until = ? AND state = 'waiting'",  # noqa: S608 - our own words
            *values,
            claim.message.key,
            claim.owner,
            micros(claim.leased_until),
        )
        return changed == 1


def _document(row: tuple[str, str, int]) -> Document:
    key, body, version = row
    return Document(key, json.loads(body), version)


def _row(series: str, point: Point) -> tuple[str, str, int, str]:
    return series, checked_key(point.key), micros(point.timestamp), dumps(checked_point_body(point.body))


def _point(row: tuple[str, int, str]) -> Point:
    key, at, body = row
    return Point(key, moment_of(at), json.loads(body))


def _message(row: tuple[Any, ...]) -> Message:
    key, target, body, created_at, due_at = row[:5]
    return Message(key, target, json.loads(body), moment_of(created_at), moment_of(due_at))


def _queued(row: tuple[Any, ...]) -> QueuedMessage:
    state, tries, note = row[5:]
    return QueuedMessage(_message(row), MessageState(state), tries, note)
