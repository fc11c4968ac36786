"""Opens the store that the settings choose."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Literal

from tradeops.adapters.store.interface import ReadableStore, Store
from tradeops.adapters.store.spool import Spool
from tradeops.adapters.store.spooling import SpoolingStore
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.errors import MisconfiguredError
from tradeops.tls import NO_TLS_OF_OURS, Tls

FILE = "tradeops.sqlite"
SPOOL = "spool.sqlite"


@asynccontextmanager
async def open_store(
    kind: Literal["sqlite", "mongodb"], *, home: Path, mongodb_url: str | None = None, tls: Tls = NO_TLS_OF_OURS
) -> AsyncGenerator[Store]:
    """The store, closed at exit.

    Args:
        kind: which one.
        home: the folder of the SQLite file, and of the spool that stands in while MongoDB is down.
        mongodb_url: with user and password; never shown.
        tls: what certificates MongoDB goes by.

    Raises:
        MisconfiguredError: the folder cannot be written, or MongoDB is chosen without a good address.
        UnavailableError: the file is damaged or the disk is full; a MongoDB that is down is no error here.
    """
    if kind == "sqlite":
        # in a thread: a file that another process holds locked makes it wait for seconds
        with closing(await asyncio.to_thread(SqliteStore, home / FILE)) as store:
            yield store
        return
    async with _mongodb(mongodb_url, tls) as mongodb:
        with closing(await asyncio.to_thread(Spool, home / SPOOL)) as spool:
            yield SpoolingStore(mongodb, spool)


@asynccontextmanager
async def open_readable(
    kind: Literal["sqlite", "mongodb"], *, home: Path, mongodb_url: str | None = None, tls: Tls = NO_TLS_OF_OURS
) -> AsyncGenerator[ReadableStore]:
    """The store for who only looks, closed at exit: nothing is made, no schema moved. Arguments as for `open_store`.

    Raises:
        MisconfiguredError: a newer release has changed the file, or MongoDB is chosen without a good address.
        UnavailableError: the file is not there yet, has an older schema, or is damaged; of a MongoDB, its calls say so.
    """
    if kind == "sqlite":
        with closing(await asyncio.to_thread(partial(SqliteStore, home / FILE, for_reading=True))) as store:
            yield store
        return
    async with _mongodb(mongodb_url, tls, for_reading=True) as mongodb:
        yield mongodb


@asynccontextmanager
async def _mongodb(url: str | None, tls: Tls, *, for_reading: bool = False) -> AsyncGenerator[Store]:
    if url is None:
        remedy = "set it, for example MONGODB_URL=mongodb://127.0.0.1:27017, or TRADEOPS_STORE=sqlite"
        raise MisconfiguredError("store", "MongoDB is chosen, but MONGODB_URL is not set", remedy=remedy)
    from tradeops.adapters.store.mongodb import MongoStore  # noqa: PLC0415 - who keeps to SQLite need not load the driver

    mongodb = MongoStore(url, tls=tls, for_reading=for_reading)
    try:
        yield mongodb
    finally:
        await mongodb.close()
