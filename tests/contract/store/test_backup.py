"""A backup brings back all of it, into either kind of store, or says what is wrong and changes nothing."""

import asyncio
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest

from tests.contract.store.stores import MongoServer
from tradeops.adapters.store import AuditEvent, Message, MessageState, Point, Store, backup_mongodb, backup_sqlite
from tradeops.adapters.store.backup import Part, Row
from tradeops.adapters.store.spool import SeriesPoint, Spool
from tradeops.domain.brakes import Kind, Record
from tradeops.errors import MisconfiguredError, RejectedError, UnavailableError
from tradeops.jobs import audit
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.records import COLLECTION as BRAKES
from tradeops.jobs.only_one import only_one
from tradeops.jobs.upkeep import backup as writing
from tradeops.jobs.upkeep import backup_file
from tradeops.jobs.upkeep.backup import name_of, write_backup
from tradeops.jobs.upkeep.backup_file import BackupWriter, Manifest, new_backup
from tradeops.jobs.upkeep.restore import restore
from tradeops.settings import Settings
from tradeops.wiring import our_store

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 25, 12, 0, 0, 123457, tzinfo=UTC)
EVER = {"since": datetime(2000, 1, 1, tzinfo=UTC), "until": datetime(2200, 1, 1, tzinfo=UTC), "limit": 10_000}
BODY = {
    "text": "ünïcode €",
    "money": "12.340",
    "tiny": 1e-08,
    "list": [1, 2.0, True, None, {"deep": -0.0}],
    "big": 2**53 + 1,
}
KINDS = ("sqlite", "mongodb")
MANY = 120


@pytest.fixture(autouse=True)
def _in_many_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((backup_sqlite, "AT_ONCE"), (backup_mongodb, "AT_ONCE"), (backup_file, "LINES_AT_ONCE")):
        monkeypatch.setattr(module, name, 50)


@pytest.fixture
def mongodb(session_server: MongoServer) -> Iterator[str]:
    """An address at which our database is empty."""
    with pymongo.MongoClient(session_server.url) as client:
        client.drop_database("tradeops")
        yield session_server.url
        client.drop_database("tradeops")


def settings(kind: str, home: Path, mongodb: str) -> Settings:
    values = {"TRADEOPS_HOME": home, "TRADEOPS_STORE": kind, "MONGODB_URL": mongodb, "OPENAI_API_KEY": "sk-planted"}
    return Settings(_env_file=None, **values)


def standing(target: str, *, released: bool = False) -> dict[str, Any]:
    released_at = NOW.isoformat() if released else None
    return {"target": target, "incident_id": f"{target}-1", "since": NOW.isoformat(), "released_at": released_at}


async def fill(store: Store) -> None:
    await audit.append(store, at=NOW, actor="test", what="asked", content={"n": 1})
    await audit.append(store, at=NOW, actor="test", what="decided", content={"n": 2})
    await store.append_event(AuditEvent("e-1", "strategy_disabled", NOW, "guard", BODY))
    seen = await store.put("incidents", "board", {"open": ["engine"]}, expected_version=None)
    await store.put("incidents", "board", BODY, expected_version=seen.version)
    await store.put(BRAKES, "rsi", standing("rsi"), expected_version=None)
    for series in ("health_checks", "trades"):
        await store.add_points(series, [Point(f"p-{n:05}", NOW - timedelta(minutes=n % 7), BODY) for n in range(MANY)])
    for key in ("told", "waits", "held"):
        await store.enqueue(Message(key, "slack", {"title": key}, NOW, NOW))
    first, _ = await store.claim("me", now=NOW, lease=timedelta(minutes=1), limit=2)
    await store.settle(first, MessageState.DELIVERED, note="once")


async def everything(store: Store) -> list[Any]:
    return [
        await store.events(**EVER),
        *[await store.documents(name) for name in ("incidents", BRAKES, audit.COLLECTION)],
        *[await store.points(name, **EVER) for name in ("health_checks", "trades")],
        *[await store.outbox(state) for state in MessageState],
        (await audit.verify(store)).problems,
    ]


