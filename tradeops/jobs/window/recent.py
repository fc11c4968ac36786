"""Today's trades and the beginning of the day, read again only when a trade has come or the day has changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.adapters.store import ReadableStore
from tradeops.domain.day_start import DayStart, midnight_of, observed
from tradeops.domain.loss_limits import Limits
from tradeops.domain.portfolio.portfolio import ClosedTrade
from tradeops.errors import TradeOpsError
from tradeops.jobs.reports import equity, trades
from tradeops.jobs.window.history import History

MOST_TODAY = 10_000
SOON = timedelta(hours=1)
OLDEST = timedelta(minutes=1)
SETTLED = timedelta(minutes=15)  # after midnight nobody's look is nearer to it


@dataclass(frozen=True, slots=True)
class Recent:
    """What the losses of today are counted from.

    Attributes:
        read_at: our clock.
        midnight: of the day of the limits.
        trades: all of today, by closing time.
        start: what the day began with, where somebody looked; `None` where it must be worked out.
    """

    read_at: datetime
    midnight: datetime
    trades: tuple[ClosedTrade, ...]
    start: DayStart | None


class Lately:
    """Remembers the latest `Recent`.

    Args:
        store: where trades are kept.
    """

    def __init__(self, store: ReadableStore) -> None:
        self._store = store
        self._kept: tuple[object, Recent] | None = None

    async def read(self, limits: Limits, history: History, *, now: datetime) -> Recent | str:
        """The latest; or why it cannot be read.

        Args:
            limits: whose zone the day is of.
            history: of trades.
            now: aware.
        """
        mark, midnight = history.mark, midnight_of(now, limits.zone)
        if self._kept is not None:
            kept_mark, kept = self._kept
            is_settled = kept.start is not None or now - kept.read_at < OLDEST
            if (kept_mark, kept.midnight) == (mark, midnight) and is_settled:
                return kept
        try:
            found = await self._read(midnight, limits, now, self._start_of(midnight))
        except TradeOpsError as error:
            return str(error)
        self._kept = mark, found
        return found

    def _start_of(self, midnight: datetime) -> DayStart | None:
        """What is known of that day's beginning, once nothing nearer to it can come."""
        kept = None if self._kept is None else self._kept[1]
        return kept.start if kept and kept.midnight == midnight and kept.read_at - midnight >= SETTLED else None

    async def _read(self, midnight: datetime, limits: Limits, now: datetime, start: DayStart | None) -> Recent:
        closed = await trades.newest(self._store, since=midnight, until=now + SOON, limit=MOST_TODAY)
        if start is not None:
            return Recent(now, midnight, tuple(closed), start)
        worth = await equity.worth_near(self._store, midnight)
        if worth is None:
            return Recent(now, midnight, tuple(closed), None)
        start = observed(worth.at, worth.equity, worth.unrealised, now=now, zone=limits.zone)
        return Recent(now, midnight, tuple(closed), start)
