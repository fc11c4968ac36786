"""The store in MongoDB: for several machines. Database `tradeops`, so that the bot's own is never written.

Series and document collections bear their own names; fields that are ours are `_id` (the key), `timestamp` (a date, for
people), `at_us` (the same moment to the microsecond, by which we order) and `write_id` (by which a write that is tried
again knows its own record). Writes are acknowledged by the majority and journaled; reads see only what the majority
has. Validators are an extra that a server may lack; uniqueness hangs on `_id`, which none lacks.
"""

import asyncio
import logging
import warnings
from collections import deque
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pymongo
from bson.errors import BSONError
from pymongo import ASCENDING, DESCENDING, AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import AutoReconnect, BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from tradeops.adapters.driver_tls import mongodb_options
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
from tradeops.adapters.store.mongodb_errors import NOT_SUPPORTED, bad_address, hosts_of, typed_error
from tradeops.adapters.store.mongodb_schema import bring_forward, check, version_known
from tradeops.adapters.store.records import (
    AUDIT_EVENTS,
    OURS,
    OUTBOX,
    SCHEMA,
    batched,
    checked_body,
    checked_collection,
    checked_key,
    checked_lease,
    checked_limit,
    checked_name,
    checked_path,
    checked_point_body,
    micros,
    moment_of,
)
from tradeops.errors import ConflictError, UnavailableError
from tradeops.tls import NO_TLS_OF_OURS, Tls

DATABASE = "tradeops"
ANSWER_SECONDS = 10.0
CLOSE_SECONDS = 1.0
TRIES = 3
ALREADY_THERE = 48
DUPLICATE_KEY = 11000
INTEGER = {"bsonType": ["int", "long"]}

log = logging.getLogger(__name__)

Fields = dict[str, Any]


