"""The HTTP stack as the adapters get it, with respx as the other end of the wire."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import respx

from tradeops.http import HttpPolicy, HttpService, open_pool

ADDRESS = "http://service.test"


@asynccontextmanager
async def service(system: str, **headers: str) -> AsyncIterator[HttpService]:
    """A service at `ADDRESS`."""
    async with open_pool() as pool:
        yield HttpService(pool, system=system, base_url=ADDRESS, policy=HttpPolicy(), headers=headers)


def serves(wire: respx.MockRouter, path: str, body: object, *, status: int = 200, **headers: str) -> respx.Route:
    """`GET path` answers `body` as JSON, NaN included, or as it is when it is text."""
    content = body if isinstance(body, str) else json.dumps(body)
    return wire.get(ADDRESS + path).respond(status, content=content, headers=headers)


def enveloped(data: object, **more: object) -> dict[str, Any]:
    """As the engine wraps it."""
    return {"success": True, "data": data, "error": None, **more}
