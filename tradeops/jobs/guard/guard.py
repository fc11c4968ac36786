"""The guard: sees the engine every few seconds, judges the limits and brakes by itself, whatever else is down.

A poll waits for the engine alone, and never for long. What was braked is held: see `tradeops.jobs.brake.hold`.
Nothing here is lost with the process: what stands is in the brake's journal, what the day began with in the store or in
the engine's own trades.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from tradeops.adapters.store import Store
from tradeops.domain.brake_targets import PORTFOLIO
from tradeops.domain.brakes import Order
from tradeops.domain.day_start import NEAR, DayStart, Worth, by_trade, midnight_of, observed, reconstructed
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.last_move import LastMove
from tradeops.domain.loss_limits import Limits, Verdict, judge
from tradeops.domain.losses import Facts
from tradeops.domain.notices import Level
from tradeops.errors import ContractError, RejectedError, TradeOpsError
from tradeops.jobs.brake.hold import ACTOR, Hold
from tradeops.jobs.guard.aside import Aside
from tradeops.jobs.guard.sight import Eyes, Sight
from tradeops.jobs.reports import equity, trades

SOURCE = "guard"
FIGURES, NEAR_LIMIT, TROUBLE = "guard:figures", "guard:near-limit", "guard:brake"
ENGINE, HEALTH = "engine", "health"  # the health check's own incident, which its good runs end
AGAIN = timedelta(minutes=1)
LOOK_WITHIN = timedelta(seconds=4)
UNKNOWN_FOR = timedelta(minutes=2)
BROKEN = "our own code broke, see the log"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the guard judges.

    Attributes:
        limits: of losses.
        blind_after: an engine that cannot be reached for so long is an incident.
        disable_when_unknown: brake the portfolio when figures have been unknown for two minutes.
    """

    limits: Limits
    blind_after: timedelta = timedelta(seconds=30)
    disable_when_unknown: bool = False


