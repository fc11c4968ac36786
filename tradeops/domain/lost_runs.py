"""Which runs have lost their process: nobody has heard of them for too long while they could have been heard. Pure.

Only pauses that one listener measures by its own clock count, and only those in which it was proved that it hears: how
the clocks of servers and workers stand, and how long a server was down, plays no part.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tradeops.domain.heartbeats import RHYTHMS

AGAIN = "again-of-"  # what the idempotency key of a run begins with that was started in the place of a lost one
MISSED = 3  # heartbeats in a row
STARTING = timedelta(minutes=2)  # a process may take so long to begin
FETCHING = timedelta(minutes=10)  # a container whose image is fetched first
ORDERED = frozenset(
    {
        "adaptive-retrain",
        "emergency-strategy-disable",
        "train-model",
        "backtest-strategy",
        "optimize-strategy",
        "bulk-analysis",
        "run-state-alert",
    }
)  # no schedule brings them again: lost ones are started again; each may be begun twice without a second effect
LEAVE_NO_SIGN = frozenset({"emergency-strategy-disable", "run-state-alert"})  # their runs end no incident of their job
OURS = frozenset(RHYTHMS) | ORDERED


@dataclass(frozen=True, slots=True)
class Sighting:
    """An unfinished run as one look found it.

    Attributes:
        run_id: of the run.
        state: `PENDING`, `RUNNING` or `CANCELLING`.
        state_id: another one after each change of the state.
        beats: names of heartbeats of the run, the newest among them.
        every: the pause between two of them.
        starting: how long it may be `PENDING`; see `starting`.
    """

    run_id: str
    state: str
    state_id: str
    beats: frozenset[str]
    every: timedelta
    starting: timedelta = FETCHING


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a listener remembers of a run.

    Attributes:
        state_id: of the state in which it was last seen.
        beats: heard so far.
        quiet: for how long nothing new was heard of it, while it could have been.
    """

    state_id: str
    beats: frozenset[str]
    quiet: timedelta = timedelta(0)


def listened(
    before: Mapping[str, Hearing], seen: Iterable[Sighting], *, passed: timedelta | None
) -> dict[str, Hearing]:
    """What is remembered after a look; runs that are no longer seen are forgotten.

    Args:
        before: what was remembered.
        seen: by this look.
        passed: since the last look, as far as whoever beats was heard in it: zero where that is not proved. `None`
            begins all anew: the server was away, or the listener itself was.
    """
    return {one.run_id: _hearing(before.get(one.run_id), one, passed) for one in seen}


def _hearing(known: Hearing | None, one: Sighting, passed: timedelta | None) -> Hearing:
    if known is None or known.state_id != one.state_id:
        return Hearing(one.state_id, one.beats)
    if passed is None or one.beats - known.beats:
        return Hearing(one.state_id, known.beats | one.beats)
    return replace(known, quiet=known.quiet + passed)


def starting(pool_type: str) -> timedelta:
    """How long a run may take to begin: of a kind of pool that is not known, as if an image had to be fetched."""
    return STARTING if pool_type == "process" else FETCHING


def patience(one: Sighting, *, least: timedelta) -> timedelta:
    """How long a run may be quiet: three of its heartbeats, and never less than `least`; longer before it begins."""
    if one.state == "PENDING":
        return max(one.starting, least)
    return max(MISSED * one.every, least)


def silent(hearings: Mapping[str, Hearing], seen: Iterable[Sighting], *, least: timedelta) -> dict[str, timedelta]:
    """The runs that were quiet for longer than they may, and for how long."""
    quiet = {one.run_id: (hearings[one.run_id].quiet, patience(one, least=least)) for one in seen}
    return {run_id: lasted for run_id, (lasted, bearable) in quiet.items() if lasted >= bearable}


def key_again(run_id: str) -> str:
    """The idempotency key of the run that takes the place of a lost one: whoever starts it, there is one."""
    return f"{AGAIN}{run_id}"


def is_second(idempotency_key: str | None) -> bool:
    """Whether a run was started in the place of a lost one already."""
    return (idempotency_key or "").startswith(AGAIN)


def key_of_loss(job: str) -> str:
    """Under which it is told that a job's runs are lost again and again."""
    return f"run:lost:{job}"
