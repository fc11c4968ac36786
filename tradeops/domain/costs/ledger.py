"""The ledger: counters that restart with their process, unwrapped into what was spent from when to when.

Two readings bound what was spent between them, not when: a window that cuts such a stretch gets its share by time. What
was spent after a reading and before a restart is in no counter, so every figure is a lower bound.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tradeops.domain.costs.counters import CostStatistics, Sample
from tradeops.domain.costs.money import as_decimal
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
        shares = self._shares(since, until)
        if not shares:
            return None
        tokens = (_total(shares, lambda spent: spent.input_tokens), _total(shares, lambda spent: spent.output_tokens))
        return Spent(
            cost_usd=as_decimal(_total(shares, lambda spent: spent.cost_usd) or Fraction(0)),
            requests=as_decimal(_total(shares, lambda spent: spent.requests) or Fraction(0)),
            input_tokens=None if tokens[0] is None else as_decimal(tokens[0]),
            output_tokens=None if tokens[1] is None else as_decimal(tokens[1]),
        )

    def cost_usd(self, since: datetime, until: datetime) -> Fraction | None:
        """The cost of `between`, exact."""
        shares = self._shares(since, until)
        return _total(shares, lambda spent: spent.cost_usd) if shares else None

    def resets(self, since: datetime, until: datetime) -> int:
        """Restarts of the service that were seen in [since, until]."""
        return sum(s.reset for s in self.stretches if since < s.until <= until)

    def _shares(self, since: datetime, until: datetime) -> list[tuple[Spent, Fraction]]:
        observed = (s for s in self.stretches if since < s.until and (s.since < until or s.until <= until))
        return [(s.spent, _progress(s, until) - _progress(s, since)) for s in observed]


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


def _total(shares: Sequence[tuple[Spent, Fraction]], of: Callable[[Spent], Decimal | None]) -> Fraction | None:
    whole, parts = Decimal(0), Fraction(0)
    for spent, share in shares:
        amount = of(spent)
        if amount is None:
            return None
        if share == 1:
            whole += amount
        else:
            parts += Fraction(amount) * share
    return Fraction(whole) + parts


def _progress(stretch: Stretch, moment: datetime) -> Fraction:
    """How much of the stretch has passed by then, 0 to 1."""
    if moment >= stretch.until:
        return Fraction(1)
    if moment <= stretch.since:
        return Fraction(0)
    return Fraction((moment - stretch.since) // MICROSECOND, (stretch.until - stretch.since) // MICROSECOND)
