"""How full the disk and the memory of this machine are."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import psutil

from tradeops.errors import MisconfiguredError

T = TypeVar("T")


async def disk_used_percent(path: Path) -> float:
    """The used share, 0–100, of what an ordinary user may fill, as `df` counts it, unrounded.

    Raises:
        MisconfiguredError: the path is not there, or is on no disk.
    """
    remedy = "mount it or set TRADEOPS_DISK_PATH"
    try:
        usage = await _in_thread_of_its_own(lambda: psutil.disk_usage(str(path)))
    except OSError as error:
        raise MisconfiguredError("disk", f"{path} cannot be measured: {error.strerror}", remedy=remedy) from error
    if not usage.used + usage.free:
        raise MisconfiguredError("disk", f"{path} is on no disk", remedy=remedy)
    return 100 * usage.used / (usage.used + usage.free)


async def memory_used_percent() -> float:
    """The share, 0–100, that cannot be given to a new process without swapping, unrounded."""
    memory = await _in_thread_of_its_own(psutil.virtual_memory)
    return 100 * (memory.total - memory.available) / memory.total


async def _in_thread_of_its_own(look: Callable[[], T]) -> T:
    """Its result, or its exception. Cancelling leaves the thread behind.

    A call into a dead network disk never returns, and a pool's thread would keep the process from ending; a daemon does
    not.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def settle(end: Callable[[], None]) -> None:
        if not outcome.done():
            end()

    def run() -> None:
        try:
            result = look()
        except Exception as error:  # noqa: BLE001 - handed over whole
            loop.call_soon_threadsafe(settle, partial(outcome.set_exception, error))
        else:
            loop.call_soon_threadsafe(settle, partial(outcome.set_result, result))

    threading.Thread(target=run, name="probe", daemon=True).start()
    return await outcome
