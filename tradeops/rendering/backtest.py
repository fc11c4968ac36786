"""The page of a backtest."""

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import Final

import numpy as np

from tradeops.domain.backtest.bootstrap import TOO_FEW_DAYS, Interval
from tradeops.domain.backtest.course import REASONS
from tradeops.domain.backtest.report import BacktestReport
from tradeops.domain.candle_columns import MICROSECOND, Integers
from tradeops.domain.candles import EPOCH
from tradeops.domain.figures import Figure
from tradeops.domain.health import Severity
from tradeops.rendering.page import Block, Bullets, Column, Heading, Line, Page, Picture, Strong, Table, Text
from tradeops.rendering.research_charts import TradeMarks, equity_with_drawdown, price_with_trades
from tradeops.rendering.wording import moment, number, percent, usd

MOST_ROWS: Final = 200
A_HUNDRED: Final = 100
FIGURES = (Column("Figure"), Column("Value", "right"), Column("95 % interval", "right"))
MONTHS = (
    Column("Month (UTC)"),
    Column("Trades", "right"),
    Column("Won", "right"),
    Column("Profit", "right"),
    Column("Return", "right"),
)
TRADES = (
    Column("Side"),
    Column("Entered"),
    Column("Price", "right"),
    Column("Left"),
    Column("Price ", "right"),
    Column("Why"),
    Column("Profit", "right"),
    Column("%", "right"),
)


def backtest_page(report: BacktestReport, zone: tzinfo, notes: Sequence[str] = ()) -> Page:
    """What came of it, the pictures, each month, the conditions, and the first 200 trades.

    Args:
        report: the backtest.
        zone: of the times shown; days and months are UTC.
        notes: what else the reader must know, such as whether it could be repeated.
    """
    return Page(
        title=f"Backtest: {report.summary}",
        severity=Severity.HEALTHY,
        blocks=(
            Text(_period(report, zone)),
            Bullets(tuple((Strong(note),) for note in notes)),
            Table(FIGURES, tuple(_figures(report))),
            *_pictures(report, zone),
            Heading("Each month"),
            Table(MONTHS, tuple(_months(report))),
            *_trades(report, zone),
            Heading("Conditions"),
            Bullets(tuple(_conditions(report))),
            *_notes(report),
            Text(
                f"Result {report.run_id}: `tradeops backtest show {report.run_id}` makes it again and compares it to "
                "the bit. A backtest says what would have been, not what will be."
            ),
        ),
    )


def refused_page(title: str, problem: str) -> Page:
    """The page of a run that could not do its work.

    Args:
        title: of the job.
        problem: why, and what would do.
    """
    return Page(f"{title}: failed", Severity.CRITICAL, (Text(problem),))


def _period(report: BacktestReport, zone: tzinfo) -> Line:
    result = report.result
    since, until = result.period.since, result.period.until
    told = f", {result.candles:,} candles of {result.timeframe}, decided at each close, filled at the next open"
    return (Strong(f"{moment(since, zone)} to {moment(until, zone)}"), told)


def _figures(report: BacktestReport) -> list[tuple[str, str, str]]:
    f, limits = report.result.figures, report.result.intervals
    win_rate = Interval(f.win_rate_low_percent, f.win_rate_high_percent)
    return [
        ("Total return", percent(f.total_return_percent, 2, signed=True), _between(limits.total_return_percent, " %")),
        ("Buy and hold", percent(f.buy_and_hold_percent, 2, signed=True), ""),
        ("Sharpe ratio (daily, annualised)", number(f.sharpe_ratio), _between(limits.sharpe_ratio, "")),
        ("Sortino ratio", number(f.sortino_ratio), ""),
        ("Calmar ratio", number(f.calmar_ratio), ""),
        ("Max drawdown", percent(f.max_drawdown_percent, 2), _between(limits.max_drawdown_percent, " %")),
        ("Trades, won, lost", f"{f.total_trades:,}, {f.winning_trades:,}, {f.losing_trades:,}", ""),
        ("Win rate", percent(f.win_rate_percent), _between(win_rate, " %")),
        ("Profit factor", number(f.profit_factor), ""),
        ("Average profit of a trade", percent(f.average_profit_percent, 3, signed=True), ""),
        ("Average time in a trade", _hours(f.average_holding_hours), ""),
        ("Longest row of wins, losses", f"{f.streaks.longest_wins:,}, {f.streaks.longest_losses:,}", ""),
        ("Time in the market", percent(f.exposure_percent), ""),
        ("Turnover (times the balance)", number(f.turnover, 1), ""),
        ("Fees, funding", f"{_usd(f.fees_usd)}, {_usd(f.funding_usd)}", ""),
        ("Liquidations", f"{f.liquidations:,}", ""),
    ]


