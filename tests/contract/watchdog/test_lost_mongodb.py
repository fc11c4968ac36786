"""A watchdog whose store is the MongoDB that is down: told once, from the file that stands in, and nothing besides."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.incidents.conftest import own_server
from tests.contract.notify.sinks import HttpSink, http_sink
from tests.contract.servers.misbehaving import answer
from tests.contract.store.stores import MongoServer, opened
from tradeops.adapters.store.spooling import Patience
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level
from tradeops.jobs.alerts import incidents, standin
from tradeops.jobs.monitoring.watch import Post
from tradeops.settings import Settings
from tradeops.watchdog import FAILURES_UNTIL_TOLD, Watch
from tradeops.wiring import open_channels

__all__ = ["own_server"]

NO_PAUSE = Patience(write=timedelta(seconds=20), replay=timedelta(seconds=20), pause=timedelta(0))


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink(answer(b"", status="202 Accepted")) as taking:
        yield taking


def settings(home: Path, url: str, hook: str) -> Settings:
    return Settings(
        _env_file=None,
        MONGODB_URL=url,
        TRADEOPS_HOME=home,
        TRADEOPS_WEBHOOK_URL=hook,
        TRADEOPS_WEBHOOK_SECRET="hush",
        TRADEOPS_STARTUP_GRACE_SECONDS=0,
    )


@asynccontextmanager
async def watchdog(home: Path, server: MongoServer, sink: HttpSink) -> AsyncIterator[Watch]:
    ours = settings(home, server.url, f"{sink.url}/hook")
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            opened("spooling", home=home, url=server.url, database="t", patience=NO_PAUSE)
        )
        channels = await stack.enter_async_context(open_channels(ours))
        stand_in = await stack.enter_async_context(standin.open_stand_in(ours))
        assert stand_in is not None
        yield Watch(ours, store, Post(store, None, incidents.targets(ours)), channels, None, stand_in)


def titles(sink: HttpSink) -> list[str]:
    return [json.loads(post.body)["title"] for post in sink.posts]


async def test_a_store_that_is_lost_is_one_incident_until_the_health_check_ends_it(
    tmp_path: Path, own_server: MongoServer, sink: HttpSink, caplog: pytest.LogCaptureFixture
) -> None:
    own_server.start()
    async with watchdog(tmp_path, own_server, sink) as watch:
        with caplog.at_level(logging.ERROR):
            assert await watch.round()
        assert caplog.messages == []
        own_server.stop()
        rounds = [await watch.round() for _ in range(FAILURES_UNTIL_TOLD + 1)]
        assert not any(rounds)
        assert titles(sink) == ["mongodb is critical"]
        assert watch.stand_in is not None
        [there] = await incidents.open_incidents(watch.stand_in.store, now=datetime.now(UTC))
        assert (there.key, there.source) == ("mongodb", "health")
        own_server.start()
        async with asyncio.timeout(60):
            while not await watch.round():
                pass
        assert await watch.round()
        assert titles(sink) == ["mongodb is critical"]
        assert [one.key for one in await incidents.open_incidents(watch.store, now=datetime.now(UTC))] == ["mongodb"]
        for number in range(2):
            now = datetime.now(UTC)
            well = Observation("mongodb", None, "", now)
            await standin.observe(watch, watch.stand_in, [well], source="health", run_id=f"h-{number}", now=now)
        assert await watch.round()
    assert len(sink.posts) == 2
    assert titles(sink)[1].startswith("mongodb recovered after ")


async def test_a_watchdog_that_begins_without_its_store_tells_too(
    tmp_path: Path, own_server: MongoServer, sink: HttpSink
) -> None:
    async with watchdog(tmp_path, own_server, sink) as watch:
        for _ in range(FAILURES_UNTIL_TOLD + 1):
            assert not await watch.round()
    assert titles(sink) == ["mongodb is critical"]
    assert "nothing can be kept" in json.loads(sink.posts[0].body)["body"]


async def test_runs_that_saw_it_first_leave_the_watchdog_nothing_to_tell(
    tmp_path: Path, own_server: MongoServer, sink: HttpSink
) -> None:
    async with watchdog(tmp_path, own_server, sink) as watch:
        now = datetime.now(UTC)
        seen = Observation("mongodb", Level.CRITICAL, "refused", now, looks=3)
        outcome = await standin.observe(watch, watch.stand_in, [seen], source="health", run_id="run-1", now=now)
        assert len(outcome.notices) == 1
        for _ in range(FAILURES_UNTIL_TOLD):
            await watch.round()  # hands over what that run had no time for
    assert titles(sink) == ["mongodb is critical"]
