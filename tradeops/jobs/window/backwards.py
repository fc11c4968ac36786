"""Reads a series from its newest records to its oldest, a page at a time."""

from datetime import datetime, timedelta

from tradeops.adapters.store import Point, ReadableStore
from tradeops.domain.window.columns import MICROSECOND

PAGE = 250  # larger ones leave the process larger for ever
STRETCH, SHORTEST = timedelta(hours=3), timedelta(minutes=1)


class Backwards:
    """A way through one series.

    A page is a stretch of time, longer where records are rare: a database that sorts a whole quarter to find its newest
    records would do so for each page.

    Args:
        series: its name.

    Attributes:
        low: everything from here on was read; `None` before the first page.
        is_whole: nothing is left.
    """

    def __init__(self, series: str) -> None:
        self.series = series
        self.low: datetime | None = None
        self.is_whole = False
        self._stretch = STRETCH

    def restart(self, low: datetime | None) -> None:
        """Go on from there, because something is left after all."""
        self.low, self.is_whole = low, False
        if low is None:
            self._stretch = STRETCH

    async def page(self, store: ReadableStore, *, until: datetime, horizon: datetime) -> list[Point]:
        """The next older records, by time; empty also where a stretch has none, so look at `is_whole`.

        Args:
            store: where they are kept.
            until: where the first page ends.
            horizon: where the last one ends.

        Raises:
            UnavailableError: the store does not answer.
        """
        limit, until = PAGE, self.low or until
        while not self.is_whole:
            since = max(horizon, until - self._stretch)
            page = await store.points(self.series, since=since, until=until, limit=limit, newest_first=True)
            if len(page) < limit:
                self.low, self.is_whole = since, since == horizon
                self._stretch *= 4 if len(page) < limit / 8 else 1
            elif page[-1].timestamp == page[0].timestamp:  # all of one moment: which of it is left cannot be told
                limit *= 2
                continue
            else:  # the last moment may go on behind the page
                oldest = page[-1].timestamp
                page = [point for point in page if point.timestamp > oldest]
                self.low = oldest + MICROSECOND
                self._stretch = max(self._stretch / 2, SHORTEST)
            return page[::-1]
        return []
