"""A quarter of history in memory, read once, the newest first, and followed from then on; never read anew for a page.

A record may come late: what was added within two hours of the newest one, or before the oldest one, is seen at once,
anything else within the hour, when all is read anew beside the pages.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.store import Point, ReadableStore
from tradeops.domain.window.columns import Columns, micros, moment
from tradeops.jobs.window.backwards import PAGE, Backwards

OVERLAP = timedelta(hours=2)
AHEAD = timedelta(hours=1)  # a clock of another machine may be before ours
KEPT = timedelta(days=91)
LOOK_BEHIND = timedelta(seconds=10)
NEVER = datetime(1970, 1, 2, tzinfo=UTC)

Record = Callable[[Mapping[str, Any]], Mapping[str, float]]
Witness = Callable[[Point], None]


class History:
    """One series of the store in columns.

    Args:
        series: its name.
        code: of each field, see `Columns`.
        record: the fields of one kept body; an empty record is one without them.
        witness: shown every record that is read, some more than once.

    Attributes:
        columns: what is in memory.
        newest: the latest record, whole; `None` before the first.
    """

    def __init__(
        self, series: str, code: Callable[[str], str], record: Record, *, witness: Witness | None = None
    ) -> None:
        self.columns = Columns(code)
        self.series = series
        self._code = code
        self._record = record
        self._witness = witness
        self.newest: Point | None = None
        self._older = Backwards(series)
        self._recent: dict[str, datetime] = {}
        self._looked_behind_at = NEVER

    @property
    def covered_since(self) -> datetime | None:
        """Everything from here on is in memory; `None` before the first page."""
        return self._older.low

    @property
    def is_whole(self) -> bool:
        """Whether all that is shown is in memory."""
        return self._older.is_whole

    @property
    def mark(self) -> tuple[int, int, datetime | None]:
        """Changes when a record comes, and when more of the past is in memory."""
        return len(self.columns), self.columns.at[-1] if len(self.columns) else 0, self.covered_since

    def anew(self) -> "History":
        """An empty one of the same series."""
        return History(self.series, self._code, self._record, witness=self._witness)

    async def extend(self, store: ReadableStore, *, now: datetime) -> bool:
        """Read one more page of older records; `True` when there are none left.

        Raises:
            UnavailableError: the store does not answer.
        """
        self._add_older(await self._older.page(store, until=now + AHEAD, horizon=now - KEPT))
        return self.is_whole

    async def follow(self, store: ReadableStore, *, now: datetime) -> None:
        """Read what has come since.

        Raises:
            UnavailableError: the store does not answer.
        """
        if self.newest is None:
            if self.is_whole and await store.points(self.series, since=now - KEPT, until=now + AHEAD, limit=1):
                self._older.restart(None)
            await self.extend(store, now=now)
            return
        since = self.newest.timestamp - OVERLAP
        while True:
            page = await store.points(self.series, since=since, until=now + AHEAD, limit=4 * PAGE)
            for point in page:
                self._insert(point)
            if len(page) < 4 * PAGE or page[-1].timestamp == since:
                break
            since = page[-1].timestamp
        if self.is_whole and now - self._looked_behind_at >= LOOK_BEHIND:
            self._looked_behind_at = now
            await self._look_behind(store, now)
        self._forget(now)

    def why_nothing(self, never: str) -> str:
        """Why nothing is there: it is still being read, or, in these words, there never was anything."""
        return never if self.is_whole else "it is still being read from the store"

    async def _look_behind(self, store: ReadableStore, now: datetime) -> None:
        """Records may have been added that are older than all we have: a bot's trades of the days before us."""
        horizon = now - KEPT
        oldest = moment(self.columns.at[0]) if len(self.columns) else horizon
        if oldest > horizon and await store.points(self.series, since=horizon, until=oldest, limit=1):
            self._older.restart(oldest)
            await self.extend(store, now=now)

    def _add_older(self, points: Sequence[Point]) -> None:
        self.columns.prepend([(micros(point.timestamp), self._record(point.body)) for point in points])
        if points:
            self._meet(points[-1])
            self._show(points)
            floor = self._floor
            self._recent |= {point.key: point.timestamp for point in points if point.timestamp >= floor}

    def _insert(self, point: Point) -> None:
        if point.key in self._recent:
            return
        self._meet(point)
        self._show([point])
        self._recent[point.key] = point.timestamp
        self.columns.insert(micros(point.timestamp), self._record(point.body))

    def _show(self, points: Sequence[Point]) -> None:
        if self._witness is not None:
            for point in points:
                self._witness(point)

    def _meet(self, point: Point) -> None:
        if self.newest is None or point.timestamp >= self.newest.timestamp:
            self.newest = point

    @property
    def _floor(self) -> datetime:
        """What is newer may come once more."""
        return (self.newest.timestamp if self.newest else NEVER) - OVERLAP

    def _forget(self, now: datetime) -> None:
        self.columns.forget(micros(now - KEPT))
        if len(self._recent) > 4 * PAGE:
            floor = self._floor
            self._recent = {key: at for key, at in self._recent.items() if at >= floor}
