"""The language model as a voter: what it is asked, what it may answer, what that costs. Pure: no call is made here."""

from tradeops.domain.llm.budget import BudgetLimits, BudgetState, Ledger, Reservation, Settled, budget_state, month_key
from tradeops.domain.llm.exchanges import Api, Exchange, Judged, Outcome, cost_of, judge, usage_of
from tradeops.domain.llm.failures import Failure
from tradeops.domain.llm.offers import OfferedModel, judge_offer
from tradeops.domain.llm.prices import Cost, Price, PriceTable, Usage
from tradeops.domain.llm.prompting import Evidence, Prompt, PromptTemplate, is_identifier, render
from tradeops.domain.llm.proposals import (
    SCHEMA,
    Proposal,
    Recommendation,
    UnusableAnswerError,
    Urgency,
    clipped,
    parse_proposal,
)
from tradeops.domain.llm.rounds import Round, Try, Vote

__all__ = [
    "SCHEMA",
    "Api",
    "BudgetLimits",
    "BudgetState",
    "Cost",
    "Evidence",
    "Exchange",
    "Failure",
    "Judged",
    "Ledger",
    "OfferedModel",
    "Outcome",
    "Price",
    "PriceTable",
    "Prompt",
    "PromptTemplate",
    "Proposal",
    "Recommendation",
    "Reservation",
    "Round",
    "Settled",
    "Try",
    "UnusableAnswerError",
    "Urgency",
    "Usage",
    "Vote",
    "budget_state",
    "clipped",
    "cost_of",
    "is_identifier",
    "judge",
    "judge_offer",
    "month_key",
    "parse_proposal",
    "render",
    "usage_of",
]
