"""All that a store holds, as rows that are the same whichever store it is, in an order that is the same, too.

A row is a JSON object; times are microseconds since 1970, UTC. What one kind of store gave, another kind takes.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

from tradeops.adapters.store.opening import FILE, SPOOL
from tradeops.adapters.store.spool import MIGRATIONS as SPOOL_MIGRATIONS
from tradeops.errors import MisconfiguredError
from tradeops.tls import NO_TLS_OF_OURS, Tls

AT_ONCE = 1000

Row = Mapping[str, Any]


class Part(StrEnum):
    """What a store consists of. Documents come first: they name events, and never the other way round."""

    DOCUMENTS = "documents"
    EVENTS = "events"
    POINTS = "points"
    OUTBOX = "outbox"


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a row in their order, which of them are JSON of their own, and by what rows are ordered."""

    fields: tuple[str, ...]
    nested: str
    order: tuple[str, ...]


SHAPES: Mapping[str, Shape] = {
    Part.DOCUMENTS: Shape(("collection", "key", "version", "body"), "body", ("collection", "key")),
    Part.EVENTS: Shape(("event_id", "kind", "at", "actor", "body"), "body", ("at", "event_id")),
    Part.POINTS: Shape(("series", "key", "at", "body"), "body", ("series", "at", "key")),
    Part.OUTBOX: Shape(
        (
            *("key", "target", "body", "created_at", "due_at"),
            *("state", "owner", "leased_until", "tries", "note"),
        ),
        "body",
        ("key",),
    ),
    "spool": Shape(("kind", "series", "key", "record", "spooled_at", "refusal"), "record", ("place",)),
}


class Snapshot(Protocol):
    """A store at a moment, while others write.

    Attributes:
        is_of_one_moment: what is read is all of the same moment, however long it takes.
    """

    is_of_one_moment: bool

    def rows(self, part: str) -> AsyncIterator[Sequence[Row]]:
        """The rows of a part, ordered, some at a time.

        Raises:
            UnavailableError: the store is down.
        """
        ...


class Restoration(Snapshot, Protocol):
    """A store that is being filled. `rows` gives what it will hold; nobody else sees it before `keep`."""

    async def holds_something(self) -> bool:
        """Whether anything is in it."""
        ...

    async def clear(self) -> None:
        """Empty it."""
        ...

    async def write(self, part: str, rows: Sequence[Row]) -> None:
        """Add rows; those whose keys are there already are left as they are, but documents are replaced.

        Raises:
            ValueError: a row has not the fields, or a key or a body that no store would keep.
        """
        ...

    async def keep(self) -> None:
        """Let what was written take effect; without it nothing does, or the store says that a restore is unfinished."""
        ...


def open_snapshot(
    kind: Literal["sqlite", "mongodb"], *, home: Path, mongodb_url: str | None, tls: Tls = NO_TLS_OF_OURS
) -> AbstractAsyncContextManager[Snapshot]:
    """The store at this moment.

    Raises:
        MisconfiguredError: as `open_store`.
        UnavailableError: it is down.
    """
    if kind == "sqlite":
        return _of_file(home / FILE)
    return _of_mongodb(mongodb_url, tls, restores=False)


def open_restoration(
    kind: Literal["sqlite", "mongodb"], *, home: Path, mongodb_url: str | None, tls: Tls = NO_TLS_OF_OURS
) -> AbstractAsyncContextManager[Restoration]:
    """The store, to be filled.

    Raises:
        MisconfiguredError: as `open_store`.
        UnavailableError: it is down, or another process writes to it.
    """
    if kind == "sqlite":
        return _of_file(home / FILE, restores=True)
    return _of_mongodb(mongodb_url, tls, restores=True)


def open_spool_snapshot(home: Path) -> AbstractAsyncContextManager[Snapshot]:
    """The spool at this moment; its one part is `spool`. Made if it is not there."""
    return _of_file(home / SPOOL, SPOOL_MIGRATIONS, ("spool",))


def open_spool_restoration(home: Path) -> AbstractAsyncContextManager[Restoration]:
    """The spool, to be filled."""
    return _of_file(home / SPOOL, SPOOL_MIGRATIONS, ("spool",), restores=True)


@asynccontextmanager
async def _of_file(
    path: Path,
    migrations: tuple[str, ...] | None = None,
    parts: tuple[str, ...] = tuple(Part),
    *,
    restores: bool = False,
) -> AsyncGenerator[Restoration]:
    from tradeops.adapters.store.backup_sqlite import FileCopy  # noqa: PLC0415 - only one of the two is needed
    from tradeops.adapters.store.sqlite import MIGRATIONS  # noqa: PLC0415

    copy = await FileCopy.open(path, migrations or MIGRATIONS, parts, restores=restores)
    try:
        yield copy
    finally:
        await copy.close()


@asynccontextmanager
async def _of_mongodb(url: str | None, tls: Tls, *, restores: bool) -> AsyncGenerator[Restoration]:
    if url is None:
        raise MisconfiguredError("store", "MongoDB is chosen, but MONGODB_URL is not set", remedy="set it")
    from tradeops.adapters.store.backup_mongodb import DatabaseCopy  # noqa: PLC0415 - it loads the driver
    from tradeops.adapters.store.mongodb import MongoStore  # noqa: PLC0415

    store = MongoStore(url, tls=tls, unfinished=restores)
    try:
        async with DatabaseCopy.opened(store, restores=restores) as copy:
            yield copy
    finally:
        await store.close()
