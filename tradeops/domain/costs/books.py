"""All spend that is known, the AI service's and our own, and what it will come to at the end of the month."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tradeops.domain.costs.counters import LlmCall
from tradeops.domain.costs.ledger import Ledger
from tradeops.domain.costs.money import as_decimal
from tradeops.domain.costs.months import DAY, Month, in_days
from tradeops.domain.figures import Amount, known_amount, unknown_amount

TRAILING = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Books:
    """What was spent, and since when anybody looked.

    Attributes:
        service: the AI service's spend, by its counters.
        calls: our own, complete since `watched_since`.
        watched_since: the first reading, call or report of this installation; `None` when there was none.
        service_expected: `False` when the operator has taken the AI service away: it spends nothing from then on.
    """

    service: Ledger
    calls: tuple[LlmCall, ...] = ()
    watched_since: datetime | None = None
    service_expected: bool = True

    def own(self, since: datetime, until: datetime) -> Decimal:
        """What our own calls of [since, until) cost."""
        return sum((call.cost_usd for call in self.calls if since <= call.at < until), Decimal(0))

    def spent(self, since: datetime, until: datetime) -> Amount:
        """What both cost in [since, until), at least: as far as it was observed; n/a when nothing was."""
        own, service = self.own(since, until), self.service.cost_usd(since, until)
        if service is not None:
            return _amount(own, service)
        if own or not self.service_expected:
            return known_amount(own)
        return unknown_amount(self._unread())

    def daily_mean(self, as_of: datetime) -> Amount:
        """The mean of a day over the trailing seven, or over what was observed of them if that is a day or more."""
        own, service = self._own_mean(as_of), self._service_mean(as_of)
        if isinstance(own, str) or isinstance(service, str):
            return unknown_amount(own if isinstance(own, str) else str(service))
        return _amount(own, service)

    def month_end(self, as_of: datetime, month: Month) -> Amount:
        """What the month will cost: spent to date, and the trailing mean for each day left, parts of days included.

        For the AI service the days left begin at its last reading, so that a silent service is not taken for a free
        one.
        """
        own, service = self._own_mean(as_of), self._service_mean(as_of)
        if isinstance(own, str) or isinstance(service, str):
            return unknown_amount(own if isinstance(own, str) else str(service))
        read_until = max(month.since, min(self.service.last or as_of, as_of))
        return _amount(
            self.own(month.since, as_of),
            own * in_days(month.until - as_of),
            self.service.cost_usd(month.since, as_of) or 0,
            service * in_days(month.until - read_until),
        )

    def _own_mean(self, as_of: datetime) -> Fraction | str:
        """Of a day; or why it is not known."""
        if self.watched_since is None or as_of - self.watched_since < DAY:
            return "the first 24 hours of observation are not over"
        since = max(as_of - TRAILING, self.watched_since)
        return Fraction(self.own(since, as_of)) / in_days(as_of - since)

    def _service_mean(self, as_of: datetime) -> Fraction | str:
        if not self.service_expected:
            return Fraction(0)
        first, last = self.service.first, self.service.last
        if first is None or last is None or as_of - last > TRAILING:
            return self._unread()
        until = min(last, as_of)
        since = max(until - TRAILING, first)
        if until - since < DAY:
            return "the AI service's counters were observed for less than 24 hours"
        return (self.service.cost_usd(since, until) or Fraction(0)) / in_days(until - since)

    def _unread(self) -> str:
        last = self.service.last
        if last is None:
            return "it takes two readings of the AI service's counters, and there are fewer"
        return f"the AI service's counters were last read at {last:%Y-%m-%d %H:%M} UTC"


def _amount(*parts: Decimal | Fraction | int) -> Amount:
    return known_amount(as_decimal(sum((Fraction(part) for part in parts), Fraction(0))))
