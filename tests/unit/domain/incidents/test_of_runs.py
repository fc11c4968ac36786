"""A run that did not do its work, as an observation of its job."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tradeops.domain.incidents.model import CERTAIN
from tradeops.domain.incidents.of_runs import LONGEST_MESSAGE, RunEnded, observation
from tradeops.domain.notices import Level

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ENDED = RunEnded("system-health-check", "Failed", "brave-newt", "RUST_API_URL is wrong", NOON)


def test_one_run_is_enough_and_counts_for_its_job() -> None:
    seen = observation(ENDED)
    assert (seen.key, seen.severity, seen.looks, seen.at) == ("job:system-health-check", Level.ERROR, CERTAIN, NOON)


@pytest.mark.parametrize(
    ("state", "message", "says"),
    [
        ("Failed", "it broke", "the run brave-newt failed: it broke"),
        ("Crashed", "", "the run brave-newt crashed"),
        ("TimedOut", "30 s", "the run brave-newt ran out of time: 30 s"),
        ("Late", "", "the run brave-newt has not started in time"),
        ("Cancelled", "", "the run brave-newt ended Cancelled"),
        ("Failed", "two\n  lines\t\r\n", "the run brave-newt failed: two lines"),
        ("Failed", " \n ", "the run brave-newt failed"),
    ],
)
def test_it_is_told_in_one_line(state: str, message: str, says: str) -> None:
    assert observation(replace(ENDED, state=state, message=message)).summary == says


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_traceback_does_not_fill_the_message(more: int) -> None:
    seen = observation(replace(ENDED, message="x" * (LONGEST_MESSAGE + more)))
    assert seen.summary.count("x") == min(LONGEST_MESSAGE, LONGEST_MESSAGE + more)


@pytest.mark.parametrize(
    ("job", "severity"),
    [
        ("daily-portfolio-report", Level.ERROR),
        ("gpt4-self-analysis", Level.CRITICAL),
        ("adaptive-retrain", Level.CRITICAL),
        ("emergency-strategy-disable", Level.CRITICAL),
    ],
)
def test_a_job_that_decides_or_acts_is_critical(job: str, severity: Level) -> None:
    assert observation(replace(ENDED, deployment=job)).severity is severity
