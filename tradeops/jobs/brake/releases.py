"""Lets a target trade again. Only a person does, with a reason and a name; nothing automatic calls this, and no model.

What is switched on again is what the brake switched off, and of that only what nothing else holds off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.brake_targets import Mapped, named
from tradeops.domain.brakes import Disabled, Kind, Record
from tradeops.domain.incidents.wording import lasted
from tradeops.errors import RejectedError, TradeOpsError
from tradeops.jobs.brake.journal import Journal

SHORTEST_REASON = 5


@dataclass(frozen=True, slots=True)
class Released:
    """What became of a release.

    Attributes:
        disabled: what stood until now.
        enabled: the symbols that are on again.
        held: those that something else holds off, with what.
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
    engine: EngineClient, journal: Journal, disabled: Disabled, *, reason: str, operator: str, now: datetime
) -> Released:
    """Release what `check` found, in the journal first so that nobody switches it off again, then at the engine.

    Raises:
        UnavailableError: the journal cannot be read or written; nothing is released.
        RejectedError: it was released meanwhile, and may have been switched off anew: that is another decision.
    """
    target = disabled.target
    async with journal.lock(target):
        there_now = journal.standing().get(target)
        if there_now is None or there_now.incident_id != disabled.incident_id:
            raise RejectedError("brake", f"{target} was released meanwhile", remedy="see `tradeops brakes`")
        body = {"reason": reason, "operator": operator, "switched_off": disabled.switched_off}
        journal.append(Record(Kind.RELEASE, target, disabled.incident_id, now, body))
        held = {
            symbol: other.target
            for other in journal.standing().values()
            for symbol in other.symbols
            if symbol in disabled.switched_off
        }
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