class MongoStore:
    """See `Store`. Made within the event loop that uses it.

    Args:
        url: with user and password; never shown.
        database: ours.
        tls: what certificates to go by.
        unfinished: also a database may be used that a restore has left half-way.
        for_reading: alone, as a `ReadableStore`; nothing is then made or brought forward.

    Raises:
        MisconfiguredError: an address that MongoDB's driver does not take.
    """

    def __init__(
        self,
        url: str,
        *,
        database: str = DATABASE,
        tls: Tls = NO_TLS_OF_OURS,
        unfinished: bool = False,
        for_reading: bool = False,
    ) -> None:
        self._hosts = hosts_of(url)
        try:
            with _strict_about_options():
                self._client: AsyncMongoClient[Fields] = AsyncMongoClient(
                    url,
                    tz_aware=True,
                    appname="tradeops",
                    retryWrites=True,
                    serverSelectionTimeoutMS=2000,
                    connectTimeoutMS=2000,
                    socketTimeoutMS=5000,
                    **mongodb_options(url, tls),
                )
        except (PyMongoError, ValueError, UserWarning):  # also a port that cannot be; the words may quote the password
            raise bad_address(self._hosts) from None
        self._database = self._client.get_database(
            database,
            write_concern=WriteConcern(w="majority", j=True, wtimeout=3000),
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )
        self._prepared: set[str] = set()
        self._owner, self._unfinished, self._for_reading = uuid4().hex, unfinished, for_reading

    async def close(self) -> None:
        """Close its connections, without waiting for a server that hangs."""
        with suppress(TimeoutError), pymongo.timeout(CLOSE_SECONDS):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._client.close()

    async def append_event(self, event: AuditEvent) -> bool:
        """See `Store`."""
        row = {
            "_id": checked_key(event.event_id),
            "kind": checked_name(event.kind),
            "timestamp": event.occurred_at,
            "at_us": micros(event.occurred_at),
            "actor": checked_key(event.actor),
            "body": checked_body(event.body),
        }
        async with self._timed(AUDIT_EVENTS) as events:
            return await _inserted(events, row)

    async def events(
        self, *, since: datetime, until: datetime, kind: str | None = None, limit: int = 1000
    ) -> list[AuditEvent]:
        """See `Store`."""
        where = _between(since, until) | ({} if kind is None else {"kind": kind})
        async with self._timed(AUDIT_EVENTS) as events:
            rows = (
                await events.find(where)
                .sort([("at_us", ASCENDING), ("_id", ASCENDING)])
                .limit(checked_limit(limit))
                .to_list()
            )
        return [AuditEvent(r["_id"], r["kind"], moment_of(r["at_us"]), r["actor"], r["body"]) for r in rows]

    async def get(self, collection: str, key: str) -> Document | None:
        """See `Store`."""
        where = {"_id": checked_key(key)}
        async with self._timed(checked_collection(collection), documents=True) as documents:
            row = await documents.find_one(where)
        return None if row is None else _document(row)

    async def documents(self, collection: str) -> list[Document]:
        """See `Store`."""
        async with self._timed(checked_collection(collection), documents=True) as documents:
            rows = await documents.find().sort("_id", ASCENDING).to_list()
        return [_document(row) for row in rows]

    async def put(self, collection: str, key: str, body: Body, *, expected_version: int | None) -> Document:
        """See `Store`."""
        place, fields = checked_key(key), checked_body(body)
        async with self._timed(checked_collection(collection), documents=True) as documents:
            if expected_version is None:
                won = await _inserted(documents, {"_id": place, "version": 1, "body": fields})
            else:
                change = {"$set": {"body": fields}, "$inc": {"version": 1}}
                result = await documents.update_one({"_id": place, "version": expected_version}, change)
                won = result.matched_count == 1
        if not won:
            raise ConflictError("store", f"{collection}/{key} was changed by somebody else")
        return Document(key, fields, (expected_version or 0) + 1)

    async def add_point(self, series: str, point: Point) -> bool:
        """See `Store`."""
        row = _row(point)
        async with self._timed(checked_collection(series)) as points:
            return await _inserted(points, row)

    async def add_points(self, series: str, points: Sequence[Point]) -> None:
        """See `Store`."""
        name = checked_collection(series)
        for batch in batched(points):
            rows = await asyncio.to_thread(lambda several: [_row(point) for point in several], batch)
            async with self._timed(name) as collection:
                await _inserted_where_missing(collection, rows)

    async def points(
        self, series: str, *, since: datetime, until: datetime, limit: int = 1000, newest_first: bool = False
    ) -> list[Point]:
        """See `Store`."""
        direction = DESCENDING if newest_first else ASCENDING
        order = [("at_us", direction), ("_id", direction)]
        async with self._timed(checked_collection(series)) as points:
            rows = await points.find(_between(since, until)).sort(order).limit(checked_limit(limit)).to_list()
        return [_point(row) for row in rows]

    async def newest_point(self, series: str) -> Point | None:
        """See `Store`."""
        async with self._timed(checked_collection(series)) as points:
            row = await points.find_one(sort=[("at_us", DESCENDING), ("_id", DESCENDING)])
        return None if row is None else _point(row)

    async def roll_up(
        self, series: str, path: str, *, since: datetime, until: datetime, every: timedelta
    ) -> list[Bucket]:
        """See `Store`."""
        return series_rules.roll_up(await self._field(series, path, since, until), path, since=since, every=every)

    async def tally(self, series: str, path: str, *, since: datetime, until: datetime) -> dict[str, int]:
        """See `Store`."""
        return series_rules.tally(await self._field(series, path, since, until), path)

    async def prune(self, series: str, *, before: datetime, limit: int | None = None) -> int:
        """See `Store`."""
        where: Fields = {"at_us": {"$lt": micros(before)}}
        async with self._timed(checked_collection(series)) as points:
            if limit is not None:
                oldest = points.find(where, {"_id": 1}).sort("at_us", ASCENDING).limit(checked_limit(limit))
                where = {"_id": {"$in": [row["_id"] for row in await oldest.to_list()]}}
            return (await points.delete_many(where)).deleted_count

    async def enqueue(self, message: Message) -> bool:
        """See `Store`."""
        row = {
            "_id": checked_key(message.key),
            "target": checked_key(message.target),
            "body": checked_body(message.body),
            "timestamp": message.created_at,
            "at_us": micros(message.created_at),
            "due_us": micros(message.due_at),
            "state": MessageState.WAITING.value,
            "owner": None,
            "leased_us": None,
            "tries": 0,
            "note": "",
        }
        async with self._timed(OUTBOX) as outbox:
            return await _inserted(outbox, row)

    async def claim(self, owner: str, *, now: datetime, lease: timedelta, limit: int = 10) -> list[Claim]:
        """See `Store`."""
        at, until, most = micros(now), now + checked_lease(lease), checked_limit(limit)
        free = {"$or": [{"leased_us": None}, {"leased_us": {"$lte": at}}]}
        where = {"state": MessageState.WAITING.value, "due_us": {"$lte": at}, **free}
        lease_of = {"owner": checked_key(owner), "leased_us": micros(until), "tries": {"$add": ["$tries", 1]}}
        perhaps_sent = {"$cond": [{"$eq": ["$owner", None]}, False, {"$ifNull": ["$begun", True]}]}
        change = [{"$set": {**lease_of, "begun": perhaps_sent}}]
        order = [("due_us", ASCENDING), ("at_us", ASCENDING), ("_id", ASCENDING)]
        claims: list[Claim] = []
        async with self._timed(OUTBOX) as outbox:
            targets = deque(await outbox.distinct("target", where))
            while targets and len(claims) < most:
                row = await outbox.find_one_and_update({**where, "target": targets[0]}, change, sort=order)
                if row is None:
                    targets.popleft()
                    continue
                targets.rotate(-1)
                interrupted = row["owner"] is not None and row.get("begun") is not False
                claims.append(Claim(_message(row), owner, until, row["tries"] + 1, interrupted=interrupted))
        return sorted(claims, key=lambda c: (c.message.due_at, c.message.created_at, c.message.key))

    async def begin(self, claim: Claim) -> bool:
        """See `Store`."""
        return await self._changed_claim(claim, {"begun": True})

    async def settle(self, claim: Claim, state: MessageState, *, note: str = "") -> bool:
        """See `Store`."""
        return await self._end_claim(claim, {"state": state.value, "note": note})

    async def postpone(self, claim: Claim, *, until: datetime, note: str = "") -> bool:
        """See `Store`."""
        return await self._end_claim(claim, {"due_us": micros(until), "note": note})

    async def outbox(self, state: MessageState = MessageState.WAITING, *, limit: int = 100) -> list[QueuedMessage]:
        """See `Store`."""
        direction = ASCENDING if state is MessageState.WAITING else DESCENDING
        order = [("due_us", direction), ("at_us", direction), ("_id", direction)]
        async with self._timed(OUTBOX) as outbox:
            rows = await outbox.find({"state": state.value}).sort(order).limit(checked_limit(limit)).to_list()
        return [_queued(row) for row in rows]

    async def queued(self, key: str) -> QueuedMessage | None:
        """See `Store`."""
        where = {"_id": checked_key(key)}
        async with self._timed(OUTBOX) as outbox:
            row = await outbox.find_one(where)
        return None if row is None else _queued(row)

    async def backlogs(self, *, created_before: datetime) -> dict[str, Backlog]:
        """See `Store`."""
        where = {"state": MessageState.WAITING.value, "at_us": {"$lt": micros(created_before)}}
        group = {"_id": "$target", "count": {"$sum": 1}, "oldest": {"$min": "$at_us"}}
        async with self._timed(OUTBOX) as outbox:
            rows = await (await outbox.aggregate([{"$match": where}, {"$group": group}])).to_list()
        return {row["_id"]: Backlog(row["count"], moment_of(row["oldest"])) for row in rows}

    async def drop_bodies(self, *, before: datetime, limit: int) -> int:
        """See `Store`."""
        ended: Fields = {"state": {"$in": [MessageState.DELIVERED.value, MessageState.FAILED.value]}}
        where = {**ended, "due_us": {"$lt": micros(before)}, "body": {"$ne": {}}}
        async with self._timed(OUTBOX) as outbox:
            rows = await outbox.find(where, {"_id": 1}).limit(checked_limit(limit)).to_list()
            these = {"_id": {"$in": [row["_id"] for row in rows]}}
            return (await outbox.update_many(these, {"$set": {"body": {}}})).modified_count

    async def describe(self) -> str:
        """See `Store`."""
        async with self._timed(AUDIT_EVENTS):
            version = (await self._client.server_info())["version"]
        return f"MongoDB {version} at {self._hosts}, database {self._database.name}, schema {version_known()}"

    async def _field(self, series: str, path: str, since: datetime, until: datetime) -> list[Point]:
        fields = {"at_us": 1, checked_path(path): 1}
        async with self._timed(checked_collection(series)) as points:
            return [_point(row) for row in await points.find(_between(since, until), fields).to_list()]

    async def _end_claim(self, claim: Claim, change: Mapping[str, object]) -> bool:
        return await self._changed_claim(claim, {"owner": None, "leased_us": None, "begun": None, **change})

    async def _changed_claim(self, claim: Claim, change: Mapping[str, object]) -> bool:
        where = {
            "_id": claim.message.key,
            "owner": claim.owner,
            "leased_us": micros(claim.leased_until),
            "state": MessageState.WAITING.value,
        }
        async with self._timed(OUTBOX) as outbox:
            result = await outbox.update_one(where, {"$set": change})
        return result.matched_count == 1

    @asynccontextmanager
    async def _timed(self, name: str, *, documents: bool = False) -> AsyncGenerator[AsyncCollection[Fields]]:
        """The collection, prepared, with a bound on all that is done in the block, and its errors typed."""
        async with self.bounded():
            if name not in self._prepared:
                await self.prepare(name, documents=documents)
            yield self._database[name]

    @asynccontextmanager
    async def bounded(self) -> AsyncGenerator[tuple[AsyncMongoClient[Fields], AsyncDatabase[Fields]]]:
        """The driver itself, for who copies all at once; a bound on what is done in the block, errors typed."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                yield self._client, self._database
        except TimeoutError as error:
            problem = f"MongoDB at {self._hosts} did not answer within {ANSWER_SECONDS:g} s"
            raise UnavailableError("store", problem) from error
        except (PyMongoError, BSONError) as error:
            raise typed_error(error, self._hosts) from error

    async def bring_forward(self) -> None:
        """Bring the schema to that of this release; see `mongodb_schema`."""
        if SCHEMA not in self._prepared:
            tolerated = self._unfinished
            await bring_forward(self._database, hosts=self._hosts, owner=self._owner, unfinished=tolerated)
            self._prepared.add(SCHEMA)

    async def prepare(self, name: str, *, documents: bool) -> None:
        """Make the collection with its indexes if it is not there, unless we only read; within `bounded`."""
        if self._for_reading:
            if SCHEMA not in self._prepared:
                await check(self._database, hosts=self._hosts)
            self._prepared |= {SCHEMA, name}
            return
        await self.bring_forward()
        required = {"version": INTEGER, "body": {"bsonType": "object"}} if documents else {"at_us": INTEGER}
        schema = {"bsonType": "object", "required": list(required), "properties": required}
        with _tolerated(ALREADY_THERE, *NOT_SUPPORTED):
            await self._database.create_collection(name, validator={"$jsonSchema": schema}, check_exists=False)
        collection = self._database[name]
        if not documents:
            await collection.create_index([("at_us", DESCENDING), ("_id", DESCENDING)])
        if name == OUTBOX:
            await collection.create_index([("state", ASCENDING), ("due_us", ASCENDING)])
        self._prepared.add(name)


@contextmanager
def _strict_about_options() -> Generator[None]:
    # the driver warns of a wrong value and goes on without the option: `tls=ture` would send the password in clear
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="(?!Unknown option|Duplicate)", category=UserWarning)
        yield


@contextmanager
def _tolerated(*codes: int) -> Generator[None]:
    try:
        yield
    except OperationFailure as error:
        if error.code not in codes:
            raise
        log.debug("MongoDB refused an extra with code %s", error.code)


async def _inserted(collection: AsyncCollection[Fields], row: Fields) -> bool:
    """Whether this call, and nobody else's, made the record: also when the answer to its first try was lost."""
    row["write_id"] = uuid4().hex
    for tries_left in reversed(range(TRIES)):
        try:
            await collection.insert_one(row)
        except DuplicateKeyError:
            break
        except AutoReconnect:
            if not tries_left:
                raise
        else:
            return True
    found = await collection.find_one({"_id": row["_id"]}, {"write_id": 1})
    if found is None:  # there, but not yet with the majority
        raise AutoReconnect("the record is not with the majority")
    return bool(found.get("write_id") == row["write_id"])