@pytest.mark.parametrize("into", KINDS)
@pytest.mark.parametrize("out_of", KINDS)
async def test_what_is_restored_is_what_was_there(out_of: str, into: str, tmp_path: Path, mongodb: str) -> None:
    before, file = settings(out_of, tmp_path / "old", mongodb), tmp_path / "backup.zip"
    Journal(tmp_path / "old").append(Record(Kind.INTENT, "rsi", "rsi-1", NOW, {"reason": "loss"}))
    async with our_store(before) as store:
        await fill(store)
        expected = await everything(store)
    made = await write_backup(before, file, now=NOW)
    assert made.is_of_one_moment
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"sk-planted" not in b"".join(zipfile.ZipFile(file).read(name) for name in zipfile.ZipFile(file).namelist())
    with pymongo.MongoClient(mongodb) as client:
        client.drop_database("tradeops")
    after = settings(into, tmp_path / "new", mongodb)
    done = await restore(after, file, replace=False)
    assert done.manifest == made
    async with our_store(after) as store:
        assert await everything(store) == expected
        assert await store.add_point("trades", Point("p-00001", NOW, {})) is False
        await audit.append(store, at=NOW, actor="test", what="asked", content={"n": 3})
        assert (await audit.verify(store)).records == 3
    assert Journal(tmp_path / "new").standing().keys() == {"rsi"}
    with pytest.raises(RejectedError, match=r"there are records already: .*; add --replace"):
        await restore(after, file, replace=False)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_restore_of_older_records_lets_nothing_trade_again(kind: str, tmp_path: Path, mongodb: str) -> None:
    ours, file = settings(kind, tmp_path / "home", mongodb), tmp_path / "backup.zip"
    async with our_store(ours) as store:
        macd = await store.put(BRAKES, "macd", standing("macd", released=True), expected_version=None)
        await store.put(BRAKES, "rsi", standing("rsi"), expected_version=None)
    await write_backup(ours, file, now=NOW)
    async with our_store(ours) as store:
        await store.put(BRAKES, "macd", standing("macd"), expected_version=macd.version)
        await store.put(BRAKES, "volume", standing("volume"), expected_version=None)
        await store.put("incidents", "board", {}, expected_version=None)
    journal = Journal(tmp_path / "home")
    journal.append(Record(Kind.INTENT, "volume", "volume-1", NOW, {"reason": "loss"}))
    done = await restore(ours, file, replace=True)
    assert done.kept_off == ("macd", "volume")
    async with our_store(ours) as store:
        off = [one.key for one in await store.documents(BRAKES) if one.body["released_at"] is None]
        assert off == ["macd", "rsi", "volume"]
        assert await store.get("incidents", "board") is None
    assert journal.standing().keys() == {"volume"}


@pytest.mark.parametrize("into", KINDS)
async def test_what_waited_in_the_spool_is_not_lost(into: str, tmp_path: Path, mongodb: str) -> None:
    before, file = settings("mongodb", tmp_path / "old", mongodb), tmp_path / "backup.zip"
    spool = Spool(tmp_path / "old" / "spool.sqlite")
    for write in (
        AuditEvent("e-9", "strategy_disabled", NOW, "guard", BODY),
        SeriesPoint("trades", Point("p-9", NOW, BODY)),
        Message("m-9", "slack", {"title": "late"}, NOW, NOW),
    ):
        await spool.add(write)
    spool.close()
    await write_backup(before, file, now=NOW)
    after = settings(into, tmp_path / "new", mongodb)
    await restore(after, file, replace=True)
    async with our_store(after) as store:
        await store.add_point("trades", Point("p-10", NOW, {}))  # what waits is made first
        assert [one.event_id for one in await store.events(**EVER)] == ["e-9"]
        assert [one.key for one in await store.points("trades", **EVER)] == ["p-10", "p-9"]
        assert [one.message.key for one in await store.outbox()] == ["m-9"]


async def test_a_backup_is_of_one_moment_while_others_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, file = settings("sqlite", tmp_path / "home", "mongodb://127.0.0.1:9"), tmp_path / "backup.zip"
    real = writing.name_of

    async with our_store(ours) as store:
        await fill(store)
        expected = await everything(store)
        loop, added = asyncio.get_running_loop(), []

        def meanwhile(part: Part) -> str:
            added.append(loop.create_task(store.append_event(AuditEvent(f"late-{part}", "late", NOW, "me"))))
            added.append(loop.create_task(store.add_point("trades", Point(f"late-{part}", NOW, {}))))
            return real(part)

        monkeypatch.setattr(writing, "name_of", meanwhile)
        await write_backup(ours, file, now=NOW)
        await asyncio.gather(*added)
        assert await everything(store) != expected
    after = settings("sqlite", tmp_path / "new", "mongodb://127.0.0.1:9")
    await restore(after, file, replace=False)
    async with our_store(after) as store:
        assert await everything(store) == expected