@dataclass(slots=True)
class Guard:
    """One guard at work.

    Attributes:
        eyes: on the engine.
        hold: the brake, and what it holds.
        aside: what shall be done besides.
        day: what the day began with; `None` before the first good look.
        verdict: of the last good look.
    """

    terms: Terms
    eyes: Eyes
    hold: Hold
    aside: Aside
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    day: DayStart | None = None
    verdict: Verdict | None = None
    _blind_since: datetime | None = None
    _unknown_since: datetime | None = None
    _engine_clock: LastMove = field(default_factory=LastMove)
    _marks: LastMove = field(default_factory=LastMove)
    _peak: Decimal | None = None
    _told: dict[str, tuple[Level | None, datetime]] = field(default_factory=dict)
    _minute: datetime | None = None
    _looks: tuple[Worth, ...] = ()
    _last: Worth | None = None

    async def remember(self, store: Store) -> None:
        """Know what an earlier guard saw: the trades that the engine may have forgotten, and the beginning of the day.

        Raises:
            UnavailableError: the store does not answer.
            ContractError: a record in it cannot be read; what could be is remembered.
        """
        damaged = []
        for step in (self._remember_day, self._remember_peak, self._remember_trades):
            try:
                await step(store)
            except ContractError as error:  # one record that is damaged costs no other
                damaged.append(error)
        if damaged:
            raise damaged[0]

    async def _remember_day(self, store: Store) -> None:
        looks = await equity.looks_near(store, midnight_of(self.clock(), self.terms.limits.zone))
        if looks:
            self._looks = (*self._looks, *looks)
            self.day = None  # the next look begins it anew, by all that is known then

    async def _remember_peak(self, store: Store) -> None:
        kept = await equity.highest(store, now=self.clock())
        self._peak = max((usd for usd in (self._peak, kept) if usd is not None), default=None)

    async def _remember_trades(self, store: Store) -> None:
        self.eyes.remember((await trades.archive(store, skip_damaged=True)).values())

    async def poll(self) -> None:
        """Look, judge, brake. What goes wrong is told, never raised."""
        try:
            _, sight = await asyncio.gather(self.hold.look_after(), self._look())
            if sight is not None:
                self._judge(sight, self.clock())
            trouble = "; ".join(f"{target}: {problem}" for target, problem in sorted(self.hold.trouble.items()))
            self._tell(Observation(TROUBLE, Level.CRITICAL if trouble else None, trouble, self.clock(), CERTAIN))
        except Exception:
            log.exception("the guard broke")
            self._unknown(BROKEN, self.clock())

    def _judge(self, sight: Sight, now: datetime) -> None:
        self._begin_day(sight, now)
        self._peak = max((usd for usd in (self._peak, sight.equity) if usd is not None), default=None)
        facts = self._facts(sight, now)
        verdict = judge(facts, self.terms.limits)
        self.verdict = verdict
        for breach in verdict.breaches:
            self.hold.pull(Order(breach.target, breach.text, ACTOR, breach.figures), judged_by=facts.released)
        self.hold.forget_trouble(but_of=[breach.target for breach in verdict.breaches])
        if verdict.unknown:
            self._unknown("; ".join(verdict.unknown), now)
        else:
            self._unknown_since = None
            self._tell(Observation(FIGURES, None, "", now, CERTAIN))
        warnings = "; ".join(verdict.warnings)
        self._tell(Observation(NEAR_LIMIT, Level.WARNING if warnings else None, warnings, now, CERTAIN))
        self._keep(sight)

    async def _look(self) -> Sight | None:
        try:
            async with asyncio.timeout(LOOK_WITHIN.total_seconds()):
                sight = await self.eyes.look()
        except ContractError as error:
            self._unknown(error.problem, self.clock())
        except RejectedError as error:
            tell = self._unknown if error.http_status is None else self._blind  # a refusal inside of a 200 is an answer
            tell(error.problem, self.clock())
        except (TradeOpsError, TimeoutError) as error:
            problem = error.problem if isinstance(error, TradeOpsError) else "it did not answer in time"
            self._blind(problem, self.clock())
        except Exception:
            log.exception("the guard broke")
            self._unknown(BROKEN, self.clock())
        else:
            self._blind_since = None
            self.aside.is_well(ENGINE)  # its incident is the health check's to end
            return sight
        return None

    def _blind(self, problem: str, now: datetime) -> None:
        """An engine that cannot be reached is a matter of health: its losses are not known, and none is assumed."""
        self._unknown_since = None
        self._blind_since = self._blind_since or now
        if now - self._blind_since >= self.terms.blind_after:
            text = f"the guard cannot see it: {problem}"
            self._tell(Observation(ENGINE, Level.CRITICAL, text, now, CERTAIN, may_be_starting=True), source=HEALTH)

    def _unknown(self, problem: str, now: datetime) -> None:
        self._blind_since = None
        self._unknown_since = self._unknown_since or now
        lasted = now - self._unknown_since
        text = f"no limit can be judged: {problem}"
        self._tell(Observation(FIGURES, Level.CRITICAL, text, now, CERTAIN))
        if self.terms.disable_when_unknown and lasted >= UNKNOWN_FOR:
            reason = f"its figures have been unknown for more than two minutes: {problem}"
            self.hold.pull(Order(PORTFOLIO, reason, ACTOR))

    def _begin_day(self, sight: Sight, now: datetime) -> None:
        zone, worth, before = self.terms.limits.zone, _worth_of(sight), self._last
        self._last = worth or before
        midnight = midnight_of(now, zone)
        if self.day is not None and self.day.day == midnight.date():
            return
        ours = tuple(one for one in (before, worth) if one is not None and abs(one.at - midnight) < NEAR)
        self._looks = (*(one for one in self._looks if abs(one.at - midnight) < NEAR), *ours)
        for one in ours:
            keep = partial(equity.observe, equity=one.equity, at=one.at, marks=one.marks)
            self.aside.keep(f"equity at {one.at:%Y-%m-%d %H:%M:%S}", keep)
        start = observed(self._looks, sight.history.trades, sight.open_trades, now=now, zone=zone)
        listed = (trade for trade in sight.history.trades if trade.id in sight.history.listed)
        self.day = start or reconstructed(sight.account.value.balance, listed, now=now, zone=zone)
        log.info("the day began with %.2f USDT (%s)", self.day.equity, self.day.label)

    def _facts(self, sight: Sight, now: datetime) -> Facts:
        assert self.day is not None  # noqa: S101 - begun above
        return Facts(
            now=now,
            as_of=self._engine_clock.at(sight.account.as_of, now),
            marks_moved_at=self._marks.at(_marks_of(sight), now),
            day_start=self.day,
            equity=sight.equity,
            open_trades=sight.open_trades,
            closed_trades=sight.history.trades,
            rejected=len(sight.rejected),
            peak_equity=self._peak,
            released=self.hold.releases(),
        )

    def _keep(self, sight: Sight) -> None:
        """Equity once a minute, and new trades."""
        if sight.new_trades:
            self.aside.keep(f"trades of {sight.at}", partial(trades.keep, found=sight.new_trades))
        minute = sight.at.replace(second=0, microsecond=0)
        worth = _worth_of(sight)
        if worth is not None and minute != self._minute:
            self._minute = minute
            self.aside.keep(f"equity of {minute:%H:%M}", partial(equity.observe_minute, worth=worth))

    def _tell(self, look: Observation, *, source: str = SOURCE) -> None:
        """Once when it changes, and each minute while it is bad, so that it is reminded of."""
        before = self._told.get(look.key)
        is_news = before is None or before[0] is not look.severity
        if is_news or (look.severity is not None and before is not None and look.at - before[1] >= AGAIN):
            self._told[look.key] = look.severity, look.at
            if look.severity is not None and is_news:
                log.warning("%s: %s", look.key, look.summary)
            self.aside.tell([look], source=source)


def _marks_of(sight: Sight) -> frozenset[tuple[str, Decimal]] | None:
    """What the open trades are said to be worth; any of them moves with each price."""
    marks = {(trade.id, trade.unrealised_pnl) for trade in sight.open_trades if trade.unrealised_pnl is not None}
    return frozenset(marks) or None


def _worth_of(sight: Sight) -> Worth | None:
    return None if sight.equity is None else Worth(sight.at, sight.equity, by_trade(sight.open_trades))
