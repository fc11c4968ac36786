"""The page of a bulk analysis."""

from datetime import tzinfo
from typing import Final

from tradeops.domain.bulk.analysis import LEAST_CONFIDENCE, Analysis, Call
from tradeops.domain.bulk.report import BulkReport
from tradeops.rendering.page import Block, Bullets, Column, Heading, Page, Strong, Table, Text
from tradeops.rendering.research_charts import correlations
from tradeops.rendering.wording import moment, number, percent

MOST_ROWS: Final = 200
MARKS: Final = {Call.BUY: "▲", Call.SELL: "▼", Call.HOLD: "–"}
SYMBOLS = (
    Column("Symbol"),
    Column("Signal"),
    Column("Confidence", "right"),
    Column("Price", "right"),
    Column("24 h", "right"),
    Column("RSI", "right"),
    Column("MACD histogram", "right"),
)
FAILED = (Column("Symbol"), Column("Why not", width=90))


def bulk_page(report: BulkReport, zone: tzinfo) -> Page:
    """What each symbol says, the most confident first; what failed; how they move together.

    Args:
        report: what was found.
        zone: of the times shown.
    """
    shown = report.analyses[:MOST_ROWS]
    return Page(
        title=f"Bulk analysis: {report.summary}",
        severity=report.severity,
        blocks=(
            Text((Strong(f"Candles until {moment(report.data_as_of, zone)}"), f", symbols {report.asked}.")),
            Table(SYMBOLS, tuple(_row(one) for one in shown)),
            *_more(report, len(shown)),
            *_failed(report),
            Heading("How they move together"),
            correlations(report.correlations.symbols, report.correlations.matrix),
            *_span(report),
            Bullets(report.remarks),
            Text(
                "The more confident of RSI Strategy and MACD Strategy counts; BUY and SELL take at least "
                f"{LEAST_CONFIDENCE:g}. The mark beside an indicator is what its strategy says, and ! is where one "
                "says BUY and the other SELL. Confidence is a score, not a probability, and does not depend on what a "
                "coin costs. Nothing is traded by this."
            ),
        ),
    )


def _row(one: Analysis) -> tuple[str, ...]:
    change = "n/a" if one.change_percent is None else percent(one.change_percent, 2, signed=True)
    by_rsi, by_macd = ("" if vote.signal is Call.HOLD else f" {MARKS[vote.signal]}" for vote in one.votes)
    return (
        one.symbol,
        f"{MARKS[one.signal]} {one.signal}{' !' if one.disagrees else ''}",
        f"{one.confidence:.3f}",
        f"{one.price:.6g}" if one.price < 1 else f"{one.price:,.2f}",
        change,
        f"{number(one.rsi, 1)}{by_rsi}",
        f"{one.macd_histogram:+.3g}{by_macd}".replace("-", "−"),
    )


def _more(report: BulkReport, shown: int) -> list[Block]:
    more = len(report.analyses) - shown
    return [Text(f"{more:,} more are in the store and in an export.")] if more else []


def _failed(report: BulkReport) -> list[Block]:
    if not report.failed:
        return []
    rows = tuple((symbol, why) for symbol, why in list(report.failed.items())[:MOST_ROWS])
    return [Heading(f"Not analysed: {len(report.failed):,}"), Table(FAILED, rows)]


def _span(report: BulkReport) -> list[Block]:
    compared = report.correlations
    if not compared.returns:
        return []
    return [Text(f"Of the last {compared.returns:,} returns of {report.timeframe} of {len(compared.symbols)} symbols.")]
