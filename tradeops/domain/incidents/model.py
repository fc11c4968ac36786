"""The words of incidents: what was observed, what is broken, when to keep quiet."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from tradeops.domain.health import Severity
from tradeops.domain.notices import Level

CERTAIN = 1000
LONGEST_KEY = 80
LONGEST_SUMMARY = 2000
LEVELS = {Severity.HEALTHY: None, Severity.DEGRADED: Level.WARNING, Severity.CRITICAL: Level.CRITICAL}  # of a verdict
SEVERITIES = (Level.WARNING, Level.ERROR, Level.CRITICAL)
UNSAFE = re.compile(r"[^A-Za-z0-9_.:/+-]+")


class Transition(StrEnum):
    """What people are told of an incident, each at most once, reminders at most once per period."""

    OPENED = "opened"
    RISEN = "risen"
    FLAPPING = "flapping"
    REMINDER = "reminder"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at one thing found.

    Attributes:
        key: what was looked at: `mongodb`, `job:daily-portfolio-report`, `cost:monthly`; counted as `key_of` makes it.
        severity: how bad; `None` is good.
        summary: why, one line without secrets.
        at: when, aware.
        looks: how many looks it stands for: of a bad one the re-probes count too; `CERTAIN` is a verdict from whole
            data, which needs no second look.
        depends_on: keys whose failure would explain this one.
        may_be_starting: a service, which gets the grace after start-up.
    """

    key: str
    severity: Level | None
    summary: str
    at: datetime
    looks: int = 1
    depends_on: tuple[str, ...] = ()
    may_be_starting: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """When to speak.

    Attributes:
        failures: bad looks in a row that open an incident, or raise its severity.
        successes: good observations in a row that resolve it.
        reminder: pause before an open incident is told again.
        flips: openings and resolutions within `flap_window` that make the opening which completes them flapping.
        flap_window: see there.
        stable_after: without a flip for so long, it flaps no more.
        grace: after start-up, in which a service may still be starting.
    """

    failures: int = 2
    successes: int = 2
    reminder: timedelta = timedelta(hours=4)
    flips: int = 5
    flap_window: timedelta = timedelta(hours=6)
    stable_after: timedelta = timedelta(hours=2)
    grace: timedelta = timedelta(seconds=50)


@dataclass(frozen=True, slots=True)
class Told:
    """What people heard of an open incident.

    Attributes:
        severity: the worst they were told.
        at: the last message about it, reminders included.
        to: the targets that were told, and are told when it is over.
        reminders: how many so far.
    """

    severity: Level
    at: datetime
    to: tuple[str, ...]
    reminders: int = 0


@dataclass(frozen=True, slots=True)
class Incident:
    """All that is known of one key that is, or recently was, not well.

    Attributes:
        key: what it is about.
        source: who opened it (`health`, `cost` …); its events are named after it.
        summary: of the latest bad look.
        observed: the severity of the latest look; `None` when that was good.
        last_at: when that was.
        last_run_id: the run that looked.
        depends_on: keys whose failure would explain it.
        may_be_starting: see `Observation`.
        streaks: bad looks in a row at each of `SEVERITIES` or worse.
        successes: good looks in a row.
        bad_since: the first bad look of those in a row, or of the open incident.
        good_since: the first good look of those in a row; `None` while it is bad.
        opened_at: when it was confirmed; `None` when it is not open. With the key, it names the incident for ever.
        down: confirmed bad; within an open incident `False` only while it flaps.
        severity: the worst confirmed of the open incident; never falls. `INFO` when not open.
        told: what people heard; `None` when nothing yet.
        acknowledged_by: who takes care, so that nobody is reminded; empty when nobody.
        flips: the recent openings and resolutions.
        flapping: it opened and resolved too often to be told each time.
    """

    key: str
    source: str
    summary: str
    observed: Level | None
    last_at: datetime
    last_run_id: str
    depends_on: tuple[str, ...] = ()
    may_be_starting: bool = False
    streaks: tuple[int, int, int] = (0, 0, 0)
    successes: int = 0
    bad_since: datetime | None = None
    good_since: datetime | None = None
    opened_at: datetime | None = None
    down: bool = False
    severity: Level = Level.INFO
    told: Told | None = None
    acknowledged_by: str = ""
    flips: tuple[datetime, ...] = ()
    flapping: bool = False

    @property
    def incident_id(self) -> str:
        """The name of the open incident for ever.

        Raises:
            ValueError: it is not open.
        """
        if self.opened_at is None:
            raise ValueError(f"{self.key} has no open incident")
        return f"{self.key}@{self.opened_at:%Y%m%dT%H%M%S.%f}"

    @property
    def lasted(self) -> timedelta:
        """From the first bad look to the first good one after, or to the latest look while it is bad."""
        return (self.good_since or self.last_at) - (self.bad_since or self.last_at)


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch of time in which some keys alert nobody: a planned maintenance, or something known.

    Attributes:
        silence_id: names it for lifting.
        pattern: of keys, with `*` and `?`: `mongodb`, `job:*`, `*`.
        since: from when, aware.
        until: to when, excluded.
        reason: why.
        by: who.
    """

    silence_id: str
    pattern: str
    since: datetime
    until: datetime
    reason: str
    by: str

    def covers(self, key: str, moment: datetime) -> bool:
        """Whether `key` is silent at `moment`."""
        return self.since <= moment < self.until and fnmatchcase(key, self.pattern)


def tidy(look: Observation) -> Observation:
    """The look as every store can keep it: its keys as `key_of` makes them, its summary one line of whole characters.

    Raises:
        ValueError: a key of which nothing is left.
    """
    text = "".join(c if c.isprintable() else " " for c in look.summary)
    line = " ".join(text.split())
    if len(line) > LONGEST_SUMMARY:
        line = f"{line[:LONGEST_SUMMARY]}… ({len(line) - LONGEST_SUMMARY} more characters)"
    return replace(look, key=key_of(look.key), summary=line, depends_on=tuple(map(key_of, look.depends_on)))


def key_of(text: str) -> str:
    """`text` as a key that every store can keep: other characters become `_`, a long one ends in its own hash.

    Raises:
        ValueError: nothing is left of it.
    """
    key = UNSAFE.sub("_", text)
    if not key.strip("_"):
        raise ValueError(f"{text!r} is no key")
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[: LONGEST_KEY - 13]}-{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()[:12]}"
