"""Calls that block, and may never return, in threads that nobody must wait for."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], *, name: str) -> T:
    """Its result, or its exception. Cancelling leaves the thread behind.

    As `asyncio.to_thread`, but a call that hangs, into a dead network disk say, does not keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(end: Callable[[], None]) -> None:
        if not outcome.done():
            end()

    def run() -> None:
        try:
            end = partial(outcome.set_result, work())
        except Exception as error:  # noqa: BLE001 - handed over whole
            end = partial(outcome.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            loop.call_soon_threadsafe(settle, end)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await outcome
