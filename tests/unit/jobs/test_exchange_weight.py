"""The exchange's limit: never more weight in a minute than allowed, and all stand still when it says so."""

import asyncio

import pytest

from tradeops.jobs.exchange_weight import MINUTE, ExchangeWeight


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def weight(clock: Clock, allowed: int = 100) -> ExchangeWeight:
    return ExchangeWeight(allowed, clock=clock, pause=clock.pause)


async def test_no_minute_sees_more_than_is_allowed() -> None:
    clock, spent = Clock(), []
    limit = weight(clock)

    async def one() -> None:
        await limit.spend(4)
        spent.append(clock.now)

    await asyncio.gather(*(one() for _ in range(100)))
    for end in spent:
        assert 4 * sum(end - MINUTE < at <= end for at in spent) <= 100
    assert clock.now == pytest.approx(3 * MINUTE)


async def test_what_is_heavier_than_allowed_still_gets_its_turn() -> None:
    clock = Clock()
    await weight(clock, 10).spend(80)
    assert clock.waits == []


async def test_all_wait_while_the_exchange_asks_for_a_pause() -> None:
    clock = Clock()
    limit = weight(clock)
    still = asyncio.create_task(limit.stay_still(30))
    await asyncio.sleep(0)
    clock.now = 0.0  # it is waiting; the next one comes meanwhile
    await limit.spend(1)
    await still
    assert clock.waits == [30, 30]


async def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = Clock()
    limit = weight(clock)
    await limit.stay_still(30)
    clock.now = 0.0
    await limit.stay_still(5)
    await limit.spend(1)
    assert clock.now == 30
