"""Our database in MongoDB read whole, or filled.

A replica set reads all of it as of one moment, for as long as the server keeps its history (five minutes, unless
`minSnapshotHistoryWindowInSeconds` says otherwise). A server that stands alone cannot: there each record is whole, and
what was written meanwhile may be in it or not.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from pymongo import ASCENDING, InsertOne, ReplaceOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from tradeops.adapters.store.backup import AT_ONCE, Part, Row
from tradeops.adapters.store.backup_rows import checked_row
from tradeops.adapters.store.mongodb import DUPLICATE_KEY, MongoStore
from tradeops.adapters.store.mongodb_schema import DOCUMENT
from tradeops.adapters.store.records import AUDIT_EVENTS, OURS, OUTBOX, RESERVED, SCHEMA, moment_of

Fields = dict[str, Any]


class DatabaseCopy:
    """See `Snapshot` and `Restoration`. Use `opened`."""

    def __init__(self, store: MongoStore, session: AsyncClientSession | None, names: Sequence[str]) -> None:
        self._store, self._session, self._names = store, session, names
        self.is_of_one_moment = session is not None

    @classmethod
    @asynccontextmanager
    async def opened(cls, store: MongoStore, *, restores: bool) -> AsyncGenerator[Self]:
        """The database at this moment, or alone with it."""
        async with store.bounded() as (client, database):
            await store.bring_forward()
            names = sorted(n for n in await database.list_collection_names() if not n.startswith("system."))
            session = None if restores else client.start_session(snapshot=True)
        try:
            if session is not None and not await _can_look_back(store, session):
                await session.end_session()
                session = None
            yield cls(store, session, names)
        finally:
            if session is not None:
                await session.end_session()

    async def rows(self, part: str) -> AsyncIterator[Sequence[Row]]:
        """See `Snapshot`."""
        match part:
            case Part.EVENTS:
                async for batch in self._found(AUDIT_EVENTS, "at_us"):
                    yield [_event(one) for one in batch]
            case Part.OUTBOX:
                async for batch in self._found(OUTBOX):
                    yield [_message(one) for one in batch]
            case Part.POINTS:
                for name in self._series():
                    async for batch in self._found(name, "at_us", where={"at_us": {"$exists": True}}):
                        yield [_point(name, one) for one in batch]
            case _:
                for name in self._series():
                    async for batch in self._found(name, where={"at_us": {"$exists": False}, "body": {"$exists": 1}}):
                        yield [_document(name, one) for one in batch]

    async def holds_something(self) -> bool:
        """See `Restoration`."""
        async with self._store.bounded() as (_, database):
            if (await database[SCHEMA].find_one(DOCUMENT) or {}).get("restoring"):
                return True
            return any([await database[name].find_one({}, {"_id": 1}) for name in self._names if name != SCHEMA])

    async def clear(self) -> None:
        """See `Restoration`."""
        await self._mark()
        for name in self._names:
            if name != SCHEMA:
                async with self._store.bounded() as (_, database):
                    await database.drop_collection(name)
        self._names = [SCHEMA]

    async def write(self, part: str, rows: Sequence[Row]) -> None:
        """See `Restoration`."""
        await self._mark()
        of_name: dict[str, list[Any]] = {}
        for row in rows:
            name, fields = _stored(part, {**checked_row(part, row), "body": row["body"]})
            if part == Part.DOCUMENTS:
                of_name.setdefault(name, []).append(ReplaceOne({"_id": fields["_id"]}, fields, upsert=True))
            else:
                of_name.setdefault(name, []).append(InsertOne(fields))
        for name, changes in of_name.items():
            async with self._store.bounded() as (_, database):
                await self._store.prepare(name, documents=part == Part.DOCUMENTS)
                try:
                    await database[name].bulk_write(changes, ordered=False)
                except BulkWriteError as error:
                    if other := [e for e in error.details.get("writeErrors", ()) if e["code"] != DUPLICATE_KEY]:
                        raise OperationFailure(other[0]["errmsg"], other[0]["code"]) from error
        self._names = sorted({*self._names, *of_name})

    async def keep(self) -> None:
        """See `Restoration`."""
        async with self._store.bounded() as (_, database):
            await database[SCHEMA].update_one(DOCUMENT, {"$unset": {"restoring": ""}})

    async def _mark(self) -> None:
        async with self._store.bounded() as (_, database):
            await database[SCHEMA].update_one(DOCUMENT, {"$set": {"restoring": True}})

    def _series(self) -> list[str]:
        return [name for name in self._names if name not in RESERVED]

    async def _found(self, name: str, *order: str, where: Fields | None = None) -> AsyncGenerator[list[Fields]]:
        if name not in self._names:
            return
        async with self._store.bounded() as (_, database):
            collection = database[name].with_options(read_concern=ReadConcern()) if self._session else database[name]
            cursor = collection.find(where or {}, session=self._session, batch_size=AT_ONCE)
            cursor.sort([(field, ASCENDING) for field in (*order, "_id")])
        try:
            while True:
                async with self._store.bounded():
                    batch = await cursor.to_list(AT_ONCE)
                if not batch:
                    return
                yield batch
        finally:
            await cursor.close()


async def _can_look_back(store: MongoStore, session: AsyncClientSession) -> bool:
    async with store.bounded() as (_, database):
        server = await database.command("hello")
        if "setName" not in server and server.get("msg") != "isdbgrid":
            return False
        try:  # the moment is that of the first read
            await database[SCHEMA].with_options(read_concern=ReadConcern()).find_one(DOCUMENT, session=session)
        except OperationFailure:
            return False
    return True


def _event(one: Fields) -> Row:
    return {"event_id": one["_id"], "kind": one["kind"], "at": one["at_us"], "actor": one["actor"], "body": one["body"]}


def _document(name: str, one: Fields) -> Row:
    return {"collection": name, "key": one["_id"], "version": one["version"], "body": one["body"]}


def _point(name: str, one: Fields) -> Row:
    body = {field: one[field] for field in one if field not in OURS}
    return {"series": name, "key": one["_id"], "at": one["at_us"], "body": body}


def _message(one: Fields) -> Row:
    return {
        "key": one["_id"],
        "target": one["target"],
        "body": one["body"],
        "created_at": one["at_us"],
        "due_at": one["due_us"],
        "state": one["state"],
        "owner": one["owner"],
        "leased_until": one["leased_us"],
        "tries": one["tries"],
        "note": one["note"],
    }


def _stored(part: str, row: Row) -> tuple[str, Fields]:
    """The collection, and the record as `MongoStore` writes it."""
    match part:
        case Part.DOCUMENTS:
            return row["collection"], {"_id": row["key"], "version": row["version"], "body": row["body"]}
        case Part.EVENTS:
            fields = {"_id": row["event_id"], "kind": row["kind"], **_time(row["at"]), "actor": row["actor"]}
            return AUDIT_EVENTS, {**fields, "body": row["body"]}
        case Part.POINTS:
            return row["series"], {"_id": row["key"], **_time(row["at"]), **row["body"]}
        case _:
            return OUTBOX, {
                "_id": row["key"],
                "target": row["target"],
                "body": row["body"],
                **_time(row["created_at"]),
                "due_us": row["due_at"],
                "state": row["state"],
                "owner": row["owner"],
                "leased_us": row["leased_until"],
                "tries": row["tries"],
                "note": row["note"],
            }


def _time(micros: int) -> Fields:
    return {"timestamp": moment_of(micros), "at_us": micros}
