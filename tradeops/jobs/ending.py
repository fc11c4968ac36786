"""Ends tasks for certain."""

import asyncio
from collections.abc import Collection
from datetime import timedelta


async def end(tasks: Collection[asyncio.Task[None]], *, patience: timedelta = timedelta(seconds=1)) -> None:
    """Cancel tasks until they are over.

    One that is just being given what it waited for may miss a first cancel; MongoDB's driver now and then swallows one.

    Args:
        tasks: all of them.
        patience: for what they still put away, before they are cancelled again.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=patience.total_seconds())
