"""A world with a clock that moves when told to, and the engine on top of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from sandbox import engine
from sandbox.world import World

START = datetime(2026, 3, 10, 13, 37, 12, 345000, tzinfo=UTC)


@dataclass(slots=True)
class SetClock:
    """Epoch milliseconds, as last set."""

    ms: int

    def __call__(self) -> int:
        return self.ms

    def pass_time(self, **duration: float) -> None:
        self.ms += round(timedelta(**duration).total_seconds() * 1000)


def clock_at(start: datetime = START) -> SetClock:
    return SetClock(round(start.timestamp() * 1000))


class EngineCaller:
    """Calls the engine of a world, without a socket."""

    def __init__(self, world: World) -> None:
        self._transport = httpx.ASGITransport(engine.build_app(world))

    async def call(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 -- passed on to httpx
        async with httpx.AsyncClient(transport=self._transport, base_url="http://engine") as client:
            return await client.request(method, path, **request)

    async def data(self, path: str) -> Any:  # noqa: ANN401 -- as it came over the wire
        answer = (await self.call("GET", path)).json()
        assert answer["success"] is True
        assert answer["error"] is None
        return answer["data"]

    async def put(self, path: str, body: object) -> httpx.Response:
        return await self.call("PUT", path, json=body)
