"""Keeps many requests at once below what the exchange allows, and all of them still while it asks for a pause."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

MINUTE = 60.0
ALLOWED = 4800  # of 6,000 a minute and address: others of the bot ask the exchange from here too


class ExchangeWeight:
    """What was asked in the last minute, and until when nothing may be asked.

    Args:
        allowed: weight a minute.
        clock: seconds that only grow.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        allowed: int = ALLOWED,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._allowed, self._clock, self._pause = allowed, clock, pause
        self._spent: deque[tuple[float, int]] = deque()
        self._still_until = float("-inf")
        self._turn = asyncio.Lock()

    async def spend(self, weight: int) -> None:
        """Wait until so much may be asked, one after the other in the order in which they came."""
        async with self._turn:
            while (wait := self._wait(weight)) > 0:
                await self._pause(wait)
            self._spent.append((self._clock(), weight))

    async def stay_still(self, seconds: float) -> None:
        """The exchange asks for a pause: nobody who has not begun begins before it is over."""
        self._still_until = max(self._still_until, self._clock() + seconds)
        await self._pause(seconds)

    def _wait(self, weight: int) -> float:
        now = self._clock()
        while self._spent and self._spent[0][0] <= now - MINUTE:
            self._spent.popleft()
        still = self._still_until - now
        over = sum(spent for _, spent in self._spent) + weight - self._allowed
        if over <= 0 or not self._spent:
            return still
        for at, spent in self._spent:
            over -= spent
            if over <= 0:
                return max(still, at + MINUTE - now)
        return still
