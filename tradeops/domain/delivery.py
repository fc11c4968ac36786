"""What becomes of a message after a try to hand it over. Pure: clock and chance are arguments."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
LONGEST_WISH = timedelta(seconds=60)
PATIENCE = timedelta(hours=24)
MOST_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class Accepted:
    """The other side took it."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """It may succeed later.

    Attributes:
        problem: why not now, one line without secrets.
        retry_after: how long the other side asks us to wait; `None` when it does not say.
        may_have_arrived: it may be there all the same.
    """

    problem: str
    may_have_arrived: bool
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """It will not succeed, however often it is tried."""

    problem: str


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Send it again, not before `at`."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Send it never again."""

    why: str


Outcome = Accepted | NotNow | Never
Next = Accepted | TryAgain | GiveUp


@dataclass(frozen=True, slots=True)
class Standing:
    """What counts of a message besides the outcome of its last try.

    Attributes:
        tries: made so far, the last one included; from 1.
        created_at: when it came to be.
        twice_is_better_than_never: at least once (alerts), otherwise at most once (reports).
        critical: never given up for its age.
    """

    tries: int
    created_at: datetime
    twice_is_better_than_never: bool
    critical: bool


def next_step(outcome: Outcome, standing: Standing, *, now: datetime, chance: float) -> Next:
    """What to do with a message after a try.

    The pauses double from 5 s to 15 min and are spread by `chance`, so that many messages do not come back at once.
    What the other side asks for is obeyed up to 60 s. What must not arrive twice is given up once it may have arrived;
    what is not critical is given up a day after it came to be.

    Args:
        outcome: of the last try.
        standing: of the message.
        now: aware.
        chance: in [0, 1), drawn anew for each call.
    """
    match outcome:
        case Accepted():
            return outcome
        case Never(problem):
            return GiveUp(problem)
        case NotNow(problem, may_have_arrived=True) if not standing.twice_is_better_than_never:
            return GiveUp(f"{problem}; it may have arrived, and is not sent twice")
        case NotNow(problem) if not standing.critical and now - standing.created_at >= PATIENCE:
            return GiveUp(f"{problem}; given up after {PATIENCE.total_seconds() / 3600:g} h")
        case NotNow(problem, retry_after=wish):
            return TryAgain(now + _pause(standing.tries, wish, chance), problem)


def _pause(tries: int, wish: timedelta | None, chance: float) -> timedelta:
    if wish is not None:
        return min(max(wish, timedelta(0)), LONGEST_WISH) + FIRST_PAUSE * chance / 5
    pause = min(FIRST_PAUSE * (1 << min(tries - 1, MOST_DOUBLINGS)), LONGEST_PAUSE)
    return pause * (0.5 + chance / 2)
