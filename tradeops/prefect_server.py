"""What Prefect's own server needs from us; it loads this file as a collection of Prefect's (see pyproject.toml).

Under Python 3.11 a server on SQLite could stand still for a minute, and runs ended as TimedOut. A statement that
SQLite refuses ("database is locked"; Prefect's client asks again) was given back only when the garbage collector
found its cursor in an old traceback. The collector comes in the thread of the event loop, and giving a statement back
waits for what its connection is doing: waiting, up to 60 s, for a lock whose owner needs that same event loop to go
on. From Python 3.12 on sqlite3 gives a refused statement back at once; here aiosqlite learns the same.
"""

import sqlite3
import sys
from collections.abc import Awaitable, Callable
from functools import wraps

import aiosqlite


def _closing(execute: Callable[..., Awaitable[aiosqlite.Cursor]]) -> Callable[..., Awaitable[aiosqlite.Cursor]]:
    @wraps(execute)
    async def execute_or_close(cursor: aiosqlite.Cursor, *statement: object) -> aiosqlite.Cursor:
        try:
            return await execute(cursor, *statement)
        except sqlite3.Error:
            await cursor.close()
            raise

    return execute_or_close


if sys.version_info < (3, 12):
    for name in ("execute", "executemany"):
        setattr(aiosqlite.Cursor, name, _closing(getattr(aiosqlite.Cursor, name)))
