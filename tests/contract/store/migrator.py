"""A process that moves a store forward and never comes to the end: the test kills it half-way.

`sqlite FILE`: it hangs within a transaction that has already changed much. `mongodb URL DATABASE`: within a step.
"""

import asyncio
import sqlite3
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from tradeops.adapters.store import mongodb_schema, sqlite_file
from tradeops.adapters.store.mongodb import MongoStore
from tradeops.adapters.store.sqlite import MIGRATIONS

SPOIL = "CREATE TABLE half (x); DELETE FROM points; DELETE FROM events; SELECT halt();"


def halt() -> int:
    print("half-way", flush=True)  # noqa: T201 - the test reads it
    time.sleep(60)
    return 0


def in_sqlite(path: str) -> None:
    connect = sqlite_file.sqlite3.connect

    def connected(database: Path, **options: Any) -> sqlite3.Connection:  # noqa: ANN401 - passed on
        connection: sqlite3.Connection = connect(database, **options)
        connection.create_function("halt", 0, halt)
        connection.execute("PRAGMA cache_size = 1")  # so that pages spill into the file's log before the end
        return connection

    sqlite_file.sqlite3.connect = connected
    sqlite_file.SqliteFile(Path(path), (*MIGRATIONS, SPOIL))


async def in_mongodb(url: str, database: str) -> None:
    async def step(there: AsyncDatabase[dict[str, Any]]) -> None:
        await there["outbox"].update_one({"_id": "told"}, {"$set": {"note": ""}})
        halt()

    mongodb_schema.STEPS = (step,)
    mongodb_schema.LEASE = timedelta(seconds=1)
    await MongoStore(url, database=database).describe()


if __name__ == "__main__":
    if sys.argv[1] == "sqlite":
        in_sqlite(sys.argv[2])
    else:
        asyncio.run(in_mongodb(*sys.argv[2:]))
