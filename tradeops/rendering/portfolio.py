"""The portfolio report's page."""

from datetime import UTC, datetime, timedelta, tzinfo

from tradeops.domain.figures import Amount, Figure, known
from tradeops.domain.performance import EquityCurve
from tradeops.domain.portfolio.beside import beside
from tradeops.domain.portfolio.breakdown import Group
from tradeops.domain.portfolio.remarks import attention, notes, severity_of
from tradeops.domain.portfolio.report import PortfolioReport
from tradeops.domain.portfolio.trading import Trading
from tradeops.domain.position_risk import PositionRisk
from tradeops.rendering import charts
from tradeops.rendering.page import Block, Bullets, Column, Heading, Page, Strong, Table, Text
from tradeops.rendering.wording import moment, number, percent, usd

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WIDTH = 44  # Prefect's page cuts table cells off instead of wrapping them
FIGURES = (Column("Figure"), Column("Value", width=WIDTH), Column("Against the day before", width=WIDTH))
GROUPS = (Column("Name"), Column("Trades", "right"), Column("Win rate", "right"), Column("P/L", "right"))
POSITIONS = (
    Column("Position"),
    Column("Notional", "right"),
    Column("Unrealised", "right", width=28),
    Column("To the stop", "right", width=28),
    Column("If stopped", "right", width=28),
)
BESIDE = (
    Column("Figure"),
    Column("Ours", "right", width=28),
    Column("The engine's", "right"),
    Column("Why", width=WIDTH),
)
NOT_COMPARED = ""


def portfolio_page(report: PortfolioReport, zone: tzinfo, *, stored: str = "") -> Page:
    """The report for its reader: what is wrong, what the account is worth, what trades brought, what is at stake.

    Args:
        report: the figures.
        zone: of the times shown; days are UTC days.
        stored: what to say about keeping it, when the day already had a report.
    """
    return Page(
        title=f"Portfolio, {report.day}: {headline(report)}",
        severity=severity_of(report),
        blocks=(
            Text((Strong(f"Data as of {moment(report.data_as_of, zone)}"), f"; {_running(report)}")),
            *([Text(Strong(stored))] if stored else []),
            *_listed("Needs attention", attention(report)),
            Heading("Account"),
            Table(FIGURES, (*_account(report), *_trades(report))),
            *([Text("No report of the day before is stored to compare with.")] if report.facts.before is None else []),
            *_picture(report, zone),
            *_breakdown(report.trading),
            *_positions(report),
            *_beside(report),
            *_listed("Notes", notes(report)),
        ),
    )


def headline(report: PortfolioReport) -> str:
    """The report in one line."""
    trades = "trades n/a" if report.trading is None else _count(report.trading.whole.trades)
    equity = f"equity {usd(report.equity)}" if report.equity.value is not None else "equity n/a"
    balance = f"balance {usd(report.balance)}" if report.balance.value is not None else "balance n/a"
    partial = "partial report, " if report.facts.missing else ""
    return f"{partial}{equity}, {balance}, {trades}"


def _running(report: PortfolioReport) -> str:
    match report.is_running:
        case None:
            return "whether the engine runs is n/a"
        case running:
            return "the engine runs" if running else "the engine is stopped"


def _account(report: PortfolioReport) -> list[tuple[str, str, str]]:
    deltas = report.deltas
    day_start = "n/a" if report.day_start.usd.value is None else usd(report.day_start.usd)
    return [
        ("Balance", usd(report.balance), _since(deltas.balance)),
        ("Equity", usd(report.equity), _since(deltas.equity)),
        ("Equity at 00:00 UTC", f"{day_start} ({report.day_start.label})", NOT_COMPARED),
        ("Unrealised P/L", usd(report.unrealised, signed=True), NOT_COMPARED),
        (
            "Total return",
            percent(report.total_return_percent, 2, signed=True),
            _points(deltas.total_return_points),
        ),
    ]


