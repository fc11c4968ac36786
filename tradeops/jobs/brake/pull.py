"""One pull at the brake: what must be off is switched off and read back until it is seen to be, or was released.

It writes down what it means to do before it does it. Each PUT asks the journal first whether the disable still stands.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.engine.levers import Switch
from tradeops.domain.brake_targets import Mapped, is_strategy, symbols_of
from tradeops.domain.brakes import Disabled, Kind, Order, Record, united
from tradeops.domain.incidents.model import key_of
from tradeops.errors import ContractError, RejectedError, TradeOpsError
from tradeops.jobs.brake.journal import Journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the brake tries.

    Attributes:
        pauses: before each reading back.
        whole: for all of it, once it has its turn.
    """

    pauses: tuple[timedelta, ...] = tuple(timedelta(seconds=s) for s in (0, 0.2, 0.5, 1.2, 3))
    whole: timedelta = timedelta(seconds=25)


PACE = Pace()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order.

    Attributes:
        order: its target as `brake_targets.named` writes it.
        incident_id: the same for all orders on a target until it is released.
        confirmed: everything that must be off was seen to be off.
        method: what did it, `endpoint` or `symbols`; `none` when nothing did.
        affected_symbols: that take no new positions; those that should not, where it is not confirmed.
        already_off: there was nothing left to do.
        disabled_at: when it was confirmed first; `None` when it is not.
        timeline: what happened, and how many milliseconds after the order.
        problem: why it is not confirmed; empty when it is.
        unwritten: why the local file does not tell of it; empty when it does.
        released: somebody released it meanwhile: the rest was not done, and nobody is to be told.
    """

    order: Order
    incident_id: str
    confirmed: bool
    method: str
    affected_symbols: tuple[str, ...]
    already_off: bool
    disabled_at: datetime | None
    timeline: tuple[tuple[str, float], ...]
    problem: str = ""
    unwritten: str = ""
    released: bool = False


class _NoSuchSymbolError(RejectedError):
    pass


class ReleasedError(Exception):
    """What was to be switched off was released meanwhile: the rest is not done."""


@dataclass(slots=True)
class Pull:
    """One order at work; its fields are what is known so far, whenever it is broken off."""

    engine: EngineClient
    journal: Journal
    order: Order
    mapped: Mapped
    pace: Pace
    again: str = ""
    began: float = field(default_factory=time.perf_counter)
    marks: list[tuple[str, float]] = field(default_factory=list)
    before: Disabled | None = None
    disabled: Disabled | None = None
    symbols: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    method: str = "none"
    confirmed: bool = False
    already_off: bool = False
    released: bool = False
    has_put: bool = False
    confirmed_at: datetime | None = None
    problem: str = ""
    unwritten: str = ""

    def mark(self, what: str) -> None:
        """Add to the timeline."""
        self.marks.append((what, round((time.perf_counter() - self.began) * 1000, 1)))

    def outcome(self) -> Outcome:
        """What became of it, written down; also of one that was broken off."""
        disabled = self.disabled or self._new()
        if self.released or self._is_over(disabled.incident_id):
            self._let_go()
        self.mark("released meanwhile" if self.released else "confirmed" if self.confirmed else "not confirmed")
        if self.confirmed and (self.before is None or not self.before.confirmed):
            first = self._standing()  # others that did not wait for their turn may have seen to it meanwhile
            self.already_off = first is not None and first.confirmed
        done = Outcome(
            order=self.order,
            incident_id=self.again if self.disabled is None and self.again else disabled.incident_id,
            confirmed=self.confirmed,
            method=self.method,
            affected_symbols=self.symbols or disabled.symbols,
            already_off=self.already_off,
            disabled_at=self.confirmed_at,
            timeline=tuple(self.marks),
            problem="" if self.confirmed else self.problem or "the engine still takes new positions",
            released=self.released,
        )
        if not (self.already_off or self.released):
            self._write_result(disabled, done)
        return replace(done, unwritten=self.unwritten)

    def _let_go(self) -> None:
        self.released, self.confirmed, self.already_off = True, False, False
        self.method, self.confirmed_at = "none", None
        asked = "; the engine was asked to switch it off before that was known: look there" if self.has_put else ""
        self.problem = f"it was released meanwhile{asked}"

    async def run(self) -> None:
        """Do it, for as long as the engine needs.

        Raises:
            RejectedError: the engine has no such symbol.
            ReleasedError: what it should switch off was released meanwhile.
        """
        self.before = before = self._standing()
        if self.again and (before is None or before.incident_id != self.again):
            self._heed_release(self.again)
        self.disabled = before or self._intend()
        there = await self._read()
        if there is not None and before is not None and before.confirmed and not self._on(there):
            self.already_off, self.confirmed = True, True
            self.method, self.confirmed_at = before.method, before.confirmed_at
            return
        self._heed_release(self.disabled.incident_id)
        asked = await self._ask_route() if is_strategy(self.order.target) else False
        if asked or there is None:
            there = await self._read()
        for pause in self.pace.pauses:
            if there is not None and self._is_off(there, asked=asked):
                return
            self._heed_release(self.disabled.incident_id)
            await self._put(there)
            await asyncio.sleep(pause.total_seconds())
            there, asked = await self._read(), False
        if there is not None:
            self._is_off(there, asked=False)

    def _is_off(self, there: Mapping[str, Switch], *, asked: bool) -> bool:
        if still := self._on(there):
            self.problem = f"the engine still takes new positions in {', '.join(one.symbol for one in still)}"
            return False
        self.confirmed, self.problem, self.confirmed_at = True, "", datetime.now(UTC)
        self.method = "endpoint" if asked else "symbols"
        return True

    async def _ask_route(self) -> bool:
        """Whether the engine has a route for it, and said yes."""
        self.has_put = True
        try:
            await self.engine.levers.disable_strategy(self.order.target, self.order.reason)
        except TradeOpsError as error:
            self.mark(f"the engine has no route for it, or does not answer: {error.problem}")
            return False
        self.mark("the engine's route said yes")
        return True

    async def _read(self) -> Mapping[str, Switch] | None:
        try:
            there = await self.engine.levers.switches()
            self._plan(there)
        except _NoSuchSymbolError:
            raise
        except TradeOpsError as error:
            self.problem = str(error)
            self.mark("the symbols could not be read")
            return None
        self.mark("read the symbols")
        return there

    async def _put(self, there: Mapping[str, Switch] | None) -> None:
        if there is None:
            return
        self.has_put = True
        try:
            await self.engine.levers.put_switches(switch.turned(on=False) for switch in self._on(there))
        except TradeOpsError as error:  # it may have been done all the same: reading tells
            self.problem = str(error)
            self.mark("the engine did not say that it switched the symbols off")
            return
        self.mark("switched the symbols off")

    def _on(self, there: Mapping[str, Switch]) -> list[Switch]:
        return [there[symbol] for symbol in self.symbols if there[symbol].enabled]

    def _standing(self) -> Disabled | None:
        try:
            return self.journal.standing().get(self.order.target)
        except TradeOpsError as error:
            self.unwritten = str(error)
            return None

    def _heed_release(self, incident_id: str) -> None:
        if self._is_over(incident_id):
            raise ReleasedError

    def _is_over(self, incident_id: str) -> bool:
        """What cannot be read keeps no brake from its work."""
        try:
            return self.journal.is_over(self.order.target, incident_id)
        except TradeOpsError:
            return False

    def _new(self) -> Disabled:
        now, order = datetime.now(UTC), self.order
        incident = f"{key_of(f'brake:{order.target}')}@{now:%Y%m%dT%H%M%S.%f}"
        return Disabled(order.target, now, incident, order.reason, order.actor, order.figures)

    def _intend(self) -> Disabled:
        new, order = self._new(), self.order
        body = {"reason": order.reason, "actor": order.actor, "figures": dict(order.figures)}
        self._write(Record(Kind.INTENT, new.target, new.incident_id, new.since, body))
        self.mark("wrote the intent")
        return self._standing() or new  # somebody who did not wait for us may have been first

    def _plan(self, there: Mapping[str, Switch]) -> None:
        """Know what must be off, and write down what of it is on, so that a release can give just that back."""
        if self.disabled is None:
            return
        self.symbols = self._meant(self.disabled, there)
        on = tuple(switch.symbol for switch in self._on(there))
        known = (*self.disabled.switched_off, *self.switched_off)
        if set(self.symbols) <= set(self.disabled.symbols) and set(on) <= set(known):
            return
        self.switched_off = united(known, on)
        body = {"symbols": united(self.disabled.symbols, self.symbols), "switched_off": self.switched_off}
        self._write(Record(Kind.PLAN, self.order.target, self.disabled.incident_id, datetime.now(UTC), body))
        self.disabled = self._standing() or self.disabled

    def _meant(self, disabled: Disabled, there: Mapping[str, Switch]) -> tuple[str, ...]:
        """Those that the engine lists of all that were ever meant."""
        try:
            now = symbols_of(self.order.target, there, self.mapped)
        except ValueError as error:
            if before := tuple(one for one in disabled.symbols if one in there):
                return before
            if there and not disabled.symbols:  # it was never there: the order meant nothing
                self._write(Record(Kind.VOID, self.order.target, disabled.incident_id, datetime.now(UTC)))
                raise _NoSuchSymbolError("brake", str(error)) from error
            raise ContractError("engine", str(error)) from error
        return tuple(one for one in united(disabled.symbols, now) if one in there)

    def _write_result(self, disabled: Disabled, done: Outcome) -> None:
        if not done.confirmed and not disabled.confirmed and disabled.problem == done.problem:
            return  # the guard tries every few seconds, and the same is not written each time
        body = {
            "confirmed": done.confirmed,
            "method": done.method,
            "symbols": done.affected_symbols,
            "problem": done.problem,
            "timeline": done.timeline,
            "reason": self.order.reason,
            "actor": self.order.actor,
            "figures": dict(self.order.figures),
        }
        at = done.disabled_at or datetime.now(UTC)
        self._write(Record(Kind.RESULT, self.order.target, disabled.incident_id, at, body))

    def _write(self, record: Record) -> None:
        try:
            self.journal.append(record)
        except TradeOpsError as error:
            self.unwritten = str(error)
            ids = {"incident_id": record.incident_id}
            log.error("the brake acts without its journal: %s", error, extra=ids)  # noqa: TRY400 - no defect of ours
