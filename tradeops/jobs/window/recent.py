"""The latest trades and the beginning of the day, read again only when a trade has come or the day has changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.adapters.store import ReadableStore
from tradeops.domain.day_start import NEAR, DayStart, Worth, midnight_of, observed, reconstructed
from tradeops.domain.loss_limits import Limits
from tradeops.domain.portfolio.portfolio import ClosedTrade
from tradeops.errors import TradeOpsError
from tradeops.jobs.reports import equity, trades
from tradeops.jobs.window.history import History
from tradeops.jobs.window.live import Look

MOST_TRADES = 1000
MOST_TODAY = 10_000
LOOK_BACK = timedelta(days=30)
SOON = timedelta(hours=1)
OLDEST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Recent:
    """What the limits of today are judged by.

    Attributes:
        read_at: our clock.
        midnight: of the day of the limits.
        trades: the last 1,000 of a month and all of today, by closing time.
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
        mark, since = history.mark, history.since_last(MOST_TRADES)
        midnight = midnight_of(now, limits.zone)
        if self._kept is not None:
            kept_mark, kept = self._kept
            is_settled = (bool(kept.looks) and kept.read_at >= midnight + NEAR) or now - kept.read_at < OLDEST
            if (kept_mark, kept.midnight) == (mark, midnight) and is_settled:
                return kept
        try:
            found = await self._read(midnight, since, now)
        except TradeOpsError as error:
            return str(error)
        self._kept = mark, found
        return found

    async def _read(self, midnight: datetime, since: datetime | None, now: datetime) -> Recent:
        since = min(midnight - NEAR, max(since or midnight, now - LOOK_BACK))
        last = await trades.newest(self._store, since=since, until=now + SOON, limit=MOST_TODAY)
        return Recent(now, midnight, tuple(last), await equity.looks_near(self._store, midnight))


def day_start(recent: Recent | str, look: Look, limits: Limits, *, now: datetime) -> DayStart | str:
    """What the day began with; or why that is not known."""
    if isinstance(recent, str):
        return recent
    if start := observed(recent.looks, recent.trades, look.open_trades, now=now, zone=limits.zone):
        return start
    if look.balance is None:
        return f"nobody looked when the day began, and the engine is silent: {look.problem}"
    return reconstructed(look.balance, recent.trades, now=now, zone=limits.zone)
