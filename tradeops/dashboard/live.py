"""Tells open pages that something has changed, by server-sent events; what, they fetch themselves.

One look every two seconds serves all who listen, and nobody looks while nobody listens.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from tradeops.dashboard import problems
from tradeops.errors import TradeOpsError

LOOK_EVERY = timedelta(seconds=2)
ALIVE_EVERY = timedelta(seconds=15)
MOST_LISTENERS = 32
STORE = "store"  # the topic of a store that went away or came back
MEDIA_TYPE = "text/event-stream"

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Listener:
    topics: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Live:
    """Who listens, and what they have yet to hear.

    Args:
        marks: of each topic a mark that changes when it does; may fail while the store is down.
        look_every: pause between two looks.
        alive_every: who has heard nothing for so long is told that we are there.
        most: listeners at once.
    """

    def __init__(
        self,
        marks: Callable[[], Awaitable[Mapping[str, str]]],
        *,
        look_every: timedelta = LOOK_EVERY,
        alive_every: timedelta = ALIVE_EVERY,
        most: int = MOST_LISTENERS,
    ) -> None:
        self._marks, self._look_every, self._alive_every, self._most = marks, look_every, alive_every, most
        self._listeners: set[_Listener] = set()
        self._seen: dict[str, str] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether nobody more can listen now."""
        return self._closed or len(self._listeners) >= self._most

    def close(self) -> None:
        """End every stream: the process ends, and must not wait for pages that stay open."""
        self._closed = True
        for listener in self._listeners:
            listener.woken.set()
        self._rest()

    async def listen(self) -> AsyncGenerator[str]:
        """The events for one page, until it goes or we do."""
        listener = _Listener()
        self._listeners.add(listener)
        if self._looking is None and not self._closed:
            self._looking = asyncio.create_task(self._look_again_and_again())
        try:
            yield f"retry: 3000\n{_event('hello')}"
            while not self._closed:
                try:
                    async with asyncio.timeout(self._alive_every.total_seconds()):
                        await listener.woken.wait()
                except TimeoutError:
                    yield _event("alive")
                    continue
                listener.woken.clear()
                if listener.topics:
                    topics, listener.topics = sorted(listener.topics), set()
                    yield _event("changed", topics=topics)
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._rest()

    def _rest(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking, self._seen = None, None

    async def _look_again_and_again(self) -> None:
        while self._looking is asyncio.current_task():  # MongoDB's driver now and then swallows a cancellation
            try:
                await self._look()
            except Exception:  # one look that breaks must not end all that follow
                log.exception("a look for changes broke")
            await asyncio.sleep(self._look_every.total_seconds())

    async def _look(self) -> None:
        before = self._seen
        try:
            now = {STORE: "up", **await self._marks()}
        except (TradeOpsError, TimeoutError):
            now = {**(before or {}), STORE: "down"}
        self._seen = now
        if before is None:
            return
        if changed := {topic for topic in before.keys() | now.keys() if before.get(topic) != now.get(topic)}:
            for listener in self._listeners:
                listener.topics |= changed
                listener.woken.set()


def _event(name: str, **more: object) -> str:
    data = {**more, "at": datetime.now(UTC).isoformat(timespec="milliseconds")}
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


router = APIRouter()


@router.get(
    "/api/live",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
    summary="Server-sent events: `hello`, `changed` with the topics that did, `alive`",
)
async def live(request: Request) -> Response:
    """Events until the page goes; 503 when too many listen already."""
    hub: Live = request.app.state.live
    if hub.is_full:
        answer = problems.refuse(request, HTTPStatus.SERVICE_UNAVAILABLE, "too many pages listen", "close some")
        answer.headers["retry-after"] = "30"
        return answer
    if request.scope.get("tradeops.head"):
        return Response(media_type=MEDIA_TYPE)
    return StreamingResponse(hub.listen(), media_type=MEDIA_TYPE, headers={"x-accel-buffering": "no"})
