"""Whether a process of this machine belongs to a run of Prefect's."""

import asyncio

import psutil

VARIABLE = "PREFECT__FLOW_RUN_ID"
ENGINE = "prefect"


async def lives_here(pid: int | None, run_id: str) -> bool:
    """Whether the process of that number runs here and is the run's; where that cannot be told, it is taken for it.

    A worker of another machine, or in another container, has numbers of its own: what is found under such a number here
    is another process, and says nothing.

    Args:
        pid: `None` is not known, and lives nowhere.
        run_id: of the run, which its process has in its environment.
    """
    return pid is not None and await asyncio.to_thread(_lives, pid, run_id)


def _lives(pid: int, run_id: str) -> bool:
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        try:
            return process.environ().get(VARIABLE) == run_id
        except psutil.AccessDenied:  # another user's
            return any(ENGINE in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
