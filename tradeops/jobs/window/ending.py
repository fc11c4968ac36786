"""Ends a task for certain."""

import asyncio

AGAIN_SECONDS = 0.2


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel the task until it is over: MongoDB's driver now and then swallows a cancellation, and a loop goes on."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_SECONDS)
