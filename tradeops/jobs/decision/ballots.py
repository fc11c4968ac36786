"""The votes of a round as a decision keeps them, and as the audit trail does: everything of every try."""

from datetime import datetime
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

from tradeops.adapters.store.interface import Json
from tradeops.domain.decisions.codec import encoded
from tradeops.domain.decisions.decision import Ballot, Decision, Question, Start
from tradeops.domain.decisions.evidence import Evidence, Missing, Week
from tradeops.domain.decisions.gate import Policy, judge
from tradeops.domain.llm import Failure, Prompt, Round, Vote

SUCCESS = range(200, 300)
MEANING = {
    Failure.QUOTA: "there is no money left at the language model's service",
    Failure.MODEL_GONE: "the language model is retired, or not there",
    Failure.NO_BUDGET: "our budget does not allow the call",
}


class Window(Protocol):
    """What is decided: the parts of an opened analysis that are needed here."""

    @property
    def decision_id(self) -> str:
        """Of the decision."""
        ...

    @property
    def run_id(self) -> str:
        """Of the run."""
        ...

    @property
    def forced(self) -> bool:
        """By a person."""
        ...

    @property
    def now(self) -> datetime:
        """When it began."""
        ...

    @property
    def week(self) -> Week | Missing:
        """The analysis of performance."""
        ...


def decision_of(
    votes: Round, window: Window, evidence: Evidence, policy: Policy, question: Question, made_at: datetime
) -> Decision:
    """What the gate makes of these votes."""
    verdict = judge([vote.proposal for vote in votes.votes], evidence, policy)
    return Decision(
        decision_id=window.decision_id,
        date=window.now.date() if isinstance(window.week, Missing) else window.week.date,
        made_at=made_at,
        run_id=window.run_id,
        forced=window.forced,
        evidence=evidence,
        policy=policy,
        ballots=tuple(_ballot(vote, votes.api) for vote in votes.votes),
        verdict=verdict,
        question=question,
        start=Start.PENDING if verdict.start_retrain else Start.NONE,
    )


def question_of(votes: Round, prompt: Prompt) -> Question:
    """What was asked of whom."""
    return Question(
        model=votes.model,
        prompt_name=prompt.name,
        prompt_version=prompt.version,
        prompt_sha256=prompt.sha256,
        evidence_sha256=prompt.evidence_sha256,
        price_version=votes.price_version,
        code_version=code_version(),
    )


def trail_of(prompt: Prompt, votes: Round | None = None) -> dict[str, Json]:
    """The prompt and every try of every vote, raw answers included, for the audit trail."""
    asked: dict[str, Json] = {"prompt": encoded(prompt), "code_version": code_version()}
    if votes is None:
        return asked
    return asked | {
        "model": votes.model,
        "api": votes.api,
        "parameters": encoded(votes.parameters),
        "price_version": votes.price_version,
        "tries": [encoded(one) for one in votes.tries],
    }


def is_answered(votes: Round) -> bool:
    """Whether any vote got an answer to its question, usable or not."""
    return any(one.status in SUCCESS for one in votes.tries if one.status is not None)


def is_final(votes: Round) -> bool:
    """Whether the window is decided by these votes: any was answered, or may be billed, so that none is paid twice."""
    return is_answered(votes) or votes.cost.usd > 0


def troubles(votes: Round) -> tuple[str, ...]:
    """What went wrong with the service, one line for each kind, the critical first; unusable answers are no trouble."""
    if votes.proposals and not votes.critical:
        return ()
    lines = []
    ordered = sorted(votes.failures, key=lambda failure: not failure.critical)
    for failure in ordered:
        if failure.service_failing or not is_answered(votes):
            problem = next(vote.problem for vote in votes.votes if vote.failure is failure)
            lines.append(f"{MEANING.get(failure, 'the language model failed')}: {problem}")
    return tuple(lines)


def code_version() -> str:
    """Of this product."""
    try:
        return version("tradeops")
    except PackageNotFoundError:
        return "unknown"


def _ballot(vote: Vote, api: str) -> Ballot:
    last = vote.tries[-1] if vote.tries else None
    usage = last.usage if last else None
    return Ballot(
        number=vote.number,
        proposal=vote.proposal,
        failure=vote.failure.value if vote.failure else "",
        problem=vote.problem,
        cost_usd=sum((one.cost.usd for one in vote.tries), Decimal(0)),
        cost_estimated=any(one.cost.estimated for one in vote.tries),
        seconds=sum(one.elapsed.total_seconds() for one in vote.tries),
        tries=len(vote.tries),
        status=last.status if last else None,
        body=last.body if last else "",
        body_sha256=last.body_sha256 if last else "",
        api=api,
        model=last.model if last else None,
        response_id=last.response_id if last else None,
        input_tokens=usage.input_tokens if usage else None,
        output_tokens=usage.output_tokens if usage else None,
        content_type=last.content_type if last else None,
    )
