"""Stores of the first release are moved forward with all that is in them, also when that is killed half-way."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pymongo
import pytest
from bson import json_util

from tests.contract.store.stores import MongoServer, opened
from tradeops.adapters.store import AuditEvent, Document, MessageState, Point, Store, mongodb_schema
from tradeops.adapters.store.sqlite import MIGRATIONS
from tradeops.errors import UnavailableError

ROOT = Path(__file__).parents[3]
DUMPS = Path(__file__).parent / "dumps"
NOON = datetime(2026, 11, 20, 12, 0, 0, 123457, tzinfo=UTC)
EVER = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=1)}


def old_sqlite(path: Path) -> Path:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((DUMPS / "sqlite-1.sql").read_text())
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    return path


def old_mongodb(url: str, database: str) -> None:
    dump = json_util.loads((DUMPS / "mongodb-1.json").read_text())
    with pymongo.MongoClient(url) as client:
        for name, content in dump["collections"].items():
            client[database][name].insert_many(content["documents"])
            for index in content["indexes"]:
                keys = [tuple(key) for key in index.pop("keys")]
                client[database][name].create_index(keys, **index)


def kill_half_way(*arguments: str) -> None:
    command = [sys.executable, "-m", "tests.contract.store.migrator", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half-way\n"
        process.kill()


async def expect_all_of_it(store: Store) -> None:
    assert await store.events(**EVER) == [
        AuditEvent(
            "rsi-1:strategy_disabled",
            "strategy_disabled",
            NOON,
            "guard",
            {"reason": "lost 12 % of the account; at once", "loss_usd": "1234.50"},
        ),
        AuditEvent(
            "rsi-1:released", "strategy_released", NOON + timedelta(hours=2), "operator", {"note": "it's mended"}
        ),
    ]
    assert await store.documents("incidents") == [Document("board", {"open": [], "text": "ünïcode €"}, 2)]
    assert [p.key for p in await store.points("health_checks", **EVER)] == ["run-0", "run-1", "run-2"]
    trade = Point("t-9007199254740993", NOON, {"pnl_usd": "-3.10", "quantity": 1e-08, "fills": [1, 2.0, True]})
    assert await store.points("trades", **EVER) == [trade]
    waiting = await store.outbox()
    assert [(one.message.key, one.tries, one.note) for one in waiting] == [("told", 0, ""), ("lost", 1, "")]
    assert [one.message.key for one in await store.outbox(MessageState.DELIVERED)] == ["late"]
    [claim] = await store.claim("me", now=NOON, lease=timedelta(minutes=1))
    assert await store.settle(claim, MessageState.FAILED, note="as only a later release can say")
    assert [one.note for one in await store.outbox(MessageState.FAILED)] == ["as only a later release can say"]


@pytest.mark.parametrize("killed", [False, True], ids=["at once", "killed half-way before"])
async def test_a_file_of_the_first_release_is_moved_forward_whole(tmp_path: Path, killed: bool) -> None:
    path = old_sqlite(tmp_path / "home" / "tradeops.sqlite")
    if killed:
        kill_half_way("sqlite", str(path))
    async with opened("sqlite", home=path.parent) as store:
        assert (await store.describe()).endswith(f"schema {len(MIGRATIONS)}")
        await expect_all_of_it(store)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)


@pytest.mark.parametrize("killed", [False, True], ids=["at once", "killed half-way before"])
async def test_a_mongodb_of_the_first_release_is_moved_forward_whole(
    session_server: MongoServer, database: str, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    old_mongodb(session_server.url, database)
    if killed:
        kill_half_way("mongodb", session_server.url, database)
        monkeypatch.setattr(mongodb_schema, "PATIENCE_SECONDS", 0.0)
        with closing_client(session_server.url) as client:  # as if its lease had long to run
            later = {"$set": {"migrating.until_us": 2**62}}
            assert client[database]["schema"].update_one({"migrating.owner": {"$exists": True}}, later).matched_count
            async with opened("mongodb", home=Path(), url=session_server.url, database=database) as store:
                with pytest.raises(UnavailableError, match=r"another process moves the database .* to a newer schema"):
                    await store.outbox()
            client[database]["schema"].update_one({}, {"$set": {"migrating.until_us": 0}})
    async with opened("mongodb", home=Path(), url=session_server.url, database=database) as store:
        await expect_all_of_it(store)
        assert (await store.describe()).endswith("schema 2")
    with closing_client(session_server.url) as client:
        assert client[database]["schema"].find_one() == {"_id": "tradeops", "version": 2}
        assert not [i for i in client[database]["health_checks"].list_indexes() if "expireAfterSeconds" in i]


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
async def test_what_an_older_release_was_about_to_send_counts_as_perhaps_sent(
    kind: str, tmp_path: Path, session_server: MongoServer, database: str
) -> None:
    path = old_sqlite(tmp_path / "home" / "tradeops.sqlite")
    old_mongodb(session_server.url, database)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE outbox SET owner = 'old', leased_until = 0 WHERE key = 'told'")
    with closing_client(session_server.url) as client:
        client[database]["outbox"].update_one({"_id": "told"}, {"$set": {"owner": "old", "leased_us": 0}})
    async with opened(kind, home=path.parent, url=session_server.url, database=database) as store:
        [claim] = await store.claim("me", now=NOON, lease=timedelta(minutes=1))
    assert (claim.message.key, claim.interrupted) == ("told", True)


def closing_client(url: str) -> "pymongo.MongoClient[dict[str, object]]":
    return pymongo.MongoClient(url)


def test_the_dumps_are_of_the_oldest_schemas() -> None:
    assert "user_version = 1" in (DUMPS / "sqlite-1.sql").read_text()
    [schema] = json.loads((DUMPS / "mongodb-1.json").read_text())["collections"]["schema"]["documents"]
    assert schema == {"_id": "tradeops", "version": 1}
