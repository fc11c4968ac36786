"""What the door lets through, and what it answers itself."""

from dataclasses import replace
from http import HTTPStatus

import httpx
import pytest
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tradeops.dashboard.access import Door, Rules
from tradeops.dashboard.attempts import Attempts
from tradeops.dashboard.sessions import PLAIN_COOKIE, SECURE_COOKIE, Sessions

TOKEN = "correct-horse-battery"
PAGE = {"accept": "text/html"}
OPEN = Rules(frozenset({"desk.example.com"}), None, Attempts(), public_status=False)


def guarded() -> Rules:
    return replace(OPEN, sessions=Sessions(TOKEN), attempts=Attempts())


async def behind(scope: Scope, receive: Receive, send: Send) -> None:
    answer = PlainTextResponse(f"{scope['method']} {scope['path']}", headers={"access-control-allow-origin": "*"})
    if scope["path"].startswith("/static/"):
        answer.headers["cache-control"] = "immutable"
    await answer(scope, receive, send)


def refuse(_asked: HTTPConnection, status: HTTPStatus, detail: str, remedy: str) -> Response:
    return PlainTextResponse(f"{detail}; {remedy}", status)


async def ask(
    rules: Rules,
    path: str,
    method: str = "GET",
    *,
    origin: str = "http://127.0.0.1:8090",
    client: str = "127.0.0.1",
    **headers: str,
) -> httpx.Response:
    transport = httpx.ASGITransport(Door(behind, rules, refuse), client=(client, 1))
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url=origin) as browser:
        return await browser.request(method, path, headers=sent)


async def test_what_may_be_read_is_read() -> None:
    answer = await ask(OPEN, "/incidents?range=7d")
    assert (answer.status_code, answer.text) == (200, "GET /incidents")


async def test_every_answer_is_protected_also_a_refusal() -> None:
    for answer in (await ask(OPEN, "/"), await ask(OPEN, "/", "DELETE"), await ask(OPEN, "/", host="evil.example")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers
        assert "strict-transport-security" not in answer.headers


async def test_what_a_route_says_of_caching_stays() -> None:
    assert (await ask(OPEN, "/static/main.js")).headers["cache-control"] == "immutable"


async def test_over_https_the_browser_is_told_to_stay_with_it() -> None:
    assert "strict-transport-security" in (await ask(OPEN, "/", origin="https://127.0.0.1")).headers


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "POST", "BREW"])
async def test_nothing_is_changed_by_any_method(method: str) -> None:
    answer = await ask(guarded(), "/api/overview", method)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_head_is_get_without_a_body_and_options_allows_no_other_site() -> None:
    head = await ask(OPEN, "/incidents", "HEAD")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "14")
    options = await ask(OPEN, "/login", "OPTIONS", origin="http://127.0.0.1", access_control_request_method="PUT")
    assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert not [name for name in options.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8090",
        "localhost",
        "LOCALHOST:1",
        "[::1]:8090",
        "192.0.2.7",
        "desk.example.com",
        "desk.example.com.:80",
    ],
)
async def test_it_answers_to_its_own_names(host: str) -> None:
    assert (await ask(OPEN, "/", host=host)).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil@localhost",
        "",
        "desk.example.com/x",
        "a b",
    ],
)
async def test_a_name_that_somebody_else_points_at_us_gets_nothing(host: str) -> None:
    answer = await ask(OPEN, "/", host=host)
    assert answer.status_code == 421
    assert "TRADEOPS_DASHBOARD_NAMES" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/%252e%252e/etc/passwd",
        "/static/..%2f..%2fetc/passwd",
        "/static/..%5c..%5cboot.ini",
        "/%2f%2fevil.example",
        "/static/main.js%00.css",
        "/incidents/a%0d%0aset-cookie:x",
    ],
)
async def test_a_path_that_climbs_or_tricks_gets_nothing(path: str) -> None:
    transport = httpx.ASGITransport(Door(behind, OPEN, refuse))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
        request = browser.build_request("GET", "/")
        request.url = request.url.copy_with(raw_path=path.encode())  # as it stands, not tidied by the client
        assert (await browser.send(request)).status_code == 404


