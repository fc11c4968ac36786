"""Lets a target trade again. Only a person does, with a reason and a name; nothing automatic calls this, and no model.

What is switched on again is what the brake switched off, and of that only what nothing else holds off; the rest is
handed over to what holds it, whose own release gives it back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brake_targets import Mapped, named
from tradeops.domain.brakes import Disabled, Kind, Record, holds, united
from tradeops.domain.incidents.wording import lasted
from tradeops.errors import RejectedError, TradeOpsError, UnavailableError
from tradeops.jobs.brake.journal import TURN, Journal
from tradeops.jobs.brake.pull import PACE

SHORTEST_REASON = 5
PATIENCE = PACE.whole + TURN  # a brake at work, and one beside it that did not wait for its turn any longer
EACH = "every release"  # the turn of releases among themselves; no target is called so


@dataclass(frozen=True, slots=True)
class Released:
    """What became of a release.

    Attributes:
        disabled: what stood until now.
        enabled: the symbols that are on again.
        held: those that something else holds off, with what; its release gives them back.
        problem: why not all of the others are on; empty when they are. The release stands all the same.
    """

    disabled: Disabled
    enabled: tuple[str, ...]
    held: Mapping[str, str]
    problem: str = ""


def check(
    journal: Journal, target: str, *, reason: str, operator: str, mapped: Mapped, now: datetime, cool_off: timedelta
) -> Disabled:
    """What would be released; nothing is changed.

    Args:
        journal: of this machine.
        target: as a person writes it.
        reason: why.
        operator: who.
        mapped: the symbols of each strategy.
        now: aware.
        cool_off: what was switched off later than so long ago stays off.

    Raises:
        RejectedError: it is not off, it was not long ago, or nobody says who and why.
        UnavailableError: the journal cannot be read.
    """
    if len(reason.strip()) < SHORTEST_REASON or not operator.strip():
        raise RejectedError("brake", "a release needs a person and a reason", remedy="give --operator and --reason")
    standing = journal.standing()
    try:
        name = named(target, (*mapped, *standing))
    except ValueError as error:
        raise RejectedError("brake", str(error)) from error
    if name not in standing:
        known = ", ".join(standing) or "nothing"
        raise RejectedError("brake", f"{name} is not switched off", remedy=f"switched off is: {known}")
    disabled = standing[name]
    if now - disabled.since < cool_off:
        problem = f"{name} was switched off {lasted(now - disabled.since)} ago, less than {lasted(cool_off)}"
        raise RejectedError("brake", problem, remedy="wait, or say --without-cool-off")
    return disabled


async def release(
    engine: EngineClient,
    journal: Journal,
    disabled: Disabled,
    *,
    reason: str,
    operator: str,
    mapped: Mapped,
    now: datetime,
    patience: timedelta = PATIENCE,
) -> Released:
    """Release what `check` found, in the journal first so that nobody switches it off again, then at the engine.

    It waits for brakes of the target that are at work, and no brake waits for it longer than three calls of the engine.

    Args:
        engine: where.
        journal: of this machine.
        disabled: what `check` found.
        reason: why.
        operator: who.
        mapped: the symbols of each strategy; all of them where it says nothing.
        now: aware.
        patience: with brakes that are at work, and with other releases.

    Raises:
        UnavailableError: the journal cannot be read or written, or a brake of it is still at work; nothing is released.
        RejectedError: it was released meanwhile, and may have been switched off anew: that is another decision.
    """
    target = disabled.target
    async with (
        journal.lock(EACH, patience=patience) as in_turn,
        journal.undisturbed(target, patience=patience) as undisturbed,
    ):
        if not (in_turn and undisturbed):
            by = f"a brake of {target}" if in_turn else "another release"
            raise UnavailableError("brake", f"nothing was released: {by} is at work", remedy="try again in a minute")
        there_now = journal.standing().get(target)
        if there_now is None or there_now.incident_id != disabled.incident_id:
            raise RejectedError("brake", f"{target} was released meanwhile", remedy="see `tradeops brakes`")
        disabled = there_now
        held = hand_over(journal, disabled, mapped, now)
        body = {"reason": reason, "operator": operator, "switched_off": disabled.switched_off}
        journal.append(Record(Kind.RELEASE, target, disabled.incident_id, now, body))
        ours = [symbol for symbol in disabled.switched_off if symbol not in held]
        try:
            there = await engine.levers.switches()
            await engine.levers.put_switches(
                there[symbol].turned(on=True) for symbol in ours if symbol in there and not there[symbol].enabled
            )
            there = await engine.levers.switches()
        except TradeOpsError as error:
            return Released(disabled, (), held, f"switch {', '.join(ours)} on yourself: {error}")
        enabled = tuple(symbol for symbol in ours if symbol in there and there[symbol].enabled)
        still = ", ".join(symbol for symbol in ours if symbol not in enabled)
        return Released(disabled, enabled, held, f"the engine keeps {still} off" if still else "")


def hand_over(journal: Journal, disabled: Disabled, mapped: Mapped, now: datetime) -> dict[str, str]:
    """What it took and another holds becomes the other's to give back; returns those symbols, with the other's name.

    Written before the release: whoever is killed in between leaves it to both, and the later release gives it back.

    Args:
        journal: of the others.
        disabled: what is about to be released.
        mapped: the symbols of each strategy.
        now: aware.

    Raises:
        UnavailableError: the journal cannot be read or written.
    """
    held: dict[str, str] = {}
    for other in journal.standing().values():
        theirs = [symbol for symbol in disabled.switched_off if holds(other, symbol, mapped)]
        if other.incident_id == disabled.incident_id or not theirs:
            continue
        held |= dict.fromkeys(theirs, other.target)
        if not set(theirs) <= set(other.switched_off):
            body = {"symbols": united(other.symbols, theirs), "switched_off": united(other.switched_off, theirs)}
            journal.append(Record(Kind.PLAN, other.target, other.incident_id, now, body))
    return held
