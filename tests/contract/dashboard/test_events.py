"""Open pages over real connections: they hear of what a job keeps, and no more of them listen than is good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

from tests.contract.dashboard.records import keep_a_check
from tests.contract.dashboard.running import running
from tradeops.dashboard.live import MOST_LISTENERS


async def next_event(lines: AsyncIterator[str]) -> dict[str, str]:
    """The fields of the event that comes next."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(30):
        async for line in lines:
            if not line and "event" in fields:
                return fields
            name, _, value = line.partition(": ")
            fields[name] = value
    raise AssertionError("the stream has ended")


async def keep_checks(home: Path) -> None:
    """Again and again: the first may be there before the page's first look."""
    while True:
        await keep_a_check(home)
        await asyncio.sleep(0.5)


async def test_an_open_page_hears_of_what_a_job_keeps_in_another_process(tmp_path: Path) -> None:
    async with running(tmp_path) as browser, browser.stream("GET", "/api/live") as page:
        assert page.headers["content-type"].startswith("text/event-stream")
        assert page.headers["cache-control"] == "no-store"
        lines = page.aiter_lines()
        assert (await next_event(lines))["event"] == "hello"
        job = asyncio.create_task(keep_checks(tmp_path))
        told = await next_event(lines)
        job.cancel()
        assert told["event"] == "changed"
        assert '"health"' in told["data"]


async def test_one_page_too_many_is_told_to_come_again(tmp_path: Path) -> None:
    async with running(tmp_path) as browser, AsyncExitStack() as pages:
        for _ in range(MOST_LISTENERS):
            page = await pages.enter_async_context(browser.stream("GET", "/api/live"))
            assert page.status_code == 200
        refused = await browser.get("/api/live")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
        assert (await browser.head("/api/live")).status_code == 503
        assert (await browser.get("/healthz")).status_code == 200
        await pages.aclose()
        async with asyncio.timeout(30):
            # it learns a moment later that they went
            while (await browser.head("/api/live")).status_code != 200:  # noqa: ASYNC110 - the server's event, not ours
                await asyncio.sleep(0.05)
