"""What must be off and since when, worked out from what the brake wrote down. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tradeops.domain.brake_targets import Mapped, means_all, symbol_of
from tradeops.domain.texts import whole


class Kind(StrEnum):
    """What a line tells: `INTENT` first, `PLAN` before anything is changed, `RESULT` after each try.

    `VOID` takes back an intent that meant nothing; `RELEASE` ends what was disabled; `ADOPTED` is a disable that the
    store told of; `EMITTED` says that Prefect has been told.
    """

    INTENT = "intent"
    PLAN = "plan"
    RESULT = "result"
    VOID = "void"
    RELEASE = "release"
    ADOPTED = "adopted"
    EMITTED = "emitted"


BEGINNINGS = (Kind.INTENT, Kind.ADOPTED)


@dataclass(frozen=True, slots=True)
class Record:
    """One line.

    Attributes:
        kind: what it tells.
        target: of the brake.
        incident_id: of the disable that it belongs to.
        at: aware.
        body: the details, as JSON.
    """

    kind: Kind
    target: str
    incident_id: str
    at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks of the brake.

    Attributes:
        target: as `brake_targets.named` takes it.
        reason: why, one line.
        actor: who asks: `guard`, a flow's run, a person.
        figures: names and values that say how bad it is.
    """

    target: str
    reason: str
    actor: str
    figures: Mapping[str, str] = field(default_factory=dict)

    def aimed_at(self, target: str) -> "Order":
        """The same on this target; half characters, as a terminal sends them, are replaced: they cannot be told."""
        figures = {whole(name): whole(value) for name, value in self.figures.items()}
        return Order(target, whole(self.reason), whole(self.actor), figures)


@dataclass(frozen=True, slots=True)
class Disabled:
    """A target that must be off until a person releases it.

    Attributes:
        since: when the brake was asked for.
        incident_id: the same for every trigger until it is released.
        reason: of the first trigger.
        actor: who pulled the brake.
        figures: names and values that say how bad it was.
        symbols: that must be off; empty while the engine has not told them, and never fewer than before: the engine may
            list one again that it has not listed for a while.
        switched_off: those of them that were on, and are for a release to switch on again.
        confirmed: they were seen to be off.
        confirmed_at: when.
        method: `endpoint` or `symbols`; `none` while nothing worked.
        problem: why it is not confirmed; empty when it is.
        released: somebody has ended it meanwhile: there is nothing to hold, and nothing to tell.
    """

    target: str
    since: datetime
    incident_id: str
    reason: str
    actor: str
    figures: Mapping[str, str]
    symbols: tuple[str, ...] = ()
    switched_off: tuple[str, ...] = ()
    confirmed: bool = False
    confirmed_at: datetime | None = None
    method: str = "none"
    problem: str = ""
    released: bool = False

    @property
    def order(self) -> Order:
        """The order that led to it, to be given again."""
        return Order(self.target, self.reason, self.actor, self.figures)


def standing_after(records: Iterable[Record]) -> dict[str, Disabled]:
    """What must be off after all of them, by target; also what was asked for and never confirmed."""
    standing: dict[str, Disabled] = {}
    for record in records:
        _follow(standing, record)
    return standing


def drift(standing: Mapping[str, Disabled], enabled: frozenset[str], mapped: Mapped) -> dict[str, tuple[str, ...]]:
    """The symbols that are on although they must be off, by target; those that came later or were not listed, too.

    Args:
        standing: what must be off.
        enabled: the symbols that the engine says are on.
        mapped: the symbols of each strategy; all of them where it says nothing.
    """
    found: dict[str, tuple[str, ...]] = {}
    for target, disabled in standing.items():
        later = (one for one in sorted(enabled.difference(disabled.symbols)) if holds(disabled, one, mapped))
        if on := (*(symbol for symbol in disabled.symbols if symbol in enabled), *later):
            found[target] = on
    return found


def holds(disabled: Disabled, symbol: str, mapped: Mapped) -> bool:
    """Whether the symbol must be off because of it, also where the engine has not listed it yet.

    Args:
        disabled: what stands.
        symbol: which.
        mapped: the symbols of each strategy; all of them where it says nothing.
    """
    target = disabled.target
    meant = symbol == symbol_of(target) or symbol in mapped.get(target, ()) or means_all(target, mapped)
    return meant or symbol in disabled.symbols


def is_over(records: Iterable[Record], target: str, incident_id: str) -> bool:
    """Whether that disable was written down and stands no longer; what left no trace is not over."""
    records = tuple(records)
    there = standing_after(records).get(target)
    begun = any(one.incident_id == incident_id and one.kind in BEGINNINGS for one in records)
    return begun and (there is None or there.incident_id != incident_id)


def united(first: Iterable[str], then: Iterable[str]) -> tuple[str, ...]:
    """All of them in order, each once."""
    return tuple(dict.fromkeys((*first, *then)))


def not_emitted(records: Iterable[Record]) -> frozenset[str]:
    """The incidents that began here and of which Prefect has not been told."""
    begun: set[str] = set()
    emitted: set[str] = set()
    for record in records:
        if record.kind is Kind.INTENT:
            begun.add(record.incident_id)
        elif record.kind is Kind.EMITTED:
            emitted.add(record.incident_id)
    return frozenset(begun - emitted)


def _follow(standing: dict[str, Disabled], record: Record) -> None:
    body, before = record.body, standing.get(record.target)
    match record.kind:
        case Kind.INTENT | Kind.ADOPTED if before is None:
            standing[record.target] = Disabled(
                target=record.target,
                since=record.at,
                incident_id=record.incident_id,
                reason=str(body.get("reason", "")),
                actor=str(body.get("actor", "")),
                figures={str(name): str(value) for name, value in (body.get("figures") or {}).items()},
                symbols=tuple(body.get("symbols", ())),
                switched_off=tuple(body.get("switched_off", ())),
            )
        case Kind.PLAN if before is not None:
            standing[record.target] = replace(
                before,
                symbols=united(before.symbols, body["symbols"]),
                switched_off=united(before.switched_off, body.get("switched_off", ())),
            )
        case Kind.RESULT if before is not None:
            standing[record.target] = _tried(before, record)
        case Kind.VOID if before is not None and before.incident_id == record.incident_id:
            del standing[record.target]
        case Kind.RELEASE:
            standing.pop(record.target, None)
        case _:
            pass


def _tried(before: Disabled, record: Record) -> Disabled:
    body = record.body
    if not body["confirmed"]:
        return replace(before, confirmed=False, problem=str(body["problem"]))
    return replace(before, confirmed=True, confirmed_at=record.at, method=str(body["method"]), problem="")
