"""The cost report: what language models cost so far, what they will cost, and whether that is too much."""

from dataclasses import dataclass
from datetime import date, datetime

from tradeops.domain.costs.books import TRAILING, Books
from tradeops.domain.costs.counters import Absent, CostStatistics, Sample
from tradeops.domain.costs.ledger import Spent
from tradeops.domain.costs.limits import Alert, Candidate, Comparison, Limits, worst
from tradeops.domain.costs.money import VndRate
from tradeops.domain.costs.months import DAY, Month, midnight
from tradeops.domain.figures import Amount, known_amount, unknown_amount
from tradeops.domain.health import Severity

SERVICE, OURS = "the AI service's projection", "our projection"
LEDGER_DAY, LEDGER_MONTH = "the ledger's last 24 hours", "the ledger's month to date"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was gathered for one report.

    Attributes:
        day: the UTC day of the report.
        as_of: the end of what is reported: now, or the end of a past day.
        service: the AI service's counters of that day, or why there are none.
        books: all spend that is known, or why it cannot be read.
    """

    day: date
    started_at: datetime
    finished_at: datetime
    as_of: datetime
    service: Sample | Absent
    books: Books | Absent


@dataclass(frozen=True, slots=True)
class DayCost:
    """One UTC day, up to the report's time.

    Attributes:
        service: as far as it was observed; `None` when nothing was.
        own_usd: our own calls; n/a before anybody watched.
        total_usd: both, at least.
        so_far_usd: spent since the month began, to the end of that day.
    """

    day: date
    service: Spent | None
    own_usd: Amount
    total_usd: Amount
    so_far_usd: Amount


@dataclass(frozen=True, slots=True)
class CostReport:
    """One judged day.

    Attributes:
        daily: what a day costs, by all who say so, against its limit.
        monthly: the same for the month of `facts.day`.
        days: from the month's first, or the last seven days, to the day of the report.
        last_24_hours: requests and tokens of the AI service; `None` when nothing was observed.
        month_to_date: the same.
        own_month_usd: our own calls of the month to date; n/a when the ledger cannot be read.
        counter_reset: the service's counters restarted within the last 24 hours.
        problems: what the report has to do without; each makes it degraded.
        notes: what one should know to read it, and no fault.
    """

    facts: Facts
    rate: VndRate
    daily: Comparison
    monthly: Comparison
    days: tuple[DayCost, ...]
    last_24_hours: Spent | None
    month_to_date: Spent | None
    own_month_usd: Amount
    counter_reset: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def counters(self) -> CostStatistics | None:
        """The AI service's counters since its last restart; `None` when they were not read."""
        return self.facts.service.counters if isinstance(self.facts.service, Sample) else None

    @property
    def month(self) -> Month:
        """The month that is reported."""
        return Month.of(self.facts.day)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Limits that were crossed and, where something failed, costs that nobody knows; the worst first."""
        found = [alert for c in (self.daily, self.monthly) if (alert := c.alert) is not None]
        told = [alert for alert in found if self.problems or alert.limit_usd is not None]
        return tuple(sorted(told, key=lambda alert: -alert.severity))

    @property
    def breaches(self) -> tuple[Alert, ...]:
        """The alerts of limits that were crossed."""
        return tuple(alert for alert in self.alerts if alert.limit_usd is not None)

    @property
    def severity(self) -> Severity | None:
        """The worst of the alerts, and no better than degraded when the report has to do without something.

        `None` is no verdict: nothing failed, but one period's cost is not known by any source yet.
        """
        severity = max(worst(self.alerts), Severity.DEGRADED if self.problems else Severity.HEALTHY)
        undecided = self.daily.highest is None or self.monthly.highest is None
        return None if severity is Severity.HEALTHY and undecided else severity

    @property
    def summary(self) -> str:
        """The verdict in one line."""
        if told := [*(f"{alert.word}: {alert.text}" for alert in self.alerts), *self.problems]:
            return "; ".join(told)
        if self.severity is None:
            return "; ".join(alert.text for c in (self.daily, self.monthly) if (alert := c.alert) is not None)
        figures = [f"{c.period} {c.shown(c.highest[1])}" for c in (self.daily, self.monthly) if c.highest]
        return f"within the limits: {', '.join(figures)}"


def assess(facts: Facts, *, limits: Limits, rate: VndRate) -> CostReport:
    """Judge one day's cost: of each figure the highest source counts, and what is unknown is listed."""
    month = Month.of(facts.day)
    books, as_of = facts.books, facts.as_of
    service_day, service_month = _projections(facts.service)
    if isinstance(books, Absent):
        unread = unknown_amount(books.reason)
        mean = at_end = last_day = month_spent = own_month = unread
    else:
        mean, at_end = books.daily_mean(as_of), books.month_end(as_of, month)
        last_day, month_spent = books.spent(as_of - DAY, as_of), books.spent(month.since, as_of)
        own_month = known_amount(books.own(month.since, as_of))
    known = books if isinstance(books, Books) else None
    ledger_day = Candidate(LEDGER_DAY, last_day, projected=False, note=_at_least(known, as_of - DAY))
    ledger_month = Candidate(LEDGER_MONTH, month_spent, projected=False, note=_at_least(known, month.since))
    return CostReport(
        facts=facts,
        rate=rate,
        daily=Comparison("daily", limits.daily, _candidates(service_day, mean, ledger_day)),
        monthly=Comparison("monthly", limits.monthly, _candidates(service_month, at_end, ledger_month)),
        days=_days(known, facts, month) if known else (),
        last_24_hours=known.service.between(as_of - DAY, as_of) if known else None,
        month_to_date=known.service.between(month.since, as_of) if known else None,
        own_month_usd=own_month,
        counter_reset=known is not None and known.service.resets(as_of - DAY, as_of) > 0,
        problems=tuple(_problems(facts)),
        notes=tuple(_notes(facts, known, month)),
    )


