"""The ledger: counters that restart with their process, unwrapped into what was spent from when to when.

Two readings bound what was spent between them, not when: a window that cuts such a stretch gets its share by time. What
was spent after a reading and before a restart is in no counter, so every figure is a lower bound.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from tradeops.domain.costs.counters import CostStatistics, Sample
from tradeops.domain.costs.months import MICROSECOND


@dataclass(frozen=True, slots=True)
class Spent:
    """What a stretch of time took, never negative; shares by time are no whole numbers.

    Attributes:
        input_tokens: `None` when the service did not count them, as for `output_tokens`.
    """

    cost_usd: Decimal
    requests: Decimal
    input_tokens: Decimal | None
    output_tokens: Decimal | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was spent between two readings that follow each other.

    Attributes:
        since: the earlier reading.
        until: the later one.
        spent: the difference of the counters; all of the later ones after a reset.
        reset: the process restarted in between, as a counter was lower than before.
    """

    since: datetime
    until: datetime
    spent: Spent
    reset: bool


@dataclass(frozen=True, slots=True)
class Ledger:
    """All stretches in order of time, without gaps; none when there were fewer than two readings."""

    stretches: tuple[Stretch, ...] = ()

    @property
    def first(self) -> datetime | None:
        """When it begins."""
        return self.stretches[0].since if self.stretches else None

    @property
    def last(self) -> datetime | None:
        """When it ends."""
        return self.stretches[-1].until if self.stretches else None

    def between(self, since: datetime, until: datetime) -> Spent | None:
        """What was spent in [since, until), as far as it was observed; `None` when none of it was.

        Neighbouring windows add up to the window that they form.
        """
        observed = [s for s in self.stretches if since < s.until and (s.since < until or s.until <= until)]
        if not observed:
            return None
        return Spent(
            cost_usd=_sum(observed, since, until, lambda spent: spent.cost_usd) or Decimal(0),
            requests=_sum(observed, since, until, lambda spent: spent.requests) or Decimal(0),
            input_tokens=_sum(observed, since, until, lambda spent: spent.input_tokens),
            output_tokens=_sum(observed, since, until, lambda spent: spent.output_tokens),
        )

    def resets(self, since: datetime, until: datetime) -> int:
        """Restarts of the service that were seen in [since, until]."""
        return sum(s.reset for s in self.stretches if since < s.until <= until)


def unwrap(samples: Iterable[Sample]) -> Ledger:
    """The ledger of these readings, in any order; one that is there twice counts once.

    A counter that fell is a restart, never negative spend: all that the new process counts was spent since then. A
    restart after which the counters have overtaken the last reading cannot be seen.
    """
    ordered = sorted(samples, key=lambda s: (s.at, s.counters.total_requests, s.counters.total_cost_usd))
    return Ledger(tuple(_stretch(earlier, later) for earlier, later in pairwise(ordered)))


def _stretch(earlier: Sample, later: Sample) -> Stretch:
    before, after = earlier.counters, later.counters
    reset = any(
        was is not None and now is not None and now < was
        for was, now in zip(_figures(before), _figures(after), strict=True)
    )
    requests, cost_usd, input_tokens, output_tokens = (
        None if now is None else Decimal(now) if reset else None if was is None else Decimal(now - was)
        for was, now in zip(_figures(before), _figures(after), strict=True)
    )
    spent = Spent(
        cost_usd=cost_usd or Decimal(0),
        requests=requests or Decimal(0),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )
    return Stretch(earlier.at, later.at, spent, reset=reset)


def _figures(c: CostStatistics) -> tuple[int, Decimal, int | None, int | None]:
    return c.total_requests, c.total_cost_usd, c.total_input_tokens, c.total_output_tokens


def _sum(
    stretches: Sequence[Stretch], since: datetime, until: datetime, of: Callable[[Spent], Decimal | None]
) -> Decimal | None:
    total = Decimal(0)
    for stretch in stretches:
        amount = of(stretch.spent)
        if amount is None:
            return None
        total += _before(stretch, amount, until) - _before(stretch, amount, since)
    return total


def _before(stretch: Stretch, amount: Decimal, moment: datetime) -> Decimal:
    """What of the amount was spent before that moment."""
    if moment >= stretch.until:
        return amount
    if moment <= stretch.since:
        return Decimal(0)
    return amount * ((moment - stretch.since) // MICROSECOND) / ((stretch.until - stretch.since) // MICROSECOND)
