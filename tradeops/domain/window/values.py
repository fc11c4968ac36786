"""The words of the dashboard: how far back it looks, how a thing stands, and a panel that may be empty. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Range(StrEnum):
    """How far back a chart looks."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"

    @property
    def length(self) -> timedelta:
        """As time."""
        return {
            Range.DAY: timedelta(hours=24),
            Range.WEEK: timedelta(days=7),
            Range.MONTH: timedelta(days=30),
            Range.QUARTER: timedelta(days=90),
        }[self]


class State(StrEnum):
    """How a thing stands; `UNKNOWN` is never good."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    CRITICAL = "critical"
    NOT_CONFIGURED = "not_configured"
    UNKNOWN = "unknown"


WEIGHTS = {State.NOT_CONFIGURED: 0, State.HEALTHY: 1, State.UNKNOWN: 2, State.DEGRADED: 3, State.CRITICAL: 4}


def worst(*states: State) -> State:
    """The worst of them; what is not known is worse than good and better than bad. `UNKNOWN` of nothing."""
    return max(states, key=WEIGHTS.__getitem__, default=State.UNKNOWN)


def state_of(word: object) -> State:
    """The state that a kept word means, whichever report it is from; `UNKNOWN` for anything else."""
    return {
        "healthy": State.HEALTHY,
        "good": State.HEALTHY,
        "success": State.HEALTHY,
        "degraded": State.DEGRADED,
        "warning": State.DEGRADED,
        "error": State.DEGRADED,
        "unhealthy": State.DEGRADED,
        "critical": State.CRITICAL,
        "failed": State.CRITICAL,
        "down": State.CRITICAL,
        "not_configured": State.NOT_CONFIGURED,
    }.get(str(word), State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Panel(Generic[T]):
    """One part of a page.

    Attributes:
        content: `None` when there is nothing to show.
        why: there is nothing, in words that name the system and the remedy; empty when there is content.
        as_of: of when the content is; `None` is not known.
        stale: it is older than it should be: to be shown as such, with its age.
    """

    content: T | None
    why: str = ""
    as_of: datetime | None = None
    stale: bool = False

    def __post_init__(self) -> None:
        if (self.content is None) is not bool(self.why):
            raise ValueError("a panel has content, or says why it has none")


@dataclass(frozen=True, slots=True)
class Link:
    """Where more is to be seen; `href` is an `http` address, or a path of the dashboard."""

    text: str
    href: str
