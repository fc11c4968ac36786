"""What became of decisions, and what a confidence was worth."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tradeops.domain.decisions.outcomes import FEWEST, Decided, Group, Outcome, joined, reliability

DAY = date(2026, 11, 1)


def outcome(confidence: str | None, *, improved: bool, group: Group = Group.RETRAINED) -> Outcome:
    made = Decided("d", DAY, group, None if confidence is None else Decimal(confidence))
    return Outcome(made, 50.0, 51.0 if improved else 50.0)


def test_a_decision_is_joined_with_the_weeks_before_and_after_its_date() -> None:
    decisions = [Decided(str(n), DAY + timedelta(days=n), Group.LEFT, None) for n in range(3)]
    rates = {DAY: 50.0, DAY + timedelta(days=1): 51.0, DAY + timedelta(days=7): 60.0, DAY + timedelta(days=9): 40.0}
    [found] = joined(decisions, rates)
    assert (found.decided.decision_id, found.before_percent, found.after_percent, found.improved) == (
        "0",
        50.0,
        60.0,
        True,
    )


def test_an_equal_win_rate_is_no_improvement() -> None:
    assert not outcome("0.9", improved=False).improved


def test_the_table_appears_from_ten_outcomes_on() -> None:
    assert reliability([outcome("0.9", improved=True)] * (FEWEST - 1)) is None
    assert reliability([outcome("0.9", improved=True)] * FEWEST) is not None


def test_bands_compare_confidence_with_what_happened_in_each_group() -> None:
    found = reliability(
        [
            *[outcome("0.9", improved=True)] * 3,
            outcome("0.9", improved=False),
            *[outcome("0.95", improved=True)] * 2,
            *[outcome("0.6", improved=False, group=Group.LEFT)] * 3,
            outcome("0.6", improved=True, group=Group.LEFT),
            outcome("0", improved=True, group=Group.VETOED),
            outcome(None, improved=True, group=Group.LEFT),
        ]
    )
    assert found
    assert found.outcomes == 12
    assert [(b.group, b.above, b.up_to, b.decisions, b.improved_fraction) for b in found.bands] == [
        (Group.RETRAINED, 0.8, 0.9, 4, 0.75),
        (Group.RETRAINED, 0.9, 1.0, 2, 1.0),
        (Group.VETOED, 0.0, 0.5, 1, 1.0),
        (Group.LEFT, 0.5, 0.7, 4, 0.25),
    ]
    expected = (3 * 0.1**2 + 0.9**2 + 2 * 0.05**2) / 6
    assert found.brier.value == pytest.approx(expected)


def test_without_a_retrain_there_is_no_brier_score() -> None:
    found = reliability([outcome("0.6", improved=True, group=Group.LEFT)] * FEWEST)
    assert found
    assert found.brier.reason == "no retrain has an outcome yet"
