"""The cost report's page: every figure, no contradiction, nothing unknown as zero."""

from datetime import UTC, date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.unit.domain.costs.builders import GONE, SILENT, books, report, sample, utc
from tradeops.domain.costs import Absent, Limit, Limits, LlmCall, VndRate
from tradeops.domain.health import Severity
from tradeops.rendering.api_cost import api_cost_alarm, api_cost_page
from tradeops.rendering.html import to_html
from tradeops.rendering.markdown import to_markdown
from tradeops.rendering.page import Bullets, Page, Picture, Strong, Table, Text
from tradeops.rendering.text import to_text

NOW = "2026-11-20T09:00"
BEFORE = [sample("2026-11-01T00:00", "0", 0, tokens=(0, 0)), sample("2026-11-19T09:00", "0.9", 90, tokens=(900, 90))]
TODAY = sample(NOW, "0.95", 96, daily="1.361", monthly="40.82", tokens=(2900, 290))


def quiet(**more: object) -> Page:
    calls = [LlmCall(utc("2026-11-20T03:00"), Decimal("0.028"))]
    return api_cost_page(report(TODAY, books([*BEFORE, TODAY], calls), **more), UTC)  # type: ignore[arg-type]


def table(page: Page, number: int) -> Table:
    return [block for block in page.blocks if isinstance(block, Table)][number]


def test_a_quiet_day_shows_what_was_compared_and_which_figure_counts() -> None:
    page = quiet()
    assert (page.title, page.severity) == ("LLM cost, 2026-11-20: within the limits", Severity.HEALTHY)
    assert page.blocks[0] == Text((Strong("2026-11-20"), ", as of 2026-11-20 09:00:00 UTC"))
    assert table(page, 0).rows == (
        ("daily", "the AI service's projection", "$1.36", "34,025", "the highest, so it counts"),
        ("daily", "our projection", "$0.05", "1,328", ""),  # (0.9 × 144 h ÷ 441 h + 0.05 + 0.028) ÷ 7
        ("daily", "the ledger's last 24 hours", "$0.08", "1,950", "at least"),
        ("monthly", "the AI service's projection", "$40.82", "1,020,500", "the highest, so it counts"),
        ("monthly", "our projection", "$1.54", "38,561", ""),
        ("monthly", "the ledger's month to date", "$0.98", "24,450", "at least"),
    )


def test_what_was_counted_is_shown_with_requests_tokens_and_both_currencies() -> None:
    assert table(quiet(), 1).rows == (
        ("AI service since restart", "96", "2,900", "290", "$0.95", "23,750"),
        ("AI service, last 24 hours", "6", "2,000", "200", "$0.05", "1,250"),
        ("AI service, month to date", "96", "2,900", "290", "$0.95", "23,750"),
        ("Our own calls, month to date", "–", "–", "–", "$0.03", "700"),
    )


def test_the_last_eight_days_are_shown_with_the_month_to_date() -> None:
    rows = table(quiet(), 2).rows
    assert [row[0] for row in rows] == [f"2026-11-{day}" for day in range(13, 21)]
    assert rows[-1] == ("2026-11-20", "$0.02", "$0.03", "$0.05", "1,169", "$0.98")


def test_limits_rate_and_rule_of_the_days_are_told() -> None:
    text = to_text(quiet(rate=VndRate(Decimal(25000), date(2026, 11, 18))))
    assert "daily warning above $2.00, critical above $5.00; monthly warning above $50.00, critical" in text
    assert "A cost exactly at a limit does not cross it." in text
    assert "1 USD = 25,000 VND, as of 2026-11-18" in text
    assert "so the ledger says what was" in text
    assert "its day is not set (TRADEOPS_VND_RATE_AS_OF)" in to_text(quiet())


def test_the_picture_tells_spend_projection_and_limits() -> None:
    [picture] = [block for block in quiet().blocks if isinstance(block, Picture)]
    assert picture.alt.startswith("Spent $0.98 until 2026-11-20, projected $40.82 until 2026-11-30; ")
    assert "$50" in picture.alt
    assert len(picture.data) < 37_000


def test_a_crossed_limit_is_in_title_and_alerts() -> None:
    now = sample(NOW, "0.95", 96, daily="5.01", monthly="50.01")
    page = api_cost_page(report(now, books([*BEFORE, now])), UTC)
    assert (page.title, page.severity) == (
        "LLM cost, 2026-11-20: daily critical, monthly warning",
        Severity.CRITICAL,
    )
    [alerts, _] = [block for block in page.blocks if isinstance(block, Bullets)]
    assert alerts.lines == (
        (Strong("daily critical"), ": daily cost $5.01 (the AI service's projection) is above $5.00"),
        (Strong("monthly warning"), ": monthly cost $50.01 (the AI service's projection) is above $50.00"),
    )


