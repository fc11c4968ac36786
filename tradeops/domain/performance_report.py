"""Whether the bot trades well enough: a week of closed trades, judged. Pure: no I/O, no clock, no Prefect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tradeops.domain.figures import Amount
from tradeops.domain.health import Severity
from tradeops.domain.performance import BtcPrices, Performance, TradeColumns, Window, measure
from tradeops.domain.performance_verdict import FEWEST_TRADES, Bars, Metric, Part, judge

WEEK = 7
SMALL_SAMPLE = 30
PERSISTENT_DAYS = 3
HISTORY_DAYS = 30
NO_EQUITY = Amount(None, "it was not gathered")
ONE_DAY = Amount(None, "one day has no daily returns to compare")


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day of the window: where its figures lie, which is no verdict, because a day has few trades.

    Attributes:
        severities: of the metrics that are known.
    """

    date: date
    performance: Performance
    severities: Mapping[Metric, Severity]


@dataclass(frozen=True, slots=True)
class DayRecord:
    """What the analysis of an earlier day found.

    Attributes:
        date: of the analysis.
        values: of its window; unknown ones are absent.
        severities: as judged then; metrics without a verdict are absent.
        computed: whether it is made up for a day without an analysis, from trades as they are known now.
    """

    date: date
    values: Mapping[Metric, float]
    severities: Mapping[Metric, Severity]
    computed: bool = False


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """The window before a date, judged.

    Attributes:
        date: of the analysis; its window ends where this day begins.
        whole: figures of the window.
        parts: the metrics, judged.
        overall: the worst of them; `None` is "insufficient data".
        days: each UTC day of the window, ascending.
        critical_days: for how many days in a row, this one included, a metric has been critical; 0 when it is not.
        history: what earlier days found, ascending; days that have no analysis are computed.
        kept_at: when an analysis of this day was kept before, so that this one is shown alone; `None` when none was.
        missing: sources that could not be read, and what the report therefore lacks.
        notes: what else the reader must know about the data.
        equity_label: of the equity that daily returns start from.
        started_at: of the analysis, aware UTC.
        finished_at: of its gathering.
        data_as_of: until when trades are known.
    """

    date: date
    whole: Performance
    parts: tuple[Part, ...]
    overall: Severity | None
    days: tuple[Day, ...]
    critical_days: Mapping[Metric, int]
    history: tuple[DayRecord, ...]
    kept_at: datetime | None
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    equity_label: str
    started_at: datetime
    finished_at: datetime
    data_as_of: datetime

    def part(self, metric: Metric) -> Part:
        """That of the metric."""
        return next(part for part in self.parts if part.metric is metric)

    def named(self, severity: Severity) -> tuple[str, ...]:
        """Metrics judged `severity`, in words."""
        return tuple(part.metric.label for part in self.parts if part.severity is severity)

    @property
    def severity(self) -> Severity | None:
        """The verdict, but never good while a source is missing; `None` is "insufficient data"."""
        return Severity.DEGRADED if self.missing and self.overall is Severity.HEALTHY else self.overall

    @property
    def is_news(self) -> bool:
        """Whether it is the first verdict of a week that ended today, which others may act upon."""
        return self.is_weekly and self.kept_at is None and self.date == self.started_at.date()

    @property
    def is_weekly(self) -> bool:
        """Whether it is of seven days: others are shown, never kept."""
        return len(self.days) == WEEK

    @property
    def is_insufficient(self) -> bool:
        """Whether there are too few trades for a verdict."""
        return self.overall is None

    @property
    def is_small_sample(self) -> bool:
        """Whether its figures must be read with their intervals."""
        return self.whole.trades < SMALL_SAMPLE

    @property
    def triggers_ai_analysis(self) -> bool:
        """Whether any metric is critical."""
        return self.overall is Severity.CRITICAL

    @property
    def status(self) -> str:
        """`success` or `insufficient_data`."""
        return "insufficient_data" if self.is_insufficient else "success"

    @property
    def alerts(self) -> tuple[str, ...]:
        """One line for each metric that is not good, the worst first, then those that last."""
        ranked = sorted((part for part in self.parts if part.alert), key=lambda part: -(part.severity or 0))
        lasting = (
            f"{metric.label} below critical for {days} consecutive days"
            for metric, days in self.critical_days.items()
            if days >= PERSISTENT_DAYS
        )
        return (*(part.alert for part in ranked), *lasting)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an analysis is made from.

    Attributes:
        trades: closed ones, of the window and around it, in columns.
        equities: by the moment at which a window starts; of earlier days too, for the picture.
        equity_label: how the one at the start of this window is known.
        earlier: records of other days, in any order.
        kept_at: when the day itself was analysed and kept before.
        missing: sources that could not be read, in words.
        notes: what else was found while gathering.
        started_at: when gathering began, aware UTC.
        finished_at: when it ended.
        data_as_of: until when trades are known.
        open_since: when the positions were opened that are still open; `None` is "not known".
        btc: its price at both ends of the window.
    """

    trades: TradeColumns
    equities: Mapping[datetime, Amount]
    equity_label: str
    started_at: datetime
    finished_at: datetime
    data_as_of: datetime
    earlier: Sequence[DayRecord] = ()
    kept_at: datetime | None = None
    missing: Sequence[str] = ()
    notes: Sequence[str] = ()
    open_since: Sequence[datetime] | None = None
    btc: BtcPrices = field(default_factory=BtcPrices)


def assess(facts: Facts, *, on: date, days: int, bars: Bars) -> PerformanceReport:
    """Judge the `days` whole UTC days before `on`; the worst metric decides, a day alone decides nothing."""
    window = Window.before(on, days=days)
    equity = facts.equities.get(window.since, NO_EQUITY)
    whole = measure(facts.trades, window, equity_at_start=equity, open_since=facts.open_since, btc=facts.btc)
    parts = judge(whole, bars)
    earlier = tuple(sorted((r for r in facts.earlier if r.date < on), key=lambda record: record.date))
    return PerformanceReport(
        date=on,
        whole=whole,
        parts=parts,
        overall=max((part.severity for part in parts if part.severity is not None), default=None),
        days=tuple(_day(facts.trades, day, bars) for day in window.days()),
        critical_days={part.metric: critical_days(part, on, earlier) for part in parts},
        history=_history(facts, on, days, earlier if days == WEEK else ()),
        kept_at=facts.kept_at,
        missing=tuple(facts.missing),
        notes=tuple(facts.notes),
        equity_label=facts.equity_label,
        started_at=facts.started_at,
        finished_at=facts.finished_at,
        data_as_of=facts.data_as_of,
    )


def critical_days(part: Part, on: date, earlier: Sequence[DayRecord]) -> int:
    """For how many days in a row up to `on` the metric is critical; a day without a record ends the row."""
    if part.severity is not Severity.CRITICAL:
        return 0
    was_critical = {r.date for r in earlier if r.severities.get(part.metric) is Severity.CRITICAL}
    count = 1
    while on - timedelta(days=count) in was_critical:
        count += 1
    return count


def _day(trades: TradeColumns, window: Window, bars: Bars) -> Day:
    performance = measure(trades, window, equity_at_start=ONE_DAY)
    values = {metric: metric.figure(performance).value for metric in Metric}
    return Day(
        window.since.date(),
        performance,
        {metric: bars.of(metric).judge(value) for metric, value in values.items() if value is not None},
    )


def _history(facts: Facts, on: date, days: int, kept: Sequence[DayRecord]) -> tuple[DayRecord, ...]:
    found = {record.date: record for record in kept}
    for number in range(1, HISTORY_DAYS if len(facts.trades) else 0):
        day = on - timedelta(days=number)
        window = Window.before(day, days=days)
        if day in found or facts.trades.closed_at[0].item() > window.since.replace(tzinfo=None):
            continue
        performance = measure(facts.trades, window, equity_at_start=facts.equities.get(window.since, NO_EQUITY))
        if performance.trades >= FEWEST_TRADES:
            values = {metric: metric.figure(performance).value for metric in Metric}
            found[day] = DayRecord(day, {m: v for m, v in values.items() if v is not None}, {}, computed=True)
    return tuple(found[day] for day in sorted(found))
