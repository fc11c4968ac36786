"""Our store is a MongoDB that goes away, which is itself the news: told at once, its end told once, nothing doubled."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.incidents.watcher import NOON, Ground
from tests.contract.store.stores import MongoServer, opened
from tradeops.adapters.store import Store
from tradeops.adapters.store.interface import MessageState
from tradeops.adapters.store.spooling import Patience
from tradeops.domain.incidents.merging import merged
from tradeops.domain.incidents.model import Incident, Observation, Silence
from tradeops.domain.incidents.telling import Board
from tradeops.domain.notices import Level
from tradeops.errors import ConflictError, RejectedError, UnavailableError
from tradeops.jobs.alerts import alerting, incidents, silences, standin
from tradeops.settings import Settings

NO_PAUSE = Patience(write=timedelta(seconds=20), replay=timedelta(seconds=20), pause=timedelta(0))
QUARTER = timedelta(minutes=15)


def settings(home: Path, url: str) -> Settings:
    return Settings(
        _env_file=None,
        MONGODB_URL=url,
        TRADEOPS_HOME=home,
        SLACK_WEBHOOK_URL="http://127.0.0.1:9/hook",
        TRADEOPS_STARTUP_GRACE_SECONDS=0,
    )


async def see(ground: Ground, number: int, **parts: Level | None) -> list[str]:
    """One round; returns the titles of what it said."""
    now = NOON + number * QUARTER
    looks = [Observation(key, level, "refused", now, looks=3 if level else 1) for key, level in parts.items()]
    async with standin.open_stand_in(ground.settings) as stand_in:
        outcome = await standin.observe(ground, stand_in, looks, source="health", run_id=f"r-{number}", now=now)
    return [notice.title for notice in outcome.notices]


async def keys(store: Store) -> list[str]:
    return [one.message.key for state in MessageState for one in await store.outbox(state)]


async def test_a_database_that_takes_our_store_with_it_is_told_and_its_end_too(
    tmp_path: Path, own_server: MongoServer
) -> None:
    own_server.start()
    ground = Ground(settings(tmp_path, own_server.url), None)  # type: ignore[arg-type]
    async with opened("spooling", home=tmp_path, url=own_server.url, database="t", patience=NO_PAUSE) as store:
        ground.store = store
        await silences.begin(store, Silence("s", "redis", NOON, NOON + timedelta(hours=9), "known", "ada"))
        said = [await see(ground, 0, mongodb=None, engine=None, disk=Level.WARNING, llm=Level.WARNING)]
        own_server.stop()
        dead, bad = Level.CRITICAL, Level.WARNING
        said.append(await see(ground, 1, mongodb=dead, engine=dead, disk=bad, llm=None, redis=dead))
        said.append(await see(ground, 2, mongodb=dead, engine=dead, disk=bad, llm=None, redis=dead))
        own_server.start()
        said.append(await see(ground, 3, mongodb=None, engine=None, disk=bad, llm=None, redis=dead))
        said.append(await see(ground, 4, mongodb=None, engine=None, disk=bad, llm=None, redis=dead))
        said.append(await see(ground, 5, mongodb=None, engine=None, disk=bad, llm=None, redis=dead))
        there = [one.key for one in await incidents.open_incidents(store, now=NOON)]
        told = Counter(key.split("@")[0] + key.rpartition(":")[0].rpartition(":")[2] for key in await keys(store))
    assert said == [
        ["disk and llm are degraded"],
        ["mongodb is critical, and 1 that depends on it"],
        ["llm recovered after 15 min"],
        [],
        ["mongodb recovered after 30 min"],
        [],
    ]
    assert sorted(there) == ["disk", "redis"]
    assert told == {"diskopened": 1, "mongodbopened": 1, "llmresolved": 1, "mongodbresolved": 1}


async def test_while_the_store_is_down_a_job_still_tells_by_its_channels(
    tmp_path: Path, own_server: MongoServer
) -> None:
    got: list[bytes] = []

    async def hook(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        got.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    sink = await asyncio.start_server(hook, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{sink.sockets[0].getsockname()[1]}/hook"
    ours = settings(tmp_path, own_server.url).model_copy(update={"slack_webhook_url": _secret(address)})
    async with sink, opened("spooling", home=tmp_path, url=own_server.url, database="t", patience=NO_PAUSE) as store:
        ground = Ground(ours, store)
        look = Observation("mongodb", Level.CRITICAL, "refused", datetime.now(UTC), looks=3)
        problems = await alerting.tell(ground, [look], source="health", run_id="r-1")
    assert [b"mongodb is critical" in body for body in got] == [True]
    assert len(problems) == 1
    assert "MongoDB" in problems[0] or "mongodb" in problems[0]


def _secret(text: str) -> object:
    from pydantic import SecretStr  # noqa: PLC0415

    return SecretStr(text)


async def test_a_local_store_needs_no_stand_in(tmp_path: Path) -> None:
    ours = settings(tmp_path, "mongodb://127.0.0.1:9").model_copy(update={"store": "sqlite"})
    async with opened("sqlite", home=tmp_path) as store:
        assert await see(Ground(ours, store), 0, engine=Level.CRITICAL) == ["engine is critical"]
        assert len(await keys(store)) == 1
    assert not (tmp_path / standin.FOLDER).exists()


async def test_alerting_that_cannot_even_open_its_file_says_so(tmp_path: Path) -> None:
    (tmp_path / standin.FOLDER).write_text("in the way")
    ours = settings(tmp_path, "mongodb://127.0.0.1:9")
    async with opened("sqlite", home=tmp_path) as store:
        [problem] = await alerting.tell(Ground(ours, store), [], source="health", run_id="r")
    assert problem.startswith("nobody was told: ")


async def test_a_copy_that_another_process_makes_too_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def conflict(*_: object) -> int:
        raise ConflictError("store", "changed")

    monkeypatch.setattr(standin, "_put", conflict)
    async with opened("sqlite", home=tmp_path) as store:
        ground = Ground(settings(tmp_path, "mongodb://127.0.0.1:9"), store)
        assert await see(ground, 0, engine=Level.CRITICAL) == ["engine is critical"]


async def test_messages_that_the_store_does_not_take_are_due_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> bool:
        raise UnavailableError("store", "gone")

    ours = settings(tmp_path, "mongodb://127.0.0.1:9")
    async with opened("sqlite", home=tmp_path) as store, standin.open_stand_in(ours) as stand_in:
        assert stand_in is not None
        looks = [Observation(key, Level.CRITICAL, "refused", NOON, looks=3) for key in ("engine", "redis")]
        for number, look in enumerate(looks):
            await incidents.observe(stand_in, [look], source="health", run_id=f"l-{number}", now=NOON)
        monkeypatch.setattr(store, "enqueue", full)
        assert await see(Ground(ours, store), 1, engine=Level.CRITICAL, redis=Level.CRITICAL) == []
        at = NOON + QUARTER
        due = await stand_in.store.claim("sender", now=at, lease=QUARTER, limit=9)
        assert sorted(claim.message.key.split("@")[0] for claim in due) == ["engine", "redis"]
        assert not any(claim.interrupted for claim in due)


async def test_what_is_wrong_with_more_than_the_connection_is_no_reason_to_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise RejectedError("store", "too large")

    monkeypatch.setattr(incidents, "observe", refused)
    async with opened("sqlite", home=tmp_path) as store:
        with pytest.raises(RejectedError):
            await see(Ground(settings(tmp_path, "mongodb://127.0.0.1:9"), store), 0, engine=Level.CRITICAL)


def seen(key: str, minutes: int) -> Incident:
    return Incident(key, "health", "", Level.WARNING, NOON + timedelta(minutes=minutes), "r")


def test_of_two_boards_what_was_seen_last_counts() -> None:
    ours = Board(
        NOON, {"gone": seen("gone", 0), "both": seen("both", 0), "ahead": seen("ahead", 9), "new": seen("new", 9)}
    )
    other = Board(NOON, {"both": seen("both", 5), "ahead": seen("ahead", 5), "theirs": seen("theirs", 5)})
    together = merged(ours, other, since=NOON + timedelta(minutes=1)).incidents
    assert {key: one.last_at.minute for key, one in together.items()} == {"both": 5, "ahead": 9, "new": 9, "theirs": 5}
    assert merged(merged(ours, other, since=NOON), other, since=NOON) == merged(ours, other, since=NOON)
    assert "gone" in merged(ours, other, since=None).incidents
