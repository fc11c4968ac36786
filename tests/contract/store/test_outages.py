"""A MongoDB that is down at the start, goes down in mid-run, hangs or refuses costs no record and no order."""

import asyncio
import socket
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest

from tests.contract.store.conftest import UNHURRIED
from tests.contract.store.stores import MongoServer
from tests.ports import reserved
from tradeops.adapters.store import AuditEvent, Message, Point, open_store
from tradeops.adapters.store.mongodb import MongoStore
from tradeops.adapters.store.spool import Pending, Spool
from tradeops.adapters.store.spooling import Patience, Replay, SpoolingStore
from tradeops.errors import MisconfiguredError, RejectedError, UnavailableError

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EVER = {"since": NOON - timedelta(days=1), "until": NOON + timedelta(days=1)}
DATABASE = "tradeops_test"
STALL = 7.0  # seconds that a busy machine may stand still; who is not given up at all takes longer


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A spooling store, its parts, and a second process' worth of them."""

    def __init__(self, url: str, home: Path, patience: Patience = UNHURRIED) -> None:
        self.clock = Clock()
        self.mongodb = MongoStore(url, database=DATABASE)
        self.spool = Spool(home / "spool.sqlite")
        self.store = SpoolingStore(self.mongodb, self.spool, patience=patience, clock=self.clock)

    async def close(self) -> None:
        await self.mongodb.close()
        self.spool.close()


@pytest.fixture
async def desk(own_server: MongoServer, tmp_path: Path) -> AsyncIterator[Desk]:
    """Before a server that does not run yet."""
    desk = Desk(own_server.url, tmp_path)
    yield desk
    await desk.close()


