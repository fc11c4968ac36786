"""What is down is said in words: never a blank page, never a zero; nothing else is lost, and it mends by itself."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.contract.dashboard.records import keep_a_check
from tests.contract.dashboard.running import PAGE, running
from tests.ports import reserved
from tradeops.dashboard import reading

EVERY_PAGE = ("/", "/incidents", "/decisions", "/reports", "/backtests", "/optimisations", "/audit", "/status")


async def all_pages(browser: httpx.AsyncClient) -> dict[str, str]:
    found = {}
    for path in EVERY_PAGE:
        answer = await browser.get(path, headers=PAGE)
        assert answer.status_code < 500 or answer.status_code == 503, (path, answer.text)
        assert "</html>" in answer.text, path
        found[path] = answer.text
    return found


async def test_an_engine_and_a_prefect_that_are_down_take_nothing_else_with_them(tmp_path: Path) -> None:
    await keep_a_check(tmp_path)
    gone = f"http://127.0.0.1:{reserved()}"
    async with running(tmp_path, RUST_API_URL=gone, PREFECT_API_URL=f"{gone}/api") as browser:
        pages = await all_pages(browser)
        status = (await browser.get("/status.json")).json()
        assert (status["state"], status["services"]["engine"]) == ("critical", "critical")
        assert "refused the connection" in pages["/"]
        assert (await browser.get("/api/overview")).status_code == 200
        assert "critical" in (await browser.get("/badge.svg")).text


async def test_a_store_that_is_down_is_said_everywhere_and_read_again_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ASK_AGAIN_SECONDS", 0.0)
    file = tmp_path / "tradeops.sqlite"
    file.write_bytes(b"no database at all" * 100)
    async with running(tmp_path) as browser:
        for path, text in (await all_pages(browser)).items():
            assert "damaged" in text or path == "/status", path
        assert (await browser.get("/healthz")).status_code == 200
        status = await browser.get("/status.json")
        assert status.status_code == 503
        assert status.headers["content-type"] == "application/problem+json"
        problem = status.json()
        assert (problem["system"], problem["status"]) == ("store", 503)
        assert "damaged" in problem["detail"]
        assert problem["remedy"]
        badge = await browser.get("/badge.svg")
        assert (badge.status_code, "unknown" in badge.text) == (200, True)
        public = (await browser.get("/status", headers=PAGE)).text
        assert "cannot be read" in public
        assert str(tmp_path) not in public
        file.unlink()
        await keep_a_check(tmp_path)
        assert (await browser.get("/status.json")).json()["state"] == "critical"


async def test_a_store_that_is_not_there_yet_is_said_and_made_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "ASK_AGAIN_SECONDS", 0.0)
    async with running(tmp_path, begun=False) as browser:
        for path, text in (await all_pages(browser)).items():
            assert "is not there yet" in text or path == "/status", path
        status = await browser.get("/status.json")
        assert status.status_code == 503
        assert "the next job or the watchdog" in status.json()["remedy"]
        assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
        await keep_a_check(tmp_path)
        assert (await browser.get("/status.json")).json()["state"] == "critical"


async def test_a_mongodb_that_is_down_is_said_without_its_password(tmp_path: Path) -> None:
    async with running(tmp_path, MONGODB_URL=f"mongodb://desk:hunter2@127.0.0.1:{reserved()}") as browser:
        answer = await browser.get("/status.json")
        assert (answer.status_code, answer.json()["system"]) == (503, "store")
        assert answer.json()["detail"]
        pages = await all_pages(browser)
        assert "hunter2" not in answer.text + "".join(pages.values())


async def test_an_installation_in_which_nothing_ran_yet_says_what_is_missing(tmp_path: Path) -> None:
    async with running(tmp_path) as browser:
        pages = await all_pages(browser)
        assert (await browser.get("/status.json")).json()["state"] == "unknown"
        assert "unknown" in (await browser.get("/badge.svg")).text
        assert "$0.00" not in pages["/"]
        assert "healthy" not in (await browser.get("/status", headers=PAGE)).text.lower()
