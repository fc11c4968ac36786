"""Prefect's server on SQLite goes on when a statement was refused, garbage is collected and a lock is waited for."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

import tradeops.prefect_server  # noqa: F401 - that is all that it takes


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """Opened as Prefect's server opens its own: by aiosqlite, with a write-ahead log and its own BEGIN."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/prefect.db")

    @event.listens_for(engine.sync_engine, "connect")
    def _opened(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.cursor().execute("PRAGMA journal_mode = WAL")

    yield engine
    await engine.dispose()


async def test_collecting_a_refused_statement_does_not_wait_for_a_lock_that_needs_us(database: AsyncEngine) -> None:
    async with database.connect() as owner, database.connect() as other:
        await owner.execute(text("CREATE TABLE runs (id INTEGER)"))
        await owner.execute(text("BEGIN IMMEDIATE"))
        await owner.execute(text("INSERT INTO runs VALUES (1)"))
        await other.execute(text("PRAGMA busy_timeout = 0"))
        with pytest.raises(OperationalError, match="database is locked") as refused:
            await other.execute(text("INSERT INTO runs VALUES (2)"))
        await other.execute(text("PRAGMA busy_timeout = 20000"))
        waiting = asyncio.create_task(other.execute(text("INSERT INTO runs VALUES (3)")))
        await asyncio.sleep(0.2)  # its thread waits for the lock now

        del refused
        gc.collect()
        await owner.execute(text("COMMIT"))

        await waiting  # with the statement still held, collecting it would have waited until this gave up
        assert (await owner.execute(text("SELECT id FROM runs ORDER BY id"))).scalars().all() == [1, 3]


def test_prefect_loads_it() -> None:
    program = "from prefect.plugins import load_prefect_collections as load; print(load()['tradeops'].__name__)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == ["tradeops.prefect_server"]
