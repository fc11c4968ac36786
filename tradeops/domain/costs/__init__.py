"""What language models cost the bot and us: a ledger from counters that restart, projections, limits."""

from tradeops.domain.costs.books import Books
from tradeops.domain.costs.counters import Absent, CostStatistics, LlmCall, Sample
from tradeops.domain.costs.ledger import Ledger, Spent, Stretch, unwrap
from tradeops.domain.costs.limits import Alert, Candidate, Comparison, Limit, Limits
from tradeops.domain.costs.money import VndRate, dollars, exact
from tradeops.domain.costs.months import Month
from tradeops.domain.costs.report import CostReport, DayCost, Facts, assess

__all__ = [
    "Absent",
    "Alert",
    "Books",
    "Candidate",
    "Comparison",
    "CostReport",
    "CostStatistics",
    "DayCost",
    "Facts",
    "Ledger",
    "Limit",
    "Limits",
    "LlmCall",
    "Month",
    "Sample",
    "Spent",
    "Stretch",
    "VndRate",
    "assess",
    "dollars",
    "exact",
    "unwrap",
]
