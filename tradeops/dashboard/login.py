"""Logging in with the token, and out."""

import asyncio
import logging
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from tradeops.dashboard import pages
from tradeops.dashboard.access import Rules, client_of, cookie_of
from tradeops.dashboard.sessions import LASTS, PLAIN_COOKIE, SECURE_COOKIE

LONGEST_FORM = 4096
FORM_SECONDS = 5.0
HOME = "/"
SAME_SITE: Literal["lax"] = "lax"  # strict would ask who follows the link of an alert for the token again

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)


@router.get("/login")
async def login_form(request: Request) -> Response:
    """The form; who is in already, or need not be, goes on."""
    target = own_path(request.query_params.get("next", HOME))
    sessions = _rules(request).sessions
    if sessions is None or sessions.accepts(cookie_of(request)):
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)
    return pages.login_page(request, problem="", next_path=target, status=HTTPStatus.OK)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begin a session for who knows the token; count who does not."""
    rules = _rules(request)
    if rules.sessions is None:
        return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)
    fields = await _form(request)
    target = own_path(fields.get("next", HOME))
    client = client_of(request)
    if (wait := rules.attempts.wait(client)) is not None:
        seconds = int(wait.total_seconds()) + 1
        problem = f"Too many wrong tokens: wait {seconds} s, then try again."
        answer = pages.login_page(request, problem=problem, next_path=target, status=HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["retry-after"] = str(seconds)
        return answer
    if not rules.sessions.knows(fields.get("token", "")):
        rules.attempts.failed(client)
        log.warning("a wrong token from %s", client)
        problem = "That is not the token: it is in TRADEOPS_DASHBOARD_TOKEN where the dashboard runs."
        return pages.login_page(request, problem=problem, next_path=target, status=HTTPStatus.UNAUTHORIZED)
    rules.attempts.succeeded(client)
    answer = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    https = request.url.scheme == "https"
    answer.set_cookie(
        SECURE_COOKIE if https else PLAIN_COOKIE,
        rules.sessions.begin(),
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=https,
        httponly=True,
        samesite=SAME_SITE,
    )
    return answer


@router.post("/logout")
async def log_out(request: Request) -> Response:
    """End this session."""
    sessions = _rules(request).sessions
    if sessions is not None:
        sessions.end(cookie_of(request))
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    for name, secure in ((PLAIN_COOKIE, False), (SECURE_COOKIE, True)):
        answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite=SAME_SITE)
    return answer


def own_path(target: str) -> str:
    """The address to go on to, if it is a page of ours; the first page for anything else."""
    parts = urlsplit(target) if target.isprintable() and "\\" not in target else None
    if parts is None or parts.scheme or parts.netloc or not target.startswith("/") or target.startswith("//"):
        return HOME
    return HOME if parts.path in {"/login", "/logout"} else target


async def _form(request: Request) -> dict[str, str]:
    """The fields of a short form; empty when it is long, slow or none."""
    body = b""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > LONGEST_FORM:
                    return {}
    except TimeoutError:
        return {}
    try:
        return {name: values[-1] for name, values in parse_qs(body.decode("ascii"), max_num_fields=8).items()}
    except ValueError:  # also one that is no text
        return {}


def _rules(request: Request) -> Rules:
    rules: Rules = request.app.state.rules
    return rules
