"""The trades that losing streaks are counted from, of all that were ever kept: as the guard counts."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tradeops.adapters.store import Point, ReadableStore
from tradeops.domain.window.streaks import Tails
from tradeops.errors import ContractError
from tradeops.jobs.reports.trades import ALWAYS, SERIES, trade_of
from tradeops.jobs.window.backwards import Backwards

ANEW = timedelta(days=1)
HORIZON = ALWAYS + timedelta(days=1)

log = logging.getLogger(__name__)


class Streaks:
    """Takes in the trades that others read of the last quarter, and reads itself what is older.

    Attributes:
        tails: what matters of them.
    """

    def __init__(self) -> None:
        self.tails = Tails()
        self._older = Backwards(SERIES)
        self._read_at: datetime | None = None
        self._oldest: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all older trades were read once."""
        return self._read_at is not None

    def meet(self, point: Point) -> None:
        """Take in a record of the archive; one that is damaged is left out, as the guard does."""
        self._oldest = point.timestamp if self._oldest is None else min(self._oldest, point.timestamp)
        body: Mapping[str, Any] = point.body
        try:
            if self.tails.may_matter(body["symbol"], body["strategy"], point.timestamp):
                self.tails.add(trade_of(point))
        except (ContractError, KeyError, TypeError) as error:
            log.warning("left out: %s", error if isinstance(error, ContractError) else f"record {point.key} of trades")

    async def extend(self, store: ReadableStore, *, until: datetime, now: datetime) -> bool:
        """Read a page of what is older than `until`; `True` when there is none left.

        Raises:
            UnavailableError: the store does not answer.
        """
        for point in reversed(await self._older.page(store, until=until, horizon=HORIZON)):
            self.meet(point)
        if self._older.is_whole and self._read_at is None:
            self._read_at = now
        return self._older.is_whole

    async def look_behind(self, store: ReadableStore, *, until: datetime, now: datetime) -> None:
        """Read all anew where older trades than all we met were added, as a new guard adds them; else once a day.

        Raises:
            UnavailableError: the store does not answer.
        """
        if not self._older.is_whole:
            return
        until = until if self._oldest is None else min(until, self._oldest)
        is_due = self._read_at is not None and now - self._read_at >= ANEW
        if is_due or await store.points(SERIES, since=HORIZON, until=until, limit=1):
            self._older = Backwards(SERIES)
            self._read_at = now
