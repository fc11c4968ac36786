"""How full the disk and the memory of this machine are."""

from pathlib import Path

import psutil

from tradeops.adapters.daemon_thread import in_daemon_thread
from tradeops.errors import MisconfiguredError


async def disk_used_percent(path: Path) -> float:
    """The used share, 0–100, of what an ordinary user may fill, as `df` counts it, unrounded.

    Raises:
        MisconfiguredError: the path is not there, or is on no disk.
    """
    remedy = "mount it or set TRADEOPS_DISK_PATH"
    try:
        usage = await in_daemon_thread(lambda: psutil.disk_usage(str(path)), name="probe")
    except OSError as error:
        raise MisconfiguredError("disk", f"{path} cannot be measured: {error.strerror}", remedy=remedy) from error
    if not usage.used + usage.free:
        raise MisconfiguredError("disk", f"{path} is on no disk", remedy=remedy)
    return 100 * usage.used / (usage.used + usage.free)


async def memory_used_percent() -> float:
    """The share, 0–100, that cannot be given to a new process without swapping, unrounded."""
    memory = await in_daemon_thread(psutil.virtual_memory, name="probe")
    return 100 * (memory.total - memory.available) / memory.total
