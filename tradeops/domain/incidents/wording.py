"""How a round's transitions read, in plain text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tradeops.domain.incidents.model import Incident, Transition
from tradeops.domain.notices import Level

LONGEST_TITLE = 120
STATES = {Level.WARNING: "degraded", Level.ERROR: "failing", Level.CRITICAL: "critical"}


@dataclass(frozen=True, slots=True)
class Events:
    """The names of a source's events, by which they are routed."""

    degraded: str
    critical: str
    recovered: str


EVENTS = {
    "cost": Events("cost_warning", "cost_critical", "cost_recovered"),
    "performance": Events("performance_degraded", "performance_degraded", "performance_recovered"),
    "job": Events("job_failed", "job_failed", "job_recovered"),
    "retrain": Events("retrain_failed", "retrain_failed", "retrain_recovered"),
    "brake": Events("strategy_disabled", "strategy_disabled", "strategy_released"),
    "emergency": Events("disable_not_confirmed", "disable_not_confirmed", "disable_confirmed"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """One incident in a message.

    Attributes:
        incident: as it is now, or as it was when it ended.
        transition: what happened to it.
        folded: what it explains, and is not told on its own.
    """

    incident: Incident
    transition: Transition
    folded: tuple[Incident, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """What a message says, and as what."""

    event: str
    level: Level
    title: str
    body: str


Words = Callable[[Sequence[Subject], str], Text]


def events_of(source: str) -> Events:
    """The event names of a source; those of a source without names of its own are `SOURCE_degraded` and so on."""
    return EVENTS.get(source, Events(f"{source}_degraded", f"{source}_critical", f"{source}_recovered"))


def alert(subjects: Sequence[Subject], source: str) -> Text:
    """What broke or grew worse."""
    level = max(subject.incident.severity for subject in subjects)
    body = [line for subject in subjects for line in (_headline(subject), *_folded(subject))]
    return Text(_event(source, level), level, _title(subjects, ""), "\n".join(body))


def reminder(subjects: Sequence[Subject], source: str) -> Text:
    """What is still broken."""
    level = max(subject.incident.severity for subject in subjects)
    body = [line for subject in subjects for line in (_headline(subject), *_folded(subject))]
    return Text(_event(source, level), level, _title(subjects, "still "), "\n".join(body))


def recovery(subjects: Sequence[Subject], source: str) -> Text:
    """What is well again."""
    names = _names(subjects)
    if len(subjects) == 1:
        title = f"{names} recovered after {lasted(subjects[0].incident.lasted)}"
    else:
        title = f"{names} recovered"
    lines = [
        f"{s.incident.key} is well again after {lasted(s.incident.lasted)}, {_period(s.incident)}; "
        f"it was {STATES[s.incident.severity]}: {s.incident.summary}"
        for s in subjects
    ]
    return Text(events_of(source).recovered, Level.INFO, _short(title), "\n".join(lines))


def lasted(duration: timedelta) -> str:
    """A duration by its two largest units: `6 h 0 min`, `2 d 3 h`, `40 s`."""
    seconds = max(int(duration.total_seconds()), 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def clock(moment: datetime) -> str:
    """A moment for people, UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _event(source: str, level: Level) -> str:
    names = events_of(source)
    return names.critical if level is Level.CRITICAL else names.degraded


def _title(subjects: Sequence[Subject], still: str) -> str:
    first = subjects[0]
    behind = sum(len(subject.folded) for subject in subjects)
    also = f", and {behind} that {'depends' if behind == 1 else 'depend'} on it" if behind else ""
    if len(subjects) == 1:
        if first.transition is Transition.FLAPPING:
            return _short(f"{first.incident.key} is flapping{also}")
        return _short(f"{first.incident.key} is {still}{STATES[first.incident.severity]}{also}")
    worst = max(subject.incident.severity for subject in subjects)
    return _short(f"{_names(subjects)} are {still}{STATES[worst]}{also.replace('on it', 'on them')}")


def _names(subjects: Sequence[Subject]) -> str:
    keys = [subject.incident.key for subject in subjects]
    shown = keys if len(keys) <= len("four") else [*keys[:3], f"{len(keys) - 3} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def _headline(subject: Subject) -> str:
    incident = subject.incident
    state, since = STATES[incident.severity], clock(incident.bad_since or incident.last_at)
    match subject.transition:
        case Transition.FLAPPING:
            told = f"flapping ({state}), silent until it is stable"
        case Transition.RISEN:
            told = f"{state}, worse than before"
        case Transition.REMINDER:
            told = f"still {state} after {lasted(incident.lasted)}"
        case _:
            told = state
    return f"{incident.key} {told}, since {since}: {incident.summary}"


def _folded(subject: Subject) -> list[str]:
    if not subject.folded:
        return []
    count = len(subject.folded)
    return [
        f"  {'1 depends on it and is' if count == 1 else f'{count} depend on it and are'} not told apart:",
        *(f"  - {one.key} {STATES[one.severity]}: {one.summary}" for one in subject.folded),
    ]


def _period(incident: Incident) -> str:
    begin, end = incident.bad_since or incident.last_at, incident.good_since or incident.last_at
    return f"{clock(begin)} to {clock(end)}"


def _short(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