def _between(interval: Interval, unit: str) -> str:
    if interval.low.value is None or interval.high.value is None:
        return "n/a" if interval.low.reason == TOO_FEW_DAYS else ""
    return f"{number(interval.low)} to {number(interval.high)}{unit}"


def _hours(hours: Figure) -> str:
    return number(hours, 1) + (" h" if hours.value is not None else "")


def _usd(amount: float, *, signed: bool = False) -> str:
    return usd(Decimal(repr(amount)), signed=signed)


def _pictures(report: BacktestReport, zone: tzinfo) -> list[Picture]:
    result, table = report.result, report.result.trades
    opened = result.opened_at
    traded = slice(len(opened) - result.candles, len(opened))
    marks = TradeMarks(
        entered_at=_instants(opened[table.entry_place]),
        entry_price=table.entry_price,
        left_at=_instants(opened[table.exit_place] + table.inside * report.candles.period),
        exit_price=table.exit_price,
        long=table.side > 0,
        won=table.pnl_usd > 0,
    )
    equity = result.equity
    return [
        equity_with_drawdown(equity.at, equity.equity_usd, equity.drawdown_percent, zone),
        price_with_trades(
            result.symbol, _instants(report.candles.closed_at[traded]), report.candles.close[traded], marks, zone
        ),
    ]


def _instants(microseconds: Integers) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    return microseconds.astype("datetime64[us]")


def _months(report: BacktestReport) -> list[tuple[str, ...]]:
    return [
        (
            month.month,
            f"{month.trades:,}",
            f"{month.wins:,}",
            _usd(month.pnl_usd, signed=True),
            percent(month.return_percent, 2, signed=True),
        )
        for month in report.result.months
    ]


def _trades(report: BacktestReport, zone: tzinfo) -> list[Block]:
    table, opened = report.result.trades, report.result.opened_at
    if not len(table):
        return [Heading("Trades"), Text("No signal was strong enough: nothing was traded.")]
    left = opened[table.exit_place] + table.inside * report.candles.period
    rows = tuple(
        (
            "long" if table.side[n] > 0 else "short",
            _minute(int(opened[table.entry_place[n]]), zone),
            _price(float(table.entry_price[n])),
            _minute(int(left[n]), zone),
            _price(float(table.exit_price[n])),
            REASONS[table.reason[n]].value,
            _usd(float(table.pnl_usd[n]), signed=True),
            number(float(table.return_percent[n]), 2, signed=True),
        )
        for n in range(min(len(table), MOST_ROWS))
    )
    more = len(table) - len(rows)
    told = f"The first {MOST_ROWS} of {len(table):,} trades; all are in the store." if more else "All trades."
    return [Heading("Trades"), Text(told), Table(TRADES, rows)]


def _price(price: float) -> str:
    return f"{price:,.2f}" if price >= A_HUNDRED else f"{price:.6g}"


def _minute(microseconds: int, zone: tzinfo) -> str:
    return f"{(EPOCH + microseconds * MICROSECOND).astimezone(zone):%Y-%m-%d %H:%M}"


def _notes(report: BacktestReport) -> list[Block]:
    return [Heading("Notes"), Bullets(report.remarks)] if report.remarks else []


def _conditions(report: BacktestReport) -> list[Line]:
    result, r = report.result, report.result.rules
    values = ", ".join(
        f"{name} {value:g}" if not isinstance(value, str) else f"{name} {value}"
        for name, value in result.parameters.items()
    )
    stops = ", ".join(
        f"{name} {value:g} %"
        for name, value in (
            ("stop loss", r.stop_loss_percent),
            ("take profit", r.take_profit_percent),
            ("trailing stop", r.trailing_percent),
        )
        if value is not None
    )
    return [
        f"Parameters: {values}.",
        (
            f"Fee {r.fee_percent:g} % a side, slippage up to {r.slippage_percent:g} % of entries "
            f"({r.slippage.value}), funding {r.funding_percent:g} % every 8 h; {stops or 'no stops'}; leverage "
            f"{r.leverage:g}, size {r.size_percent:g} % ({r.sizing.value}); signals from confidence "
            f"{r.least_confidence:g} on."
        ),
        (
            f"Version {result.strategy_version} of the strategy, seed {result.seed}, {result.warm_up_candles:,} "
            f"candles of warm-up, data {result.data_hash[:12]}, result {result.fingerprint[:12]}."
        ),
    ]
