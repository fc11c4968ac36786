"""Daily reports as observations: what is known opens and ends, what is not known says nothing."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.unit.domain.costs.builders import GONE, books, report, sample
from tests.unit.domain.performances import ON, facts, week
from tests.unit.domain.test_performance_verdict import BAD_WEEK, GOOD_WEEK
from tradeops.domain.costs import CostReport
from tradeops.domain.incidents.model import CERTAIN
from tradeops.domain.incidents.of_reports import of_cost, of_performance
from tradeops.domain.notices import Level
from tradeops.domain.performance_report import PerformanceReport, assess
from tradeops.domain.performance_verdict import Bars

NOON = "2026-11-25T12:00"


def cost(daily: str = "1", monthly: str = "30") -> CostReport:
    read = sample(NOON, "0.5", daily=daily, monthly=monthly)
    return report(read, books([read]))


def analysis(returns: list[str], *, on: date = ON, days: int = 7) -> PerformanceReport:
    return assess(facts(week(returns)), on=on, days=days, bars=Bars())


def levels(told: CostReport | PerformanceReport) -> dict[str, Level | None]:
    looks = of_cost(told) if isinstance(told, CostReport) else of_performance(told)
    return {look.key: look.severity for look in looks}


@pytest.mark.parametrize(
    ("daily", "monthly", "expected"),
    [
        ("2", "50", (None, None)),
        ("2.01", "50", (Level.WARNING, None)),
        ("2", "100.01", (None, Level.CRITICAL)),
        ("5.01", "50.01", (Level.CRITICAL, Level.WARNING)),
    ],
)
def test_each_period_is_judged_alone(daily: str, monthly: str, expected: tuple[Level | None, Level | None]) -> None:
    assert levels(cost(daily, monthly)) == dict(zip(("cost:daily", "cost:monthly"), expected, strict=True))


def test_a_breach_is_told_in_the_words_of_the_report_and_needs_no_second_look() -> None:
    told = cost("5.01")
    daily, monthly = of_cost(told)
    assert (daily.summary, monthly.summary) == (told.breaches[0].text, "")
    assert {(look.looks, look.at) for look in (daily, monthly)} == {(CERTAIN, told.facts.finished_at)}


def test_a_cost_that_nobody_knows_neither_opens_nor_ends_anything() -> None:
    told = report(sample(NOON, requests=0), books(since=NOON))
    assert told.daily.highest is None
    assert "cost:daily" not in levels(told)
    assert levels(report(GONE, books(), as_of=NOON)) == {}


def test_a_report_of_a_past_day_says_nothing_of_cost() -> None:
    told = cost("5.01")
    a_day = timedelta(days=1)
    late = replace(told.facts, started_at=told.facts.started_at + a_day, finished_at=told.facts.finished_at + a_day)
    assert of_cost(replace(told, facts=late)) == ()


def test_a_run_that_ends_after_midnight_still_tells_of_its_day() -> None:
    told = cost("5.01")
    longer = replace(told.facts, finished_at=told.facts.finished_at + timedelta(hours=12))
    assert levels(replace(told, facts=longer)) == {"cost:daily": Level.CRITICAL, "cost:monthly": None}


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        (GOOD_WEEK, (None, None, None)),
        (["3.5", "2.5", "4", "-1"] * 9, (None, Level.WARNING, None)),
        (BAD_WEEK, (Level.CRITICAL, Level.CRITICAL, Level.CRITICAL)),
    ],
    ids=["good", "warning", "critical"],
)
def test_each_metric_is_judged_alone(returns: list[str], expected: tuple[Level | None, ...]) -> None:
    keys = ("performance:win-rate", "performance:average-profit", "performance:sharpe")
    assert levels(analysis(returns)) == dict(zip(keys, expected, strict=True))


def test_a_metric_is_told_in_the_words_of_the_analysis_and_needs_no_second_look() -> None:
    told = analysis(BAD_WEEK)
    looks = of_performance(told)
    assert [look.summary for look in looks] == [part.alert for part in told.parts]
    assert all(look.summary for look in looks)
    assert {(look.looks, look.at) for look in looks} == {(CERTAIN, told.finished_at)}


def test_a_metric_without_a_verdict_neither_opens_nor_ends_anything() -> None:
    told = analysis(BAD_WEEK)
    unsure = tuple(replace(part, severity=None) if n == 0 else part for n, part in enumerate(told.parts))
    assert list(levels(replace(told, parts=unsure))) == ["performance:average-profit", "performance:sharpe"]
    assert of_performance(analysis(BAD_WEEK[:9])) == ()


def test_an_analysis_that_is_no_news_says_nothing() -> None:
    told = analysis(BAD_WEEK)
    assert of_performance(replace(told, kept_at=told.started_at)) == ()
    assert of_performance(analysis(BAD_WEEK, on=ON - timedelta(days=1))) == ()
    assert of_performance(analysis(BAD_WEEK, days=30)) == ()
