"""The door: every request passes it, every answer leaves by it. Nothing behind it is asked before it agrees.

It lets read, and log in; it asks for the token where there is one; it answers to its own names alone, so that no page
of another site can reach it through a name of its own that leads to this machine; and it answers to no other site.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradeops.dashboard.attempts import Attempts
from tradeops.dashboard.headers import protect
from tradeops.dashboard.sessions import PLAIN_COOKIE, SECURE_COOKIE, Sessions
from tradeops.settings import Settings
from tradeops.settings.dashboard import is_address

READS = ("GET", "HEAD", "OPTIONS")
POSTS = frozenset({"/login", "/logout"})
OPEN_TO_ALL = frozenset({"/healthz", "/login", "/logout"})
PUBLIC_STATUS = frozenset({"/status", "/status.json", "/badge.svg"})
EMBEDDABLE = frozenset({"/badge.svg"})
STATIC = "/static/"
LONGEST_HEAD_BYTES = 16 * 1024
OURS = ("none", "same-origin")  # what browsers say of a request that no other site made
ALL_NAMES_OF_THIS_MACHINE = frozenset({"localhost"})
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\[\]:/@\s]+)(:\d{1,5})?")

log = logging.getLogger(__name__)

Refusal = Callable[[HTTPConnection, HTTPStatus, str, str], Response]


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom the door lets in, and to what.

    Attributes:
        names: host names it answers to; IP addresses and localhost are always among them.
        sessions: knows the token; `None` where none is asked for.
        attempts: counts wrong tokens.
        public_status: states may be seen without the token, and the badge on other sites.
    """

    names: frozenset[str]
    sessions: Sessions | None
    attempts: Attempts
    public_status: bool

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """By the settings."""
        token = settings.dashboard_token
        return cls(
            settings.dashboard_host_names,
            Sessions(token.get_secret_value()) if token else None,
            Attempts(),
            settings.dashboard_public_status,
        )


