"""The engine's envelope, its time format, and how it fails to read a request."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse


def plain(data: object, *, error: str | None = None) -> JSONResponse:
    """The envelope of health, market, trading, monitoring and ai routes; a logical error is a 200 all the same."""
    return JSONResponse({"success": error is None, "data": data, "error": error})


def stamped(data: object, now_ms: int, *, error: str | None = None, status: int = HTTPStatus.OK) -> JSONResponse:
    """The envelope of the paper-trading and real-trading routes."""
    body = {"success": error is None, "data": data, "error": error, "timestamp": nanoseconds(now_ms)}
    return JSONResponse(body, status_code=status)


def nanoseconds(now_ms: int) -> str:
    """RFC 3339 with nine digits, more than most parsers take."""
    return f"{_seconds(now_ms)}.{now_ms % 1000:03d}{time.time_ns() % 1_000_000:06d}Z"


def moment(at_ms: int) -> str:
    """RFC 3339 with as many digits as it needs."""
    fraction = f".{at_ms % 1000:03d}".rstrip("0") if at_ms % 1000 else ""
    return f"{_seconds(at_ms)}{fraction}Z"


async def body_of(request: Request) -> object:
    """The request's JSON; what is none is a 400 in plain text, never in the envelope."""
    try:
        body: object = json.loads(await request.body())
    except ValueError as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, f"Request body deserialize error: {error}") from error
    return body


def limit_of(query: Mapping[str, str], usual: int) -> int:
    """The query's `limit`; what is no number is a 400 in plain text."""
    text = query.get("limit", str(usual))
    if not text.isascii() or not text.isdigit():
        raise HTTPException(HTTPStatus.BAD_REQUEST, "Invalid query string")
    return int(text)


def _seconds(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}"
