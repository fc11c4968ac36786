"""What the engine claims about its own trading, where it computes otherwise than we do."""

from dataclasses import dataclass
from decimal import Decimal

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure to be shown beside ours: it can be compared and written out, and nothing can be computed with it."""

    _value: Decimal

    def agrees_with(self, ours: float | Decimal) -> bool:
        """Whether a reader of two decimals would call them the same."""
        return abs(self._value - Decimal(ours)) <= CENT

    def shown(self, digits: int = 2) -> str:
        """It as text."""
        return f"{self._value:,.{digits}f}"


@dataclass(frozen=True, slots=True)
class EngineClaims:
    """Ratios and averages of the engine; `None` is "this deployment does not say", or says no number.

    Attributes:
        win_rate_percent: wins over all trades, open ones included.
        profit_factor: average win over average loss.
        sharpe_ratio: per trade, on margin, not annualised.
        average_profit: of a trade, in a unit that no contract names.
    """

    win_rate_percent: Claim | None = None
    profit_factor: Claim | None = None
    sharpe_ratio: Claim | None = None
    average_profit: Claim | None = None


NO_CLAIMS = EngineClaims()