class Door:
    """Wraps the whole application, its own answers to errors included.

    Args:
        app: what is behind the door.
        rules: whom it lets in.
        refuse: makes the answer to who is not let in, from a status, what is wrong and what to do.
    """

    def __init__(self, app: ASGIApp, rules: Rules, refuse: Refusal) -> None:
        self._app, self._rules, self._refuse = app, rules, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is no HTTP request (the start and end of the process) passes."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        asked = HTTPConnection(scope)
        without_body = scope["method"] == "HEAD"
        embeddable = self._rules.public_status and scope["path"] in EMBEDDABLE

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                protect(MutableHeaders(scope=message), embeddable=embeddable, https=scope["scheme"] == "https")
            elif without_body and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if (answer := self._turned_away(asked)) is not None:
            await answer(scope, receive, protected)
            return
        if without_body:
            scope = {**scope, "method": "GET", "tradeops.head": True}
        await self._app(scope, receive, protected)

    def _turned_away(self, asked: HTTPConnection) -> Response | None:
        """The answer to a request that goes no further; `None` lets it in."""
        if (answer := self._misaddressed(asked)) is not None:
            return answer
        method, path = asked.scope["method"], asked.scope["path"]
        allowed = ", ".join((*READS, "POST") if path in POSTS else READS)
        if method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers={"allow": allowed})
        if method not in READS and not (method == "POST" and path in POSTS):
            answer = self._refuse(asked, HTTPStatus.METHOD_NOT_ALLOWED, "the dashboard changes nothing", "")
            answer.headers["allow"] = allowed
            return answer
        if self._is_from_another_site(asked):
            return self._refuse(asked, HTTPStatus.FORBIDDEN, "another site asked, and it gets nothing", "")
        return self._unknown(asked)

    def _misaddressed(self, asked: HTTPConnection) -> Response | None:
        if not self._is_our_name(asked.headers):
            remedy = "use its IP address, or add the name to TRADEOPS_DASHBOARD_NAMES"
            return self._refuse(asked, HTTPStatus.MISDIRECTED_REQUEST, "the dashboard has no such host name", remedy)
        if _length(asked.scope) > LONGEST_HEAD_BYTES:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            return self._refuse(asked, status, "address and headers are too long", "")
        if not is_plain_path(asked.scope):
            return self._refuse(asked, HTTPStatus.NOT_FOUND, "there is no such page", "")
        return None

    def _unknown(self, asked: HTTPConnection) -> Response | None:
        sessions = self._rules.sessions
        if sessions is None or self._is_open(asked.scope["path"]) or sessions.accepts(cookie_of(asked)):
            return None
        kind, _, bearer = asked.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self._judged(sessions, asked, bearer.strip())
        if wants_page(asked) and asked.headers.get("sec-fetch-site", "none") not in OURS:
            return _asked_again(asked)
        if wants_page(asked):
            return RedirectResponse(f"/login?next={quote(address_of(asked), safe='')}", HTTPStatus.SEE_OTHER)
        answer = self._refuse(asked, HTTPStatus.UNAUTHORIZED, "the token is missing", "send it as a bearer, or log in")
        answer.headers["www-authenticate"] = "Bearer"
        return answer

    def _is_open(self, path: str) -> bool:
        if path in OPEN_TO_ALL or path.startswith(STATIC):
            return True
        return self._rules.public_status and path in PUBLIC_STATUS

    def _judged(self, sessions: Sessions, asked: HTTPConnection, bearer: str) -> Response | None:
        client, attempts = client_of(asked), self._rules.attempts
        if (wait := attempts.wait(client)) is not None:
            problem = "too many wrong tokens"
            answer = self._refuse(asked, HTTPStatus.TOO_MANY_REQUESTS, problem, f"wait {wait.total_seconds():.0f} s")
            answer.headers["retry-after"] = str(int(wait.total_seconds()) + 1)
            return answer
        if sessions.knows(bearer):
            attempts.succeeded(client)
            return None
        attempts.failed(client)
        log.warning("a wrong token from %s", client)
        answer = self._refuse(asked, HTTPStatus.UNAUTHORIZED, "the token is wrong", "see TRADEOPS_DASHBOARD_TOKEN")
        answer.headers["www-authenticate"] = 'Bearer error="invalid_token"'
        return answer

    def _is_our_name(self, headers: Headers) -> bool:
        hosts = headers.getlist("host")
        found = HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        if found is None:
            return False
        name = found["name"].strip("[]").lower().rstrip(".")
        return is_address(name) or name in ALL_NAMES_OF_THIS_MACHINE | self._rules.names

    def _is_from_another_site(self, asked: HTTPConnection) -> bool:
        """By what browsers say of themselves: a link of another site may be followed to a page, and no more."""
        method, path, headers = asked.scope["method"], asked.scope["path"], asked.headers
        if self._rules.public_status and path in EMBEDDABLE:
            return False
        is_ours = headers.get("sec-fetch-site", "none") in OURS
        if method == "POST":
            origin = headers.get("origin")
            ours = {f"{scheme}://{headers.get('host')}" for scheme in ("http", "https")}
            return not is_ours or (origin is not None and origin.lower() not in ours)
        mode, target = headers.get("sec-fetch-mode", "navigate"), headers.get("sec-fetch-dest", "document")
        return not is_ours and not (mode == "navigate" and target == "document")


def _length(scope: Scope) -> int:
    return len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(n) + len(v) for n, v in scope["headers"])


def _asked_again(asked: HTTPConnection) -> Response:
    """A page that asks for the same once more: on a link of another site no browser sends the session's cookie."""
    return HTMLResponse(
        '<!doctype html><html lang="en"><title>One moment</title><p>One moment …</p></html>',
        headers={"refresh": f"0;url={address_of(asked)}"},
    )


def is_plain_path(scope: Scope) -> bool:
    """Whether the path goes nowhere but down, also after it is decoded once more, and has no character of control."""
    path = str(scope["path"])
    again = unquote(path)
    return not any(
        ".." in one.split("/") or "\\" in one or "//" in one or any(character < " " for character in one)
        for one in (path, again)
    )


def cookie_of(asked: HTTPConnection) -> str:
    """The session's cookie; empty where there is none."""
    return asked.cookies.get(SECURE_COOKIE if asked.scope["scheme"] == "https" else PLAIN_COOKIE, "")


def client_of(asked: HTTPConnection) -> str:
    """The address of the visitor."""
    return asked.client.host if asked.client else "unknown"


def address_of(asked: HTTPConnection) -> str:
    """Path and query, to come back to."""
    query = asked.scope["query_string"].decode("latin-1")
    return quote(asked.scope["path"]) + (f"?{query}" if query else "")


def wants_page(asked: HTTPConnection) -> bool:
    """Whether a person looks at the answer, and no program."""
    path = asked.scope["path"]
    is_data = path.startswith("/api/") or path in {"/metrics", "/openapi.json", "/status.json", "/badge.svg"}
    return not is_data and "text/html" in asked.headers.get("accept", "")
