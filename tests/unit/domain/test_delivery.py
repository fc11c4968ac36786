"""The rules of `tradeops.domain.delivery`, one sentence a test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.delivery import Accepted, GiveUp, Never, NotNow, Outcome, Standing, TryAgain, next_step

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALERT = Standing(tries=1, created_at=NOON, twice_is_better_than_never=True, critical=True)
WARNING = replace(ALERT, critical=False)
REPORT = replace(WARNING, twice_is_better_than_never=False)
DOWN = NotNow("refused", may_have_arrived=False)
LOST = NotNow("no answer", may_have_arrived=True)

standings = st.builds(
    Standing,
    tries=st.integers(1, 10_000),
    created_at=st.just(NOON),
    twice_is_better_than_never=st.booleans(),
    critical=st.booleans(),
)
outcomes = st.one_of(
    st.just(Accepted()),
    st.builds(Never, st.just("no such hook")),
    st.builds(
        NotNow,
        st.just("busy"),
        may_have_arrived=st.booleans(),
        retry_after=st.one_of(st.none(), st.timedeltas(timedelta(days=-1), timedelta(days=9))),
    ),
)
chances = st.floats(0, 1, exclude_max=True)


def pause(outcome: Outcome, standing: Standing, chance: float = 0.0) -> timedelta:
    step = next_step(outcome, standing, now=NOON, chance=chance)
    assert isinstance(step, TryAgain)
    return step.at - NOON


def test_what_was_accepted_is_done() -> None:
    assert next_step(Accepted(), ALERT, now=NOON, chance=0.0) == Accepted()


@pytest.mark.parametrize("standing", [ALERT, REPORT], ids=["alert", "report"])
def test_what_can_never_succeed_is_given_up_at_once(standing: Standing) -> None:
    assert next_step(Never("no such hook"), standing, now=NOON, chance=0.0) == GiveUp("no such hook")


def test_an_alert_that_may_have_arrived_is_sent_again() -> None:
    assert isinstance(next_step(LOST, WARNING, now=NOON, chance=0.0), TryAgain)


def test_a_report_that_may_have_arrived_is_not_sent_twice() -> None:
    step = next_step(LOST, REPORT, now=NOON, chance=0.0)
    assert step == GiveUp("no answer; it may have arrived, and is not sent twice")


def test_a_report_that_certainly_did_not_arrive_is_sent_again() -> None:
    assert isinstance(next_step(DOWN, REPORT, now=NOON, chance=0.0), TryAgain)


def test_the_pauses_double_up_to_a_quarter_of_an_hour() -> None:
    halves = [pause(DOWN, replace(ALERT, tries=tries)).total_seconds() for tries in (1, 2, 3, 4, 8, 9, 5000)]
    assert halves == [2.5, 5, 10, 20, 320, 450, 450]


def test_chance_spreads_a_pause_over_its_second_half() -> None:
    assert pause(DOWN, ALERT, chance=0.999).total_seconds() == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize(
    ("asked", "waits"),
    [(0, 0), (1, 1), (60, 60), (61, 60), (86400, 60), (-5, 0)],
    ids=lambda seconds: f"{seconds} s",
)
def test_the_wish_of_the_other_side_is_obeyed_up_to_a_minute(asked: int, waits: int) -> None:
    outcome = NotNow("busy", may_have_arrived=False, retry_after=timedelta(seconds=asked))
    assert pause(outcome, replace(ALERT, tries=9)) == timedelta(seconds=waits)


@pytest.mark.parametrize(
    ("age", "ends"), [(timedelta(hours=24), True), (timedelta(hours=23, minutes=59), False)], ids=["a day", "less"]
)
def test_what_is_not_critical_is_given_up_after_a_day(age: timedelta, *, ends: bool) -> None:
    assert isinstance(next_step(DOWN, WARNING, now=NOON + age, chance=0.0), GiveUp) is ends


def test_a_critical_alert_is_never_given_up_for_its_age() -> None:
    assert isinstance(next_step(DOWN, ALERT, now=NOON + timedelta(days=30), chance=0.0), TryAgain)


@given(outcomes, standings, chances)
def test_a_next_try_is_never_in_the_past_nor_later_than_a_quarter_of_an_hour(
    outcome: Outcome, standing: Standing, chance: float
) -> None:
    step = next_step(outcome, standing, now=NOON, chance=chance)
    if isinstance(step, TryAgain):
        assert timedelta(0) <= step.at - NOON <= timedelta(minutes=15)


@given(outcomes, standings, chances)
def test_nothing_that_must_not_arrive_twice_is_sent_again_once_it_may_have_arrived(
    outcome: Outcome, standing: Standing, chance: float
) -> None:
    step = next_step(outcome, standing, now=NOON, chance=chance)
    if isinstance(step, TryAgain) and isinstance(outcome, NotNow):
        assert standing.twice_is_better_than_never or not outcome.may_have_arrived
