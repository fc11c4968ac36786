"""The portfolio report as its reader sees it."""

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.unit.domain.portfolios import CLAIMS, DAY, closed, position, reading, report
from tests.unit.rendering.pages import HOSTILE
from tradeops.domain.bot import EngineStatus
from tradeops.domain.health import Severity
from tradeops.domain.portfolio.facts import Source
from tradeops.rendering.html import to_html
from tradeops.rendering.markdown import to_markdown
from tradeops.rendering.page import Bullets, Heading, Page, Picture, Strong, Table, Text
from tradeops.rendering.portfolio import headline, portfolio_page
from tradeops.rendering.text import to_text

WON, LOST = closed(30, hours_ago=30), closed(-10, hours_ago=2)


def headings(page: Page) -> list[str]:
    return [block.text for block in page.blocks if isinstance(block, Heading)]


def cells(page: Page, row: str) -> tuple[str, ...]:
    [found] = [r for block in page.blocks if isinstance(block, Table) for r in block.rows if r[0] == row]
    return found[1:]


def test_the_page_says_what_the_account_is_worth_and_what_its_trades_brought() -> None:
    page = portfolio_page(report(WON, LOST), UTC)
    assert page.headline == "✓ Portfolio, 2026-11-25: equity $10,040.00, balance $10,020.00, 2 trades"
    assert page.blocks[0] == Text((Strong("Data as of 2026-11-25 08:00:00 UTC"), "; the engine runs"))
    assert cells(page, "Realised P/L") == ("+$20.00", "n/a")
    assert cells(page, "Closed trades") == ("2: 1 won, 1 lost", "n/a")
    assert cells(page, "Win rate")[0] == "50.00 %"
    assert cells(page, "Average profit")[0] == "+1.000 % of notional"
    assert cells(page, "Today (UTC)")[0] == "1 trade, −$10.00"
    assert cells(page, "Streak")[0] == "1 lost in a row"
    assert cells(page, "Equity at 00:00 UTC")[0] == "$10,030.00 (reconstructed)"
    assert cells(page, "Fees, estimated from the fee rate")[0] == "$1.61"
    assert headings(page) == [
        "Account",
        "Realised equity",
        "By symbol (strategies are unattributed)",
        "Open positions",
        "The engine's own figures, where they differ",
        "Notes",
    ]


def test_the_picture_is_the_curve_of_realised_equity_and_small() -> None:
    page = portfolio_page(report(*(closed((-1) ** n * n, hours_ago=n + 1) for n in range(900))), UTC)
    [picture] = [block for block in page.blocks if isinstance(block, Picture)]
    assert picture.alt.startswith("Equity from $10,000.00 to ")
    assert len(picture.data) < 50_000


def test_positions_show_their_risk_and_its_sum() -> None:
    page = portfolio_page(report(WON, open_trades=(position(), position(id="o2", stop_loss=None, leverage=3))), UTC)
    [table] = [b for b in page.blocks if isinstance(b, Table) and b.columns[0].name == "Position"]
    assert table.rows[0] == ("BTCUSDT long ×10", "$1,000.00", "+$20.00", "3.92 %", "−$20.79")
    assert table.rows[1][3:] == ("n/a: it has no stop loss", "n/a: it has no stop loss")
    assert Text("Notional $2,000.00 (19.9 % of equity); if all are stopped: n/a: it has no stop loss.") in page.blocks


def test_no_positions_and_unknown_positions_are_different_things() -> None:
    assert Text("No open positions.") in portfolio_page(report(WON, open_trades=()), UTC).blocks
    gone = portfolio_page(report(WON, open_trades=None, missing={Source.OPEN_TRADES: "HTTP 500"}), UTC)
    assert Text("n/a: the engine's open trades could not be read") in gone.blocks


