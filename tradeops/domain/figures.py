"""A figure that a report shows: known, or why it is not. The unit stands in the name of the field that holds one."""

from dataclasses import dataclass
from decimal import Decimal
from math import isfinite

NOT_FINITE = "the result is not a finite number"


@dataclass(frozen=True, slots=True)
class Figure:
    """A ratio, percentage or count with a fraction.

    Attributes:
        value: finite; `None` is "n/a", never zero.
        reason: why it is n/a, in words for the operator; empty exactly when it is known.

    Raises:
        ValueError: NaN or infinite, unknown without a reason, or known with one.
    """

    value: float | None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and not isfinite(self.value):
            raise ValueError(f"a figure is finite or unknown, not {self.value}")
        _check_reason(known=self.value is not None, reason=self.reason)


@dataclass(frozen=True, slots=True)
class Amount:
    """Money, exact.

    Attributes:
        value: finite; `None` is "n/a", never zero.
        reason: why it is n/a, in words for the operator; empty exactly when it is known.

    Raises:
        ValueError: NaN or infinite, unknown without a reason, or known with one.
    """

    value: Decimal | None
    reason: str = ""

    def __post_init__(self) -> None:
        if self.value is not None and not self.value.is_finite():
            raise ValueError(f"an amount is finite or unknown, not {self.value}")
        _check_reason(known=self.value is not None, reason=self.reason)


def known(value: float) -> Figure:
    """The figure of a computed value; one that is NaN or infinite is n/a, and says so."""
    return Figure(float(value)) if isfinite(value) else Figure(None, NOT_FINITE)


def unknown(reason: str) -> Figure:
    """A figure that cannot be known.

    Raises:
        ValueError: no reason.
    """
    return Figure(None, reason)


def known_amount(value: Decimal) -> Amount:
    """The amount of a computed value; one that is NaN or infinite is n/a, and says so."""
    return Amount(value) if value.is_finite() else Amount(None, NOT_FINITE)


def unknown_amount(reason: str) -> Amount:
    """An amount that cannot be known.

    Raises:
        ValueError: no reason.
    """
    return Amount(None, reason)


def _check_reason(*, known: bool, reason: str) -> None:
    if known == bool(reason):
        raise ValueError("a known value has no reason" if known else "an unknown value needs a reason")
