"""A thread that nobody must wait for."""

import asyncio
import sys
import threading

import pytest

from tradeops.adapters.daemon_thread import in_daemon_thread


async def test_a_thread_that_hangs_does_not_keep_the_process_from_ending() -> None:
    script = (
        "import asyncio, time\n"
        "from tradeops.adapters.daemon_thread import in_daemon_thread\n"
        "async def main():\n"
        "    try:\n"
        "        async with asyncio.timeout(0.1):\n"
        "            await in_daemon_thread(lambda: time.sleep(60), name='slow')\n"
        "    except TimeoutError:\n"
        "        print('left')\n"
        "asyncio.run(main())\n"
    )
    python = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    out, _ = await asyncio.wait_for(python.communicate(), 30)
    assert out == b"left\n"


async def test_an_error_in_the_thread_is_raised_to_who_waits() -> None:
    def fail() -> None:
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        await in_daemon_thread(fail, name="failing")


def test_a_result_that_comes_after_the_loop_was_closed_troubles_nobody() -> None:
    go, complaints = threading.Event(), list[object]()

    async def leave() -> threading.Thread:
        waiting = asyncio.create_task(in_daemon_thread(go.wait, name="late"))
        await asyncio.sleep(0)
        waiting.cancel()
        [thread] = [one for one in threading.enumerate() if one.name == "late"]
        return thread

    usual, threading.excepthook = threading.excepthook, complaints.append
    try:
        thread = asyncio.run(leave())
        go.set()
        thread.join(10)
    finally:
        threading.excepthook = usual
    assert complaints == []
