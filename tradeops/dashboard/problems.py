"""What a visitor is told when there is no answer: a problem body for programs, a page for people; never a blank one."""

import json
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from starlette.exceptions import HTTPException as PlainHTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from tradeops.dashboard import pages
from tradeops.dashboard.access import wants_page
from tradeops.errors import RejectedError, TradeOpsError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no answer (RFC 9457).

    Attributes:
        title: of the status.
        status: the same as of the answer.
        detail: what happened, one line without secrets.
        system: the part it concerns.
        remedy: what to do; empty when waiting or asking for something else is all there is.
    """

    title: str
    status: int
    detail: str
    system: str = "dashboard"
    remedy: str = ""
    type: str = "about:blank"


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status.value: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": TypeAdapter(Problem).json_schema()}},
    }
    for status, text in (
        (HTTPStatus.UNAUTHORIZED, "The token is missing or wrong."),
        (HTTPStatus.NOT_FOUND, "There is no such thing."),
        (HTTPStatus.UNPROCESSABLE_ENTITY, "A parameter is not what it should be."),
        (HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong tokens; wait as long as Retry-After says."),
        (HTTPStatus.SERVICE_UNAVAILABLE, "What it is read from is down; says which part."),
    )
}


def refuse(
    asked: HTTPConnection, status: HTTPStatus, detail: str, remedy: str, *, system: str = "dashboard"
) -> Response:
    """The answer in the form that the visitor reads."""
    if wants_page(asked):
        return pages.error_page(Request(asked.scope), status.value, status.phrase, _sentence(detail), remedy)
    body = json.dumps(asdict(Problem(status.phrase, status.value, detail, system, remedy)), ensure_ascii=False)
    return Response(body, status, media_type=MEDIA_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Let every error of the application end as such an answer."""
    app.add_exception_handler(TradeOpsError, _typed)
    app.add_exception_handler(RequestValidationError, _misshapen)
    app.add_exception_handler(PlainHTTPException, _plain)
    app.add_exception_handler(Exception, _broken)


async def _typed(request: Request, error: Exception) -> Response:
    assert isinstance(error, TradeOpsError)  # noqa: S101 - by registration
    status = HTTPStatus.NOT_FOUND if isinstance(error, RejectedError) else HTTPStatus.SERVICE_UNAVAILABLE
    answer = refuse(request, status, error.problem, error.remedy, system=error.system)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["retry-after"] = str(RETRY_SECONDS)
    return answer


async def _misshapen(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - by registration
    wrong = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
    return refuse(request, HTTPStatus.UNPROCESSABLE_ENTITY, wrong, "see /api/openapi.json")


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlainHTTPException)  # noqa: S101 - by registration
    status = HTTPStatus(error.status_code)
    detail = "there is no such page" if error.detail == status.phrase == "Not Found" else str(error.detail)
    answer = refuse(request, status, detail, "")
    answer.headers.update(error.headers or {})
    return answer


async def _broken(request: Request, error: Exception) -> Response:
    name = type(error).__name__  # the server logs the traceback
    return refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR, f"our own code broke ({name})", "see its log")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
