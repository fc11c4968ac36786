"""The store in one SQLite file: the default, for any number of processes of one machine.

Write-ahead log with full synchronisation: what a call acknowledged survives `kill -9` and a power cut.
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from tradeops.adapters.store import series as series_rules
from tradeops.adapters.store.interface import (
    AuditEvent,
    Body,
    Bucket,
    Claim,
    Document,
    Message,
    MessageState,
    Point,
    QueuedMessage,
)
from tradeops.adapters.store.records import checked_key, checked_name, dumps, micros, moment_of
from tradeops.adapters.store.sqlite_file import immediate, open_file, typed_errors
from tradeops.errors import ConflictError

T = TypeVar("T")


class SqliteStore:
    """See `Store`. Calls run in threads, one at a time on this connection; other processes have their own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_file(path)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file; nothing more may be called."""
        with self._lock:
            self._connection.close()

    async def append_event(self, event: AuditEvent) -> bool:
        """See `Store`."""
        row = (
            checked_key(event.event_id),
            checked_name(event.kind),
            micros(event.occurred_at),
            checked_key(event.actor),
            dumps(event.body),
        )
        return await self._changed("INSERT INTO events VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

    async def events(
        self, *, since: datetime, until: datetime, kind: str | None = None, limit: int = 1000
    ) -> list[AuditEvent]:
        """See `Store`."""
        rows = await self._rows(
            "SELECT event_id, kind, at, actor, body FROM events"
            " WHERE at >= ? AND at < ? AND (? IS NULL OR kind = ?) ORDER BY at, rowid LIMIT ?",
            (micros(since), micros(until), kind, kind, limit),
        )
        return [AuditEvent(i, k, moment_of(at), actor, json.loads(body)) for i, k, at, actor, body in rows]

    async def get(self, collection: str, key: str) -> Document | None:
        """See `Store`."""
        rows = await self._rows(
            "SELECT key, body, version FROM documents WHERE collection = ? AND key = ?",
            (checked_name(collection), checked_key(key)),
        )
        return _document(rows[0]) if rows else None

    async def documents(self, collection: str) -> list[Document]:
        """See `Store`."""
        rows = await self._rows(
            "SELECT key, body, version FROM documents WHERE collection = ? ORDER BY key", (checked_name(collection),)
        )
        return [_document(row) for row in rows]

    async def put(self, collection: str, key: str, body: Body, *, expected_version: int | None) -> Document:
        """See `Store`."""
        place, text = (checked_name(collection), checked_key(key)), dumps(body)
        if expected_version is None:
            won = await self._changed(
                "INSERT INTO documents VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING", (*place, text)
            )
        else:
            won = await self._changed(
                "UPDATE documents SET body = ?, version = version + 1 WHERE collection = ? AND key = ? AND version = ?",
                (text, *place, expected_version),
            )
        if not won:
            raise ConflictError("store", f"{collection}/{key} was changed by somebody else")
        return Document(key, json.loads(text), (expected_version or 0) + 1)

    async def add_point(self, series: str, point: Point) -> bool:
        """See `Store`."""
        at = micros(point.timestamp)
        row = (checked_name(series), checked_key(point.key), at, dumps(point.body))
        retention = series_rules.RETENTION.get(series)

        def add(connection: sqlite3.Connection) -> bool:
            added = connection.execute("INSERT INTO points VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row).rowcount
            if retention:
                oldest = micros(point.timestamp - retention)
                connection.execute("DELETE FROM points WHERE series = ? AND at < ?", (series, oldest))
            return added == 1

        return await self._write(add)

    async def points(
        self, series: str, *, since: datetime, until: datetime, limit: int = 1000, newest_first: bool = False
    ) -> list[Point]:
        """See `Store`."""
        order = "DESC" if newest_first else "ASC"
        rows = await self._rows(
            f"SELECT key, at, body FROM points WHERE series = ? AND at >= ? AND at < ? ORDER BY at {order}, key {order}"  # noqa: S608 - one of two words
            " LIMIT ?",
            (checked_name(series), micros(since), micros(until), limit),
        )
        return [_point(row) for row in rows]

    async def newest_point(self, series: str) -> Point | None:
        """See `Store`."""
        rows = await self._rows(
            "SELECT key, at, body FROM points WHERE series = ? ORDER BY at DESC, key DESC LIMIT 1",
            (checked_name(series),),
        )
        return _point(rows[0]) if rows else None

    async def roll_up(
        self, series: str, path: str, *, since: datetime, until: datetime, every: timedelta
    ) -> list[Bucket]:
        """See `Store`."""
        found = await self.points(series, since=since, until=until, limit=-1)
        return series_rules.roll_up(found, path, since=since, every=every)

    async def prune(self, series: str, *, before: datetime) -> int:
        """See `Store`."""
        place = (checked_name(series), micros(before))
        return await self._write(lambda c: c.execute("DELETE FROM points WHERE series = ? AND at < ?", place).rowcount)

    async def enqueue(self, message: Message) -> bool:
        """See `Store`."""
        row = (
            checked_key(message.key),
            checked_name(message.target),
            dumps(message.body),
            micros(message.created_at),
            micros(message.due_at),
        )
        return await self._changed(
            "INSERT INTO outbox (key, target, body, created_at, due_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            row,
        )

    async def claim(self, owner: str, *, now: datetime, lease: timedelta, limit: int = 10) -> list[Claim]:
        """See `Store`."""
        at, until = micros(now), now + lease
        take = (checked_key(owner), micros(until), at, at, limit)

        def claimed(connection: sqlite3.Connection) -> list[Any]:
            return connection.execute(
                "UPDATE outbox SET owner = ?, leased_until = ?, tries = tries + 1 WHERE key IN ("
                " SELECT key FROM outbox WHERE state = 'waiting' AND due_at <= ?"
                " AND (leased_until IS NULL OR leased_until <= ?) ORDER BY due_at, created_at, key LIMIT ?)"
                " RETURNING key, target, body, created_at, due_at, tries",
                take,
            ).fetchall()

        claims = [Claim(_message(row), owner, until, row[5]) for row in await self._write(claimed)]
        return sorted(claims, key=lambda c: (c.message.due_at, c.message.created_at, c.message.key))

    async def settle(self, claim: Claim, state: MessageState) -> bool:
        """See `Store`."""
        return await self._end_claim(claim, state, micros(claim.message.due_at))

    async def postpone(self, claim: Claim, *, until: datetime) -> bool:
        """See `Store`."""
        return await self._end_claim(claim, MessageState.WAITING, micros(until))

    async def outbox(self, state: MessageState = MessageState.WAITING, *, limit: int = 100) -> list[QueuedMessage]:
        """See `Store`."""
        rows = await self._rows(
            "SELECT key, target, body, created_at, due_at, tries FROM outbox WHERE state = ?"
            " ORDER BY due_at, created_at, key LIMIT ?",
            (state, limit),
        )
        return [QueuedMessage(_message(row), state, row[5]) for row in rows]

    async def describe(self) -> str:
        """See `Store`."""
        [(version,)] = await self._rows("PRAGMA user_version", ())
        return f"{self._path}, schema {version}"

    async def _end_claim(self, claim: Claim, state: MessageState, due_at: int) -> bool:
        return await self._changed(
            "UPDATE outbox SET state = ?, due_at = ?, owner = NULL, leased_until = NULL"
            " WHERE key = ? AND owner = ? AND leased_until = ? AND state = 'waiting'",
            (state, due_at, claim.message.key, claim.owner, micros(claim.leased_until)),
        )

    async def _changed(self, statement: str, values: tuple[Any, ...]) -> bool:
        return await self._write(lambda connection: connection.execute(statement, values).rowcount == 1)

    async def _rows(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        return await asyncio.to_thread(self._alone, lambda c: c.execute(statement, values).fetchall())

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def transaction(connection: sqlite3.Connection) -> T:
            with immediate(connection):
                return work(connection)

        return await asyncio.to_thread(self._alone, transaction)

    def _alone(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # a lock of threads, not of tasks: a cancelled task lets go of its lock while its thread is still at work
        with self._lock, typed_errors(self._path):
            return work(self._connection)


def _document(row: tuple[str, str, int]) -> Document:
    key, body, version = row
    return Document(key, json.loads(body), version)


def _point(row: tuple[str, int, str]) -> Point:
    key, at, body = row
    return Point(key, moment_of(at), json.loads(body))


def _message(row: tuple[Any, ...]) -> Message:
    key, target, body, created_at, due_at = row[:5]
    return Message(key, target, json.loads(body), moment_of(created_at), moment_of(due_at))
