"""How much may still be spent on language models, and how often they may be asked; every bound holds with equality.

A call is reserved at its upper bound before it is sent and settled at its cost after. What is reserved counts as spent,
so that calls at once cannot overshoot.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from tradeops.domain.costs.money import dollars, exact

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
UNSETTLED_AFTER = timedelta(minutes=10)  # its process is gone: a vote ends within half a minute


@dataclass(frozen=True, slots=True)
class Reservation:
    """A call that is being made.

    Attributes:
        at: when it was reserved; whose day and month pay.
        usd: its upper bound.
    """

    key: str
    analysis: str
    at: datetime
    usd: Decimal


@dataclass(frozen=True, slots=True)
class Settled:
    """A call that was made, and what it cost."""

    key: str
    analysis: str
    at: datetime
    usd: Decimal


@dataclass(frozen=True, slots=True)
class BudgetLimits:
    """The most that may be spent, and asked.

    Attributes:
        month_usd: unless a person has lifted it.
    """

    analysis_usd: Decimal
    day_usd: Decimal
    month_usd: Decimal
    analyses_per_hour: int
    analyses_per_day: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the store keeps beside the settled calls.

    Attributes:
        open: reserved and not yet settled, by key.
        analyses: when each of the last day began.
        lifted: the limit that a person has set for a month, by `2026-11`.
    """

    open: Mapping[str, Reservation]
    analyses: Mapping[str, datetime]
    lifted: Mapping[str, Decimal]

    def reserved(self, reservation: Reservation) -> "Ledger":
        """With the reservation, its analysis, and nothing older than a day."""
        analyses = {name: at for name, at in self.analyses.items() if reservation.at - at < DAY}
        analyses.setdefault(reservation.analysis, reservation.at)
        return replace(self, open={**self.open, reservation.key: reservation}, analyses=analyses)

    def without(self, keys: Iterable[str]) -> "Ledger":
        """Without those reservations."""
        gone = set(keys)
        return replace(self, open={key: one for key, one in self.open.items() if key not in gone})

    def abandoned(self, now: datetime) -> tuple[Reservation, ...]:
        """Reservations whose process ended without a word: they are paid at their upper bound."""
        return tuple(one for one in self.open.values() if now - one.at > UNSETTLED_AFTER)


@dataclass(frozen=True, slots=True)
class BudgetState:
    """Where spending stands at a moment.

    Attributes:
        day_usd: of the UTC day, reserved calls included.
        month_usd: of the UTC month, reserved calls included.
        open_usd: reserved, of these.
        analyses_last_hour: begun within it, as `analyses_today` within 24 h.
        month_limit_usd: in force: the setting, or what a person has set for this month.
        lifted: a person has set it.
    """

    now: datetime
    limits: BudgetLimits
    day_usd: Decimal
    month_usd: Decimal
    open_usd: Decimal
    analyses_last_hour: int
    analyses_today: int
    month_limit_usd: Decimal
    lifted: bool
    analysis_usd: Mapping[str, Decimal]
    analyses: Mapping[str, datetime]

    @property
    def refusal(self) -> str:
        """Why no further analysis may begin now; empty when one may."""
        return self._caps() or self._money(Decimal(0), stop=True)

    def refuses(self, analysis: str, usd: Decimal) -> str:
        """Why that call may not be made; empty when it may."""
        if analysis not in self.analyses and (refusal := self._caps()):
            return refusal
        so_far = self.analysis_usd.get(analysis, Decimal(0))
        if so_far + usd > self.limits.analysis_usd:
            return _over("this analysis", so_far, usd, self.limits.analysis_usd)
        return self._money(usd, stop=False)

    def _caps(self) -> str:
        if self.analyses_last_hour >= self.limits.analyses_per_hour:
            return f"{self.analyses_last_hour} analyses within an hour, limit {self.limits.analyses_per_hour}"
        if self.analyses_today >= self.limits.analyses_per_day:
            return f"{self.analyses_today} analyses within a day, limit {self.limits.analyses_per_day}"
        return ""

    def _money(self, usd: Decimal, *, stop: bool) -> str:
        for what, spent, limit in (
            ("today", self.day_usd, self.limits.day_usd),
            ("this month", self.month_usd, self.month_limit_usd),
        ):
            if spent + usd > limit or (stop and spent == limit):
                return _over(what, spent, usd, limit)
        return ""


def budget_state(ledger: Ledger, settled: Iterable[Settled], limits: BudgetLimits, now: datetime) -> BudgetState:
    """Where spending stands.

    Args:
        ledger: read before `settled`: a call that is settled in between is in both and counts once.
        settled: all of the month until now.
        limits: as configured.
        now: aware UTC.
    """
    paid = {one.key: one for one in settled}
    waiting = [one for one in ledger.open.values() if one.key not in paid]
    calls: list[Reservation | Settled] = [*paid.values(), *waiting]
    month, today = month_key(now), now.date()
    of_analysis: dict[str, Decimal] = {}
    for call in calls:
        of_analysis[call.analysis] = of_analysis.get(call.analysis, Decimal(0)) + call.usd
    begun = [at for at in ledger.analyses.values() if now - at < DAY]
    return BudgetState(
        now=now,
        limits=limits,
        day_usd=_sum(call.usd for call in calls if _day(call.at) == today),
        month_usd=_sum(call.usd for call in calls if month_key(call.at) == month),
        open_usd=_sum(call.usd for call in waiting),
        analyses_last_hour=sum(now - at < HOUR for at in begun),
        analyses_today=len(begun),
        month_limit_usd=ledger.lifted.get(month, limits.month_usd),
        lifted=month in ledger.lifted,
        analysis_usd=of_analysis,
        analyses=ledger.analyses,
    )


def month_key(at: datetime) -> str:
    """`2026-11`."""
    return f"{at:%Y-%m}"


def _over(what: str, spent: Decimal, usd: Decimal, limit: Decimal) -> str:
    more = f", and this call may cost {dollars(usd, [limit - spent])}" if usd else ""
    return f"{what} took {dollars(spent, [limit])} of {exact(limit)}{more}"


def _day(at: datetime) -> date:
    return at.date()


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
