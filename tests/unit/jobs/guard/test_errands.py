"""Errands: done in order, each until it works, while whoever asked goes on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tradeops.errors import ConflictError, RejectedError, UnavailableError
from tradeops.jobs.ending import end
from tradeops.jobs.guard.errands import Errands

QUICK = (timedelta(milliseconds=1), timedelta(milliseconds=4))


@asynccontextmanager
async def at_work(errands: Errands) -> AsyncIterator[Errands]:
    async with asyncio.TaskGroup() as group:
        work = group.create_task(errands.run())
        yield errands
        async with asyncio.timeout(5):
            await errands.settled()
        work.cancel()


def saying(done: list[str], what: str, *failures: Exception) -> Callable[[], Awaitable[None]]:
    left = list(failures)

    async def errand() -> None:
        if left:
            raise left.pop(0)
        done.append(what)

    return errand


async def test_they_are_done_in_order_and_what_comes_later_too() -> None:
    done: list[str] = []
    async with at_work(Errands("the store", pauses=QUICK)) as errands:
        errands.add("a", saying(done, "a"))
        errands.add("b", saying(done, "b"))
        await errands.settled()
        errands.add("c", saying(done, "c"))
    assert done == ["a", "b", "c"]


@pytest.mark.parametrize(
    "failure", [UnavailableError("store", "gone"), ConflictError("store", "raced"), TimeoutError()], ids=str
)
async def test_what_may_work_later_is_tried_again_and_holds_up_what_is_behind_it(failure: Exception) -> None:
    done: list[str] = []
    async with at_work(Errands("the store", pauses=QUICK)) as errands:
        errands.add("a", saying(done, "a", failure, failure, failure))
        errands.add("b", saying(done, "b"))
    assert done == ["a", "b"]
    assert errands.problem == ""


@pytest.mark.parametrize("failure", [RejectedError("store", "no"), ZeroDivisionError()], ids=["refused", "a defect"])
async def test_what_never_will_work_is_logged_and_holds_up_nothing(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    with caplog.at_level(logging.ERROR):
        async with at_work(Errands("the store", pauses=QUICK)) as errands:
            errands.add("a", saying(done, "a", failure))
            errands.add("b", saying(done, "b"))
    assert done == ["b"]
    assert "the store was asked for a in vain" in caplog.text


async def test_one_that_hangs_is_cut_off() -> None:
    done: list[str] = []
    tries: list[int] = []

    async def hangs_once() -> None:
        tries.append(1)
        if len(tries) == 1:
            await asyncio.sleep(60)
        done.append("a")

    async with at_work(Errands("the store", bound=timedelta(milliseconds=20), pauses=QUICK)) as errands:
        errands.add("a", hangs_once)
    assert (done, len(tries)) == (["a"], 2)


async def test_a_newer_one_of_the_same_name_takes_the_place_of_one_that_waits() -> None:
    done: list[str] = []
    errands = Errands("the store", pauses=QUICK)
    errands.add("a", saying(done, "old"))
    errands.add("b", saying(done, "b"))
    errands.add("a", saying(done, "new"))
    async with at_work(errands):
        pass
    assert done == ["new", "b"]


async def test_one_that_comes_while_its_namesake_is_at_work_is_done_after_it() -> None:
    done: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await go_on.wait()
        done.append("old")

    async with at_work(Errands("the store", pauses=QUICK)) as errands:
        errands.add("a", slow)
        await begun.wait()
        errands.add("a", saying(done, "new"))
        go_on.set()
    assert done == ["old", "new"]


async def test_too_many_cost_the_oldest(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []
    errands = Errands("the store", pauses=QUICK, most=2)
    for what in "abc":
        errands.add(what, saying(done, what))
    async with at_work(errands):
        pass
    assert done == ["b", "c"]
    assert "the store was never asked for a" in caplog.text


async def test_what_misses_a_first_cancel_is_ended_all_the_same() -> None:
    missed: list[int] = []

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if missed:
                    raise
                missed.append(1)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await end([task])
    assert (task.cancelled(), missed) == (True, [1])
