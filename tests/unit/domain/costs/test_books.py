"""What was spent by both, and what the month will come to."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.unit.domain.costs.builders import books, sample, utc
from tradeops.domain.costs import Books, LlmCall, Month

DAY = timedelta(days=1)


def steady(first: datetime, last: datetime, usd_per_day: str, *, every: timedelta = DAY) -> Books:
    """The service spends evenly, and is read evenly."""
    readings, at = [], first
    while at <= last:
        days = Decimal((at - first) // timedelta(microseconds=1)) / (DAY // timedelta(microseconds=1))
        readings.append(sample(at, days * Decimal(usd_per_day)))
        at += every
    return books(readings)


@pytest.mark.parametrize(
    ("day", "length"),
    [
        (date(2027, 2, 10), 28),
        (date(2028, 2, 29), 29),
        (date(2100, 2, 1), 28),
        (date(2026, 11, 30), 30),
        (date(2026, 12, 31), 31),
        (date(2027, 1, 1), 31),
    ],
    ids=str,
)
def test_a_month_has_the_days_it_has(day: date, length: int) -> None:
    month = Month.of(day)
    assert month.until - month.since == length * DAY
    assert month.since == datetime(day.year, day.month, 1, tzinfo=UTC)
    assert month.since <= datetime(day.year, day.month, day.day, tzinfo=UTC) < month.until


@pytest.mark.parametrize(
    ("as_of", "length"),
    [("2027-02-10T09:00", 28), ("2028-02-10T09:00", 29), ("2026-11-10T09:00", 30), ("2026-12-10T09:00", 31)],
)
def test_even_spending_projects_to_the_real_length_of_the_month(as_of: str, length: int) -> None:
    at = utc(as_of)
    month = Month.of(at.date())
    kept = steady(at - 40 * DAY, at, "1.5")
    assert kept.month_end(at, month).value == Decimal("1.5") * length
    assert kept.daily_mean(at).value == Decimal("1.5")


def test_the_projection_is_the_month_to_date_and_the_trailing_mean_for_each_day_left() -> None:
    kept = books(
        [
            sample("2026-10-31T09:00", "0"),
            sample("2026-11-10T09:00", "10"),  # a dollar a day
            sample("2026-11-17T09:00", "31"),  # then three
        ]
    )
    at = utc("2026-11-17T09:00")
    to_date = Fraction(10) * 225 / 240 + 21  # 9 days and 9 hours of the first ten days, and the week
    left = Fraction(13 * 24 + 15, 24)
    assert kept.daily_mean(at).value == 3
    found = kept.month_end(at, Month.of(at.date())).value
    assert found is not None
    assert abs(Fraction(found) - (to_date + 3 * left)) < Fraction(1, 10**25)


@pytest.mark.parametrize(
    ("hours", "known"), [(0, False), (1, False), (23.999, False), (24, True), (30, True)], ids=lambda value: f"{value}"
)
def test_nothing_is_projected_in_the_first_24_hours(hours: float, known: bool) -> None:
    first = utc("2026-11-20T09:00")
    at = first + timedelta(hours=hours)
    kept = books([sample(first, "0"), sample(at, "1")])
    for amount in (kept.daily_mean(at), kept.month_end(at, Month.of(at.date()))):
        assert (amount.value is not None) is known
        assert known or amount.reason == "the first 24 hours of observation are not over"


def test_a_mean_of_less_than_a_week_is_over_what_was_observed() -> None:
    kept = steady(utc("2026-11-20T09:00"), utc("2026-11-22T09:00"), "2", every=timedelta(hours=12))
    assert kept.daily_mean(utc("2026-11-22T09:00")).value == 2


def test_our_own_calls_count_in_every_figure() -> None:
    at = utc("2026-11-20T09:00")
    calls = [LlmCall(at - timedelta(hours=n * 24 + 1), Decimal("0.14")) for n in range(10)]
    kept = books([sample(at - 10 * DAY, "0"), sample(at, "10")], calls)
    assert kept.spent(at - DAY, at).value == Decimal("1.14")
    assert kept.daily_mean(at).value == Decimal("1.14")
    assert kept.own(Month.of(at.date()).since, at) == Decimal("1.40")
    assert kept.own(at - timedelta(hours=1), at) == Decimal("0.14")
    assert kept.own(at - DAY, at - timedelta(hours=1)) == 0


def test_without_the_ai_service_our_own_calls_are_all() -> None:
    at = utc("2026-11-20T09:00")
    kept = books(calls=[LlmCall(at - DAY, Decimal(7))], since="2026-11-01T00:00", service_expected=False)
    assert kept.spent(at - DAY, at).value == 7
    assert kept.spent(at - timedelta(hours=3), at).value == 0
    assert kept.daily_mean(at).value == 1
    assert kept.month_end(at, Month.of(at.date())).value == 7 + Decimal(10) + Decimal(15) / 24


def test_what_a_service_spent_before_it_was_taken_away_stays_in_the_month_and_is_not_projected() -> None:
    kept = books([sample("2026-11-02T00:00", "0"), sample("2026-11-04T00:00", "6")], service_expected=False)
    at = utc("2026-11-20T00:00")
    assert kept.spent(Month.of(at.date()).since, at).value == 6
    assert kept.month_end(at, Month.of(at.date())).value == 6


def test_a_silent_service_is_projected_on_from_its_last_reading() -> None:
    kept = steady(utc("2026-11-01T00:00"), utc("2026-11-10T00:00"), "1")
    at = utc("2026-11-15T00:00")
    assert kept.month_end(at, Month.of(at.date())).value == 30
    assert kept.spent(utc("2026-11-01T00:00"), at).value == 9
    assert kept.spent(at - DAY, at).reason == "the AI service's counters were last read at 2026-11-10 00:00 UTC"


def test_a_service_that_was_silent_for_more_than_a_week_is_not_known() -> None:
    kept = steady(utc("2026-11-01T00:00"), utc("2026-11-10T00:00"), "1")
    assert kept.daily_mean(utc("2026-11-17T00:00")).value == 1
    late = utc("2026-11-17T00:01")
    assert kept.daily_mean(late).value is None
    assert "last read at 2026-11-10" in kept.month_end(late, Month.of(late.date())).reason


def test_a_service_that_is_read_for_the_first_time_after_long_watching_is_not_known_yet() -> None:
    at = utc("2026-11-20T00:00")
    kept = books([sample(at - timedelta(hours=3), "0"), sample(at, "1")], since="2026-11-01T00:00")
    assert kept.daily_mean(at).reason == "the AI service's counters were observed for less than 24 hours"
    one = books([sample(at, "1")], since="2026-11-01T00:00")
    assert one.daily_mean(at).reason == "it takes two readings of the AI service's counters, and there are fewer"


def test_our_own_calls_are_told_even_when_the_service_is_unknown() -> None:
    at = utc("2026-11-20T00:00")
    assert books(calls=[LlmCall(at - DAY, Decimal(7))]).spent(at - DAY, at).value == 7
    assert books().spent(at - DAY, at).value is None


@pytest.mark.parametrize("cost", ["-0.01", "NaN", "Infinity"])
def test_a_call_cannot_cost_what_cannot_be_true(cost: str) -> None:
    with pytest.raises(ValueError, match="cost_usd is"):
        LlmCall(utc("2026-11-20T00:00"), Decimal(cost))
