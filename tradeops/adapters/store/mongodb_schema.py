"""The schema of our database in MongoDB: it moves forward alone, a step at a time, while other processes wait.

One document says which version is there. A step may be done twice and by two at once without harm, since a process can
be killed within it: the next takes it up from its beginning once the lease of the first has ended.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from tradeops.adapters.store.records import OUTBOX, SCHEMA, micros
from tradeops.adapters.store.schema import check_schema, too_new
from tradeops.errors import MisconfiguredError, UnavailableError

DOCUMENT = {"_id": "tradeops"}
LEASE = timedelta(seconds=30)
PATIENCE_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.1
AT_ONCE = 1000
ONCE_EXPIRED_BY_MONGODB = ("health_checks", "api_cost_samples", "equity_observations", "equity_minutes")

log = logging.getLogger(__name__)

Fields = dict[str, Any]
Step = Callable[[AsyncDatabase[Fields]], Awaitable[None]]


async def _retention_by_settings(database: AsyncDatabase[Fields]) -> None:
    """From 1 to 2: our own upkeep deletes what is too old, as the settings say; each message has a note."""
    there = set(await database.list_collection_names())
    for name in there.intersection(ONCE_EXPIRED_BY_MONGODB):
        for index, facts in (await database[name].index_information()).items():
            if "expireAfterSeconds" in facts:
                await database[name].drop_index(index)
    lacking = {"note": {"$exists": False}}
    while OUTBOX in there and (rows := await database[OUTBOX].find(lacking, {"_id": 1}).limit(AT_ONCE).to_list()):
        keys = [row["_id"] for row in rows]
        await database[OUTBOX].update_many({"_id": {"$in": keys}, **lacking}, {"$set": {"note": ""}})


STEPS: tuple[Step, ...] = (_retention_by_settings,)


def version_known() -> int:
    """The schema of this release."""
    return len(STEPS) + 1


async def bring_forward(database: AsyncDatabase[Fields], *, hosts: str, owner: str, unfinished: bool = False) -> None:
    """Bring the database to the schema of this release; a new one begins with it.

    Args:
        database: ours.
        hosts: for messages.
        owner: of the lease under which a step is done; who was interrupted goes on under his own.
        unfinished: whether what a restore has left half-way may be used, by the next restore.

    Raises:
        MisconfiguredError: a newer release has changed it already, or a restore of it was never finished.
        UnavailableError: another process is at it for longer than we wait.
    """
    where, ends_at = _where(database, hosts), time.monotonic() + PATIENCE_SECONDS
    while True:
        found = await database[SCHEMA].find_one_and_update(
            DOCUMENT,
            {"$setOnInsert": {"version": version_known()}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        if found is None:  # several made it at once
            await asyncio.sleep(0)
            continue
        version = int(found["version"])
        if found.get("restoring") and not unfinished:
            raise _half_restored(where)
        if version > version_known():
            raise too_new(where, version, version_known())
        if version == version_known():
            return
        if await _has_turn(database, version, owner):
            log.info("%s moves from schema %d to %d", where, version, version + 1)
            await STEPS[version - 1](database)
            change = {"$set": {"version": version + 1}, "$unset": {"migrating": ""}}
            await database[SCHEMA].update_one({**DOCUMENT, "version": version}, change)
        elif time.monotonic() > ends_at:
            remedy = "try again in a minute"
            raise UnavailableError("store", f"another process moves {where} to a newer schema", remedy=remedy)
        else:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def check(database: AsyncDatabase[Fields], *, hosts: str) -> None:
    """Return when the database can be read as it is, and change nothing.

    Raises:
        MisconfiguredError: as `bring_forward`.
        UnavailableError: it is not there yet, or its schema is an older one.
    """
    where, found = _where(database, hosts), await database[SCHEMA].find_one(DOCUMENT) or {}
    if found.get("restoring"):
        raise _half_restored(where)
    check_schema(where, int(found.get("version", 0)), version_known())


def _where(database: AsyncDatabase[Fields], hosts: str) -> str:
    return f"the database {database.name} at {hosts}"


def _half_restored(where: str) -> MisconfiguredError:
    remedy = "restore it again with --replace; nothing else may run meanwhile"
    return MisconfiguredError("store", f"a restore of {where} was never finished", remedy=remedy)


async def _has_turn(database: AsyncDatabase[Fields], version: int, owner: str) -> bool:
    now = datetime.now(UTC)
    free = [
        {"migrating": {"$exists": False}},
        {"migrating.owner": owner},
        {"migrating.until_us": {"$lte": micros(now)}},
    ]
    lease = {"owner": owner, "until_us": micros(now + LEASE)}
    where = {**DOCUMENT, "version": version, "$or": free}
    return (await database[SCHEMA].update_one(where, {"$set": {"migrating": lease}})).matched_count == 1
