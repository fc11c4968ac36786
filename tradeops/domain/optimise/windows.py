"""Which days are for choosing and which for judging; between them some that are for neither."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

LEAST_INSIDE: Final = 20
LEAST_OUTSIDE: Final = 5


@dataclass(frozen=True, slots=True)
class Split:
    """Places of whole UTC days: what is chosen on the days inside is judged on those outside, all of which come later.

    Attributes:
        gap: days between the two that count for neither.
    """

    inside: slice
    outside: slice

    @property
    def gap(self) -> int:
        """How many days belong to neither."""
        return int(self.outside.start - self.inside.stop)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a period is cut.

    Attributes:
        inside_fraction: of the days before the first cut, 0-1.
        windows: how many equal parts the days after it have; before each, the choice is made anew.
        purge_days: before each cut: a position taken there may last beyond it. No rule ends one that lasts longer.
        embargo_fraction: of all days, before each cut too, at least one day: what the market remembers for a while.
    """

    inside_fraction: float = 0.6
    windows: int = 4
    purge_days: int = 2
    embargo_fraction: float = 0.01

    def embargo_days(self, days: int) -> int:
        """In whole days."""
        return max(1, round(self.embargo_fraction * days))


@dataclass(frozen=True, slots=True)
class WalkForward:
    """A period in parts.

    Attributes:
        first: the search sees its inside alone; its outside is everything after the first cut.
        steps: the outside in windows, each with everything before it, less purge and embargo, inside.
    """

    days: int
    first: Split
    steps: tuple[Split, ...]


def walk_forward(days: int, plan: Plan) -> WalkForward:
    """Cut so many days as planned.

    Raises:
        ValueError: too few days to choose on or to judge by; says how many it takes.
    """
    cut, gap = _cut(days, plan)
    if cut - gap < LEAST_INSIDE or (days - cut) // plan.windows < LEAST_OUTSIDE:
        least = next(n for n in range(days, 100 * (days + LEAST_INSIDE)) if _fits(n, plan))
        raise ValueError(f"{days} days are too few to choose on some and judge on others; it takes {least}")
    edges = [cut + (days - cut) * n // plan.windows for n in range(plan.windows + 1)]
    steps = tuple(Split(slice(0, start - gap), slice(start, stop)) for start, stop in pairwise(edges))
    return WalkForward(days, Split(slice(0, cut - gap), slice(cut, days)), steps)


def _cut(days: int, plan: Plan) -> tuple[int, int]:
    return round(plan.inside_fraction * days), plan.purge_days + plan.embargo_days(days)


def _fits(days: int, plan: Plan) -> bool:
    cut, gap = _cut(days, plan)
    return cut - gap >= LEAST_INSIDE and (days - cut) // plan.windows >= LEAST_OUTSIDE
