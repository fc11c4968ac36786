"""An answer that many ask for at once is worked out once, and kept for a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Fresh(Generic[K, T]):
    """Answers by key.

    Args:
        make: works one out; an error goes to all who wait for it, and is not kept.
        seconds: for which an answer is given again, counted from when its making began.
        most: keys that are remembered; the longest unused goes first.
    """

    def __init__(self, make: Callable[[K], Awaitable[T]], *, seconds: float, most: int = 16) -> None:
        self._make = make
        self._seconds = seconds
        self._most = most
        self._kept: dict[K, tuple[float, asyncio.Future[T]]] = {}

    async def get(self, key: K) -> T:
        """The answer, at most `seconds` old."""
        found = self._kept.pop(key, None)
        now = time.monotonic()
        if found is None or now - found[0] > self._seconds or (found[1].done() and _failed(found[1])):
            found = now, asyncio.ensure_future(self._make(key))
            found[1].add_done_callback(_failed)  # or asyncio logs an error for which nobody waits any more
        self._kept[key] = found
        while len(self._kept) > self._most:
            self._kept.pop(next(iter(self._kept)))
        return await asyncio.shield(found[1])  # one who goes away does not take the answer from the others


def _failed(future: asyncio.Future[T]) -> bool:
    return future.cancelled() or future.exception() is not None
