"""The page of the performance analysis."""

from datetime import tzinfo

from tradeops.domain.health import Severity
from tradeops.domain.performance import Performance
from tradeops.domain.performance_report import SMALL_SAMPLE, WEEK, Day, DayRecord, PerformanceReport
from tradeops.domain.performance_verdict import FEWEST_TRADES, Metric, Part
from tradeops.rendering.charts import MetricHistory, metric_history
from tradeops.rendering.page import (
    MARKS,
    NO_VERDICT,
    Block,
    Bullets,
    Column,
    Heading,
    Line,
    Page,
    Picture,
    Strong,
    Table,
    Text,
)
from tradeops.rendering.wording import moment, number, percent, usd

WORDS = {Severity.HEALTHY: "good", Severity.DEGRADED: "warning", Severity.CRITICAL: "critical", None: "no verdict"}
PARTS = (
    Column("Metric"),
    Column("Value", "right", width=30),
    Column("Target", "right"),
    Column("Critical", "right"),
    Column("Verdict"),
    Column("How sure", width=40),
)
DAYS = (
    Column("Day (UTC)"),
    Column("Trades", "right"),
    Column("Win rate", "right"),
    Column("Average profit", "right"),
    Column("Sharpe per trade", "right"),
    Column("Profit", "right"),
)


def performance_page(report: PerformanceReport, zone: tzinfo) -> Page:
    """The verdict, why, how sure it is, each day, and how the metrics went.

    Args:
        report: what was found.
        zone: of the times shown; days are UTC.
    """
    return Page(
        title=_title(report),
        severity=report.severity,
        blocks=(
            Text(_window(report)),
            *_alerts(report),
            Heading("Against the targets"),
            Table(PARTS, tuple(_part(part) for part in report.parts)),
            Bullets(tuple(_remarks(report))),
            Heading("Each day"),
            Table(DAYS, tuple(_day(day, report) for day in report.days)),
            Text(
                "A mark shows where a day's figure lies; a day has few trades, so the verdict is on all days together."
            ),
            Heading("History"),
            *_history(report),
            *_notes(report, zone),
        ),
    )


def summary(report: PerformanceReport) -> str:
    """The verdict in one line, for the state of the run."""
    missing = "".join(f"; {what}" for what in report.missing)
    return _verdict(report) + missing


def _verdict(report: PerformanceReport) -> str:
    if report.overall is None:
        return f"{_trades(report)} in {len(report.days)} days: a verdict needs at least {FEWEST_TRADES}"
    if report.overall is Severity.HEALTHY:
        return f"{_trades(report)}: every metric that is known reaches its target"
    return ", ".join(f"{part.metric.label} {part.text}" for part in report.parts if part.severity is report.overall)


def _title(report: PerformanceReport) -> str:
    match report.overall:
        case None:
            return "Performance: insufficient data"
        case Severity.HEALTHY:
            return "Performance: good" + (", but not all is known" if report.missing else "")
        case severity:
            return f"Performance {WORDS[severity]}: {', '.join(report.named(severity))}"


def _window(report: PerformanceReport) -> Line:
    window, days = report.whole.window, len(report.days)
    span = f"{window.since:%Y-%m-%d} to {report.days[-1].date:%Y-%m-%d}"
    told = f"{_trades(report)} closed"
    if report.whole.trades:
        told += f", {report.whole.wins:,} won, {usd(report.whole.realized_pnl_usd, signed=True)}"
    return (Strong(span), f", {days} whole UTC {'day' if days == 1 else 'days'}: {told}")


def _trades(report: PerformanceReport) -> str:
    count = report.whole.trades
    return "no trades" if count == 0 else "1 trade" if count == 1 else f"{count:,} trades"


def _alerts(report: PerformanceReport) -> list[Block]:
    if not report.alerts:
        return []
    split = (alert.partition(": ") for alert in report.alerts)
    lines: tuple[Line, ...] = tuple((Strong(head), f": {tail}" if tail else "") for head, _, tail in split)
    return [Heading("Alerts"), Bullets(lines)]


def _part(part: Part) -> tuple[str, ...]:
    mark = NO_VERDICT if part.severity is None else MARKS[part.severity]
    unit = part.metric.unit
    return (
        part.metric.label,
        part.text,
        f"{part.bar.target:g}{unit}",
        f"< {part.bar.critical:g}{unit}",
        f"{mark} {WORDS[part.severity]}",
        part.sureness_text,
    )


