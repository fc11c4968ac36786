"""Braking without delay, and holding what was braked: again when it is not confirmed, again when it is enabled anew.

Each brake is a task of its own, one for a target at a time, so that a lying engine delays no poll and no other target.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.prefect_api.client import Event
from tradeops.domain.brake_targets import PORTFOLIO, Mapped
from tradeops.domain.brakes import Disabled, Kind, Order, Record, drift
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.errors import TradeOpsError, UnavailableError
from tradeops.jobs.brake import records, telling
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.pull import Outcome
from tradeops.jobs.ending import end
from tradeops.jobs.guard.aside import Aside

ACTOR = "guard"
EVENT = "tradeops.strategy.loss-limit-breached"
REMINDED_EVERY = timedelta(minutes=10)
RECORDED_EVERY = timedelta(minutes=1)
ENDING_WITHIN = timedelta(seconds=4)
LEARNING_WITHIN = timedelta(seconds=1)
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
        trouble: by target, why its brake did not work, or left no trace; no more than that is known of it.
    """

    engine: EngineClient
    journal: Journal
    aside: Aside
    strategy_symbols: Mapped = field(default_factory=dict)
    first_pause: timedelta = FIRST_PAUSE
    trouble: dict[str, str] = field(default_factory=dict)
    _at_work: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _pauses: dict[str, _Pause] = field(default_factory=dict)
    _flipped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _emitted: set[str] = field(default_factory=set)
    _stood: dict[str, str] = field(default_factory=dict)
    _reminded: datetime | None = None
    _recorded: datetime | None = None

    def releases(self) -> Mapping[str, datetime]:
        """When each target was last released; nothing is known of them from a journal that cannot be read."""
        try:
            return self.journal.releases()
        except UnavailableError as error:
            log.error("nobody knows what was released: %s", error)  # noqa: TRY400 - no defect of ours
            return {}

    def pull(self, order: Order, *, judged_by: Mapping[str, datetime] | None = None) -> None:
        """Brake now, unless the target, or all of the portfolio, is off already or being switched off.

        Args:
            order: what and why.
            judged_by: the releases that were known when it was judged: what was released since is judged anew first.
        """
        latest = self.releases().get(order.target)
        if judged_by is not None and latest is not None and latest != judged_by.get(order.target):
            return
        standing = self._standing()
        for target in (order.target, PORTFOLIO):
            there = standing.get(target)
            if target in self._at_work or (there is not None and there.confirmed):
                return
        there = standing.get(order.target)
        self._begin(order, again="" if there is None else there.incident_id)

    async def look_after(self) -> None:
        """Brake again what is not confirmed, and what is enabled although nobody released it. Never raises."""
        try:
            self._keep_records()
            standing = self._standing()
            self._tell_ends(standing)
            if not standing:
                return
            self._remind(standing)
            self._emit_what_was_not(standing)
            standing, again = await self._drifted(standing)
            self._tell_flips(standing, again)
            for target, disabled in standing.items():
                if target in again or not disabled.confirmed:
                    self._begin(disabled.order, again=disabled.incident_id)
        except TradeOpsError as error:
            log.warning("what is braked could not be looked after: %s", error)
        except Exception:
            log.exception("what is braked could not be looked after: our own code broke")

    def forget_trouble(self, *, but_of: Collection[str]) -> None:
        """What neither is too much any longer nor must be off is no trouble."""
        lasting = {*but_of, *self._standing()}
        self.trouble = {target: problem for target, problem in self.trouble.items() if target in lasting}

    async def _drifted(
        self, standing: Mapping[str, Disabled]
    ) -> tuple[Mapping[str, Disabled], Mapping[str, tuple[str, ...]]]:
        """What must be off, and what of it is on: symbols that came later, too, where all are meant."""
        switches = await self.engine.levers.switches()
        enabled = frozenset(name for name, switch in switches.items() if switch.enabled)
        again = drift(standing, enabled, self.strategy_symbols)
        if any(standing[target].confirmed and target not in self._flipped for target in again):
            await self._learn_of_releases()
            standing = self._standing()
            again = {target: symbols for target, symbols in again.items() if target in standing}
        return standing, again

    async def _learn_of_releases(self) -> None:
        """Somebody may have released it on another machine a moment ago; a store that is slow is not waited for."""
        with contextlib.suppress(TradeOpsError, TimeoutError):
            async with asyncio.timeout(LEARNING_WITHIN.total_seconds()):
                await records.replay(self.journal, await self.aside.store())

    def _keep_records(self) -> None:
        """Each minute, also what others wrote into the journal while the store was down, or told the store alone."""
        now = datetime.now(UTC)
        if self._recorded is None or not self._recorded <= now < self._recorded + RECORDED_EVERY:
            self._recorded = now
            self.aside.keep("journal", partial(records.replay, self.journal))

    async def settled(self) -> None:
        """Return when no brake is at work."""
        while self._at_work:
            await asyncio.wait(self._at_work.values())

    async def end(self) -> None:
        """Let brakes that are at work come to their end, for some seconds; what is broken off, the next guard ends."""
        if self._at_work:
            await asyncio.wait(self._at_work.values(), timeout=ENDING_WITHIN.total_seconds())
        await end(list(self._at_work.values()))

    def _standing(self) -> Mapping[str, Disabled]:
        try:
            return self.journal.standing()
        except UnavailableError as error:
            log.error("nobody knows what is braked: %s", error)  # noqa: TRY400 - no defect of ours
            return {}

    def _begin(self, order: Order, *, again: str) -> None:
        now, pause = datetime.now(UTC), self._pauses.get(order.target)
        if order.target in self._at_work or (pause is not None and now < pause.until):
            return
        log.warning("%s is braked: %s", order.target, order.reason)
        task = asyncio.create_task(self._brake(order, again))
        self._at_work[order.target] = task
        task.add_done_callback(lambda _: self._at_work.pop(order.target))

    async def _brake(self, order: Order, again: str) -> None:
        mapped, known = self.strategy_symbols, (order.target,)
        try:
            outcome = await brake(self.engine, self.journal, order, mapped=mapped, known=known, again=again)
        except TradeOpsError as error:
            log.error("%s could not be braked: %s", order.target, error)  # noqa: TRY400 - no defect of ours
            self._fails(order.target, f"it could not be braked: {error.problem}")
            return
        except Exception:
            log.exception("%s could not be braked: our own code broke", order.target)
            self._fails(order.target, "it could not be braked: our own code broke, see the log")
            return
        if outcome.released:
            log.warning("%s: %s", order.target, outcome.problem)
            return
        if outcome.unwritten:  # so nobody will know that it is off; it is looked at again, and not each time
            self._fails(order.target, f"it was braked and not written down: {outcome.unwritten}")
        else:
            self.trouble.pop(order.target, None)
        if outcome.confirmed:
            if not outcome.unwritten:
                self._pauses.pop(order.target, None)
            log.warning("%s is off: %s", order.target, ", ".join(outcome.affected_symbols))
        else:
            if not outcome.unwritten:
                self._pause(order.target)
            log.error("%s is NOT CONFIRMED off: %s", order.target, outcome.problem)
        self._tell(outcome)

    def _fails(self, target: str, problem: str) -> None:
        self.trouble[target] = problem
        self._pause(target)

    def _pause(self, target: str) -> None:
        before = self._pauses.get(target)
        length = self.first_pause if before is None else min(before.length * 2, LONGEST_PAUSE)
        self._pauses[target] = _Pause(datetime.now(UTC) + length, length)

    def _tell(self, outcome: Outcome) -> None:
        now, stage = datetime.now(UTC), "confirmed" if outcome.confirmed else "not-confirmed"
        self._reminded = now
        disabled = telling.standing_after(outcome, self.journal)
        if disabled.released:
            return
        for source, looks in telling.looks(disabled, at=now).items():
            self.aside.tell(looks, source=source, run_id=f"{outcome.incident_id}:{source}:{stage}")
        self.aside.keep("journal", partial(records.replay, self.journal))
        if outcome.order.actor == ACTOR:
            # without a journal each look would be an incident of its own
            self._emit(disabled, once=disabled.target if outcome.unwritten else disabled.incident_id)

    def _emit_what_was_not(self, standing: Mapping[str, Disabled]) -> None:
        """A guard before us may have died before Prefect had the event."""
        missing = self.journal.not_emitted()
        for target, disabled in standing.items():
            if disabled.actor == ACTOR and disabled.incident_id in missing and target not in self._at_work:
                self._emit(disabled, once=disabled.incident_id)

    def _emit(self, disabled: Disabled, *, once: str) -> None:
        if once not in self._emitted:
            self._emitted.add(once)
            self.aside.emit(event_of(disabled, datetime.now(UTC)), then=partial(self._has_emitted, disabled))

    def _has_emitted(self, disabled: Disabled) -> None:
        record = Record(Kind.EMITTED, disabled.target, disabled.incident_id, datetime.now(UTC))
        try:
            self.journal.append(record)
        except UnavailableError as error:
            log.warning("the event may be emitted again: %s", error)

    def _remind(self, standing: Mapping[str, Disabled]) -> None:
        """Say at the start, and again and again, what is off: a guard before us may have died before it could."""
        now = datetime.now(UTC)
        if self._reminded is not None and self._reminded <= now < self._reminded + REMINDED_EVERY:
            return
        self._reminded = now
        for target, disabled in standing.items():
            at_work_elsewhere = not disabled.confirmed and now - disabled.since < LONGEST_AT_WORK
            if target not in self._at_work and not at_work_elsewhere:
                for source, looks in telling.looks(disabled, at=now).items():
                    self.aside.tell(looks, source=source)

    def _tell_ends(self, standing: Mapping[str, Disabled]) -> None:
        """What stood at the last look and was released: what others told of it late must not stay open for ever."""
        now = datetime.now(UTC)
        for target, incident in self._stood.items():
            if target not in standing and self.journal.is_over(target, incident):
                for source, looks in telling.looks_after_release(target, at=now).items():
                    self.aside.tell(looks, source=source)
        self._stood = {target: disabled.incident_id for target, disabled in standing.items()}

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


def event_of(disabled: Disabled, now: datetime) -> Event:
    """What Prefect hears of a breach; one event for each incident, however often it is emitted."""
    return Event(
        event_id=uuid5(NAMESPACE_URL, f"{EVENT}:{disabled.incident_id}"),
        name=EVENT,
        resource_id=f"tradeops.strategy.{disabled.target}",
        resource_name=disabled.target,
        occurred_at=now,
        payload={
            "strategy": disabled.target,
            "reason": disabled.reason,
            "loss": dict(disabled.figures),
            "incident_id": disabled.incident_id,
        },
    )
