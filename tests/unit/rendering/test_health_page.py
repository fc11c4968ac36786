"""The health check's page, with and without trouble."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tradeops.domain.health import HealthReport, PreviousRun, ProbeResult, Round, Severity, Status, Thresholds, assess
from tradeops.rendering.health import COLUMNS, health_page
from tradeops.rendering.page import Bullets, Heading, Page, Strong, Table, Text
from tradeops.rendering.text import to_text

STARTED = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
GOOD = ProbeResult("engine", Status.HEALTHY, timedelta(milliseconds=12))
BAD = ProbeResult("ai_service", Status.UNHEALTHY, timedelta(seconds=1.5), "it has lost its MongoDB: down", attempts=3)
DEAD = ProbeResult("redis", Status.DOWN, None, "refused", attempts=3)
ABSENT = ProbeResult("rabbitmq", Status.NOT_CONFIGURED, note="RABBITMQ_URL is not set", attempts=0)
DISK = ProbeResult("disk", Status.HEALTHY, used_percent=41.26, note="of 100 GiB")


def report(*results: ProbeResult) -> HealthReport:
    return assess(Round(results, STARTED, STARTED + timedelta(seconds=2)), Thresholds())


def table(page: Page) -> Table:
    [found] = [block for block in page.blocks if isinstance(block, Table)]
    return found


def headings(page: Page) -> list[str]:
    return [block.text for block in page.blocks if isinstance(block, Heading)]


def test_a_healthy_bot_has_a_short_page() -> None:
    page = health_page(report(GOOD, ABSENT, DISK), None, UTC)
    assert (page.title, page.severity) == ("Healthy", Severity.HEALTHY)
    assert page.blocks[0] == Text(
        (Strong("2026-11-25 23:30:00 UTC"), ", 3 parts in 2.0 s: 2 healthy, 1 not configured")
    )
    assert headings(page) == ["All parts"]
    assert table(page).rows == (
        ("engine", "✓ healthy", "12 ms", "1", ""),
        ("rabbitmq", "○ not configured", "–", "–", "RABBITMQ_URL is not set"),
        ("disk", "✓ healthy", "–", "1", "41.3 % used; of 100 GiB"),
    )


def test_trouble_is_named_in_title_alerts_and_table_the_worst_first() -> None:
    page = health_page(report(GOOD, BAD, DEAD), None, UTC)
    assert (page.title, page.severity) == ("Critical: redis", Severity.CRITICAL)
    [alerts] = [block for block in page.blocks if isinstance(block, Bullets)]
    assert alerts.lines == (
        (Strong("redis critical"), ": refused"),
        (Strong("ai_service degraded"), ": it has lost its MongoDB: down"),
    )
    assert table(page).rows[1:] == (
        ("ai_service", "▲ unhealthy", "1.50 s", "3", "it has lost its MongoDB: down"),
        ("redis", "✗ down", "–", "3", "refused"),
    )


def test_what_changed_is_told_on_the_clocks_of_the_zone() -> None:
    before = PreviousRun(STARTED, {"engine": Severity.CRITICAL, "redis": Severity.HEALTHY})
    page = health_page(report(GOOD), before, ZoneInfo("Asia/Tokyo"))
    assert headings(page) == ["Changed since the run of 2026-11-26 08:30:00 JST", "All parts"]
    assert Bullets((("engine: critical → ✓ ", Strong("healthy")),)) in page.blocks
    same = health_page(report(GOOD), PreviousRun(STARTED, {"engine": Severity.HEALTHY}), UTC)
    assert Text("Nothing changed since the run of 2026-11-25 23:30:00 UTC.") in same.blocks


def test_the_page_fits_a_terminal() -> None:
    long = ProbeResult("engine", Status.DOWN, None, "x" * 300 + " y" * 100, attempts=3)
    lines = to_text(health_page(report(long), None, UTC)).splitlines()
    assert max(map(len, lines)) <= 100
    assert COLUMNS[-1].width == 56
