"""What a read of an outside system yields besides its value: whose clock, how late, what was left out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that was left out because its values cannot be true; it is counted, never guessed.

    Attributes:
        record: its id, time or symbol where it has one, otherwise its place in the list (`#3`).
        problem: the field and what is wrong with it.
    """

    record: str
    problem: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """One answer.

    Attributes:
        value: what was asked for.
        latency: from sending to the last byte.
        as_of: the other side's clock when it answered, UTC; `None` when it did not say.
        clock_skew: how far that clock is ahead of ours (negative: behind), exact to about a second plus the latency.
        rejected: records that are missing from `value`.
    """

    value: T
    latency: timedelta
    as_of: datetime | None = None
    clock_skew: timedelta | None = None
    rejected: tuple[RejectedRecord, ...] = ()
