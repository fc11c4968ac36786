"""Today's trades and the beginning of the day, read again only when a trade has come or the day has changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.adapters.store import ReadableStore
from tradeops.domain.day_start import NEAR, Worth, midnight_of
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
        trades: all of today and of the ten minutes before it, by closing time.
        looks: at what the account was worth, by anybody, near the day's beginning.
    """

    read_at: datetime
    midnight: datetime
    trades: tuple[ClosedTrade, ...]
    looks: tuple[Worth, ...]


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
            is_settled = (bool(kept.looks) and kept.read_at >= midnight + SETTLED) or now - kept.read_at < OLDEST
            if (kept_mark, kept.midnight) == (mark, midnight) and is_settled:
                return kept
        try:
            found = await self._read(midnight, now, self._looks_at(midnight))
        except TradeOpsError as error:
            return str(error)
        self._kept = mark, found
        return found

    def _looks_at(self, midnight: datetime) -> tuple[Worth, ...]:
        """What is known of that day's beginning, once nothing nearer to it can come."""
        kept = None if self._kept is None else self._kept[1]
        return kept.looks if kept and kept.midnight == midnight and kept.read_at - midnight >= SETTLED else ()

    async def _read(self, midnight: datetime, now: datetime, looks: tuple[Worth, ...]) -> Recent:
        closed = await trades.newest(self._store, since=midnight - NEAR, until=now + SOON, limit=MOST_TODAY)
        return Recent(now, midnight, tuple(closed), looks or await equity.looks_near(self._store, midnight))
