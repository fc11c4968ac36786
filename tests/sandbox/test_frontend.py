"""The frontend is one HTML page that says what it is."""

import httpx

from sandbox.frontend import build_app
from sandbox.pages import BANNER, page


async def test_its_page_is_html_and_says_sandbox() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build_app()), base_url="http://frontend") as client:
        answer = await client.get("/")
        missing = await client.get("/missing")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.startswith("<!doctype html>")
    assert BANNER in answer.text
    assert missing.status_code == 404


def test_a_title_cannot_smuggle_markup() -> None:
    assert "<i>" not in page("<i>")
