"""The brake: switches a strategy, a symbol or everything off at the engine, and is not content before it has seen it.

It needs the engine and a local file, and nothing else: no Prefect, no store, no language model, no channel. What those
are told of it is told afterwards, from that file. Open positions stay open; the engine goes on supervising them.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.engine.levers import Switch
from tradeops.domain.brake_targets import Mapped, is_strategy, named, symbols_of
from tradeops.domain.brakes import Disabled, Kind, Order, Record
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


async def brake(
    engine: EngineClient,
    journal: Journal,
    order: Order,
    *,
    mapped: Mapped,
    known: Collection[str] = (),
    pace: Pace = PACE,
) -> Outcome:
    """Switch the target off and see that it is; trouble is in the outcome. An order may be given any number of times.

    Args:
        engine: where.
        journal: of this machine; one that cannot be written does not stop the brake.
        order: what and why.
        mapped: the symbols of each strategy; all of them where it says nothing.
        known: targets that are none of ours and all the same there: the engine itself has named them.
        pace: how long to try.

    Raises:
        RejectedError: no such strategy or symbol; names those that there are.
    """
    pull = _Pull(engine, journal, _clear(order, (*mapped, *known, *_standing_in(journal))), mapped, pace)
    async with journal.lock(pull.order.target) as alone:
        pull.mark("has its turn" if alone else "does not wait for others any longer")
        try:
            async with asyncio.timeout(pace.whole.total_seconds()):
                await pull.run()
        except TimeoutError:
            pull.problem = pull.problem or f"the engine did not get it done within {pace.whole.total_seconds():g} s"
        except RejectedError:
            raise
        except Exception as error:
            log.exception("the brake broke")
            pull.confirmed = False
            pull.problem = f"our own code broke ({type(error).__name__}, see the log)"
        return pull.outcome()


def _clear(order: Order, known: Collection[str]) -> Order:
    try:
        return order.aimed_at(named(order.target, known))
    except ValueError as error:
        raise RejectedError("brake", str(error)) from error


def _standing_in(journal: Journal) -> tuple[str, ...]:
    try:
        return tuple(journal.standing())
    except TradeOpsError:  # the brake says so itself
        return ()


class _NoSuchSymbolError(RejectedError):
    pass


@dataclass(slots=True)
class _Pull:
    """One order at work; its fields are what is known so far, whenever it is broken off."""

    engine: EngineClient
    journal: Journal
    order: Order
    mapped: Mapped
    pace: Pace
    began: float = field(default_factory=time.perf_counter)
    marks: list[tuple[str, float]] = field(default_factory=list)
    before: Disabled | None = None
    disabled: Disabled | None = None
    symbols: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    method: str = "none"
    confirmed: bool = False
    already_off: bool = False
    confirmed_at: datetime | None = None
    problem: str = ""
    unwritten: str = ""

    def mark(self, what: str) -> None:
        self.marks.append((what, round((time.perf_counter() - self.began) * 1000, 1)))

    def outcome(self) -> Outcome:
        self.mark("confirmed" if self.confirmed else "not confirmed")
        disabled = self.disabled or self._new()
        if self.confirmed and (self.before is None or not self.before.confirmed):
            first = self._standing()  # others that did not wait for their turn may have seen to it meanwhile
            self.already_off = first is not None and first.confirmed
        done = Outcome(
            order=self.order,
            incident_id=disabled.incident_id,
            confirmed=self.confirmed,
            method=self.method,
            affected_symbols=self.symbols or disabled.symbols,
            already_off=self.already_off,
            disabled_at=self.confirmed_at,
            timeline=tuple(self.marks),
            problem="" if self.confirmed else self.problem or "the engine still takes new positions",
        )
        if not self.already_off:
            self._write_result(disabled, done)
        return replace(done, unwritten=self.unwritten)

    async def run(self) -> None:
        self.before = before = self._standing()
        self.disabled = before or self._intend()
        there = await self._read()
        if there is not None and before is not None and before.confirmed and not self._on(there):
            self.already_off, self.confirmed = True, True
            self.method, self.confirmed_at = before.method, before.confirmed_at
            return
        asked = await self._ask_route() if is_strategy(self.order.target) else False
        if asked or there is None:
            there = await self._read()
        for pause in self.pace.pauses:
            if there is not None and self._is_off(there, asked=asked):
                return
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
        try:
            self.symbols = symbols_of(self.order.target, there, self.mapped)
        except ValueError as error:
            if there and not self.disabled.symbols:  # it was never there: the order meant nothing
                self._write(Record(Kind.VOID, self.order.target, self.disabled.incident_id, datetime.now(UTC)))
                raise _NoSuchSymbolError("brake", str(error)) from error
            raise ContractError("engine", str(error)) from error
        on = tuple(switch.symbol for switch in self._on(there))
        known = (*self.disabled.switched_off, *self.switched_off)
        if self.symbols == self.disabled.symbols and set(on) <= set(known):
            return
        self.switched_off = tuple(dict.fromkeys((*known, *on)))
        body = {"symbols": self.symbols, "switched_off": self.switched_off}
        self._write(Record(Kind.PLAN, self.order.target, self.disabled.incident_id, datetime.now(UTC), body))
        self.disabled = self._standing() or self.disabled

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
