"""MongoDB with a local spool before it: a MongoDB that is down costs no record.

Events, points and messages that cannot be written are spooled, and the next such write of any process replays them, in
order, once in effect. What needs an answer (reads, compare-and-set, the outbox) fails while MongoDB is down.
"""

import asyncio
import itertools
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from tradeops.adapters.store.interface import (
    AuditEvent,
    Backlog,
    Body,
    Bucket,
    Claim,
    Document,
    Message,
    MessageState,
    Point,
    QueuedMessage,
    Store,
)
from tradeops.adapters.store.records import batched
from tradeops.adapters.store.spool import Pending, SeriesPoint, Spool, Spooled, Write, checked, make
from tradeops.errors import RejectedError, UnavailableError

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long MongoDB is waited for.

    Attributes:
        write: one write in all, until it goes to the spool.
        replay: the part of that which a replay before it may take.
        pause: after a failure nothing is asked of MongoDB for so long.
    """

    write: timedelta = timedelta(seconds=3)
    replay: timedelta = timedelta(seconds=2)
    pause: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay did.

    Attributes:
        made: writes that are in MongoDB now by this replay.
        already_there: writes that were there, by an earlier try or by somebody else.
        set_aside: writes that MongoDB refused for ever.
    """

    made: int = 0
    already_there: int = 0
    set_aside: int = 0


PATIENCE = Patience()


