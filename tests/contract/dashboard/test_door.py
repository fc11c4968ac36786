"""The door of a dashboard that really listens: the token, names, traversal, other sites, proxies."""

import asyncio
import re
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from tests.contract.dashboard.running import PAGE, TOKEN, running
from tradeops.dashboard import connections, login
from tradeops.jobs.window import Window


async def send_raw(browser: httpx.AsyncClient, text: str) -> str:
    """What it answers to bytes that no client would send."""
    parts = urlsplit(str(browser.base_url))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(text.encode("latin-1"))
    await writer.drain()
    async with asyncio.timeout(30):
        answer = await reader.read(65536)
    writer.close()
    return answer.decode("latin-1")


async def log_in(browser: httpx.AsyncClient, token: str, target: str = "/", **headers: str) -> httpx.Response:
    return await browser.post("/login", data={"token": token, "next": target}, headers={**PAGE, **headers})


async def test_a_person_logs_in_looks_around_and_logs_out(tmp_path: Path) -> None:
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as browser:
        led = await browser.get("/incidents?range=7d", headers=PAGE)
        assert led.status_code == 303
        form = await browser.get(led.headers["location"], headers=PAGE)
        assert form.status_code == 200
        assert 'name="token"' in form.text
        assert 'type="password"' in form.text
        wrong = await log_in(browser, "nonsense")
        assert wrong.status_code == 401
        assert "TRADEOPS_DASHBOARD_TOKEN" in wrong.text
        assert "nonsense" not in wrong.text
        right = await log_in(browser, TOKEN, "/incidents?range=7d")
        assert (right.status_code, right.headers["location"]) == (303, "/incidents?range=7d")
        cookie = right.headers["set-cookie"]
        assert re.search(r"; HttpOnly", cookie)
        assert re.search(r"; SameSite=lax", cookie, re.IGNORECASE)
        assert "Secure" not in cookie  # or a browser would drop it over plain HTTP
        assert TOKEN not in cookie
        assert (await browser.get("/incidents?range=7d", headers=PAGE)).status_code == 200
        kept = dict(browser.cookies)
        await browser.post("/logout", headers=PAGE)
        browser.cookies.update(kept)  # a copy of the cookie that somebody kept
        assert (await browser.get("/incidents", headers=PAGE)).status_code == 303


async def test_where_no_token_is_asked_for_there_is_nothing_to_log_in_to(tmp_path: Path) -> None:
    async with running(tmp_path) as browser:
        form = await browser.get("/login?next=/audit", headers=PAGE)
        assert (form.status_code, form.headers["location"]) == (303, "/audit")
        for path in ("/login", "/logout"):
            answer = await browser.post(path, headers=PAGE)
            assert answer.status_code == 303
            assert not [one for one in answer.headers.get_list("set-cookie") if "Max-Age=0" not in one]


async def test_a_mistake_of_ours_is_a_protected_answer_that_tells_nothing_of_its_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(Window, "overview", broken)
    async with running(tmp_path) as browser:
        for headers in ({}, PAGE):
            answer = await browser.get("/" if headers else "/api/overview", headers=headers)
            assert answer.status_code == 500
            assert "our own code broke (RuntimeError)" in answer.text.lower().replace("runtimeerror", "RuntimeError")
            assert "hunter2" not in answer.text
            assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "",
        "/login",
    ],
)
async def test_a_login_leads_nowhere_else(target: str) -> None:
    assert login.own_path(target) == "/"


async def test_guessing_is_locked_out_and_says_how_long(tmp_path: Path) -> None:
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as browser:
        for _ in range(5):
            assert (await log_in(browser, "guess")).status_code == 401
        locked = await log_in(browser, TOKEN)
        assert locked.status_code == 429
        assert 50 < int(locked.headers["retry-after"]) <= 61
        assert "set-cookie" not in locked.headers


async def test_a_form_that_is_no_form_is_no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "FORM_SECONDS", 0.2)
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as browser:
        for body in (b"\xff\xfe", b"token=" + b"x" * 5000, b"&".join(b"a=b" for _ in range(99)), b'{"token": 1}'):
            assert (await browser.post("/login", content=body)).status_code == 401
            browser.cookies.clear()
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as browser:
        dripping = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\ntoken="
        assert " 401 " in (await send_raw(browser, dripping)).splitlines()[0]


