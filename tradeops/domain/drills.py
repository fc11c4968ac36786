"""What a drill proved, and how long that holds. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class Outcome(StrEnum):
    """How an exercise ended; one that cannot be done here is never passed."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Exercise:
    """One path that was exercised.

    Attributes:
        name: `brake`, `notification` …
        finding: what was seen, one line without secrets.
        took: of what is exercised, from its cause to its proof; `None` where nothing was done.
    """

    name: str
    outcome: Outcome
    finding: str
    took: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Drill:
    """One drill.

    Attributes:
        drill_id: unique for ever.
        ground: what it was done to: `sandbox`, `symbol DOGEUSDT`.
        operator: who.
    """

    drill_id: str
    ground: str
    operator: str
    started_at: datetime
    finished_at: datetime
    exercises: tuple[Exercise, ...]

    def named(self, outcome: Outcome) -> tuple[str, ...]:
        """The exercises that ended so, in their order."""
        return tuple(one.name for one in self.exercises if one.outcome is outcome)

    @property
    def passed(self) -> bool:
        """Whether something was proved and nothing failed."""
        return bool(self.named(Outcome.PASSED)) and not self.named(Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the drills say of an installation; both empty when there is nothing to say.

    Attributes:
        problem: why somebody should drill.
        note: worth knowing.
    """

    problem: str = ""
    note: str = ""


def standing(last: Drill | None, *, known_since: datetime, every: timedelta, now: datetime) -> Standing:
    """Whether the last drill still proves something.

    Args:
        last: `None` when there was none.
        known_since: when this installation first asked; a new one is given the whole period for its first drill.
        every: the longest time from one drill to the next; exactly so long is still good.
        now: aware.
    """
    days = every / DAY
    if last is None:
        if now - known_since <= every:
            return Standing(note="never drilled; `tradeops drill` proves that the brake works")
        return Standing(f"never drilled in more than {days:g} days; run `tradeops drill`")
    at = f"{last.finished_at:%Y-%m-%d %H:%M} UTC"
    if failed := last.named(Outcome.FAILED):
        return Standing(f"the drill of {at} failed: {', '.join(failed)}; mend it and drill again")
    if now - last.finished_at > every:
        return Standing(f"the last drill, at {at}, was more than {days:g} days ago; run `tradeops drill`")
    missing = last.named(Outcome.NOT_CONFIGURED)
    beside = f"; not exercised: {', '.join(missing)}" if missing else ""
    return Standing(note=f"drilled at {at} on {last.ground}{beside}")
