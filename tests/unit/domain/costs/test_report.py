"""The verdict of a day's cost."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.unit.domain.costs.builders import GONE, SILENT, books, report, sample, utc
from tradeops.domain.costs import Absent, CostReport, Limit, Limits, LlmCall, Sample
from tradeops.domain.health import Severity

UNREAD = Absent("the ledger cannot be read: locked")
NOW = "2026-11-20T09:00"
QUIET = [sample("2026-11-01T00:00", "0"), sample("2026-11-19T09:00", "0.9", 90)]


def compared(told: CostReport) -> dict[str, Decimal | None]:
    return {f"{c.period} {one.source}": one.usd.value for c in (told.daily, told.monthly) for one in c.candidates}


def test_a_quiet_day_is_within_the_limits_and_every_figure_is_known() -> None:
    now = sample(NOW, "0.95", 95, daily="1.361", monthly="40.82")
    told = report(now, books([*QUIET, now]))
    assert told.severity is Severity.HEALTHY
    assert told.alerts == told.breaches == told.problems == ()
    assert told.summary == "within the limits: daily $1.36, monthly $40.82"
    assert compared(told)["daily the AI service's projection"] == Decimal("1.361")
    assert compared(told)["daily the ledger's last 24 hours"] == Decimal("0.05")
    assert compared(told)["monthly the ledger's month to date"] == Decimal("0.95")
    assert told.daily.unknown == told.monthly.unknown == ()


@pytest.mark.parametrize(
    ("daily", "monthly", "severity", "word"),
    [
        ("2.00", "50.00", Severity.HEALTHY, None),
        ("2.01", "50.00", Severity.DEGRADED, "warning"),
        ("2.00", "50.01", Severity.DEGRADED, "warning"),
        ("5.00", "100.00", Severity.DEGRADED, "warning"),
        ("5.01", "50.00", Severity.CRITICAL, "critical"),
        ("2.00", "100.01", Severity.CRITICAL, "critical"),
    ],
)
def test_the_worst_period_decides(daily: str, monthly: str, severity: Severity, word: str | None) -> None:
    now = sample(NOW, "1", 100, daily=daily, monthly=monthly)
    told = report(now, books([*QUIET, now]))
    assert told.severity is severity
    assert (told.alerts[0].word if told.alerts else None) == word


def test_alerts_come_with_the_worst_first() -> None:
    now = sample(NOW, "1", 100, daily="2.01", monthly="100.01")
    told = report(now, books([*QUIET, now]))
    assert [(alert.period, alert.word) for alert in told.alerts] == [("monthly", "critical"), ("daily", "warning")]
    assert told.summary == (
        "critical: monthly cost $100.01 (the AI service's projection) is above $100.00; "
        "warning: daily cost $2.01 (the AI service's projection) is above $2.00"
    )


def test_what_the_ledger_saw_alarms_although_the_projections_are_low() -> None:
    now = sample(NOW, "6.4", 300, daily="0.1", monthly="3")
    told = report(now, books([*QUIET, now]))
    [alert] = told.breaches
    assert (alert.source, alert.usd) == ("the ledger's last 24 hours", Decimal("5.5"))
    assert told.severity is Severity.CRITICAL


def test_our_own_calls_alone_can_cross_a_limit() -> None:
    now = sample(NOW, "0.9", 90, daily="0.1", monthly="3")
    told = report(now, books([*QUIET, now], [LlmCall(utc("2026-11-20T03:00"), Decimal("5.01"))]))
    assert told.breaches[0].text.startswith("daily cost $5.01 (the ledger's last 24 hours) is above $5.00")
    assert told.own_month_usd.value == Decimal("5.01")


def test_a_service_without_a_request_since_its_restart_has_no_projection_and_the_ledger_counts() -> None:
    now = sample(NOW, "0", 0, daily="0", monthly="0")
    told = report(now, books([sample("2026-11-18T09:00", "1", 1), sample("2026-11-19T09:00", "7.1", 90), now]))
    assert told.counter_reset
    assert compared(told)["daily the AI service's projection"] is None
    assert "has counted no request since its restart" in told.daily.unknown[0]
    assert told.breaches[0].source == "our projection"
    assert any("counters restarted once this month" in note for note in told.notes)


def test_a_reset_does_not_give_money_back() -> None:
    now = sample(NOW, "0.5", 5, daily="0.1", monthly="3")
    told = report(now, books([sample("2026-11-18T09:00", "40"), sample("2026-11-19T09:00", "46"), now]))
    assert compared(told)["monthly the ledger's month to date"] == Decimal("6.5")
    assert told.days[-1].so_far_usd.value == Decimal("6.5")


def test_the_first_run_without_a_request_gives_no_verdict() -> None:
    now = sample(NOW, "0", 0)
    told = report(now, books([now]))
    assert told.severity is None
    assert told.alerts == ()
    assert told.summary.startswith("daily cost is not known by any source: the AI service's projection (not available")


def test_the_first_run_is_judged_by_the_service_alone() -> None:
    now = sample(NOW, "3", 100, daily="5.01", monthly="40")
    told = report(now, books([now]))
    assert told.severity is Severity.CRITICAL
    assert "not known: our projection (the first 24 hours of observation are not over)" in told.alerts[0].text


def test_a_service_that_was_taken_away_is_a_note_and_the_ledger_is_judged() -> None:
    calls = [LlmCall(utc("2026-11-19T12:00"), Decimal("0.03"))]
    told = report(GONE, books(calls=calls, since="2026-11-01T00:00", service_expected=False), as_of=NOW)
    assert told.severity is Severity.HEALTHY
    assert told.notes == ("the AI service is not configured: the figures are of the ledger alone",)
    assert compared(told)["daily the ledger's last 24 hours"] == Decimal("0.03")
    assert told.counters is None


def test_a_silent_service_degrades_the_report_and_our_own_calls_are_told() -> None:
    kept = books([*QUIET], [LlmCall(utc("2026-11-20T03:00"), Decimal("0.03"))])
    told = report(SILENT, kept, as_of=NOW)
    assert told.severity is Severity.DEGRADED
    assert told.problems == ("the AI service cannot be read: refused",)
    assert compared(told)["daily the ledger's last 24 hours"] == Decimal("0.03")
    assert told.daily.unknown == ("the AI service's projection (the AI service cannot be read: refused)",)


def test_a_ledger_that_cannot_be_read_degrades_the_report_and_the_service_is_judged() -> None:
    told = report(sample(NOW, "3", 100, daily="1", monthly="30"), UNREAD)
    assert told.severity is Severity.DEGRADED
    assert (told.days, told.last_24_hours, told.own_month_usd.value) == ((), None, None)
    assert told.problems == ("the ledger cannot be read: locked",)
    assert told.daily.highest == ("the AI service's projection", Decimal(1))
    assert report(sample(NOW, "3", 100, daily="5.01", monthly="30"), UNREAD).severity is Severity.CRITICAL


def test_nothing_known_because_something_failed_is_an_alert() -> None:
    told = report(SILENT, UNREAD, as_of=NOW)
    assert [alert.limit_usd for alert in told.alerts] == [None, None]
    assert told.severity is Severity.DEGRADED
    assert told.breaches == ()


def test_the_days_are_the_month_and_at_least_a_week_each_with_its_share() -> None:
    now = sample("2026-11-03T09:00", "9.6", 30, daily="1", monthly="30")
    told = report(now, books([sample("2026-10-30T09:00", "0"), sample("2026-11-02T09:00", "7.2"), now]))
    by_day = {day.day: day for day in told.days}
    assert list(by_day) == [date(2026, 10, 27) + timedelta(days=n) for n in range(8)]
    assert by_day[date(2026, 10, 29)].total_usd.reason == "nobody watched yet"
    assert by_day[date(2026, 10, 29)].own_usd.value is None
    assert by_day[date(2026, 10, 30)].total_usd.value == Decimal("1.5")
    assert by_day[date(2026, 10, 31)].so_far_usd.value == Decimal("3.9")
    assert by_day[date(2026, 11, 1)].so_far_usd.value == Decimal("2.4")
    assert by_day[date(2026, 11, 3)].total_usd.value == Decimal("0.9")
    assert by_day[date(2026, 11, 3)].so_far_usd.value == told.monthly.candidates[2].usd.value == Decimal("5.7")


def test_a_ledger_that_begins_within_the_month_says_so() -> None:
    now = sample(NOW, "1", 100, daily="1", monthly="30")
    told = report(now, books([sample("2026-11-10T09:00", "0"), now]))
    assert told.notes == ("the ledger begins at 2026-11-10 09:00 UTC; what was spent before it is not in the month",)


@pytest.mark.parametrize(("seconds", "words"), [(90, "90 s ahead of"), (-45, "45 s behind")])
def test_a_clock_that_disagrees_is_told(seconds: int, words: str) -> None:
    read = sample(NOW, "1", 100, daily="1", monthly="30")
    off = replace(read.counters, measured_at=read.at + timedelta(seconds=seconds))
    told = report(Sample(read.at, off), books([*QUIET, Sample(read.at, off)]))
    assert f"the AI service's clock is {words} ours, so its readings are dated by ours" in told.notes


@pytest.mark.parametrize(
    ("first", "day", "month"),
    [
        ("2026-10-01T09:00", "at least", "at least"),
        ("2026-11-19T09:00", "at least", "at least, observed from 2026-11-19 09:00 UTC on"),
        ("2026-11-20T08:59", *["at least, observed from 2026-11-20 08:59 UTC on"] * 2),
    ],
)
def test_an_actual_that_is_observed_in_part_says_since_when(first: str, day: str, month: str) -> None:
    now = sample(NOW, "1", 100, daily="1", monthly="30")
    told = report(now, books([sample(first, "0"), now]))
    assert (told.daily.candidates[2].note, told.monthly.candidates[2].note) == (day, month)
    gone = report(GONE, books(since=first, service_expected=False), as_of=NOW)
    assert (gone.daily.candidates[2].note, gone.monthly.candidates[2].note) == (day, month)


def test_several_restarts_are_counted() -> None:
    now = sample(NOW, "0.1", 1, daily="0.1", monthly="3")
    readings = [sample(f"2026-11-{10 + n}T09:00", "1" if n % 2 else "2") for n in range(6)]
    told = report(now, books([*readings, now]))
    assert "the AI service's counters restarted 4 times this month" in told.notes[0]
    assert told.counter_reset


def test_a_projection_that_equals_its_limit_does_not_cross_it_by_a_rounding_error() -> None:
    limits = Limits(daily=Limit(Decimal(1), Decimal(9)), monthly=Limit(Decimal(16), Decimal(99)))
    readings = [sample("2026-11-07T00:00", "0"), sample("2026-11-10T00:00", "2")]  # 2 + 2/3 × 21
    told = report(replace_projections(readings[-1]), books(readings), as_of="2026-11-10T00:00", limits=limits)
    assert compared(told)["monthly our projection"] == 16
    assert told.breaches == ()
    assert told.severity is Severity.HEALTHY


def replace_projections(read: Sample) -> Sample:
    return replace(read, counters=replace(read.counters, daily_cost_usd=Decimal("0.1"), monthly_cost_usd=Decimal(3)))
