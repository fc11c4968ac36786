"""What the losses of today are counted from: the archive's trades of the day and the engine's open ones, as one."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.domain.day_start import DayStart, observed, reconstructed
from tradeops.domain.loss_limits import Limits
from tradeops.domain.losses import Facts, Today
from tradeops.domain.portfolio.portfolio import OpenTrade
from tradeops.domain.window.limits_used import day_of
from tradeops.jobs.window.history import History
from tradeops.jobs.window.live import Look
from tradeops.jobs.window.recent import Recent

UNWATCHED = timedelta(minutes=3)  # the guard keeps equity once a minute, and new trades before it
CLOSING = timedelta(minutes=1)
NEVER = "nobody has watched it yet: the watchdog keeps today's trades"


@dataclass(frozen=True, slots=True)
class Day:
    """Of the loss limits.

    Attributes:
        start: what it began with; or why that is not known.
        facts: of today, as if nobody had released anything; or why there are none.
        brought: by closed trades and marks so far; or why that is not known.
    """

    start: DayStart | str
    facts: Facts | str
    brought: Today | str


class Days:
    """Makes a `Day`, anew only when a look or a trade has come, and remembers what was open."""

    def __init__(self) -> None:
        self._made: tuple[Recent | str, Look, str, Day] | None = None
        self._held: dict[str, tuple[OpenTrade, datetime]] = {}

    def of(self, limits: Limits, recent: Recent | str, look: Look, equity: History, *, now: datetime) -> Day:
        """The day so far.

        Args:
            limits: whose day it is.
            recent: today's trades.
            look: at the engine.
            equity: by the minute, which tells whether somebody keeps today's trades.
            now: aware.
        """
        unwatched = _unwatched(equity, limits, now)
        if self._made is None or self._made[:3] != (recent, look, unwatched) or now - look.at > limits.stale_after:
            self._made = recent, look, unwatched, self._make(limits, recent, look, unwatched, now)
        return self._made[3]

    def _make(self, limits: Limits, recent: Recent | str, look: Look, unwatched: str, now: datetime) -> Day:
        start = day_start(recent, look, limits, now=now)
        if isinstance(recent, str):
            return Day(start, recent, recent)
        blind = look.problem or unwatched
        if blind or isinstance(start, str):
            return Day(start, blind or str(start), blind or str(start))
        closed = tuple(trade for trade in recent.trades if trade.closed_at >= recent.midnight)
        facts = Facts(now, look.as_of, start, look.equity, self._open(recent, look), closed)
        return Day(start, facts, day_of(facts, limits))

    def _open(self, recent: Recent, look: Look) -> tuple[OpenTrade, ...]:
        """What is open and not yet closed in the archive; what has just closed counts at its last mark until it is."""
        self._held |= {trade.id: (trade, look.at) for trade in look.open_trades}
        closed = {trade.id for trade in recent.trades}
        self._held = {
            name: (trade, at)
            for name, (trade, at) in self._held.items()
            if name not in closed and look.at - at < CLOSING
        }
        return tuple(trade for trade, _ in self._held.values())


def day_start(recent: Recent | str, look: Look, limits: Limits, *, now: datetime) -> DayStart | str:
    """What the day began with; or why that is not known."""
    if isinstance(recent, str):
        return recent
    if start := observed(recent.looks, recent.trades, look.open_trades, now=now, zone=limits.zone):
        return start
    if look.balance is None:
        return f"nobody looked when the day began, and the engine is silent: {look.problem}"
    return reconstructed(look.balance, recent.trades, now=now, zone=limits.zone)


def _unwatched(equity: History, limits: Limits, now: datetime) -> str:
    """Why today's trades may not be in the archive; empty when they are."""
    if equity.newest is None:
        return equity.why_nothing(NEVER)
    at = equity.newest.timestamp
    if now - at <= UNWATCHED:
        return ""
    last = f"{at.astimezone(limits.zone):%Y-%m-%d %H:%M}"
    return f"today's trades are kept by the watchdog, which last kept anything at {last}"
