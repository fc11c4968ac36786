"""What the AI service spent on its language model."""

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
