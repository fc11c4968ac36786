"""How a period is cut into days for choosing and days for judging."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.optimise.windows import Plan, walk_forward

PLAN = Plan()


def test_a_hundred_days() -> None:
    cut = walk_forward(100, PLAN)
    assert (cut.first.inside, cut.first.outside, cut.first.gap) == (slice(0, 57), slice(60, 100), 3)
    assert [step.outside for step in cut.steps] == [slice(60, 70), slice(70, 80), slice(80, 90), slice(90, 100)]
    assert [step.inside for step in cut.steps] == [slice(0, 57), slice(0, 67), slice(0, 77), slice(0, 87)]


@given(st.integers(60, 3000), st.integers(1, 6), st.integers(0, 5))
def test_nothing_that_judges_is_known_to_what_chooses(days: int, windows: int, purge: int) -> None:
    plan = Plan(windows=windows, purge_days=purge)
    try:
        cut = walk_forward(days, plan)
    except ValueError:
        return
    joined = [day for step in cut.steps for day in range(step.outside.start, step.outside.stop)]
    assert joined == list(range(cut.first.outside.start, days))
    for step in (cut.first, *cut.steps):
        assert step.gap == purge + plan.embargo_days(days)
        assert step.inside.stop < step.outside.start


@pytest.mark.parametrize("days", [1, 2, 30, 48])
def test_too_few_days_are_refused_and_enough_are_named(days: int) -> None:
    with pytest.raises(ValueError, match=f"{days} days are too few .* it takes 49"):
        walk_forward(days, PLAN)
    assert walk_forward(49, PLAN).days == 49


def test_the_embargo_grows_with_the_period() -> None:
    assert [PLAN.embargo_days(days) for days in (50, 365, 1000)] == [1, 4, 10]
