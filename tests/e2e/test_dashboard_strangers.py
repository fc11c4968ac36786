"""What a page of another site gets from the dashboard through the browser of somebody who is logged in: nothing."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.nights import dashboard_of
from tests.contract.probes.conftest import program
from tests.e2e.test_up import CHROMIUM

pytestmark = pytest.mark.e2e

TOKEN = "correct-horse-battery"


@contextmanager
def another_site(content: str) -> Iterator[str]:
    """The address of a page that somebody else serves: for a browser, `localhost` is another site than 127.0.0.1."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_another_site_may_link_here_and_gets_nothing_else(tmp_path: Path) -> None:
    with dashboard_of(None, tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as there, sync_playwright() as playwright:
        ours = there.address
        trap = f"""<a href="{ours}/incidents?range=7d">look</a><iframe src="{ours}/"></iframe>
            <img src="{ours}/badge.svg">
            <script src="{ours}/api/overview"></script><form method="post" action="{ours}/logout"></form>"""
        with another_site(trap) as theirs:
            browser = playwright.chromium.launch(
                executable_path=program("chromium"), args=list(CHROMIUM), ignore_default_args=["--headless"]
            )
            context = browser.new_context()
            context.set_default_timeout(120_000)
            page = context.new_page()
            page.goto(f"{ours}/audit")
            page.fill("input[name=token]", TOKEN)
            page.keyboard.press("Enter")
            page.wait_for_url(f"{ours}/audit")
            assert page.evaluate("document.cookie") == ""

            page.close()  # with its stream, whose answer may come late
            page = context.new_page()
            answers: list[tuple[str, int]] = []
            page.on("response", lambda response: answers.append((response.url, response.status)))
            page.goto(theirs, wait_until="load")
            got = [(url, status) for url, status in answers if url.startswith(ours)]
            assert got
            assert [(url, status) for url, status in got if status not in {401, 403}] == []
            ask = f"fetch('{ours}/api/overview', {{credentials: 'include'}}).then(() => 'read', () => 'refused')"
            assert page.evaluate(ask) == "refused"
            assert not page.evaluate("document.querySelector('img').naturalWidth")
            assert all("TradeOps" not in frame.content() for frame in page.frames[1:])

            page.click("a")
            page.wait_for_url(f"{ours}/incidents?range=7d")
            page.get_by_role("heading", name="Incidents").first.wait_for()  # the session came along in the end

            page.goto(theirs)
            page.evaluate("document.querySelector('form').submit()")
            page.wait_for_url(f"{ours}/logout")
            page.goto(f"{ours}/audit")
            assert page.url == f"{ours}/audit"  # nobody was logged out
            browser.close()
