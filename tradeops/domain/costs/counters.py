"""What was spent on language models, as it is read: the AI service's counters, and our own calls one by one."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class CostStatistics:
    """Counters of one process of the AI service: zero after its restart, blind to all other callers.

    Attributes:
        total_requests: since that process started, like all totals.
        model: whose prices were applied; `None` when not said.
        measured_at: the service's own time of the counters.
    """

    total_requests: int
    total_cost_usd: Decimal
    total_cost_vnd: Decimal
    daily_cost_usd: Decimal
    daily_cost_vnd: Decimal
    monthly_cost_usd: Decimal
    monthly_cost_vnd: Decimal
    measured_at: datetime
    total_input_tokens: int | None = None
    total_output_tokens: int | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The counters at one moment.

    Attributes:
        at: when they were read, aware UTC: by the service's clock where it agrees with ours, else by ours.
    """

    at: datetime
    counters: CostStatistics


@dataclass(frozen=True, slots=True)
class LlmCall:
    """One paid call that we made ourselves.

    Attributes:
        at: when, aware UTC.
        cost_usd: what it cost, or its upper bound where the answer did not say.

    Raises:
        ValueError: a cost that is negative, NaN or infinite.
    """

    at: datetime
    cost_usd: Decimal

    def __post_init__(self) -> None:
        if not self.cost_usd.is_finite() or self.cost_usd < 0:
            raise ValueError(f"cost_usd is {self.cost_usd}")


@dataclass(frozen=True, slots=True)
class Absent:
    """Something that the report has to do without.

    Attributes:
        reason: why, for the operator.
        configured: `False` when the operator has taken it away on purpose, which is no fault.
    """

    reason: str
    configured: bool = True
