"""What pages and the API are asked in the same way."""

import re
from typing import Annotated

from fastapi import Query, Request
from pydantic import AwareDatetime, BeforeValidator

from tradeops.jobs.window import Window

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")


def _time(value: object) -> object:
    """A number is no time: pydantic would take it for seconds since 1970.

    Raises:
        ValueError: it is not as the document says.
    """
    if isinstance(value, str) and not RFC_3339.fullmatch(value):
        raise ValueError("write it like 2026-11-25T08:00:00Z")
    return value


Before = Annotated[
    AwareDatetime | None,
    BeforeValidator(_time),
    Query(description="Continues a list: the `before` of the page before."),
]


def window_of(request: Request) -> Window:
    """What the application reads from."""
    found: Window = request.app.state.window
    return found
