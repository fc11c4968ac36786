"""Pages hear of changes: one look serves all, nobody looks unasked, and no stream keeps the process from ending."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from tradeops.dashboard.live import Live
from tradeops.errors import UnavailableError

AT_ONCE = timedelta(0)
NEVER = timedelta(hours=1)


class Marks:
    """The marks, and how often they were looked at."""

    def __init__(self) -> None:
        self.now = {"health": "1", "incidents": "1"}
        self.looks = 0
        self.error: Exception | None = None
        self.looked = asyncio.Event()

    async def __call__(self) -> dict[str, str]:
        self.looks += 1
        self.looked.set()
        if self.error:
            raise self.error
        return dict(self.now)

    async def look(self) -> None:
        """Return after one whole look more, so that what was there before it is known."""
        for _ in range(2):
            self.looked.clear()
            await self.looked.wait()


@pytest.fixture
async def marks() -> Marks:
    return Marks()


def hub(marks: Marks, *, alive: timedelta = NEVER, most: int = 3) -> Live:
    return Live(marks, look_every=AT_ONCE, alive_every=alive, most=most)


async def heard(events: AsyncGenerator[str]) -> tuple[str, Any]:
    async with asyncio.timeout(20):
        lines = dict(line.split(": ", 1) for line in (await anext(events)).strip().splitlines())
    return lines["event"], json.loads(lines["data"])


async def test_a_page_is_greeted_and_then_told_which_topics_changed(marks: Marks) -> None:
    live = hub(marks)
    async with aclosing(live.listen()) as page:
        assert (await heard(page))[0] == "hello"
        await marks.look()
        marks.now |= {"health": "2", "decisions": "1"}
        name, told = await heard(page)
        assert (name, told["topics"]) == ("changed", ["decisions", "health"])


async def test_many_pages_cost_no_more_looks_than_one_and_none_costs_none(marks: Marks) -> None:
    live = hub(marks)
    async with aclosing(live.listen()) as one, aclosing(live.listen()) as other:
        await heard(one)
        await heard(other)
        assert live.is_full is False
        await marks.look()
        marks.now |= {"health": "2"}
        assert (await heard(one))[1]["topics"] == (await heard(other))[1]["topics"] == ["health"]
        assert live._looking is not None
    looks = marks.looks
    assert live._looking is None
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert marks.looks == looks


async def test_no_more_than_so_many_listen(marks: Marks) -> None:
    live = hub(marks, most=1)
    async with aclosing(live.listen()) as page:
        await heard(page)
        assert live.is_full
    assert not live.is_full


async def test_a_page_that_hears_nothing_hears_that_we_are_there(marks: Marks) -> None:
    async with aclosing(hub(marks, alive=timedelta(seconds=0.01)).listen()) as page:
        assert (await heard(page))[0] == "hello"
        assert (await heard(page))[0] == "alive"


@pytest.mark.parametrize("error", [UnavailableError("store", "gone"), TimeoutError()], ids=["down", "slow"])
async def test_a_store_that_goes_and_comes_back_is_told_each_time(error: Exception, marks: Marks) -> None:
    async with aclosing(hub(marks).listen()) as page:
        await heard(page)
        await marks.look()
        marks.error = error
        assert (await heard(page))[1]["topics"] == ["store"]
        marks.error = None
        marks.now |= {"health": "2"}
        assert (await heard(page))[1]["topics"] == ["health", "store"]


async def test_a_look_that_breaks_ends_nothing(marks: Marks, caplog: pytest.LogCaptureFixture) -> None:
    async with aclosing(hub(marks).listen()) as page:
        await heard(page)
        await marks.look()
        marks.error = ValueError("ours")
        await marks.look()
        marks.error = None
        marks.now |= {"health": "2"}
        assert (await heard(page))[1]["topics"] == ["health"]
    assert "a look for changes broke" in caplog.text


async def test_the_end_of_the_process_ends_every_stream(marks: Marks) -> None:
    live = hub(marks)
    async with aclosing(live.listen()) as page:
        await heard(page)
        live.close()
        with pytest.raises(StopAsyncIteration):
            await heard(page)
    assert live.is_full
    assert [event async for event in live.listen()] != []
    assert live._looking is None
