"""What only MongoDB does: logins and rights, validators, and answers that are lost on their way."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import WriteError

from tests.contract.store.stores import MongoServer
from tradeops.adapters.store import AuditEvent, Point, open_store
from tradeops.adapters.store.mongodb import DATABASE, MongoStore
from tradeops.adapters.store.spooling import SpoolingStore
from tradeops.errors import MisconfiguredError, RejectedError, UnavailableError

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVENT = AuditEvent("e-1", "test", NOON, "me", {"number": 1})
EVER = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=1)}


@asynccontextmanager
async def connected(url: str, database: str = DATABASE, *, for_reading: bool = False) -> AsyncIterator[MongoStore]:
    store = MongoStore(url, database=database, for_reading=for_reading)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def losing_answers(port: int, *, of_inserts: int) -> AsyncIterator[str]:
    """A way to the server on which so many inserts of an event lose their answers, and the connection."""
    left = of_inserts

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        lost = asyncio.Event()

        async def back() -> None:
            while data := await server_reader.read(65536):
                if lost.is_set():
                    break
                writer.write(data)
            writer.close()
            server_writer.close()

        answering = asyncio.create_task(back())
        while data := await reader.read(65536):
            if left and b"insert" in data and b"e-1" in data:
                left -= 1
                lost.set()
            server_writer.write(data)
        server_writer.close()
        await answering

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    yield f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/?directConnection=true"
    server.close()
    assert left == 0, "the answers that the test is about were never lost"


async def test_who_only_reads_makes_nothing_and_moves_no_schema(session_server: MongoServer, database: str) -> None:
    url = session_server.url
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        async with connected(url, database, for_reading=True) as reader:
            with pytest.raises(UnavailableError, match="is not there yet; the next job or the watchdog"):
                await reader.events(**EVER)
            assert database not in client.list_database_names()
            async with connected(url, database) as writer:
                assert await writer.append_event(EVENT)
            assert await reader.events(**EVER) == [EVENT]
            assert await reader.newest_point("never_kept") is None
            assert "never_kept" not in client[database].list_collection_names()
        for version, error, problem in (
            (1, UnavailableError, "has schema 1, this release reads 2; the next job or the watchdog"),
            (99, MisconfiguredError, "has schema 99, this release knows 2"),
        ):
            client[database]["schema"].update_one({}, {"$set": {"version": version}})
            async with connected(url, database, for_reading=True) as reader:
                with pytest.raises(error, match=problem):
                    await reader.events(**EVER)
            [kept] = client[database]["schema"].find()
            assert kept["version"] == version


@pytest.mark.parametrize("lost", [1, 2, 5])
async def test_the_writer_of_a_record_is_told_so_though_answers_are_lost(
    session_server: MongoServer, database: str, lost: int
) -> None:
    async with losing_answers(session_server.port, of_inserts=lost) as url, connected(url, database) as store:
        assert await store.append_event(EVENT)
        assert not await store.append_event(EVENT)
        assert await store.events(**EVER) == [EVENT]


async def test_a_write_is_tried_three_times_and_no_more(session_server: MongoServer, database: str) -> None:
    each_sent_twice_by_the_driver = 6
    async with (
        losing_answers(session_server.port, of_inserts=each_sent_twice_by_the_driver) as url,
        connected(url, database) as store,
    ):
        with pytest.raises(UnavailableError, match="does not answer"):
            await store.append_event(EVENT)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A server that asks for passwords: of `owner`, who may all, and of `reader`, who may not write."""
    server = MongoServer(tmp_path_factory.mktemp("guarded"))
    try:
        server.start()
        with pymongo.MongoClient(server.url) as client:
            client.admin.command("createUser", "owner", pwd="sesame", roles=["root"])
            client.admin.command("createUser", "reader", pwd="sesame", roles=[{"role": "read", "db": DATABASE}])
        server.stop()
        server.start("--auth")
        yield server
    finally:
        server.stop(signal.SIGKILL)


async def test_with_the_right_password_it_opens(guarded: MongoServer) -> None:
    async with connected(guarded.url.replace("://", "://owner:sesame@")) as store:
        assert await store.append_event(EVENT)
        assert "sesame" not in await store.describe()


@pytest.mark.parametrize(
    "login",
    [
        pytest.param("owner:open@", id="wrong password"),
        pytest.param("", id="no password"),
        pytest.param("reader:sesame@", id="no right to write"),
    ],
)
async def test_a_login_that_is_refused_is_a_setting_to_change_and_nothing_is_spooled(
    guarded: MongoServer, tmp_path: Path, login: str
) -> None:
    url = guarded.url.replace("://", f"://{login}")
    async with open_store("mongodb", home=tmp_path / "home", mongodb_url=url) as store:
        assert isinstance(store, SpoolingStore)
        with pytest.raises(MisconfiguredError, match=r"check user, password and rights in MONGODB_URL") as caught:
            await store.append_event(EVENT)
        assert (await store.pending()).waiting == 0
    assert "sesame" not in str(caught.value)
    assert "open" not in str(caught.value)


async def test_a_database_of_a_newer_release_is_left_alone(session_server: MongoServer, database: str) -> None:
    with pymongo.MongoClient(session_server.url) as client:
        client[database]["schema"].insert_one({"_id": "tradeops", "version": 3})
        async with connected(session_server.url, database) as store:
            with pytest.raises(MisconfiguredError, match="has schema 3, this release knows 2; use the newer release"):
                await store.append_event(EVENT)
        assert client[database].list_collection_names() == ["schema"]


@pytest.mark.parametrize(
    ("collection", "stranger"),
    [
        pytest.param("health_checks", {"_id": "x", "at_us": "noon"}, id="a point without a number for its time"),
        pytest.param("incidents", {"_id": "x", "version": 1, "body": "text"}, id="a document without a body"),
    ],
)
async def test_the_server_refuses_what_is_not_ours(
    session_server: MongoServer, database: str, collection: str, stranger: dict[str, Any]
) -> None:
    async with connected(session_server.url, database) as store:
        await store.add_point("health_checks", Point("p-1", NOON, {}))
        await store.put("incidents", "engine", {}, expected_version=None)
    with pymongo.MongoClient(session_server.url) as client, pytest.raises(WriteError, match="validation"):
        client[database][collection].insert_one(stranger)


async def test_times_are_dates_for_people_too(session_server: MongoServer, database: str) -> None:
    async with connected(session_server.url, database) as store:
        await store.add_point("health_checks", Point("p-1", NOON, {"ms": 1}))
    with pymongo.MongoClient(session_server.url, tz_aware=True) as client:
        row = client[database]["health_checks"].find_one()
    assert row is not None
    assert {name: row[name] for name in ("_id", "timestamp", "ms")} == {"_id": "p-1", "timestamp": NOON, "ms": 1}


async def test_a_record_above_mongodbs_own_limit_is_refused_for_ever(
    session_server: MongoServer, database: str
) -> None:
    three_mib_as_text_and_eighteen_in_bson = {"ones": [1] * 1_500_000}
    async with connected(session_server.url, database) as store:
        with pytest.raises(RejectedError, match="larger than the 16 MiB that MongoDB keeps"):
            await store.append_event(AuditEvent("e-2", "test", NOON, "me", three_mib_as_text_and_eighteen_in_bson))
