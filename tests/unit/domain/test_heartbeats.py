"""The rules of `tradeops.domain.heartbeats`, one sentence a test."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect._vendor.croniter import croniter

from tradeops.domain.heartbeats import RHYTHMS, Overdue, Rhythm, overdue

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVERY_QUARTER = {"check": Rhythm(15 * MINUTE, 10 * MINUTE)}
YEAR_AGO = NOON - timedelta(days=365)


@pytest.mark.parametrize(
    ("minutes", "late"),
    [
        pytest.param(0, False, id="just heard of"),
        pytest.param(15, False, id="due now"),
        pytest.param(25, False, id="exactly at the end of its grace"),
        pytest.param(25.1, True, id="later than its grace"),
    ],
)
def test_a_job_is_overdue_after_its_period_and_its_grace(minutes: float, *, late: bool) -> None:
    found = overdue({"check": NOON}, EVERY_QUARTER, watched_since=YEAR_AGO, now=NOON + minutes * MINUTE)
    assert found == ((Overdue("check", NOON, (minutes - 15) * MINUTE),) if late else ())


def test_a_job_that_never_ran_is_due_one_period_after_somebody_began_to_look() -> None:
    assert overdue({}, EVERY_QUARTER, watched_since=NOON, now=NOON + 25 * MINUTE) == ()
    [found] = overdue({}, EVERY_QUARTER, watched_since=NOON, now=NOON + 26 * MINUTE)
    assert (found.job, found.last, found.late_by) == ("check", None, 11 * MINUTE)


def test_a_watcher_that_was_off_itself_does_not_blame_the_jobs() -> None:
    beats = {"check": NOON - timedelta(days=3)}
    assert overdue(beats, EVERY_QUARTER, watched_since=NOON, now=NOON + 20 * MINUTE) == ()


def test_the_rhythms_are_those_of_the_schedules() -> None:
    """The longest gap between two runs in a year is the rhythm's period."""
    deployments = yaml.safe_load((Path(__file__).parents[3] / "prefect.yaml").read_text())["deployments"]
    gaps = {}
    for deployment in deployments:
        crons = [schedule["cron"] for schedule in deployment.get("schedules", []) if schedule.get("active", True)]
        if crons:
            [cron] = crons
            times = croniter(cron, datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")))
            runs = [times.get_next(datetime) for _ in range(800)]
            gaps[deployment["name"]] = max(later - earlier for earlier, later in itertools.pairwise(runs))
    assert {job: rhythm.every for job, rhythm in RHYTHMS.items()} == gaps