def _projections(service: Sample | Absent) -> tuple[Amount, Amount]:
    if isinstance(service, Absent):
        return unknown_amount(service.reason), unknown_amount(service.reason)
    counters = service.counters
    if counters.total_requests == 0:
        idle = unknown_amount("not available: the AI service has counted no request since its restart")
        return idle, idle
    return known_amount(counters.daily_cost_usd), known_amount(counters.monthly_cost_usd)


def _candidates(service: Amount, ours: Amount, ledger: Candidate) -> tuple[Candidate, ...]:
    return (Candidate(SERVICE, service), Candidate(OURS, ours), ledger)


def _at_least(books: Books | None, since: datetime) -> str:
    if books is None:
        return ""
    begins = books.service.first if books.service_expected else books.watched_since
    if begins is None or begins <= since:
        return "at least"
    return f"at least, observed from {begins:%Y-%m-%d %H:%M} UTC on"


def _days(books: Books, facts: Facts, month: Month) -> tuple[DayCost, ...]:
    first = min(month.since, midnight(facts.day) - TRAILING).date()
    dates = (first + number * DAY for number in range((facts.day - first).days + 1))
    return tuple(_day(books, day, min(midnight(day + DAY), facts.as_of), facts) for day in dates)


def _day(books: Books, day: date, until: datetime, facts: Facts) -> DayCost:
    since, month = midnight(day), Month.of(day)
    if until <= (books.watched_since or facts.as_of) and day < facts.day:
        unseen = unknown_amount("nobody watched yet")
        return DayCost(day, None, unseen, unseen, unseen)
    return DayCost(
        day=day,
        service=books.service.between(since, until),
        own_usd=known_amount(books.own(since, until)),
        total_usd=books.spent(since, until),
        so_far_usd=books.spent(month.since, until),
    )


def _problems(facts: Facts) -> list[str]:
    absent = [part for part in (facts.service, facts.books) if isinstance(part, Absent) and part.configured]
    return [part.reason for part in absent]


def _notes(facts: Facts, books: Books | None, month: Month) -> list[str]:
    notes = []
    if isinstance(facts.service, Absent) and not facts.service.configured:
        notes.append(f"{facts.service.reason}: the figures are of the ledger alone")
    if books is None:
        return notes
    if restarts := books.service.resets(month.since, facts.as_of):
        times = "once" if restarts == 1 else f"{restarts} times"
        notes.append(
            f"the AI service's counters restarted {times} this month: what it spent between the last reading and a "
            "restart is in no counter, so the ledger's figures are at least what was spent"
        )
    if isinstance(facts.service, Sample) and facts.service.at != facts.service.counters.measured_at:
        off = (facts.service.counters.measured_at - facts.service.at).total_seconds()
        ahead = "ahead of" if off > 0 else "behind"
        notes.append(f"the AI service's clock is {abs(off):.0f} s {ahead} ours, so its readings are dated by ours")
    first = books.service.first
    if first is not None and first > month.since:
        notes.append(f"the ledger begins at {first:%Y-%m-%d %H:%M} UTC; what was spent before it is not in the month")
    return notes