@pytest.mark.parametrize(
    "path",
    ["/static/../../../../../../etc/passwd", "/static/%2e%2e/%2e%2e/pyproject.toml", "/../etc/passwd", "//etc/passwd"],
)
async def test_a_path_that_climbs_finds_nothing(path: str, tmp_path: Path) -> None:
    async with running(tmp_path) as browser:
        answer = await send_raw(browser, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert " 404 " in answer.splitlines()[0]
        assert "root:" not in answer
        assert "[project]" not in answer


@pytest.mark.parametrize(
    "request_text",
    [
        pytest.param(
            "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", id="two names"
        ),
        pytest.param("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", id="another name"),
        pytest.param("GET / HTTP/1.0\r\n\r\n", id="no name"),
        pytest.param(f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {'x' * 40_000}\r\n\r\n", id="a long head"),
        pytest.param("nonsense\r\n\r\n", id="no HTTP"),
        pytest.param(
            "POST /api/overview HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            id="a write",
        ),
    ],
)
async def test_what_is_not_asked_properly_is_turned_away(request_text: str, tmp_path: Path) -> None:
    async with running(tmp_path) as browser:
        assert re.match(r"HTTP/1\.1 4\d\d ", await send_raw(browser, request_text))
        assert (await browser.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {"host": "evil.example"}, 421),
        ("DELETE", "/incidents", {}, 405),
        ("GET", "/", {"sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}, 403),
        ("GET", "/nowhere", {}, 404),
    ],
)
async def test_a_person_who_is_turned_away_sees_a_page_that_says_why(
    method: str, path: str, headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    async with running(tmp_path) as browser:
        answer = await browser.request(method, path, headers={**PAGE, **headers})
        assert answer.status_code == status
        assert "</html>" in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("said", ["", "GET / HTTP/1.1\r\nHost: loc"], ids=["nothing", "half a head"])
async def test_a_connection_that_does_not_get_to_its_request_is_ended(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.2)
    async with running(tmp_path) as browser:
        assert await send_raw(browser, said) == ""
        assert await send_raw(browser, f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n{said}")  # ended afterwards


async def test_a_visitor_who_does_not_take_the_answer_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(connections, "DEAF_SECONDS", 0.5)
    async with running(tmp_path) as browser:
        parts = urlsplit(str(browser.base_url))
        assert parts.hostname
        with socket.create_connection((parts.hostname, parts.port)) as deaf:
            deaf.setblocking(False)
            ask = b"GET /static/plotly.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
            await asyncio.get_running_loop().sock_sendall(deaf, ask)
            here, ends_at = deaf.getsockname(), time.monotonic() + 30
            while here in [one.raddr for one in psutil.Process().net_connections("tcp")]:  # the server's end
                assert time.monotonic() < ends_at
                await asyncio.sleep(0.05)


async def test_a_proxy_is_believed_only_where_it_is_named(tmp_path: Path) -> None:
    forwarded = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.1"}
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN, TRADEOPS_DASHBOARD_PROXIES="127.0.0.0/8") as browser:
        answer = await log_in(browser, TOKEN, **forwarded)
        assert answer.headers["set-cookie"].startswith("__Host-")
        assert "; Secure" in answer.headers["set-cookie"]
        assert "strict-transport-security" in answer.headers
        for _ in range(5):
            await log_in(browser, "guess", **forwarded)
        assert (await log_in(browser, TOKEN, **forwarded)).status_code == 429
        assert (await log_in(browser, TOKEN, **{**forwarded, "x-forwarded-for": "192.0.2.2"})).status_code == 303
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as browser:
        answer = await log_in(browser, TOKEN, **forwarded)
        assert "Secure" not in answer.headers["set-cookie"]
        for number in range(5):
            await log_in(browser, "guess", **{"x-forwarded-for": f"192.0.2.{number}"})
        assert (await log_in(browser, TOKEN)).status_code == 429


async def test_the_status_is_public_only_when_it_is_meant_to_be(tmp_path: Path) -> None:
    paths = ("/status", "/status.json", "/badge.svg")
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN) as browser:
        assert [(await browser.get(path)).status_code for path in paths] == [401, 401, 401]
    async with running(tmp_path, TRADEOPS_DASHBOARD_TOKEN=TOKEN, TRADEOPS_DASHBOARD_PUBLIC_STATUS=True) as browser:
        assert [(await browser.get(path)).status_code for path in paths] == [200, 200, 200]
        assert (await browser.get("/api/overview")).status_code == 401
        page = (await browser.get("/status", headers=PAGE)).text
        assert 'href="/incidents' not in page