class SpoolingStore:
    """See `Store`. While it spools, `True` of a write means "kept": who wins its key is decided at the replay.

    Args:
        store: MongoDB.
        spool: the file.
        patience: how long MongoDB is waited for.
        clock: seconds that never go back.
    """

    def __init__(
        self, store: Store, spool: Spool, *, patience: Patience = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._spool = spool
        self._patience = patience
        self._clock = clock
        self._ask_again_at = float("-inf")

    async def append_event(self, event: AuditEvent) -> bool:
        """See `Store`."""
        return await self._write(event)

    async def add_point(self, series: str, point: Point) -> bool:
        """See `Store`."""
        return await self._write(SeriesPoint(series, point))

    async def add_points(self, series: str, points: Sequence[Point]) -> None:
        """See `Store`."""
        for batch in batched(points):
            await self._write_all([checked(SeriesPoint(series, point)) for point in batch], series, batch)

    async def enqueue(self, message: Message) -> bool:
        """See `Store`."""
        return await self._write(message)

    async def events(
        self, *, since: datetime, until: datetime, kind: str | None = None, limit: int = 1000
    ) -> list[AuditEvent]:
        """See `Store`."""
        return await self._ask(lambda: self._store.events(since=since, until=until, kind=kind, limit=limit))

    async def get(self, collection: str, key: str) -> Document | None:
        """See `Store`."""
        return await self._ask(lambda: self._store.get(collection, key))

    async def documents(self, collection: str) -> list[Document]:
        """See `Store`."""
        return await self._ask(lambda: self._store.documents(collection))

    async def put(self, collection: str, key: str, body: Body, *, expected_version: int | None) -> Document:
        """See `Store`."""
        return await self._ask(lambda: self._store.put(collection, key, body, expected_version=expected_version))

    async def points(
        self, series: str, *, since: datetime, until: datetime, limit: int = 1000, newest_first: bool = False
    ) -> list[Point]:
        """See `Store`."""
        return await self._ask(
            lambda: self._store.points(series, since=since, until=until, limit=limit, newest_first=newest_first)
        )

    async def newest_point(self, series: str) -> Point | None:
        """See `Store`."""
        return await self._ask(lambda: self._store.newest_point(series))

    async def roll_up(
        self, series: str, path: str, *, since: datetime, until: datetime, every: timedelta
    ) -> list[Bucket]:
        """See `Store`."""
        return await self._ask(lambda: self._store.roll_up(series, path, since=since, until=until, every=every))

    async def tally(self, series: str, path: str, *, since: datetime, until: datetime) -> dict[str, int]:
        """See `Store`."""
        return await self._ask(lambda: self._store.tally(series, path, since=since, until=until))

    async def prune(self, series: str, *, before: datetime, limit: int | None = None) -> int:
        """See `Store`."""
        return await self._ask(lambda: self._store.prune(series, before=before, limit=limit))

    async def claim(self, owner: str, *, now: datetime, lease: timedelta, limit: int = 10) -> list[Claim]:
        """See `Store`."""
        return await self._ask(lambda: self._store.claim(owner, now=now, lease=lease, limit=limit))

    async def begin(self, claim: Claim) -> bool:
        """See `Store`."""
        return await self._ask(lambda: self._store.begin(claim))

    async def settle(self, claim: Claim, state: MessageState, *, note: str = "") -> bool:
        """See `Store`."""
        return await self._ask(lambda: self._store.settle(claim, state, note=note))

    async def postpone(self, claim: Claim, *, until: datetime, note: str = "") -> bool:
        """See `Store`."""
        return await self._ask(lambda: self._store.postpone(claim, until=until, note=note))

    async def outbox(self, state: MessageState = MessageState.WAITING, *, limit: int = 100) -> list[QueuedMessage]:
        """See `Store`."""
        return await self._ask(lambda: self._store.outbox(state, limit=limit))

    async def queued(self, key: str) -> QueuedMessage | None:
        """See `Store`."""
        return await self._ask(lambda: self._store.queued(key))

    async def backlogs(self, *, created_before: datetime) -> dict[str, Backlog]:
        """See `Store`."""
        return await self._ask(lambda: self._store.backlogs(created_before=created_before))

    async def drop_bodies(self, *, before: datetime, limit: int) -> int:
        """See `Store`."""
        return await self._ask(lambda: self._store.drop_bodies(before=before, limit=limit))

    async def describe(self) -> str:
        """See `Store`; says also what waits in the spool."""
        pending = await self.pending()
        waiting = f"; {pending.waiting} writes wait and {pending.set_aside} are set aside in {self._spool.path}"
        spooled = waiting if pending != Pending(0, 0) else ""
        try:
            return await self._ask(self._store.describe) + spooled
        except UnavailableError as error:
            raise UnavailableError("store", error.problem + spooled, remedy=error.remedy) from error

    async def pending(self) -> Pending:
        """How many writes are not in MongoDB."""
        return await self._spool.pending()

    async def replay(self, *, within: timedelta = timedelta.max) -> Replay:
        """Make the writes that wait, in order, until none does; another process that is at it is left to it.

        A write that MongoDB refuses is set aside, so that the next can pass. After `within` no further one is begun.

        Raises:
            UnavailableError: MongoDB is down (again); what is not made still waits.
            MisconfiguredError: it does not let us in; the same.
        """
        done: Counter[str] = Counter()
        ends_at = time.monotonic() + within.total_seconds()
        with self._spool.replaying() as alone:
            while alone and time.monotonic() < ends_at and (batch := await self._spool.waiting()):
                for spooled in itertools.takewhile(lambda _: time.monotonic() < ends_at, batch):
                    done[await self._replay_one(spooled)] += 1
        if done:
            log.info("MongoDB is back, spooled writes are replayed: %s", dict(done))
        return Replay(**done)

    async def _replay_one(self, spooled: Spooled) -> str:
        try:
            new = await make(spooled.write, self._store)
        except RejectedError as error:
            log.warning("a spooled write is set aside in %s: %s", self._spool.path, error)
            await self._spool.refused(spooled, error.problem)
            return "set_aside"
        await self._spool.made(spooled)
        return "made" if new else "already_there"

    async def _write(self, write: Write) -> bool:
        checked(write)
        try:
            self._raise_if_paused()
            async with asyncio.timeout(self._patience.write.total_seconds()):
                if await self._nothing_waits():
                    return await make(write, self._store)
        except (UnavailableError, TimeoutError) as error:
            self._pause(error)
        return await self._spool.add(write)

    async def _write_all(self, writes: Sequence[Write], series: str, points: Sequence[Point]) -> None:
        try:
            self._raise_if_paused()
            async with asyncio.timeout(self._patience.write.total_seconds()):
                if await self._nothing_waits():
                    return await self._store.add_points(series, points)
        except (UnavailableError, TimeoutError) as error:
            self._pause(error)
        return await self._spool.add_all(writes)

    async def _nothing_waits(self) -> bool:
        """Whether a write need not queue behind others, after a try to replay those."""
        first = await self._spool.waiting(1)
        if not first:
            return True
        window = self._patience.replay
        try:
            # both bounds: the driver now and then swallows a cancellation, and a replay would go on
            async with asyncio.timeout(window.total_seconds()):
                await self.replay(within=window)
        except TimeoutError:
            if await self._spool.waiting(1) == first:
                raise
        return not await self._spool.waiting(1)

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        self._raise_if_paused()
        try:
            return await question()
        except UnavailableError as error:
            self._pause(error)
            raise

    def _raise_if_paused(self) -> None:
        wait = self._ask_again_at - self._clock()
        if wait > 0:
            raise UnavailableError("store", f"MongoDB was down a moment ago; it is asked again in {wait:.0f} s")

    def _pause(self, error: Exception) -> None:
        if self._clock() >= self._ask_again_at:
            self._ask_again_at = self._clock() + self._patience.pause.total_seconds()
            log.warning("writes are spooled in %s: %s", self._spool.path, str(error) or "MongoDB is too slow")
