"""A decision with all it rests on, and what one run of the analysis came to. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tradeops.domain.decisions.analyst import Advice
from tradeops.domain.decisions.evidence import Evidence
from tradeops.domain.decisions.gate import Policy, Verdict
from tradeops.domain.decisions.skipping import Skip
from tradeops.domain.health import Severity
from tradeops.domain.llm import Proposal, Recommendation

LONGEST_WAIT = timedelta(hours=6)  # a retrain is not started for an older decision


class Start(StrEnum):
    """How far the retrain of a decision has come."""

    NONE = "none"  # the gate did not allow one
    PENDING = "pending"  # decided, not started yet
    STARTED = "started"
    GIVEN_UP = "given_up"  # could not be started for six hours


@dataclass(frozen=True, slots=True)
class Ballot:
    """One vote as it is kept.

    Attributes:
        failure: the kind of what went wrong; empty when there is a proposal.
        problem: in words.
        seconds: of all its tries.
        status: of HTTP, of the last try like all that follow; `None` without an answer.
        body: the raw answer, shortened and without secrets.
        body_sha256: of the whole answer as it came.
        api: how to read it.
        model: that answered.
        content_type: as the answer said; empty when it did not, `None` in a record from before it was kept.
    """

    number: int
    proposal: Proposal | None
    failure: str
    problem: str
    cost_usd: Decimal
    cost_estimated: bool
    seconds: float
    tries: int
    status: int | None
    body: str
    body_sha256: str
    api: str
    model: str | None
    response_id: str | None
    input_tokens: int | None
    output_tokens: int | None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked of whom.

    Attributes:
        evidence_sha256: of the JSON that went into the prompt.
        code_version: of this product.
    """

    model: str
    prompt_name: str
    prompt_version: int
    prompt_sha256: str
    evidence_sha256: str
    price_version: str
    code_version: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for one analysed window, once and for ever; only the start of its retrain moves on.

    Attributes:
        decision_id: the date of the window, UTC; a forced one adds the id of its request.
        date: of the analysis of performance; its window ends where this day begins.
        made_at: aware.
        run_id: of the run that made it.
        record: its number in the audit trail; 0 before it is there.
        record_sha256: the record's hash, to be held against the trail.
        retrain_run_id: empty before the start.
        problem: why the retrain is not started yet; empty when it is, or is not wanted.
    """

    decision_id: str
    date: date
    made_at: datetime
    run_id: str
    forced: bool
    evidence: Evidence
    policy: Policy
    ballots: tuple[Ballot, ...]
    verdict: Verdict
    question: Question
    record: int = 0
    record_sha256: str = ""
    start: Start = Start.NONE
    retrain_run_id: str = ""
    problem: str = ""

    @property
    def cost_usd(self) -> Decimal:
        """Of all votes."""
        return sum((one.cost_usd for one in self.ballots), Decimal(0))

    @property
    def cost_estimated(self) -> bool:
        """Whether any vote's cost is its upper bound, since the answer did not tell its usage."""
        return any(one.cost_estimated for one in self.ballots)

    @property
    def voice(self) -> Proposal | None:
        """The proposal that speaks for the decision: of those for its recommendation the most confident."""
        agreeing = [b.proposal for b in self.ballots if b.proposal and b.proposal.recommendation is self.recommendation]
        return max(agreeing, key=lambda one: one.confidence, default=None)

    @property
    def recommendation(self) -> Recommendation:
        """Of the gate."""
        return self.verdict.recommendation

    def is_too_old(self, now: datetime) -> bool:
        """Whether its retrain must no longer be started."""
        return now - self.made_at > LONGEST_WAIT


class Kind(StrEnum):
    """What a run came to."""

    DECIDED = "decided"
    STORED = "stored"  # the decision was there already
    SKIPPED = "skipped"
    UNANSWERED = "unanswered"  # the language model was asked and did not answer: another run may ask again


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one run came to.

    Attributes:
        evidence: `None` when the run ended before it was gathered.
        decision: made now or before; for `UNANSWERED` what was decided for lack of answers, which is not kept as one.
        advice: of the rules, where the language model did not speak.
        trouble: what the language model's service got wrong, in words; the first is the worst.
        critical: a person must do something before any later call can succeed.
        retry_after: when it wants to be asked again, where that was too long to wait for.
        left_behind: decisions of killed runs that this one started, or could not start.
        notes: what could not be done, besides.
        takes_over: the decision is of a killed run, which told nobody of it.
    """

    kind: Kind
    run_id: str
    now: datetime
    evidence: Evidence | None = None
    decision: Decision | None = None
    skip: Skip | None = None
    advice: Advice | None = None
    trouble: tuple[str, ...] = ()
    critical: bool = False
    retry_after: timedelta | None = None
    left_behind: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
    takes_over: bool = False

    @property
    def retrain_started(self) -> bool:
        """Whether this run's decision has its retrain."""
        return self.decision is not None and self.decision.start is Start.STARTED

    @property
    def asks_again_after(self) -> timedelta | None:
        """When to ask once more, where nothing was decided and the service said when."""
        return self.retry_after if self.kind is Kind.UNANSWERED else None

    @property
    def severity(self) -> Severity:
        """Degraded when the service failed, or a retrain that was decided is not started."""
        mine = () if self.decision is None else (self.decision,)
        waits = any(one.start in {Start.PENDING, Start.GIVEN_UP} for one in (*mine, *self.left_behind))
        return Severity.DEGRADED if self.trouble or waits or self.notes else Severity.HEALTHY

    @property
    def summary(self) -> str:
        """One line for the state of the run."""
        return "; ".join([_headline(self), *self.trouble, *map(_left, self.left_behind), *self.notes])


def _left(decision: Decision) -> str:
    if decision.start is Start.STARTED:
        return f"the retrain {decision.retrain_run_id} of the earlier decision {decision.decision_id} is started"
    return f"the retrain of the earlier decision {decision.decision_id} is not started: {decision.problem}"


def _headline(analysis: Analysis) -> str:
    decision = analysis.decision
    if analysis.skip is not None:
        advice = f"; by the rules: {analysis.advice.recommendation}" if analysis.advice else ""
        return analysis.skip.reason + advice
    if decision is None or analysis.kind is Kind.UNANSWERED:
        by_rules = analysis.advice.recommendation if analysis.advice else Recommendation.WAIT
        return f"the language model did not answer, nothing is started; by the rules: {by_rules}"
    told = f"decided already: {decision.recommendation}" if analysis.kind is Kind.STORED else decision.recommendation
    confidence = decision.verdict.confidence
    told += f", confidence {confidence}" if confidence is not None else ""
    match decision.start:
        case Start.STARTED:
            return f"{told}; retrain {decision.retrain_run_id} is started"
        case Start.PENDING | Start.GIVEN_UP:
            return f"{told}; the retrain is not started: {decision.problem or 'not tried yet'}"
        case Start.NONE:
            vetoes = ", ".join(rule.name for rule in decision.verdict.vetoes)
            return f"{told}; no retrain ({vetoes})"