def test_no_figure_on_the_page_rounds_to_its_limit_when_it_is_above_it() -> None:
    now = sample(NOW, "50.000004", 96, daily="5.00001", monthly="40")
    page = api_cost_page(report(now, books([sample("2026-11-01T00:00", "0"), now])), UTC)
    assert table(page, 0).rows[0][2] == "$5.00001"
    assert table(page, 0).rows[5][2] == table(page, 2).rows[-1][5] == "$50.000004"


def test_a_limit_of_ones_own_is_shown_as_it_was_set() -> None:
    limits = Limits(daily=Limit(Decimal("0.125"), Decimal(1)), monthly=Limit(Decimal(10), Decimal(20)))
    assert "daily warning above $0.125, critical above $1.00" in to_text(quiet(limits=limits))


def test_a_service_that_was_taken_away_reads_as_unknown_and_never_as_zero() -> None:
    kept = books(since="2026-11-15T12:00", service_expected=False)
    page = api_cost_page(report(GONE, kept, as_of=NOW), UTC)
    assert page.severity is Severity.HEALTHY
    assert table(page, 0).rows[0] == (
        *("daily", "the AI service's projection", "n/a", "n/a", "the AI service is not configured"),
    )
    assert table(page, 1).rows[0] == ("AI service since restart", *["n/a"] * 5)
    assert table(page, 2).rows[1] == ("2026-11-14", *["n/a"] * 5)
    assert table(page, 2).rows[2] == ("2026-11-15", "n/a", "$0.00", "$0.00", "0", "$0.00")


def test_a_silent_service_is_named_among_the_alerts() -> None:
    page = api_cost_page(report(SILENT, books(BEFORE), as_of=NOW), UTC)
    assert (page.title, page.severity) == ("LLM cost, 2026-11-20: degraded", Severity.DEGRADED)
    assert "- without: the AI service cannot be read: refused" in to_text(page)


def test_an_unreadable_ledger_leaves_no_days_and_no_picture() -> None:
    page = api_cost_page(report(TODAY, Absent("the ledger cannot be read: locked")), UTC)
    assert table(page, 2).rows == ()
    assert "No picture: no cost is known yet." in to_text(page)
    assert table(page, 1).rows[3] == ("Our own calls, month to date", "–", "–", "–", "n/a", "n/a")


def test_a_first_day_without_a_request_has_no_verdict() -> None:
    now = sample(NOW, "0", 0)
    page = api_cost_page(report(now, books([now])), UTC)
    assert page.headline == "○ LLM cost, 2026-11-20: not known yet"


def test_times_are_on_the_readers_clock_and_days_in_utc() -> None:
    now = sample("2026-11-20T23:30", "0.95", 96, daily="1", monthly="30")
    page = api_cost_page(report(now, books([*BEFORE, now])), ZoneInfo("Asia/Ho_Chi_Minh"))
    assert page.blocks[0] == Text((Strong("2026-11-20"), ", as of 2026-11-21 06:30:00 UTC+07:00"))
    assert table(page, 2).rows[-1][0] == "2026-11-20"


def test_a_report_that_is_not_kept_says_so_at_the_top() -> None:
    page = api_cost_page(report(TODAY, books([*BEFORE, TODAY])), UTC, stored="already reported at 09:00")
    assert page.blocks[1] == Text(Strong("already reported at 09:00"))


@pytest.mark.parametrize("render", [to_markdown, to_html, to_text], ids=lambda f: f.__name__)
def test_what_the_service_sends_is_shown_letter_by_letter(render: object) -> None:
    page = api_cost_page(report(Absent("refused: </b><script>alert(1)</script>"), books(BEFORE), as_of=NOW), UTC)
    rendered = render(page)  # type: ignore[operator]
    assert ("<script" in rendered) is (render is to_text)


def test_the_alarm_is_no_all_clear() -> None:
    page = api_cost_alarm(date(2026, 11, 20), "ai_service: total_cost_usd is NaN")
    assert (page.title, page.severity) == ("LLM cost, 2026-11-20: not known", Severity.CRITICAL)
    assert "total_cost_usd is NaN" in to_text(page)