def _remarks(report: PerformanceReport) -> list[Line]:
    whole = report.whole
    remarks: list[Line] = []
    if not whole.trades:
        remarks.append((Strong("No trades"), " were closed in these days."))
    elif report.is_insufficient:
        remarks.append((Strong("Insufficient data"), f": a verdict needs at least {FEWEST_TRADES} trades."))
    if whole.trades:
        low, high = percent(whole.win_rate_low_percent), percent(whole.win_rate_high_percent)
        remarks.append(f"The win rate's 95 % interval (Wilson) goes from {low} to {high}.")
    if whole.trades and report.is_small_sample:
        remarks.append(
            (Strong("Small sample"), f": {_trades(report)}, fewer than {SMALL_SAMPLE}; read figures with care.")
        )
    method = (
        "The Sharpe ratio is of daily returns: mean ÷ sample deviation × √365, risk-free 0, days without trades are 0."
    )
    if whole.sharpe_per_trade.value is not None:
        instead = "stands in for it" if report.part(Metric.SHARPE).value.value is None else "stands beside it"
        method += f" That of single trades, not annualised, {instead}: {number(whole.sharpe_per_trade)}."
    remarks.append(method)
    remarks.append(f"Equity at the start of the window: {report.equity_label}.")
    remarks.append(f"Time with a position open: {percent(whole.exposure_percent)}. {_btc(whole)}.")
    return remarks


def _btc(whole: Performance) -> str:
    told = f"BTC, bought at the start and held: {percent(whole.btc_return_percent, 2, signed=True)}"
    if whole.excess_over_btc_percent.value is None:
        return told
    ours = percent(whole.total_return_percent, 2, signed=True)
    return f"{told}, the account: {ours}, {number(whole.excess_over_btc_percent, 2, signed=True)} points beside it"


def _day(day: Day, report: PerformanceReport) -> tuple[str, ...]:
    performance = day.performance
    if not performance.trades:
        return (day.date.isoformat(), "0", "–", "–", "–", "–")
    return (
        day.date.isoformat(),
        f"{performance.trades:,}",
        _marked(day, Metric.WIN_RATE, report),
        _marked(day, Metric.AVERAGE_PROFIT, report),
        "–" if performance.sharpe_per_trade.value is None else number(performance.sharpe_per_trade),
        usd(performance.realized_pnl_usd, signed=True),
    )


def _marked(day: Day, metric: Metric, report: PerformanceReport) -> str:
    if metric not in day.severities:
        return "–"
    shown = report.part(metric).told(metric.figure(day.performance))
    return f"{shown} {MARKS[day.severities[metric]]}"


def _history(report: PerformanceReport) -> list[Block]:
    records = (*report.history, _today(report))
    histories = tuple(
        MetricHistory(
            part.metric.label[:1].upper() + part.metric.label[1:] + (", %" if part.metric.unit else ""),
            tuple(record.values.get(part.metric) for record in records),
            part.bar.target,
            part.bar.critical,
        )
        for part in report.parts
    )
    picture = metric_history([record.date for record in records], histories)
    if not isinstance(picture, Picture):
        return [picture]
    made_up = sum(record.computed for record in report.history)
    told = f"Each point is the window of {len(report.days)} days before its date."
    if made_up:
        told += f" {made_up} of them had no analysis and are computed from the trades known now."
    return [picture, Text(told)]


def _today(report: PerformanceReport) -> DayRecord:
    values = {} if report.is_insufficient else {p.metric: p.value.value for p in report.parts}
    return DayRecord(report.date, {m: v for m, v in values.items() if v is not None}, {})


def _notes(report: PerformanceReport, zone: tzinfo) -> list[Block]:
    notes = [*report.missing, *report.notes]
    if report.kept_at is not None:
        notes.append(
            f"This day was analysed at {moment(report.kept_at, zone)} already: these figures are shown, not stored."
        )
    if not report.is_weekly:
        notes.append(f"Only windows of {WEEK} days are stored; this one is shown.")
    told: list[Block] = [Heading("Notes"), Bullets(tuple(notes))] if notes else []
    return [*told, Text(f"Trades as of {moment(report.data_as_of, zone)}.")]
