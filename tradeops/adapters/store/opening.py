"""Opens the store that the settings choose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from tradeops.adapters.store.interface import Store
from tradeops.adapters.store.sqlite import SqliteStore
from tradeops.errors import MisconfiguredError

FILE = "tradeops.sqlite"


@asynccontextmanager
async def open_store(
    kind: Literal["sqlite", "mongodb"], *, home: Path, mongodb_url: str | None = None
) -> AsyncIterator[Store]:
    """The store, closed at exit.

    Args:
        kind: which one.
        home: the folder of the SQLite file, and of the spool that stands in while MongoDB is down.
        mongodb_url: with user and password; never shown.

    Raises:
        MisconfiguredError: the folder cannot be written, or MongoDB is chosen without an address.
        UnavailableError: the file is damaged or the disk is full; a MongoDB that is down is no error here.
    """
    if kind == "sqlite":
        store = SqliteStore(home / FILE)
        try:
            yield store
        finally:
            store.close()
        return
    if mongodb_url is None:
        raise MisconfiguredError("store", "MongoDB is chosen, but MONGODB_URL is not set", remedy="set it")
    raise MisconfiguredError("store", "unfinished")
