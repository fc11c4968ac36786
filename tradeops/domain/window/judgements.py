"""What was decided about the models, and which are in use."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure
from tradeops.domain.window.values import Link


@dataclass(frozen=True, slots=True)
class VoteLine:
    """One vote; `problem` says why it has no recommendation."""

    number: int
    recommendation: str | None
    confidence: Decimal | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LaterOutcome:
    """What became of a decision: win rates of the seven days before and after; `improved` is `None` while unknown."""

    before_percent: Figure
    after_percent: Figure
    improved: bool | None


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision in a list.

    Attributes:
        decision_id: its page; empty for a run that came to none (skipped, unanswered), which `summary` tells.
        recommendation: `retrain` or `wait`; `None` without one.
        source: `llm` or `rules`.
        start: how far the retrain has come: started, or not, in words.
        run: the Prefect run that decided; `None` when it was none.
        retrain_run: likewise, that retrained.
    """

    decision_id: str
    made_at: datetime
    recommendation: str | None
    confidence: Decimal | None
    source: str
    reasoning: str
    summary: str
    votes: tuple[VoteLine, ...]
    vetoes: tuple[str, ...]
    start: str
    outcome: LaterOutcome
    cost: Amount
    run: Link | None = None
    retrain_run: Link | None = None


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model; accuracy is 0-100."""

    version: str
    at: datetime
    accuracy_percent: Figure


@dataclass(frozen=True, slots=True)
class Lineage:
    """One model in use and those around it.

    Attributes:
        champion: in use; `None` when no promotion is kept.
        challenger: the latest trained; the champion itself when it was promoted.
        deployed: whether the challenger is in use.
        verdict: of the last contest, in words.
        watch: how the days after the promotion go; empty without a watch.
        retrained_at: the last try.
        rolled_back_at: the last roll-back; `None` when there was none.
    """

    model_type: str
    symbol: str
    champion: ModelVersion | None
    challenger: ModelVersion | None
    deployed: bool
    verdict: str
    watch: str
    retrained_at: datetime | None
    run: Link | None = None
    rolled_back_at: datetime | None = None