def test_what_needs_attention_stands_at_the_top_and_degrades_the_page() -> None:
    stopped = report(
        WON, status=EngineStatus(is_running=False, last_updated=WON.closed_at), missing={Source.PRICES: "no"}
    )
    page = portfolio_page(stopped, UTC, stored="already reported")
    assert page.severity is Severity.DEGRADED
    assert headings(page)[0] == "Needs attention"
    assert page.blocks[1] == Text(Strong("already reported"))
    assert "partial report, equity " in page.title
    bullets = next(block for block in page.blocks if isinstance(block, Bullets))
    assert len(bullets.lines) == 3
    assert "the engine is stopped" in to_text(page)


def test_without_trades_nothing_reads_as_zero_percent() -> None:
    text = to_text(portfolio_page(report(open_trades=()), UTC))
    assert "no trades" in headline(report())
    for name in ("Win rate", "Average profit", "Profit factor", "Deepest drawdown"):
        assert [line for line in text.splitlines() if line.startswith(name) and "n/a: no closed trades" in line]
    assert [line for line in text.splitlines() if "0.00 %" in line] == []
    assert "By symbol" not in text


def test_unknown_trades_and_equity_are_said_to_be_so() -> None:
    unknown = report(
        history=None, account=reading(equity=None), status=None, open_trades=(position(unrealised_pnl=None),)
    )
    page = portfolio_page(unknown, UTC)
    assert headline(unknown) == "equity n/a, balance $10,000.00, trades n/a"
    assert cells(page, "Closed trades")[0] == "n/a: the engine's closed trades could not be read"
    assert cells(page, "Equity")[0] == "n/a: the engine says neither it nor the mark of every open position"
    assert "whether the engine runs is n/a" in to_text(page)
    assert not [block for block in page.blocks if isinstance(block, Picture)]
    assert Text("Notional $1,000.00; if all are stopped: −$20.79.") in page.blocks


def test_a_past_day_says_that_it_is_one() -> None:
    page = portfolio_page(report(WON, LOST, day=DAY - timedelta(days=1)), UTC)
    assert cells(page, "That day (UTC)")[0] == "1 trade, +$30.00"
    assert page.title == "Portfolio, 2026-11-24: equity n/a, balance $10,030.00, 1 trade"
    lost = report(LOST, forgotten=(WON,), day=DAY - timedelta(days=1))
    assert headline(lost) == "equity n/a, balance n/a, 1 trade"
    assert cells(portfolio_page(lost, UTC), "Equity at 00:00 UTC")[0].startswith("n/a (n/a: the account began anew")


def test_strategies_are_shown_where_trades_carry_one() -> None:
    page = portfolio_page(report(replace(WON, strategy="RSI Strategy"), LOST), UTC)
    assert "By strategy" in headings(page)
    assert cells(page, "RSI Strategy") == ("1", "100.0 %", "+$30.00")
    assert cells(page, "unattributed") == ("1", "0.0 %", "−$10.00")


def test_the_engines_figures_stand_beside_ours_with_the_reason() -> None:
    page = portfolio_page(
        report(WON, LOST, account=reading(balance=Decimal(10_020), claims=CLAIMS, total_trades=3)), UTC
    )
    assert cells(page, "win rate, %") == ("50.00", "58.33", "it counts open trades as not won")
    assert cells(page, "trades")[:2] == ("2", "3")


def test_times_are_shown_in_the_readers_zone_and_days_stay_utc_days() -> None:
    text = to_text(portfolio_page(report(WON), ZoneInfo("Asia/Tokyo")))
    assert "Data as of 2026-11-25 17:00:00 JST" in text
    assert "Portfolio, 2026-11-25" in text


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_names_from_outside_are_text(name: str) -> None:
    page = portfolio_page(
        report(replace(WON, symbol=name, strategy=name), open_trades=(position(symbol=name, id=name),)), UTC
    )
    assert "<script" not in to_markdown(page) + to_html(page)
    assert "<img src=x" not in to_markdown(page) + to_html(page)
    rows = [line for line in to_markdown(page).splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} <= {4, 5, 6}


def test_the_page_fits_a_terminal() -> None:
    text = to_text(portfolio_page(report(WON, LOST, account=reading(balance=Decimal(10_020), claims=CLAIMS)), UTC))
    assert max(map(len, text.splitlines())) <= 100
