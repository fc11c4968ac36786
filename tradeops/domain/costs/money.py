"""Money in two currencies, and amounts in words that never round into the opposite of a verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class VndRate:
    """What a dollar costs.

    Attributes:
        vnd_per_usd: above zero.
        as_of: the day of the rate; `None` when the operator has not said.
    """

    vnd_per_usd: Decimal
    as_of: date | None = None

    def vnd(self, usd: Decimal) -> int:
        """Whole dong; half a dong is rounded away from zero."""
        return int((usd * self.vnd_per_usd).to_integral_value(ROUND_HALF_UP))


def dollars(value: Decimal, limits: Iterable[Decimal] = ()) -> str:
    """`$1,234.50`, with as many more digits as it takes to stand on the same side of each limit as the exact value.

    Zero is always one of the limits: what costs something never reads as free.
    """
    limits = (Decimal(0), *limits)
    for digits in range(2, MOST_DIGITS):
        shown = value.quantize(Decimal(1).scaleb(-digits))
        if all((shown > limit) is (value > limit) for limit in limits):
            return f"${shown:,f}"
    return f"${value:,f}"


def exact(usd: Decimal) -> str:
    """A limit as it was set: `$5.00`, `$2.005`."""
    return f"${usd:,.2f}" if usd == round(usd, 2) else f"${usd.normalize():,f}"


def as_decimal(exact: Fraction) -> Decimal:
    """The decimal of an exact figure, correct to the last of 28 digits; what a decimal can hold stays exact.

    Means and shares are computed in fractions: a cost that equals a limit must not cross it by a rounding error.
    """
    return Decimal(exact.numerator) / exact.denominator