KILLED = """
import asyncio, os, sys
from pathlib import Path
from tradeops.jobs.upkeep import restore as restoring
from tradeops.settings import Settings
kind, home, url, file = sys.argv[1:]
real = restoring._fill
async def fill(into, part, *rest):
    await real(into, part, *rest)
    if part == "points":
        os.kill(os.getpid(), 9)
restoring._fill = fill
settings = Settings(_env_file=None, TRADEOPS_HOME=home, TRADEOPS_STORE=kind, MONGODB_URL=url)
asyncio.run(restoring.restore(settings, Path(file), replace=True))
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_restore_that_is_killed_is_never_taken_for_a_whole_one(kind: str, tmp_path: Path, mongodb: str) -> None:
    ours, file = settings(kind, tmp_path / "home", mongodb), tmp_path / "backup.zip"
    async with our_store(ours) as store:
        await fill(store)
        await write_backup(ours, file, now=NOW)
        await store.put("incidents", "later", {}, expected_version=None)
    command = [sys.executable, "-c", KILLED, kind, str(tmp_path / "home"), mongodb, str(file)]
    killed = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert killed.returncode == -9
    async with our_store(ours) as store:
        if kind == "sqlite":
            assert await store.get("incidents", "later") is not None
        else:
            with pytest.raises(MisconfiguredError, match="was never finished; restore it again with --replace"):
                await store.get("incidents", "later")
    await restore(ours, file, replace=True)
    async with our_store(ours) as store:
        assert await store.get("incidents", "later") is None
        assert len(await store.points("trades", **EVER)) == MANY


async def test_what_runs_or_is_down_is_told_before_anything_changes(tmp_path: Path) -> None:
    ours, file = settings("sqlite", tmp_path / "home", "mongodb://127.0.0.1:9"), tmp_path / "backup.zip"
    with pytest.raises(MisconfiguredError, match=f"nothing is known in the sqlite store of {tmp_path}/home; check"):
        await write_backup(ours, file, now=NOW)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - no iterator in a coroutine
    async with our_store(ours) as store:
        with pytest.raises(MisconfiguredError, match="nothing is known"):
            await write_backup(ours, file, now=NOW)
        await store.put("incidents", "board", {}, expected_version=None)
    await write_backup(ours, file, now=NOW)
    with pytest.raises(RejectedError, match=r"backup\.zip is there already"):
        await write_backup(ours, file, now=NOW)
    with only_one(tmp_path / "home", "watchdog"), pytest.raises(UnavailableError, match="runs; end it and all workers"):
        await restore(ours, file, replace=True)
    with pytest.raises(UnavailableError, match=r"MongoDB at 127\.0\.0\.1:9 does not answer"):
        await write_backup(settings("mongodb", tmp_path / "home", "mongodb://127.0.0.1:9"), tmp_path / "no", now=NOW)
    with pytest.raises(MisconfiguredError, match="cannot be written"):
        await write_backup(ours, tmp_path / "absent" / "backup.zip", now=NOW)
    assert sorted(os.listdir(tmp_path)) == ["backup.zip", "home"]  # noqa: PTH208 - no iterator in a coroutine


def changed(file: Path, name: str, content: bytes | None) -> Path:
    """A copy of the backup in which one part is another one, or gone; its zip is in order."""
    other = file.with_name("changed.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for part in old.namelist():
            kept = content if part == name else old.read(part)
            if kept is not None:
                new.writestr(part, kept)
    return other


async def test_a_bad_file_is_refused_by_the_name_of_its_part(tmp_path: Path) -> None:
    ours, file = settings("sqlite", tmp_path / "home", "mongodb://127.0.0.1:9"), tmp_path / "backup.zip"
    async with our_store(ours) as store:
        await fill(store)
    await write_backup(ours, file, now=NOW)
    whole, points = file.read_bytes(), name_of(Part.POINTS)
    with zipfile.ZipFile(file) as archive:
        there = archive.getinfo(points)
        at = there.header_offset + there.compress_size // 2
        manifest = json.loads(archive.read("manifest.json"))
        text = archive.read(points)
    cut, flipped, strange = (tmp_path / name for name in ("cut", "flipped", "strange"))
    cut.write_bytes(whole[: len(whole) // 2])
    flipped.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
    strange.write_text("somebody's letter")
    newer = json.dumps(manifest | {"format": 2}).encode()
    empty = settings("sqlite", tmp_path / "empty", "mongodb://127.0.0.1:9")
    for bad, problem in (
        (cut, "cut off, or no backup at all"),
        (strange, "cut off, or no backup at all"),
        (tmp_path / "absent", "cannot be read: No such file"),
        (flipped, f"the part {points} is "),
        (changed(file, points, text.replace(b"12.340", b"99.340", 1)), f"the part {points} is not what was written"),
    ):
        with pytest.raises(RejectedError, match=problem):
            await restore(empty, bad, replace=True)
    for name, content, problem in (
        (points, None, f"the part {points} is missing"),
        ("manifest.json", b"{", "the part manifest.json is damaged"),
        ("manifest.json", b"[]", "the part manifest.json is damaged"),
        ("manifest.json", newer, "has format 2, this release knows 1"),
    ):
        with pytest.raises(RejectedError, match=problem):
            await restore(empty, changed(file, name, content), replace=True)
    assert not (tmp_path / "empty").exists()


async def test_a_mongodb_that_stands_alone_is_backed_up_anew_when_the_trail_grew_meanwhile(
    tmp_path: Path, mongodb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def alone(*_: object) -> bool:
        return False  # the server of these tests says that it is a replica set

    async def grows(writer: BackupWriter, name: str, batches: AsyncIterator[Sequence[Row]]) -> None:
        await add(writer, name, batches)
        if name == name_of(Part.DOCUMENTS) and growing:
            number = growing.pop()
            await audit.append(store, at=NOW, actor="test", what="asked", content={"n": number})

    ours, file, add, growing = (
        settings("mongodb", tmp_path / "home", mongodb),
        tmp_path / "b.zip",
        BackupWriter.add,
        [9],
    )
    monkeypatch.setattr(backup_mongodb, "_can_look_back", alone)
    monkeypatch.setattr(BackupWriter, "add", grows)
    async with our_store(ours) as store:
        await fill(store)
        made = await write_backup(ours, file, now=NOW)
        assert not made.is_of_one_moment
        expected = await everything(store)
        growing.extend(range(10, 20))
        with pytest.raises(UnavailableError, match="the audit trail grew meanwhile, 3 times; try again later"):
            await write_backup(ours, tmp_path / "never.zip", now=NOW)
        growing.clear()
    after = settings("sqlite", tmp_path / "new", mongodb)
    await restore(after, file, replace=False)
    async with our_store(after) as store:
        assert await everything(store) == expected
    assert sorted(os.listdir(tmp_path)) == ["b.zip", "home", "new"]  # noqa: PTH208 - no iterator in a coroutine


POINT = {"series": "trades", "key": "p-1", "at": 0, "body": {}}


@pytest.mark.parametrize(
    ("name", "row", "problem"),
    [
        pytest.param("store/points.jsonl", {**POINT, "series": "$where"}, "is no name", id="a name of no series"),
        pytest.param("store/points.jsonl", {**POINT, "at": "noon"}, "at is 'noon', no number", id="a time in words"),
        pytest.param("store/points.jsonl", {**POINT, "at": True}, "at is True, no number", id="a time that is true"),
        pytest.param("store/points.jsonl", {**POINT, "_id": 1}, "a row has the fields", id="another field"),
        pytest.param("store/points.jsonl", {**POINT, "body": {"_id": 1}}, "which is ours", id="a field of ours"),
        pytest.param(
            "spool.jsonl",
            {"kind": "point", "series": "trades", "key": "p", "record": ["p"], "spooled_at": 0, "refusal": None},
            "no write that waited",
            id="a write that is none",
        ),
        pytest.param(
            "spool.jsonl",
            {"kind": "drop", "series": "trades", "key": "p", "record": [], "spooled_at": 0, "refusal": None},
            "no write that waited|is not known",
            id="a write of no kind",
        ),
    ],
)
async def test_a_record_made_by_hand_is_refused_and_nothing_is_restored(
    name: str, row: Row, problem: str, tmp_path: Path
) -> None:
    file, ours = tmp_path / "hand.zip", settings("sqlite", tmp_path / "home", "mongodb://127.0.0.1:9")
    with new_backup(file) as writer:
        for part in ("store/documents.jsonl", "store/events.jsonl", "store/points.jsonl", "store/outbox.jsonl"):
            await writer.add(part, batches(*([row] if part == name else [])))
        if name == "spool.jsonl":
            await writer.add(name, batches(row))
        writer.add_text("brake.journal", b"")
        writer.end(Manifest(NOW, "hand", "mongodb", is_of_one_moment=True, parts=writer.parts))
    with pytest.raises(RejectedError, match=f"{name} has a record that no store keeps: .*({problem})"):
        await restore(ours, file, replace=False)
    async with our_store(ours) as store:
        assert await store.newest_point("trades") is None


async def batches(*rows: Row) -> AsyncIterator[Sequence[Row]]:
    yield rows
