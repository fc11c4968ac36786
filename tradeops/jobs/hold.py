"""Braking without delay, and holding what was braked: again when it is not confirmed, again when it is enabled anew.

Each brake is a task of its own, one for a target at a time, so that a lying engine delays no poll and no other target.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.prefect_api.client import Event
from tradeops.domain.brake_targets import PORTFOLIO, Mapped
from tradeops.domain.brakes import Disabled, Order, drift
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.errors import TradeOpsError, UnavailableError
from tradeops.jobs import brake_records, brake_telling
from tradeops.jobs.aside import Aside
from tradeops.jobs.brake import Outcome, brake
from tradeops.jobs.brake_journal import Journal

ACTOR = "guard"
EVENT = "tradeops.strategy.loss-limit-breached"
REMINDED_EVERY = timedelta(minutes=10)
LONGEST_AT_WORK = timedelta(seconds=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=1)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pause:
    until: datetime
    length: timedelta


@dataclass(slots=True)
class Hold:
    """The brake of one engine and what stands.

    Attributes:
        strategy_symbols: the symbols of each strategy that has some of its own.
    """

    engine: EngineClient
    journal: Journal
    aside: Aside
    strategy_symbols: Mapped = field(default_factory=dict)
    first_pause: timedelta = FIRST_PAUSE
    _at_work: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _pauses: dict[str, _Pause] = field(default_factory=dict)
    _flipped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _emitted: set[str] = field(default_factory=set)
    _reminded: datetime | None = None

    def releases(self) -> Mapping[str, datetime]:
        """When each target was last released; nothing is known of them from a journal that cannot be read."""
        try:
            return self.journal.releases()
        except UnavailableError as error:
            log.error("nobody knows what was released: %s", error)  # noqa: TRY400 - no defect of ours
            return {}

    def pull(self, order: Order) -> None:
        """Brake now, unless the target, or all of the portfolio, is off already or being switched off."""
        standing = self._standing()
        for target in (order.target, PORTFOLIO):
            there = standing.get(target)
            if target in self._at_work or (there is not None and there.confirmed):
                return
        self._begin(order)

    async def look_after(self) -> None:
        """Brake again what is not confirmed, and what is enabled although nobody released it. Never raises."""
        try:
            standing = self._standing()
            if not standing:
                return
            self._remind(standing)
            switches = await self.engine.levers.switches()
            enabled = frozenset(name for name, switch in switches.items() if switch.enabled)
            again = drift(standing, enabled)
            if PORTFOLIO in standing and enabled:  # a symbol that came later, too
                again[PORTFOLIO] = tuple(sorted(enabled))
            self._tell_flips(standing, again)
            for target, disabled in standing.items():
                if target in again or not disabled.confirmed:
                    self._begin(disabled.order)
        except TradeOpsError as error:
            log.warning("what is braked could not be looked after: %s", error)
        except Exception:
            log.exception("what is braked could not be looked after: our own code broke")

    async def settled(self) -> None:
        """Return when no brake is at work."""
        while self._at_work:
            await asyncio.wait(self._at_work.values())

    def _standing(self) -> Mapping[str, Disabled]:
        try:
            return self.journal.standing()
        except UnavailableError as error:
            log.error("nobody knows what is braked: %s", error)  # noqa: TRY400 - no defect of ours
            return {}

    def _begin(self, order: Order) -> None:
        now, pause = datetime.now(UTC), self._pauses.get(order.target)
        if order.target in self._at_work or (pause is not None and now < pause.until):
            return
        task = asyncio.create_task(self._brake(order))
        self._at_work[order.target] = task
        task.add_done_callback(lambda _: self._at_work.pop(order.target))

    async def _brake(self, order: Order) -> None:
        try:
            outcome = await brake(self.engine, self.journal, order, mapped=self.strategy_symbols)
        except TradeOpsError as error:
            log.error("%s could not be braked: %s", order.target, error)  # noqa: TRY400 - no defect of ours
            self._pause(order.target)
            return
        except Exception:
            log.exception("%s could not be braked: our own code broke", order.target)
            self._pause(order.target)
            return
        if outcome.confirmed:
            self._pauses.pop(order.target, None)
            log.warning("%s is off: %s", order.target, ", ".join(outcome.affected_symbols))
        else:
            self._pause(order.target)
            log.error("%s is NOT CONFIRMED off: %s", order.target, outcome.problem)
        self._tell(outcome)

    def _pause(self, target: str) -> None:
        before = self._pauses.get(target)
        length = self.first_pause if before is None else min(before.length * 2, LONGEST_PAUSE)
        self._pauses[target] = _Pause(datetime.now(UTC) + length, length)

    def _tell(self, outcome: Outcome) -> None:
        now, stage = datetime.now(UTC), "confirmed" if outcome.confirmed else "not-confirmed"
        self._reminded = now
        for source, looks in brake_telling.looks(brake_telling.standing_after(outcome, self.journal), at=now).items():
            self.aside.tell(looks, source=source, run_id=f"{outcome.incident_id}:{source}:{stage}")
        self.aside.keep("journal", partial(brake_records.replay, self.journal))
        if outcome.order.actor == ACTOR and outcome.incident_id not in self._emitted:
            self._emitted.add(outcome.incident_id)
            self.aside.emit(event_of(outcome, now))

    def _remind(self, standing: Mapping[str, Disabled]) -> None:
        """Say at the start, and again and again, what is off: a guard before us may have died before it could."""
        now = datetime.now(UTC)
        if self._reminded is not None and self._reminded <= now < self._reminded + REMINDED_EVERY:
            return
        self._reminded = now
        for target, disabled in standing.items():
            at_work_elsewhere = not disabled.confirmed and now - disabled.since < LONGEST_AT_WORK
            if target not in self._at_work and not at_work_elsewhere:
                for source, looks in brake_telling.looks(disabled, at=now).items():
                    self.aside.tell(looks, source=source)

    def _tell_flips(self, standing: Mapping[str, Disabled], again: Mapping[str, tuple[str, ...]]) -> None:
        """Once for each time that something confirmed off is found on, and once when it is off again."""
        now = datetime.now(UTC)
        flipped = {target: symbols for target, symbols in again.items() if standing[target].confirmed}
        for target, symbols in flipped.items():
            if target not in self._flipped:
                text = f"{', '.join(symbols)} was enabled again without a release; it is switched off again"
                log.warning("%s: %s", target, text)
                self.aside.tell(
                    [Observation(f"brake-flipped:{target}", Level.CRITICAL, text, now, CERTAIN)], source=ACTOR
                )
        for target in self._flipped.keys() - flipped.keys():
            self.aside.tell([Observation(f"brake-flipped:{target}", None, "", now, CERTAIN)], source=ACTOR)
        self._flipped = flipped


def event_of(outcome: Outcome, now: datetime) -> Event:
    """What Prefect hears of a breach; one event for each incident, however often it is emitted."""
    order = outcome.order
    return Event(
        event_id=uuid5(NAMESPACE_URL, f"{EVENT}:{outcome.incident_id}"),
        name=EVENT,
        resource_id=f"tradeops.strategy.{order.target}",
        resource_name=order.target,
        occurred_at=now,
        payload={
            "strategy": order.target,
            "reason": order.reason,
            "loss": dict(order.figures),
            "incident_id": outcome.incident_id,
        },
    )
