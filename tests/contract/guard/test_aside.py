"""What the guard leaves to others is done when they are there, and holds up nothing while they are not."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.contract.notify.sinks import HttpSink, http_sink
from tests.contract.servers.misbehaving import answer
from tradeops.adapters.prefect_api.client import Event
from tradeops.adapters.store import open_store
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.jobs.alerts import incidents
from tradeops.jobs.guard.aside import Aside, open_aside
from tradeops.jobs.reports import equity
from tradeops.settings import Settings

NOW = datetime.now(UTC)
QUICK = (timedelta(milliseconds=20), timedelta(milliseconds=50))
LOST = Observation("guard:figures", Level.CRITICAL, "equity is no number", NOW, CERTAIN)


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with http_sink(answer(b"", status="202 Accepted")) as taking:
        yield taking


def settings(home: Path, sink: HttpSink, **more: str) -> Settings:
    hook = {"TRADEOPS_WEBHOOK_URL": f"{sink.url}/hook", "TRADEOPS_WEBHOOK_SECRET": "hush"}
    return Settings(_env_file=None, TRADEOPS_HOME=home, TRADEOPS_STARTUP_GRACE_SECONDS=0, **hook, **more)


def hasty(aside: Aside) -> Aside:
    for errands in (aside.of_store, aside.of_people, aside.of_channels, aside.of_prefect):
        errands.pauses = QUICK
    return aside


def titles(sink: HttpSink) -> list[str]:
    return [json.loads(post.body)["title"] for post in sink.posts if post.path == "/hook"]


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - a sink has no event to wait for
            await asyncio.sleep(0.01)


async def test_what_is_told_is_an_incident_and_is_told_once(tmp_path: Path, sink: HttpSink) -> None:
    async with open_aside(settings(tmp_path, sink)) as aside:
        for _ in range(3):
            aside.tell([LOST], source="guard")
        aside.tell([], source="guard")
        async with asyncio.timeout(10):
            await aside.of_people.settled()
        [there] = await incidents.open_incidents(await aside.store(), now=NOW)
    assert there.key == "guard:figures"
    assert titles(sink) == ["guard:figures is critical"]


async def test_a_store_that_cannot_be_opened_holds_up_no_alarm_and_gets_all_when_it_is_mended(
    tmp_path: Path, sink: HttpSink
) -> None:
    in_the_way = tmp_path / "tradeops.sqlite"
    in_the_way.mkdir()
    worth = partial(equity.observe, equity=Decimal(9_000), at=NOW)
    async with open_aside(settings(tmp_path, sink)) as opened:
        aside = hasty(opened)
        aside.keep("equity", worth)
        aside.tell([LOST], source="guard")
        await until(lambda: titles(sink))
        aside.tell([Observation("brake:portfolio", Level.CRITICAL, "off", NOW, CERTAIN)], source="guard")
        aside.tell([Observation("brake:soft", Level.WARNING, "near", NOW, CERTAIN)], source="guard")
        await until(lambda: len(titles(sink)) == 2)
        assert [json.loads(post.body)["event"] for post in sink.posts] == ["told_directly"] * 2
        assert "past the outbox" in json.loads(sink.posts[0].body)["body"]
        in_the_way.rmdir()
        async with asyncio.timeout(10):
            await asyncio.gather(aside.of_store.settled(), aside.of_people.settled())
        store = await aside.store()
        assert await equity.observed_near(store, NOW) == {NOW: Decimal(9_000)}
        assert {one.key for one in await incidents.open_incidents(store, now=NOW)} == {
            "guard:figures",
            "brake:portfolio",
            "brake:soft",
        }


async def test_past_a_store_that_is_down_each_trouble_is_told_once_and_the_next_one_again(
    tmp_path: Path, sink: HttpSink
) -> None:
    (tmp_path / "tradeops.sqlite").mkdir()
    well = replace(LOST, severity=None)
    async with open_aside(settings(tmp_path, sink)) as opened:
        aside = hasty(opened)
        for number, look in enumerate((well, LOST, LOST, well, LOST)):
            aside.tell([look], source="guard")
            await until(lambda: aside.of_people.problem)
            await until(lambda number=number: len(titles(sink)) == (0, 1, 1, 1, 2)[number])
            async with asyncio.timeout(10):
                await aside.of_channels.settled()


async def test_a_channel_that_is_gone_is_logged_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tradeops.sqlite").mkdir()
    async with (
        http_sink(answer(b"", status="503 Service Unavailable")) as broken,
        open_aside(settings(tmp_path, broken)) as opened,
    ):
        hasty(opened).tell([LOST], source="guard")
        await until(lambda: broken.posts)
        async with asyncio.timeout(10):
            await opened.of_channels.settled()
    assert re.search(r"webhook: \S+ answered HTTP 503", caplog.text)


async def test_an_event_waits_for_prefect_and_holds_up_nothing_else(tmp_path: Path, sink: HttpSink) -> None:
    busy, taken = answer(b"", status="503 Service Unavailable"), answer(b"", status="204 No Content")
    async with http_sink(busy, taken) as prefect:
        ours = settings(tmp_path, sink, PREFECT_API_URL=f"{prefect.url}/api")
        async with open_aside(ours) as opened:
            aside = hasty(opened)
            event = Event(uuid4(), "tradeops.strategy.disabled", "tradeops.strategy.portfolio", "portfolio", NOW, {})
            aside.emit(event)
            aside.tell([LOST], source="guard")
            async with asyncio.timeout(10):
                await asyncio.gather(aside.of_people.settled(), aside.of_prefect.settled())
        assert [post.path for post in prefect.posts] == ["/api/events"] * 2
        assert {json.loads(post.body)[0]["id"] for post in prefect.posts} == {str(event.event_id)}
    assert titles(sink) == ["guard:figures is critical"]


async def test_without_prefect_there_are_no_events(tmp_path: Path, sink: HttpSink) -> None:
    async with open_aside(settings(tmp_path, sink)) as aside:
        aside.emit(Event(uuid4(), "tradeops.strategy.disabled", "x", "x", NOW, {}))
        assert aside.of_prefect.waiting == 0
    async with open_store("sqlite", home=tmp_path) as store:
        assert await incidents.open_incidents(store, now=NOW) == ()
