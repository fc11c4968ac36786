"""What may be slow or fail is done beside the work that must not wait for it: in order, each until it works."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from tradeops.errors import ConflictError, TradeOpsError, TransientError

BOUND = timedelta(seconds=15)
PAUSES = (timedelta(seconds=1), timedelta(seconds=15))
MOST = 2000  # a day of minutes, and some

Errand = Callable[[], Awaitable[object]]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Errands:
    """A queue and whoever works it off; what goes wrong is logged, never raised to whoever asked.

    An errand that fails by a `TransientError`, a conflict or its time-out is tried again, after longer and longer
    pauses, and those behind it wait: they ask the same system. Any other failure ends it. Nothing survives the process.

    Attributes:
        whom: is asked, in the log.
        bound: of one try.
        pauses: the first one, and the longest.
        most: waiting; beyond it the oldest is dropped.
        problem: why the errand at the head did not work at its last try; empty when there is none such.
    """

    whom: str
    bound: timedelta = BOUND
    pauses: tuple[timedelta, timedelta] = PAUSES
    most: int = MOST
    problem: str = ""
    _waiting: dict[str, Errand] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    async def settled(self) -> None:
        """Return when nothing waits."""
        if self._waiting:
            await self._idle.wait()

    @property
    def waiting(self) -> int:
        """How many there are, the one at work included."""
        return len(self._waiting)

    def add(self, name: str, errand: Errand) -> None:
        """Let it be done; one of the same name that is still waiting gives way to it, and keeps its place."""
        self._waiting[name] = errand
        while len(self._waiting) > self.most:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            log.warning("%s was never asked for %s: too much waits", self.whom, oldest)
        self._idle.clear()
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        first, longest = self.pauses
        pause = first
        while True:
            while self._waiting:
                name, errand = next(iter(self._waiting.items()))
                self.problem = await self._try(name, errand)
                if self.problem:
                    await asyncio.sleep(pause.total_seconds())
                    pause = min(pause * 2, longest)
                    continue
                pause = first
                if self._waiting.get(name) is errand:  # otherwise a newer one came while this was done
                    del self._waiting[name]
            self._wake.clear()
            self._idle.set()
            await self._wake.wait()

    async def _try(self, name: str, errand: Errand) -> str:
        """Why it shall be tried again; empty when it is over, one way or the other."""
        try:
            async with asyncio.timeout(self.bound.total_seconds()):
                await errand()
        except (TransientError, ConflictError, TimeoutError) as error:
            problem = str(error) or f"no answer within {self.bound.total_seconds():g} s"
            log.warning("%s will be asked again for %s: %s", self.whom, name, problem)
            return problem
        except TradeOpsError as error:
            log.error("%s was asked for %s in vain: %s", self.whom, name, error)  # noqa: TRY400 - no defect of ours
        except Exception:
            log.exception("%s was asked for %s in vain: our own code broke", self.whom, name)
        return ""
