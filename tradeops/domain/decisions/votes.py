"""What an analyst proposes. A proposal changes nothing but its own vote."""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite


class Recommendation(StrEnum):
    """What may be proposed, spelt as in the answer's schema."""

    RETRAIN = "retrain"
    WAIT = "wait"
    OPTIMIZE = "optimize_parameters"


class Urgency(StrEnum):
    """Information for people; no rule reads it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One valid answer.

    Attributes:
        confidence: 0-1; a score, not a probability.
        reasoning: for people; it never enters a later prompt, like all texts here.

    Raises:
        ValueError: a confidence outside 0-1, or NaN.
    """

    recommendation: Recommendation
    confidence: float
    reasoning: str
    urgency: Urgency
    suggested_actions: tuple[str, ...]
    estimated_improvement: str

    def __post_init__(self) -> None:
        if not isfinite(self.confidence) or not 0 <= self.confidence <= 1:
            raise ValueError(f"a confidence lies in 0 to 1, {self.confidence} does not")


@dataclass(frozen=True, slots=True)
class Vote:
    """One of the votes that were asked for.

    Attributes:
        number: from 1 on.
        proposal: `None` when there is no valid one, which counts as `wait`.
        problem: why there is none; empty when there is.
        answered: the endpoint gave some answer, so that this vote is or may be billed.
    """

    number: int
    proposal: Proposal | None
    problem: str = ""
    answered: bool = False

    @property
    def recommendation(self) -> Recommendation:
        """What it counts as."""
        return self.proposal.recommendation if self.proposal else Recommendation.WAIT