def _trades(report: PortfolioReport) -> list[tuple[str, str, str]]:
    trading, deltas = report.trading, report.deltas
    if trading is None:
        return [("Closed trades", f"n/a: {report.trading_problem}", NOT_COMPARED)]
    whole, today = trading.whole, trading.today
    of_notional = " of notional" if whole.trades else ""
    day = "That day (UTC)" if report.facts.past else "Today (UTC)"
    counted = f"{whole.trades:,}: {whole.wins:,} won, {whole.losses:,} lost" if whole.trades else "no trades"
    return [
        ("Realised P/L", usd(whole.realized_pnl_usd, signed=True), _since(deltas.realised)),
        ("Closed trades", counted, _points(deltas.total_trades, 0, "")),
        ("Win rate", percent(whole.win_rate_percent, 2), _points(deltas.win_rate_points)),
        ("Average profit", f"{percent(whole.average_profit_percent, 3, signed=True)}{of_notional}", NOT_COMPARED),
        ("Profit factor", number(whole.profit_factor), NOT_COMPARED),
        (day, f"{_count(today.trades)}, {usd(today.realized_pnl_usd, signed=True)}", NOT_COMPARED),
        ("Streak", _streak(whole.streaks.current), NOT_COMPARED),
        ("Drawdown now", percent(trading.drawdown.now_percent, 2), NOT_COMPARED),
        ("Deepest drawdown", percent(trading.drawdown.percent, 2), NOT_COMPARED),
        ("Fees, estimated from the fee rate", usd(trading.fees), NOT_COMPARED),
    ]


def _picture(report: PortfolioReport, zone: tzinfo) -> list[Block]:
    if report.trading is None or report.trading.curve is None:
        return []
    return [Heading("Realised equity"), charts.equity_curve(_points_of(report.trading.curve), zone)]


def _points_of(curve: EquityCurve) -> list[tuple[datetime, float]]:
    moments = (EPOCH + int(at) * MICROSECOND for at in curve.at.astype("int64"))
    return list(zip(moments, curve.equity_usd.tolist(), strict=True))


def _breakdown(trading: Trading | None) -> list[Block]:
    if trading is None or not trading.whole.trades:
        return []
    groups = trading.breakdown.strategies if trading.breakdown.attributed else trading.breakdown.symbols
    by = "By strategy" if trading.breakdown.attributed else "By symbol (strategies are unattributed)"
    return [Heading(by), Table(GROUPS, tuple(_group(name, group) for name, group in groups.items()))]


def _group(name: str, group: Group) -> tuple[str, ...]:
    return name, f"{group.trades:,}", percent(known(group.win_rate_percent)), usd(group.pnl_usd, signed=True)


def _positions(report: PortfolioReport) -> list[Block]:
    heading = Heading("Open positions")
    if report.positions is None:
        return [heading, Text(f"n/a: {report.positions_problem}")]
    if not report.positions:
        return [heading, Text("No open positions.")]
    summary = (
        f"Notional {usd(report.notional)}{_of_equity(report)}; if all are stopped: {_money(report.if_all_stopped)}."
    )
    return [heading, Table(POSITIONS, tuple(_position(risk) for risk in report.positions)), Text(summary)]


def _position(risk: PositionRisk) -> tuple[str, ...]:
    trade = risk.trade
    return (
        f"{trade.symbol} {trade.side.value} ×{trade.leverage}",
        usd(trade.notional),
        _money(risk.unrealised_usd),
        percent(risk.stop_distance_percent, 2),
        _money(risk.pnl_if_stopped_usd),
    )


def _of_equity(report: PortfolioReport) -> str:
    if report.notional.value is None or not report.equity.value:
        return ""
    return f" ({percent(float(report.notional.value / report.equity.value * 100))} of equity)"


def _beside(report: PortfolioReport) -> list[Block]:
    rows = tuple(
        (row.name, number(row.ours, row.digits), row.engine.shown(row.digits), row.why) for row in beside(report)
    )
    return [Heading("The engine's own figures, where they differ"), Table(BESIDE, rows)] if rows else []


def _listed(heading: str, lines: tuple[str, ...]) -> list[Block]:
    return [Heading(heading), Bullets(lines)] if lines else []


def _streak(current: int) -> str:
    if not current:
        return "none"
    return f"{abs(current):,} {'won' if current > 0 else 'lost'} in a row"


def _since(amount: Amount) -> str:
    return "n/a" if amount.value is None else usd(amount, signed=True)


def _points(figure: Figure, digits: int = 2, unit: str = " points") -> str:
    return "n/a" if figure.value is None else number(figure, digits, signed=True) + unit


def _money(amount: Amount) -> str:
    return usd(amount, signed=True)


def _count(trades: int) -> str:
    return "no trades" if not trades else "1 trade" if trades == 1 else f"{trades:,} trades"