async def _inserted_where_missing(collection: AsyncCollection[Fields], rows: list[Fields]) -> None:
    for tries_left in reversed(range(TRIES)):
        try:
            await collection.insert_many(rows, ordered=False)
        except BulkWriteError as error:
            if other := [e for e in error.details.get("writeErrors", ()) if e["code"] != DUPLICATE_KEY]:
                raise OperationFailure(other[0]["errmsg"], other[0]["code"]) from error
            if error.details.get("writeConcernErrors"):  # kept, but not yet by the majority
                raise AutoReconnect("the records are not with the majority") from error
        except AutoReconnect:
            if not tries_left:
                raise
            continue
        return


def _row(point: Point) -> Fields:
    return {
        "_id": checked_key(point.key),
        "timestamp": point.timestamp,
        "at_us": micros(point.timestamp),
        **checked_point_body(point.body),
    }


def _between(since: datetime, until: datetime) -> Fields:
    return {"at_us": {"$gte": micros(since), "$lt": micros(until)}}


def _document(row: Fields) -> Document:
    return Document(row["_id"], row["body"], row["version"])


def _point(row: Fields) -> Point:
    return Point(row["_id"], moment_of(row["at_us"]), {name: row[name] for name in row if name not in OURS})


def _message(row: Fields) -> Message:
    return Message(row["_id"], row["target"], row["body"], moment_of(row["at_us"]), moment_of(row["due_us"]))


def _queued(row: Fields) -> QueuedMessage:
    return QueuedMessage(_message(row), MessageState(row["state"]), row["tries"], row["note"])
