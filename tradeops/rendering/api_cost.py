"""The cost report's page."""

from datetime import date, timedelta, tzinfo
from decimal import Decimal

from tradeops.domain.costs import Alert, Comparison, CostReport, DayCost, Spent, VndRate, dollars, exact
from tradeops.domain.health import Severity
from tradeops.rendering.charts import Limit, cost_burn_up
from tradeops.rendering.page import Block, Bullets, Column, Heading, Line, Page, Picture, Strong, Table, Text
from tradeops.rendering.wording import moment

NOT_KNOWN = "n/a"
DAYS_SHOWN = 8
COMPARED = (
    Column("Period"),
    Column("Figure"),
    Column("USD", "right"),
    Column("VND", "right"),
    Column("Note", width=48),
)
COUNTED = (
    Column("What"),
    Column("Requests", "right"),
    Column("Input tokens", "right"),
    Column("Output tokens", "right"),
    Column("USD", "right"),
    Column("VND", "right"),
)
DAILY = (
    Column("Day (UTC)"),
    Column("AI service", "right"),
    Column("Our own calls", "right"),
    Column("Together", "right"),
    Column("VND", "right"),
    Column("Month to date", "right"),
)
HOW_DAYS_ARE_SPLIT = (
    "What was spent between two readings of the counters is shared among the days by time; what is in no counter (the "
    "time between a reading and a restart) is missing, so the ledger says what was spent at least."
)


def api_cost_page(report: CostReport, zone: tzinfo, *, stored: str = "") -> Page:
    """The report for a tired operator: verdict, alerts, what was compared, the month as a picture, then the books.

    Args:
        report: the verdict.
        zone: of the times shown; days and months are UTC.
        stored: what to say about keeping it, when the day already had a report.
    """
    when = (Strong(f"{report.facts.day}"), f", as of {moment(report.facts.as_of, zone)}")
    return Page(
        title=_title(report),
        severity=report.severity,
        blocks=(
            Text(when),
            *([Text(Strong(stored))] if stored else []),
            *_alerts(report),
            Heading("What is compared"),
            Table(COMPARED, (*_compared(report.daily, report.rate), *_compared(report.monthly, report.rate))),
            Text(_limits(report)),
            _burn_up(report),
            Heading("What was counted, at least"),
            Table(COUNTED, _counted(report)),
            Heading("Day by day, at least"),
            Table(DAILY, tuple(_day(report, day) for day in report.days[-DAYS_SHOWN:])),
            Heading("Notes"),
            Bullets((_rate(report.rate), HOW_DAYS_ARE_SPLIT, *report.notes)),
        ),
    )


def api_cost_alarm(day: date, problem: str) -> Page:
    """The page of a day whose cost cannot be told, in the place where an all-clear would stand."""
    lines = (
        f"The report of {day} was not made: {problem}",
        "What language models cost is not known until this is mended; take no earlier report for an all-clear.",
    )
    return Page(f"LLM cost, {day}: not known", Severity.CRITICAL, tuple(map(Text, lines)))


def _title(report: CostReport) -> str:
    verdict = {
        Severity.HEALTHY: "within the limits",
        Severity.DEGRADED: "degraded",
        Severity.CRITICAL: "critical",
        None: "not known yet",
    }[report.severity]
    if report.breaches:
        verdict = ", ".join(f"{alert.period} {alert.word}" for alert in report.breaches)
    return f"LLM cost, {report.facts.day}: {verdict}"


def _alerts(report: CostReport) -> list[Block]:
    lines: list[Line] = [_alert(alert) for alert in report.alerts]
    lines += [(Strong("without"), f": {problem}") for problem in report.problems]
    return [Heading("Alerts"), Bullets(tuple(lines))] if lines else []


def _alert(alert: Alert) -> Line:
    return (Strong(f"{alert.period} {alert.word}"), f": {alert.text}")


def _compared(comparison: Comparison, rate: VndRate) -> list[tuple[str, ...]]:
    counts = comparison.highest
    rows: list[tuple[str, ...]] = []
    for candidate in comparison.candidates:
        usd, note = candidate.usd.value, candidate.usd.reason
        if usd is not None:
            note = candidate.note
            if counts is not None and candidate.source == counts[0]:
                note = "; ".join(filter(None, ("the highest, so it counts", note)))
        shown = NOT_KNOWN if usd is None else comparison.shown(usd)
        rows.append((comparison.period, candidate.source, shown, _vnd(usd, rate), note))
    return rows


def _limits(report: CostReport) -> str:
    told = [
        f"{c.period} warning above {exact(c.limit.warning_usd)}, critical above {exact(c.limit.critical_usd)}"
        for c in (report.daily, report.monthly)
    ]
    return f"Limits: {'; '.join(told)}. A cost exactly at a limit does not cross it."


def _burn_up(report: CostReport) -> Picture | Text:
    of_month = [day for day in report.days if day.day >= report.month.since.date()]
    projections = [c.usd.value for c in report.monthly.projections if c.usd.value is not None]
    limit = report.monthly.limit
    return cost_burn_up(
        [(day.day, day.so_far_usd.value) for day in of_month],
        (
            Limit(float(limit.warning_usd), Severity.DEGRADED),
            Limit(float(limit.critical_usd), Severity.CRITICAL),
        ),
        until=(report.month.until - timedelta(days=1)).date(),
        projected_usd=max(projections, default=None),
    )


def _counted(report: CostReport) -> tuple[tuple[str, ...], ...]:
    rate, counters = report.rate, report.counters
    since_restart = None
    if counters is not None:
        since_restart = Spent(
            cost_usd=counters.total_cost_usd,
            requests=Decimal(counters.total_requests),
            input_tokens=None if counters.total_input_tokens is None else Decimal(counters.total_input_tokens),
            output_tokens=None if counters.total_output_tokens is None else Decimal(counters.total_output_tokens),
        )
    own = report.own_month_usd.value
    return (
        _counted_row("AI service since restart", since_restart, rate),
        _counted_row("AI service, last 24 hours", report.last_24_hours, rate),
        _counted_row("AI service, month to date", report.month_to_date, rate),
        ("Our own calls, month to date", "–", "–", "–", _usd(own), _vnd(own, rate)),
    )


def _counted_row(what: str, spent: Spent | None, rate: VndRate) -> tuple[str, ...]:
    if spent is None:
        return (what, *[NOT_KNOWN] * 5)
    counts = (spent.requests, spent.input_tokens, spent.output_tokens)
    shown = (NOT_KNOWN if count is None else f"{count:,.0f}" for count in counts)
    return (what, *shown, _usd(spent.cost_usd), _vnd(spent.cost_usd, rate))


def _day(report: CostReport, day: DayCost) -> tuple[str, ...]:
    total, so_far = day.total_usd.value, day.so_far_usd.value
    return (
        f"{day.day}",
        _usd(day.service.cost_usd if day.service else None),
        _usd(day.own_usd.value),
        NOT_KNOWN if total is None else report.daily.shown(total),
        _vnd(total, report.rate),
        NOT_KNOWN if so_far is None else report.monthly.shown(so_far),
    )


def _rate(rate: VndRate) -> str:
    day = f"as of {rate.as_of}" if rate.as_of else "its day is not set (TRADEOPS_VND_RATE_AS_OF)"
    return f"1 USD = {rate.vnd_per_usd:,f} VND, {day}"


def _usd(value: Decimal | None) -> str:
    return NOT_KNOWN if value is None else dollars(value)


def _vnd(value: Decimal | None, rate: VndRate) -> str:
    return NOT_KNOWN if value is None else f"{rate.vnd(value):,}"
