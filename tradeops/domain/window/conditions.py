"""How the bot and what it stands on are: incidents, services, brakes, drills, jobs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.domain.figures import Figure
from tradeops.domain.window.values import Link, State


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident in a list.

    Attributes:
        incident_id: names it for ever; its page.
        key: what it is about.
        state: how bad, at its worst.
        summary: of the latest bad look.
        opened_at: when it was confirmed.
        ended_at: `None` while it is open.
        acknowledged_by: who takes care; empty when nobody.
        silenced: a silence covers it now.
        flapping: it opened and resolved too often to be told each time.
    """

    incident_id: str
    key: str
    state: State
    summary: str
    opened_at: datetime
    ended_at: datetime | None = None
    acknowledged_by: str = ""
    silenced: bool = False
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a service's history.

    Attributes:
        start: of the stretch; it ends where the next begins.
        state: the worst in it; `UNKNOWN` when nobody looked.
        checks: how many there were.
        good: of them.
    """

    start: datetime
    state: State
    checks: int
    good: int


@dataclass(frozen=True, slots=True)
class Uptime:
    """Checks that found a part healthy, of all that asked it, 0-100."""

    day: Figure
    week: Figure
    month: Figure


@dataclass(frozen=True, slots=True)
class Service:
    """A part of the bot, or of what it stands on.

    Attributes:
        name: as the health check has it.
        state: at the last check.
        problem: why it is not healthy; empty when it is.
        latency_ms: at the last check.
        p50_ms, p95_ms: over the range, of the checks that measured it (nearest rank).
        used_percent: of disk and memory; `None` for all others.
        strip: the range in equal cells, the oldest first.
    """

    name: str
    state: State
    problem: str
    latency_ms: Figure
    uptime: Uptime
    p50_ms: Figure
    p95_ms: Figure
    used_percent: float | None
    strip: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a limit is used: `percent` of it, 0-100 and above; `says` the same in its own unit."""

    percent: Figure
    says: str


@dataclass(frozen=True, slots=True)
class BrakeLine:
    """A target of the brake.

    Attributes:
        target: the account, a strategy, a symbol.
        off: it must be off until a person releases it.
        confirmed: it was seen to be off; `None` when it is not off.
        since, reason, actor: of the disable; empty when it is not off.
        daily_loss: of the daily limit.
        losses: of the limit of losses in a row.
        state: critical when off, degraded when a limit is nearly used.
    """

    target: str
    off: bool
    confirmed: bool | None
    since: datetime | None
    reason: str
    actor: str
    daily_loss: Used
    losses: Used
    state: State


@dataclass(frozen=True, slots=True)
class DrillLine:
    """The last drill.

    Attributes:
        at: when it ended; `None` when there was none.
        exercises: name, how it ended, and what was seen.
        says: what it means now.
    """

    at: datetime | None
    ground: str
    state: State
    exercises: tuple[tuple[str, str, str], ...]
    says: str


@dataclass(frozen=True, slots=True)
class HeartbeatLine:
    """A job's sign of life.

    Attributes:
        last: `None` when it was never heard of.
        every: from one run to the next; `None` when it runs on demand only.
        state: critical when it is late, unknown when a scheduled one was never heard of.
        says: the same in words.
        run: its newest Prefect run that is known; `None` without one.
    """

    job: str
    last: datetime | None
    every: timedelta | None
    state: State
    says: str
    run: Link | None = None