@pytest.fixture
def hanging_url() -> Iterator[str]:
    """Of a port that accepts connections and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        yield f"mongodb://127.0.0.1:{silent.getsockname()[1]}"


def event(number: int) -> AuditEvent:
    return AuditEvent(f"e-{number}", "test", NOON, "me", {"number": number})


def in_order_of_writing(server: MongoServer, collection: str = "audit_events") -> list[str]:
    with pymongo.MongoClient(server.url) as client:
        return [row["_id"] for row in client[DATABASE][collection].find().sort("$natural", 1)]


async def test_many_points_written_while_it_is_down_are_spooled_and_replayed(
    own_server: MongoServer, desk: Desk
) -> None:
    many = [Point(f"p-{number}", NOON, {"number": number}) for number in range(1200)]
    for _ in range(2):
        await desk.store.add_points("marks", many)
    assert await desk.store.pending() == Pending(1200, 0)
    own_server.start()
    desk.clock.now += 60
    await desk.store.replay()
    await desk.store.add_points("marks", many)
    assert await desk.store.pending() == Pending(0, 0)
    assert len(await desk.store.points("marks", **EVER, limit=5000)) == 1200


async def test_what_is_written_while_it_is_down_is_replayed_in_order_and_once(
    own_server: MongoServer, desk: Desk
) -> None:
    for number in range(5):
        assert await desk.store.append_event(event(number))
    assert await desk.store.pending() == Pending(waiting=5, set_aside=0)
    own_server.start()
    desk.clock.now += 31
    assert await desk.store.append_event(event(5))
    assert await desk.store.pending() == Pending(waiting=0, set_aside=0)
    assert in_order_of_writing(own_server) == [f"e-{n}" for n in range(6)]
    assert await desk.store.replay() == Replay()


async def test_all_three_kinds_of_records_survive(own_server: MongoServer, desk: Desk) -> None:
    point, message = Point("p-1", NOON, {"ms": 1.5}), Message("m-1", "slack", {"text": "ü"}, NOON, NOON)
    assert await desk.store.append_event(event(1))
    assert await desk.store.add_point("marks", point)
    assert await desk.store.enqueue(message)
    own_server.start()
    desk.clock.now += 31
    assert await desk.store.replay() == Replay(made=3)
    assert await desk.store.events(**EVER) == [event(1)]
    assert await desk.store.points("marks", **EVER) == [point]
    [queued] = await desk.store.outbox()
    assert queued.message == message


async def test_a_server_that_goes_down_in_mid_run_and_returns_loses_nothing(
    own_server: MongoServer, desk: Desk
) -> None:
    own_server.start()
    for number in range(3):
        assert await desk.store.append_event(event(number))
    own_server.stop()
    for number in range(3, 6):
        assert await desk.store.append_event(event(number))
    assert (await desk.store.pending()).waiting == 3
    own_server.start()
    desk.clock.now += 31
    for number in range(6, 9):
        assert await desk.store.append_event(event(number))
    assert (await desk.store.pending()).waiting == 0
    assert in_order_of_writing(own_server) == [f"e-{n}" for n in range(9)]


async def test_another_process_replays_before_its_own_write(
    own_server: MongoServer, desk: Desk, tmp_path: Path
) -> None:
    for number in range(3):
        await desk.store.append_event(event(number))
    own_server.start()
    other = Desk(own_server.url, tmp_path)
    try:
        assert await other.store.append_event(event(3))
        assert (await other.store.pending()).waiting == 0
    finally:
        await other.close()
    assert in_order_of_writing(own_server) == [f"e-{n}" for n in range(4)]


async def test_it_is_not_asked_again_before_the_pause_is_over(own_server: MongoServer, desk: Desk) -> None:
    await desk.store.append_event(event(0))
    own_server.start()
    desk.clock.now += 29
    await desk.store.append_event(event(1))
    with pytest.raises(UnavailableError, match="asked again in 1 s"):
        await desk.store.events(**EVER)
    assert (await desk.store.pending()).waiting == 2, "the server, which is there again, was not asked"
    desk.clock.now += 2
    await desk.store.append_event(event(2))
    assert in_order_of_writing(own_server) == ["e-0", "e-1", "e-2"]


async def test_a_write_queues_behind_those_that_another_process_replays(own_server: MongoServer, desk: Desk) -> None:
    await desk.store.append_event(event(0))
    own_server.start()
    desk.clock.now += 31
    with desk.spool.replaying() as alone:
        assert alone
        await desk.store.append_event(event(1))
        assert await desk.store.replay() == Replay()
    assert (await desk.store.pending()).waiting == 2
    await desk.store.append_event(event(2))
    assert in_order_of_writing(own_server) == ["e-0", "e-1", "e-2"]


async def test_a_record_that_arrived_before_we_were_killed_is_not_made_twice(
    own_server: MongoServer, desk: Desk
) -> None:
    await desk.store.append_event(event(0))
    await desk.store.append_event(event(1))
    own_server.start()
    assert await desk.mongodb.append_event(event(0))  # as a replay that dies before it clears the spool
    desk.clock.now += 31
    assert await desk.store.replay() == Replay(made=1, already_there=1)
    assert in_order_of_writing(own_server) == ["e-0", "e-1"]


async def test_a_key_that_waits_already_is_not_spooled_twice(desk: Desk) -> None:
    assert await desk.store.append_event(event(0))
    assert not await desk.store.append_event(event(0))
    assert await desk.store.add_point("marks", Point("e-0", NOON, {}))
    assert await desk.store.add_point("other_marks", Point("e-0", NOON, {}))


async def test_what_needs_an_answer_fails_and_says_what_waits(desk: Desk) -> None:
    await desk.store.append_event(event(0))
    with pytest.raises(UnavailableError):
        await desk.store.put("incidents", "engine", {}, expected_version=None)
    with pytest.raises(UnavailableError):
        await desk.store.claim("me", now=NOON, lease=timedelta(minutes=1))
    with pytest.raises(UnavailableError, match=r"1 writes wait and 0 are set aside in .*spool\.sqlite"):
        await desk.store.describe()


async def test_a_bad_record_is_refused_at_once_and_not_spooled(desk: Desk) -> None:
    with pytest.raises(ValueError, match="body"):
        await desk.store.add_point("marks", Point("p-1", NOON, {"ms": float("nan")}))
    assert (await desk.store.pending()).waiting == 0


async def test_a_record_that_the_server_refuses_is_set_aside_and_the_next_pass(
    own_server: MongoServer, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3):
        await desk.store.append_event(event(number))
    own_server.start()
    with pymongo.MongoClient(own_server.url) as client:
        rule: dict[str, Any] = {"body.number": {"$ne": 1}}
        client[DATABASE].create_collection("audit_events", validator=rule)
    desk.clock.now += 31
    assert await desk.store.replay() == Replay(made=2, set_aside=1)
    assert await desk.store.pending() == Pending(waiting=0, set_aside=1)
    [poison] = await desk.spool.set_aside()
    assert poison.write == event(1)
    assert "code 121" in poison.refusal
    assert "set aside" in caplog.text
    assert "1 are set aside" in await desk.store.describe()
    with pytest.raises(RejectedError, match="code 121"):
        await desk.store.append_event(event(1))


async def seconds_of(store: SpoolingStore, write: AuditEvent) -> float:
    started = time.monotonic()
    assert await store.append_event(write)
    return time.monotonic() - started


@pytest.mark.parametrize("waits_already", [False, True], ids=["first write", "behind another"])
async def test_a_server_that_hangs_or_is_down_delays_a_write_for_3_s_at_most(
    hanging_url: str, tmp_path: Path, waits_already: bool
) -> None:
    async with open_store("mongodb", home=tmp_path, mongodb_url=hanging_url) as store:
        assert isinstance(store, SpoolingStore)
        if waits_already:
            with closing(Spool(tmp_path / "spool.sqlite")) as other:
                await other.add(event(0))
        assert await seconds_of(store, event(1)) < 3 + STALL
        quickest = min([await seconds_of(store, event(number)) for number in (2, 3, 4)])
        assert quickest < 1, "it is not asked again; one of three writes meets no stall of the machine"
        assert (await store.pending()).waiting == 4 + waits_already
        started = time.monotonic()
    assert time.monotonic() - started < 3 + STALL


async def test_a_read_from_a_dead_port_fails_after_the_two_seconds_of_server_selection(tmp_path: Path) -> None:
    url = f"mongodb://user:sesame@127.0.0.1:{reserved()}/?authSource=admin"
    async with open_store("mongodb", home=tmp_path, mongodb_url=url) as store:
        assert isinstance(store, SpoolingStore)
        started = time.monotonic()
        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1") as caught:
            await store.newest_point("marks")
        assert 1.5 < time.monotonic() - started < 2 + STALL
        assert "sesame" not in str(caught.value)
        quickest = min([await seconds_of(store, event(number)) for number in (0, 1, 2)])
        assert quickest < 1, "the failed read opened the pause"


async def test_a_replay_in_small_windows_makes_progress_and_keeps_the_order(
    own_server: MongoServer, tmp_path: Path
) -> None:
    desk = Desk(own_server.url, tmp_path, Patience(write=timedelta(seconds=20), replay=timedelta(seconds=0.15)))
    try:
        for number in range(250):
            await desk.spool.add(event(number))
        own_server.start()
        writes = 0
        while (await desk.store.pending()).waiting:
            await desk.store.append_event(event(250 + writes))
            writes += 1
            desk.clock.now += 31
            assert writes < 200
        assert in_order_of_writing(own_server) == [f"e-{n}" for n in range(250 + writes)]
    finally:
        await desk.close()


async def test_several_that_replay_at_once_make_each_record_once_and_in_order(
    own_server: MongoServer, tmp_path: Path
) -> None:
    desks = [Desk(own_server.url, tmp_path) for _ in range(4)]
    try:
        for number in range(60):
            await desks[0].spool.add(event(number))
        own_server.start()
        done = await asyncio.gather(*(desk.store.replay() for desk in desks))
        assert sum(replay.made for replay in done) == 60
        assert in_order_of_writing(own_server) == [f"e-{n}" for n in range(60)]
    finally:
        for desk in desks:
            await desk.close()


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("user:sesame@127.0.0.1:99999", id="no such port"),
        pytest.param("us er:sesame%zz@127.0.0.1:27017", id="a bare percent sign in the password"),
        pytest.param("user:sesame/same@127.0.0.1:27017", id="a bare slash in the password"),
        pytest.param("user:sesame@127.0.0.1:27017/?authMechanism=NONSENSE", id="no such mechanism"),
        pytest.param("user:sesame@127.0.0.1:27017/?tls=ture", id="neither with TLS nor without"),
    ],
)
async def test_an_address_that_cannot_be_used_is_a_setting_to_change(tmp_path: Path, address: str) -> None:
    with pytest.raises(MisconfiguredError, match="MONGODB_URL") as caught:
        async with open_store("mongodb", home=tmp_path, mongodb_url=f"mongodb://{address}"):
            pass
    assert "same" not in "".join(traceback.format_exception(caught.value))


async def test_an_option_of_another_driver_is_left_alone(tmp_path: Path) -> None:
    url = f"mongodb://127.0.0.1:{reserved()}/?anotherDriversOption=1"
    with pytest.warns(UserWarning, match="Unknown option"):
        async with open_store("mongodb", home=tmp_path, mongodb_url=url) as store:
            assert isinstance(store, SpoolingStore)