@pytest.mark.parametrize(
    ("fetch", "status"),
    [
        pytest.param(
            {"sec_fetch_site": "cross-site", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}, 403, id="fetch"
        ),
        pytest.param(
            {"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"}, 403, id="script"
        ),
        pytest.param(
            {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}, 403, id="frame"
        ),
        pytest.param(
            {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 200, id="link"
        ),
        pytest.param(
            {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}, 200, id="ours"
        ),
        pytest.param(
            {"sec_fetch_site": "none", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 200, id="typed"
        ),
    ],
)
async def test_another_site_may_link_to_a_page_and_no_more(fetch: dict[str, str], status: int) -> None:
    assert (await ask(OPEN, "/api/overview", **fetch)).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"origin": "http://evil.example"}, 403, id="another origin"),
        pytest.param({"origin": "null"}, 403, id="hidden origin"),
        pytest.param({"sec_fetch_site": "same-site"}, 403, id="a sister site"),
        pytest.param(
            {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}, 403, id="form"
        ),
        pytest.param({"sec_fetch_site": "same-origin"}, 200, id="ours"),
        pytest.param({}, 200, id="no browser"),
    ],
)
async def test_no_other_site_logs_anybody_in_or_out(headers: dict[str, str], status: int) -> None:
    transport = httpx.ASGITransport(Door(behind, guarded(), refuse))
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090") as browser:
        assert (await browser.post("/login", headers=sent)).status_code == status


async def test_a_link_on_another_site_is_asked_again_since_the_cookie_did_not_come_with_it() -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    answer = await ask(guarded(), "/incidents?range=7d", **PAGE, **link)
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0;url=/incidents?range=7d")
    again = await ask(guarded(), "/incidents?range=7d", **PAGE, **{**link, "sec_fetch_site": "same-origin"})
    assert again.status_code == 303


async def test_a_person_without_the_token_is_led_to_the_form_and_back() -> None:
    answer = await ask(guarded(), "/incidents?range=7d&x=%2F", **PAGE)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fincidents%3Frange%3D7d%26x%3D%252F"


@pytest.mark.parametrize(
    "path",
    ["/api/overview", "/api/live", "/api/openapi.json", "/metrics", "/status.json", "/badge.svg", "/x", "/healthz/"],
)
async def test_a_program_without_the_token_is_told(path: str) -> None:
    answer = await ask(guarded(), path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("path", ["/healthz", "/login", "/static/main.js"])
async def test_what_holds_no_records_needs_no_token(path: str) -> None:
    assert (await ask(guarded(), path)).status_code == 200


async def test_the_public_status_is_public_and_nothing_else_is() -> None:
    public = replace(guarded(), public_status=True)
    elsewhere = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}
    badge = await ask(public, "/badge.svg", **elsewhere)
    assert (badge.status_code, badge.headers["cross-origin-resource-policy"]) == (200, "cross-origin")
    assert (await ask(public, "/status.json")).status_code == 200
    assert (await ask(public, "/status")).status_code == 200
    assert (await ask(public, "/status.json", **elsewhere)).status_code == 403
    assert (await ask(public, "/api/overview")).status_code == 401


async def test_the_bearer_of_the_token_and_of_a_session_come_in() -> None:
    rules = guarded()
    assert rules.sessions is not None
    cookie = rules.sessions.begin()
    assert (await ask(rules, "/metrics", authorization=f"Bearer {TOKEN}")).status_code == 200
    assert (await ask(rules, "/api/x", cookie=f"{PLAIN_COOKIE}={cookie}")).status_code == 200
    assert (await ask(rules, "/api/x", cookie=f"{PLAIN_COOKIE}={cookie[:-4]}AAAA")).status_code == 401
    over_https = "https://desk.example.com"
    assert (await ask(rules, "/api/x", origin=over_https, cookie=f"{SECURE_COOKIE}={cookie}")).status_code == 200
    assert (await ask(rules, "/api/x", origin=over_https, cookie=f"{PLAIN_COOKIE}={cookie}")).status_code == 401


async def test_wrong_bearers_are_locked_out_even_with_the_right_token_at_last() -> None:
    rules = guarded()
    wrong = [await ask(rules, "/metrics", authorization="Bearer nonsense", client="192.0.2.9") for _ in range(5)]
    assert {one.status_code for one in wrong} == {401}
    locked = await ask(rules, "/metrics", authorization=f"Bearer {TOKEN}", client="192.0.2.9")
    assert locked.status_code == 429
    assert 0 < int(locked.headers["retry-after"]) <= 61
    assert (await ask(rules, "/metrics", authorization=f"Bearer {TOKEN}", client="192.0.2.10")).status_code == 200


async def test_a_web_socket_gets_nothing() -> None:
    sent = []

    async def send(message: object) -> None:
        sent.append(message)

    await Door(behind, OPEN, refuse)({"type": "websocket"}, lambda: None, send)  # type: ignore[arg-type, return-value]
    assert sent == [{"type": "websocket.close", "code": 1008}]
