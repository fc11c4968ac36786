"""Compare-and-set among racers: who was not first looks again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tradeops.errors import ConflictError

TRIES = 40
LONGEST_PAUSE_SECONDS = 0.05

T = TypeVar("T")


async def until_first(attempt: Callable[[], Awaitable[T]], *, system: str, what: str, tries: int = TRIES) -> T:
    """What `attempt` returns: it reads, decides and writes, and begins anew when others wrote meanwhile.

    Args:
        attempt: raises `ConflictError` when its write came second; nothing else of it may.
        system: for the error.
        what: that is written, for the error: `the board`.
        tries: 40 take some 5 s at the worst.

    Raises:
        ConflictError: others were first again and again; nothing was written.
    """
    for number in range(tries):
        try:
            return await attempt()
        except ConflictError:
            await asyncio.sleep(random.random() * LONGEST_PAUSE_SECONDS * min(number + 1, 5))  # noqa: S311 - parts racers
    raise ConflictError(system, f"{what} was changed by others {tries} times in a row")
