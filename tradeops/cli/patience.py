"""Asks again where the trouble will pass: Prefect on SQLite answers 503 now and then."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from tradeops.errors import TransientError

PATIENCE = timedelta(minutes=3)  # on a busy machine a server of our own was seen silent for one
PAUSE_SECONDS = 0.5

T = TypeVar("T")


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer to a question that may be asked again.

    Raises:
        TransientError: the trouble did not pass within `PATIENCE`; the last one.
        TradeOpsError: any other trouble, at once.
    """
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            return await ask()
        except TransientError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
