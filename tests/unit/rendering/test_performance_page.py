"""The page of the performance analysis: what a reader is told, and that nothing unknown reads as zero."""

import re
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest

from tests.unit.domain.performances import EQUITY, NOW, ON, WINDOW, facts, trade, week
from tests.unit.domain.test_performance_verdict import BAD_WEEK, GOOD_WEEK, days_before, judged, record
from tradeops.domain.figures import unknown_amount
from tradeops.domain.health import Severity
from tradeops.domain.performance_report import PerformanceReport, assess
from tradeops.domain.performance_verdict import Bars
from tradeops.rendering.html import to_html
from tradeops.rendering.markdown import to_markdown
from tradeops.rendering.page import Picture
from tradeops.rendering.performance import performance_page, summary
from tradeops.rendering.text import to_text

SAIGON = timezone(timedelta(hours=7))


def text(report: PerformanceReport) -> str:
    return " ".join(to_text(performance_page(report, UTC)).split())


def markdown(report: PerformanceReport) -> str:
    return to_markdown(performance_page(report, UTC))


def picture(report: PerformanceReport) -> Picture | None:
    return next((b for b in performance_page(report, UTC).blocks if isinstance(b, Picture)), None)


def test_a_good_week_says_so_with_its_figures_and_how_sure_that_is() -> None:
    shown = markdown(judged(week(GOOD_WEEK)))
    assert shown.startswith("# ✓ Performance: good\n")
    assert "**2026-11-18 to 2026-11-24**, 7 whole UTC days: 36 trades closed, 33 won, +$1,077.00" in shown
    row = next(line for line in shown.splitlines() if line.startswith("| win rate "))
    cells = re.sub("<br>|\N{NO-BREAK SPACE}", " ", row).split(" | ")
    assert cells[1:5] == ["91.7 %", "70 %", "&lt; 55 %", "✓ good"]
    assert cells[5] == "over 99 % sure that it is not below 70 % |"
    assert "95 % interval (Wilson) goes from 78.2 % to 97.1 %" in text(judged(week(GOOD_WEEK)))
    assert "## Alerts" not in shown
    assert "Small sample" not in shown


def test_a_bad_week_leads_with_its_alerts() -> None:
    report = judged(week(BAD_WEEK), earlier=[record(d) for d in days_before(1, 2)])
    shown = markdown(report)
    assert shown.startswith("# ✗ Performance critical: win rate, average profit per trade, Sharpe ratio\n")
    assert "- **win rate critical**: 25.0 % is below the critical limit of 55 %; over 99 % sure" in shown
    assert "- **win rate below critical for 3 consecutive days**" in shown
    assert shown.index("## Alerts") < shown.index("## Against the targets")


def test_a_warning_names_what_misses_its_target() -> None:
    report = judged(week(["3.5", "2.5", "4", "-1"] * 9))
    assert performance_page(report, UTC).title == "Performance warning: average profit per trade"
    assert summary(report) == "average profit per trade 2.25 %"


@pytest.mark.parametrize(
    ("count", "told"), [(0, "no trades closed"), (1, "1 trade closed, 1 won"), (9, "9 trades closed, 9 won")]
)
def test_too_few_trades_show_what_is_known_and_no_verdict(count: int, told: str) -> None:
    report = judged(week(["3"] * count))
    page = performance_page(report, UTC)
    assert page.severity is None
    assert page.headline == "○ Performance: insufficient data"
    assert told in text(report)
    assert "no verdict" in text(report)
    assert "a verdict needs at least 10" in summary(report)
    assert ("Small sample" in text(report)) is (count > 0)


def test_a_week_without_trades_shows_no_number_that_could_be_a_result() -> None:
    shown = text(judged([]))
    assert "No trades were closed in these days." in shown
    assert "$" not in shown
    assert not re.search(r"\b0\.0|\b0 %", shown)


@pytest.mark.parametrize("report", [judged([]), judged(week(["3"])), judged(week(GOOD_WEEK)), judged(week(BAD_WEEK))])
def test_every_page_has_a_row_for_each_of_its_days(report: PerformanceReport) -> None:
    for shown in (to_text(performance_page(report, UTC)), markdown(report), to_html(performance_page(report, UTC))):
        for day in report.days:
            assert day.date.isoformat() in shown


def test_without_a_sharpe_ratio_that_of_single_trades_stands_in_for_it() -> None:
    no_equity = {WINDOW.since: unknown_amount("the engine did not say")}
    report = judged(week(GOOD_WEEK), equities=no_equity, equity_label="n/a: the engine did not say")
    assert "n/a: equity at the start is not known: the engine did not say" in report.parts[2].text
    assert "○ no verdict" in text(report)
    assert "That of single trades, not annualised, stands in for it: 2.18." in text(report)
    assert "Equity at the start of the window: n/a: the engine did not say." in text(report)
    assert "stands beside it: 2.18." in text(judged(week(GOOD_WEEK)))


def test_a_missing_source_takes_good_away_from_the_title() -> None:
    report = judged(week(GOOD_WEEK), missing=["our trade archive cannot be read"])
    page = performance_page(report, UTC)
    assert (page.title, page.severity) == ("Performance: good, but not all is known", Severity.DEGRADED)
    assert "our trade archive cannot be read" in text(report)
    assert summary(report).endswith("; our trade archive cannot be read")


def test_notes_say_what_was_found_and_when_it_was_kept_before() -> None:
    report = judged(week(GOOD_WEEK), notes=["the engine was restarted"], kept_at=NOW)
    shown = " ".join(to_text(performance_page(report, SAIGON)).split())
    assert "the engine was restarted" in shown
    assert "This day was analysed at 2026-11-25 08:00:00 UTC+07:00 already: these figures are shown" in shown
    assert "Trades as of 2026-11-25 08:00:00 UTC+07:00." in shown


def test_a_window_of_one_day_says_that_it_is_not_stored() -> None:
    report = assess(
        facts([trade(n, "1", WINDOW.until - timedelta(hours=n + 1)) for n in range(12)]), on=ON, days=1, bars=Bars()
    )
    assert "1 whole UTC day: 12 trades closed" in text(report)
    assert "Only windows of 7 days are stored; this one is shown." in text(report)


def test_the_picture_shows_the_metrics_day_by_day_and_says_what_is_computed() -> None:
    equities = {WINDOW.since - timedelta(days=n): EQUITY for n in range(30)}
    report = judged(week(BAD_WEEK * 3, days=21), equities=equities, earlier=[record(d) for d in days_before(1)])
    shown = picture(report)
    assert shown is not None
    assert "Win rate, %: 25.00 on 2026-11-25, target 70, critical below 55" in shown.alt
    assert len(shown.data) < 50_000
    assert "13 of them had no analysis and are computed from the trades known now." in text(report)
    assert picture(judged([])) is None


def test_too_few_trades_leave_a_gap_in_the_picture() -> None:
    report = judged([*week(BAD_WEEK, until=WINDOW.since), trade(900, "99", WINDOW.since + timedelta(days=1))])
    assert report.is_insufficient
    shown = picture(report)
    assert shown is not None
    assert "on 2026-11-25" not in shown.alt


def test_hostile_text_is_shown_letter_by_letter() -> None:
    evil = "</b><script>alert(1)</script> | *a*"
    report = replace(judged(week(GOOD_WEEK)), notes=(evil,))
    assert "<script" not in markdown(report)
    assert "<script" not in to_html(performance_page(report, UTC))
