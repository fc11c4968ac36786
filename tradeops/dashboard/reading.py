"""The store as the dashboard has it: for reading alone, opened when it can be, and anew when it was replaced."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from tradeops.adapters.store import ReadableStore
from tradeops.adapters.store.interface import (
    AuditEvent,
    Backlog,
    Bucket,
    Document,
    MessageState,
    Point,
    QueuedMessage,
)
from tradeops.adapters.store.opening import FILE
from tradeops.errors import TradeOpsError, UnavailableError
from tradeops.settings import Settings
from tradeops.wiring import our_readable_store

T = TypeVar("T")
Opening = Callable[[], AbstractAsyncContextManager[ReadableStore]]
ASK_AGAIN_SECONDS = 2.0
MONGODB_SECONDS = 10.0  # one that is down is waited for each time
ANSWER = timedelta(seconds=10)


@asynccontextmanager
async def open_for_reading(settings: Settings) -> AsyncGenerator["ReadingStore"]:
    """The store that the settings choose; one that cannot be opened fails in each call, not here."""
    path = settings.home_folder / FILE

    def which() -> object:
        if settings.store_kind != "sqlite":
            return None
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    pause = ASK_AGAIN_SECONDS if settings.store_kind == "sqlite" else MONGODB_SECONDS
    store = ReadingStore(lambda: our_readable_store(settings), which=which, pause=pause)
    try:
        yield store
    finally:
        await store.close()


class ReadingStore:
    """See `ReadableStore`.

    Args:
        opening: opens the store behind it.
        which: tells one store from another that took its place, such as a file put back from a backup.
        pause: for so many seconds after it was down nobody asks it.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        opening: Opening,
        *,
        which: Callable[[], object],
        pause: float = ASK_AGAIN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opening, self._which, self._pause, self._clock = opening, which, pause, clock
        self._lock = asyncio.Lock()
        self._open = AsyncExitStack()
        self._store: ReadableStore | None = None
        self._identity: object = None
        self._failure: TradeOpsError | None = None
        self._ask_again_at = float("-inf")

    async def close(self) -> None:
        """Close the store behind it."""
        self._store = None
        await self._open.aclose()

    async def events(
        self, *, since: datetime, until: datetime, kind: str | None = None, limit: int = 1000
    ) -> list[AuditEvent]:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.events(since=since, until=until, kind=kind, limit=limit))

    async def get(self, collection: str, key: str) -> Document | None:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.get(collection, key))

    async def documents(self, collection: str) -> list[Document]:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.documents(collection))

    async def points(
        self, series: str, *, since: datetime, until: datetime, limit: int = 1000, newest_first: bool = False
    ) -> list[Point]:
        """See `ReadableStore`."""
        return await self._ask(
            lambda store: store.points(series, since=since, until=until, limit=limit, newest_first=newest_first)
        )

    async def newest_point(self, series: str) -> Point | None:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.newest_point(series))

    async def roll_up(
        self, series: str, path: str, *, since: datetime, until: datetime, every: timedelta
    ) -> list[Bucket]:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.roll_up(series, path, since=since, until=until, every=every))

    async def tally(self, series: str, path: str, *, since: datetime, until: datetime) -> dict[str, int]:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.tally(series, path, since=since, until=until))

    async def outbox(self, state: MessageState = MessageState.WAITING, *, limit: int = 100) -> list[QueuedMessage]:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.outbox(state, limit=limit))

    async def queued(self, key: str) -> QueuedMessage | None:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.queued(key))

    async def backlogs(self, *, created_before: datetime) -> dict[str, Backlog]:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.backlogs(created_before=created_before))

    async def describe(self) -> str:
        """See `ReadableStore`."""
        return await self._ask(lambda store: store.describe())

    async def _ask(self, question: Callable[[ReadableStore], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(ANSWER.total_seconds()):
                return await question(await self._opened())
        except TimeoutError:
            problem = f"it did not answer within {ANSWER.total_seconds():g} s"
            raise UnavailableError("store", problem, remedy="look at its server and disk") from None
        except UnavailableError as error:
            self._failed(error)
            raise

    async def _opened(self) -> ReadableStore:
        """The store; of many callers one opens it, and after a failure nobody tries for a while."""
        self._raise_if_paused()
        if self._store is not None and self._which() == self._identity:
            return self._store
        async with self._lock:
            self._raise_if_paused()
            if self._store is not None and self._which() == self._identity:
                return self._store
            try:
                return await self._open_now()
            except TradeOpsError as error:
                self._failed(error)
                raise

    def _raise_if_paused(self) -> None:
        if self._failure is not None and self._clock() < self._ask_again_at:
            raise self._failure.with_traceback(None)  # which would grow each time

    def _failed(self, error: TradeOpsError) -> None:
        if self._clock() >= self._ask_again_at:
            self._failure, self._ask_again_at = error, self._clock() + self._pause

    async def _open_now(self) -> ReadableStore:
        self._store = None
        await self._open.aclose()
        self._store = await self._open.enter_async_context(self._opening())
        self._identity, self._failure = self._which(), None
        return self._store
