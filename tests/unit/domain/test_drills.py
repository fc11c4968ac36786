"""The rules of `tradeops.domain.drills`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tradeops.domain.drills import Drill, Exercise, Outcome, Standing, standing

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
INSTANT = timedelta.resolution
PASSED = Exercise("brake", Outcome.PASSED, "off after 120 ms", timedelta(milliseconds=120))
ABSENT = Exercise("rollback", Outcome.NOT_CONFIGURED, "TRAINER_URL is not set")
FAILED = Exercise("notification", Outcome.FAILED, "no channel took it")


def drill(*exercises: Exercise, ago: timedelta = timedelta(days=1)) -> Drill:
    return Drill("d", "sandbox", "me", NOW - ago, NOW - ago, exercises)


def judged(last: Drill | None, known: timedelta = timedelta(days=300)) -> Standing:
    return standing(last, known_since=NOW - known, every=MONTH, now=NOW)


@pytest.mark.parametrize(
    ("exercises", "passed"),
    [
        pytest.param((PASSED,), True, id="passed"),
        pytest.param((PASSED, ABSENT), True, id="what is not there is no failure"),
        pytest.param((ABSENT,), False, id="what is not there proves nothing"),
        pytest.param((PASSED, FAILED), False, id="one failure"),
        pytest.param((), False, id="nothing done"),
    ],
)
def test_a_drill_passes_when_something_was_proved_and_nothing_failed(
    exercises: tuple[Exercise, ...], passed: bool
) -> None:
    assert drill(*exercises).passed is passed


@pytest.mark.parametrize(
    ("known", "said"),
    [
        pytest.param(
            timedelta(0), Standing(note="never drilled; `tradeops drill` proves that the brake works"), id="new"
        ),
        pytest.param(MONTH, Standing(note="never drilled; `tradeops drill` proves that the brake works"), id="a month"),
        pytest.param(
            MONTH + INSTANT, Standing("never drilled in more than 30 days; run `tradeops drill`"), id="over a month"
        ),
    ],
)
def test_a_new_installation_has_a_month_for_its_first_drill(known: timedelta, said: Standing) -> None:
    assert judged(None, known) == said


def test_a_drill_holds_for_thirty_days_and_not_a_moment_longer() -> None:
    assert judged(drill(PASSED, ABSENT, ago=MONTH)) == Standing(
        note="drilled at 2026-10-26 12:00 UTC on sandbox; not exercised: rollback"
    )
    assert judged(drill(PASSED, ago=MONTH)).note.endswith("on sandbox")
    said = judged(drill(PASSED, ago=MONTH + INSTANT))
    assert said == Standing("the last drill, at 2026-10-26 11:59 UTC, was more than 30 days ago; run `tradeops drill`")


def test_a_drill_that_failed_is_a_problem_however_recent() -> None:
    last = replace(drill(PASSED, FAILED), finished_at=NOW)
    assert judged(last) == Standing("the drill of 2026-11-25 12:00 UTC failed: notification; mend it and drill again")
