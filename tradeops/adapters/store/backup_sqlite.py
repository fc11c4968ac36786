"""A SQLite file read whole in one read transaction, or filled in one write transaction.

In the write-ahead log's mode a reader sees one moment for as long as he likes, and hinders no writer: SQLite's backup
call would copy pages, begin anew whenever another process writes, and need the room for a second file.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Self, TypeVar

from tradeops.adapters.store.backup import AT_ONCE, SHAPES, Row
from tradeops.adapters.store.backup_rows import checked_row
from tradeops.adapters.store.sqlite_file import connected, typed_errors

T = TypeVar("T")


class FileCopy:
    """See `Snapshot` and `Restoration`. Use `open`."""

    is_of_one_moment = True

    def __init__(self, path: Path, connection: sqlite3.Connection, parts: Sequence[str]) -> None:
        self._path, self._connection, self._parts = path, connection, parts

    @classmethod
    async def open(cls, path: Path, migrations: tuple[str, ...], parts: Sequence[str], *, restores: bool) -> Self:
        """The file at this moment, or alone with it."""
        copy = cls(path, await asyncio.to_thread(connected, path, migrations), parts)
        await copy._run("BEGIN IMMEDIATE" if restores else "BEGIN")
        await copy.holds_something()  # the moment is that of the first read
        return copy

    async def close(self) -> None:
        """End the transaction without effect, unless it was kept."""
        await asyncio.to_thread(self._connection.close)

    async def rows(self, part: str) -> AsyncIterator[Sequence[Row]]:
        """See `Snapshot`."""
        shape = SHAPES[part]
        place, columns = shape.fields.index(shape.nested), ", ".join(shape.fields)
        statement = f"SELECT {columns} FROM {part} ORDER BY {', '.join(shape.order)}"  # noqa: S608 - our own words
        found = await self._do(lambda c: c.execute(statement))
        try:
            while batch := await self._do(lambda _: found.fetchmany(AT_ONCE)):
                yield [
                    dict(zip(shape.fields, (*row[:place], json.loads(row[place]), *row[place + 1 :]), strict=True))
                    for row in batch
                ]
        finally:
            found.close()

    async def holds_something(self) -> bool:
        """See `Restoration`."""
        return any([await self._do(_one_of(part)) for part in self._parts])

    async def clear(self) -> None:
        """See `Restoration`."""
        for part in self._parts:
            await self._run(f"DELETE FROM {part}")  # noqa: S608 - our own words

    async def write(self, part: str, rows: Sequence[Row]) -> None:
        """See `Restoration`."""
        shape = SHAPES[part]
        verb = "REPLACE" if part == "documents" else "IGNORE"
        marks = ", ".join("?" for _ in shape.fields)
        statement = f"INSERT OR {verb} INTO {part} ({', '.join(shape.fields)}) VALUES ({marks})"  # noqa: S608 - our own words
        values = [tuple(checked_row(part, row).values()) for row in rows]

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany(statement, values)

        await self._do(insert)

    async def keep(self) -> None:
        """See `Restoration`."""
        await self._run("COMMIT")

    async def _run(self, statement: str) -> None:
        def execute(connection: sqlite3.Connection) -> None:
            connection.execute(statement)

        await self._do(execute)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # no cursor of a write may leave its thread: the thread pool lets go of results late, and a cursor that ends
        # while its statement is used again spoils that use
        def typed() -> T:
            with typed_errors(self._path):
                return work(self._connection)

        return await asyncio.to_thread(typed)


def _one_of(part: str) -> Callable[[sqlite3.Connection], object]:
    return lambda c: c.execute(f"SELECT 1 FROM {part} LIMIT 1").fetchone()  # noqa: S608 - our own words
