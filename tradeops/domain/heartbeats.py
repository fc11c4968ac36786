"""Which scheduled jobs should have left a sign of life by now. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a job runs.

    Attributes:
        every: from one run to the next.
        grace: how much later a sign of life is still no reason to worry.
    """

    every: timedelta
    grace: timedelta


RHYTHMS: Mapping[str, Rhythm] = {  # of prefect.yaml, whose schedules a test compares with these
    "system-health-check": Rhythm(15 * MINUTE, 10 * MINUTE),
    "daily-performance-analysis": Rhythm(DAY, HOUR),
    "gpt4-self-analysis": Rhythm(DAY, HOUR),
    "daily-portfolio-report": Rhythm(DAY, HOUR),
    "daily-api-cost-report": Rhythm(DAY, HOUR),
    "model-watch": Rhythm(HOUR, HOUR),
}


@dataclass(frozen=True, slots=True)
class Overdue:
    """A job that has not been heard of in time.

    Attributes:
        last: its last sign of life; `None` when there never was one.
        late_by: how long ago the next one was due, the grace not counted.
    """

    job: str
    last: datetime | None
    late_by: timedelta


def key_of_job(job: str) -> str:
    """Under which incidents of the job itself are kept, whoever reports them: late, failed, crashed, timed out."""
    return f"job:{job}"


def overdue(
    beats: Mapping[str, datetime], rhythms: Mapping[str, Rhythm], *, watched_since: datetime, now: datetime
) -> tuple[Overdue, ...]:
    """The jobs that are later than their grace allows, in the order of `rhythms`.

    Args:
        beats: the last sign of life of each job.
        rhythms: of the jobs that are scheduled.
        watched_since: from when on somebody has looked; what never ran is due one period later. So is what ran long
            before: a watcher that was off itself does not blame the jobs.
        now: aware, like all times.
    """
    late = []
    for job, rhythm in rhythms.items():
        last = beats.get(job)
        due = (watched_since if last is None else max(last, watched_since)) + rhythm.every
        if now - due > rhythm.grace:
            late.append(Overdue(job, last, now - due))
    return tuple(late)
