"""How decisions are kept: one document each under `decisions`, a point of the history each, read back and replayed."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from tradeops.adapters.store import Point, ReadableStore, Store
from tradeops.adapters.store.interface import Json
from tradeops.domain.decisions.codec import decoded, encoded
from tradeops.domain.decisions.decision import Analysis, Ballot, Decision, Kind, Start
from tradeops.domain.decisions.evidence import Week
from tradeops.domain.decisions.gate import Verdict, judge
from tradeops.domain.llm import Exchange, Failure, Outcome, Proposal
from tradeops.domain.llm import judge as read_answer
from tradeops.errors import ContractError, RejectedError
from tradeops.jobs.races import until_first

COLLECTION = "decisions"
HISTORY = "gpt4_analysis_history"
DECIDED = "decided"  # the record of a decision in the trail


async def find(store: ReadableStore, decision_id: str) -> Decision | None:
    """The decision of that id, or `None`.

    Raises:
        UnavailableError: the store is down.
        ContractError: something else is kept under it.
    """
    kept = await store.get(COLLECTION, decision_id)
    return None if kept is None else decision_of(kept.body)


async def read(store: Store, decision_id: str) -> Decision:
    """The decision of that id.

    Raises:
        RejectedError: there is none.
        UnavailableError, ContractError: as `find`.
    """
    found = await find(store, decision_id)
    if found is None:
        raise RejectedError("decisions", f"there is no decision {decision_id!r}", remedy="see `tradeops decision list`")
    return found


async def everything(store: Store) -> list[Decision]:
    """All decisions, the oldest first.

    Raises:
        UnavailableError, ContractError: as `find`.
    """
    found = [decision_of(one.body) for one in await store.documents(COLLECTION)]
    return sorted(found, key=lambda one: one.made_at)


async def keep(store: Store, decision: Decision) -> Decision:
    """Keep the decision as it is now, and return the one that is kept: what was decided first stays.

    Of the decision that is there only the start of its retrain moves on, and never back from `STARTED`.

    Raises:
        UnavailableError: the store is down.
        ConflictError: others wrote again and again.
        ContractError: something else is kept under its id.
    """

    async def attempt() -> Decision:
        kept = await store.get(COLLECTION, decision.decision_id)
        there = None if kept is None else decision_of(kept.body)
        if there is None:
            wanted = decision
        elif there.start in {Start.STARTED, Start.NONE} or there.made_at != decision.made_at:
            return there
        else:
            started, run_id, problem = decision.start, decision.retrain_run_id, decision.problem
            wanted = replace(there, start=started, retrain_run_id=run_id, problem=problem)
        if wanted == there:
            return there
        version = None if kept is None else kept.version
        await store.put(COLLECTION, decision.decision_id, as_body(wanted), expected_version=version)
        return wanted

    return await until_first(attempt, system="decisions", what=decision.decision_id)


async def remember(store: Store, analysis: Analysis, *, week: Week | None) -> None:
    """Keep what a run came to as a point of the history: a decision once, when nothing of it is left to do.

    Raises:
        UnavailableError: the store is down.
    """
    if analysis.decision is not None and analysis.decision.start is Start.PENDING:
        return  # whoever starts it keeps it
    is_kept = analysis.decision is not None and analysis.kind is not Kind.UNANSWERED
    key = analysis.decision.decision_id if analysis.decision and is_kept else analysis.run_id
    at = analysis.decision.made_at if analysis.decision and is_kept else analysis.now
    await store.add_point(HISTORY, Point(key, at, as_fields(analysis, week=week)))


def as_body(decision: Decision) -> dict[str, Json]:
    """The decision as it is kept; `full` is the whole of it, from which it is read back."""
    voice = decision.voice
    confidence = decision.verdict.confidence
    return {
        "decision_id": decision.decision_id,
        "date": decision.date.isoformat(),
        "made_at": decision.made_at.isoformat(),
        "run_id": decision.run_id,
        "source": "llm",
        "recommendation": decision.recommendation.value,
        "confidence": None if confidence is None else float(confidence),
        "urgency": voice.urgency.value if voice else None,
        "reasoning": voice.reasoning if voice else "",
        "suggested_actions": list(voice.suggested_actions) if voice else [],
        "estimated_improvement": voice.estimated_improvement if voice else "",
        "start_retrain": decision.verdict.start_retrain,
        "start": decision.start.value,
        "retrain_run_id": decision.retrain_run_id or None,
        "vetoes": [rule.name for rule in decision.verdict.vetoes],
        "model": decision.question.model,
        "cost_usd": str(decision.cost_usd),
        "record": decision.record,
        "full": encoded(decision),
    }


def decision_of(body: Mapping[str, object]) -> Decision:
    """The inverse of `as_body`.

    Raises:
        ContractError: it is no decision.
    """
    try:
        return decoded(Decision, body.get("full"))
    except ValueError as error:
        raise ContractError("decisions", str(error), remedy="was it written by a newer release?") from error


def as_fields(analysis: Analysis, *, week: Week | None) -> dict[str, Json]:
    """What a run came to, as the history and the terminal have it."""
    decision, advice = analysis.decision, analysis.advice
    finished_at = analysis.now if decision is None else max(analysis.now, decision.made_at)
    seen = analysis.evidence.performance if analysis.evidence else week
    fields: dict[str, Json] = {
        "status": "success" if analysis.skip is None else "skipped",
        "run_id": analysis.run_id,
        "started_at": analysis.now.isoformat(),
        "finished_at": finished_at.isoformat(),
        "data_as_of": seen.as_of.isoformat() if isinstance(seen, Week) else None,
        "kind": analysis.kind.value,
        "summary": analysis.summary,
    }
    if decision is not None:
        body = as_body(decision)
        fields |= {name: body[name] for name in body if name not in {"run_id", "full", "start_retrain", "start"}}
        fields |= {
            "retrain_triggered": decision.start is Start.STARTED,
            "prompt_sha256": decision.question.prompt_sha256,
            "votes": [_vote(ballot) for ballot in decision.ballots],
            "usage": _usage(decision),
            "full_analysis": encoded(decision),
        }
    if advice is not None:
        rules: dict[str, Json] = {
            "source": "rules",
            "recommendation": advice.recommendation.value,
            "confidence": None,
            "urgency": advice.urgency.value,
            "reasoning": " ".join(advice.reasoning),
            "suggested_actions": list(advice.suggested_actions),
            "estimated_improvement": "",
            "retrain_triggered": False,
            "retrain_run_id": None,
        }
        fields |= rules
    if analysis.skip is not None:
        fields["skipped"] = {
            "code": analysis.skip.code,
            "reason": analysis.skip.reason,
            "metrics": None if week is None else encoded(week),
        }
    return fields


def event_payload(decision: Decision) -> dict[str, Json]:
    """What automations are told of a decision."""
    body = as_body(decision)
    names = ("decision_id", "date", "recommendation", "confidence", "urgency", "start_retrain", "start", "vetoes")
    return {name: body[name] for name in (*names, "retrain_run_id", "cost_usd")}


def replayed(decision: Decision) -> Verdict:
    """The verdict once more, from the raw answers, the evidence and the policy that were kept; no model is asked."""
    return judge([_reread(ballot) for ballot in decision.ballots], decision.evidence, decision.policy)


def _reread(ballot: Ballot) -> Proposal | None:
    """The proposal in the raw answer; as it was read at the time where the answer is not kept whole."""
    if ballot.status is None:
        return None
    if ballot.content_type is None and ballot.failure == Failure.FOREIGN:  # which also goes by the header
        return None
    if hashlib.sha256(ballot.body.encode()).hexdigest() != ballot.body_sha256:
        return ballot.proposal
    exchange = Exchange(
        Outcome.ANSWERED,
        timedelta(seconds=ballot.seconds),
        ballot.status,
        content_type=ballot.content_type or "",
        body=ballot.body.encode(),
    )
    return read_answer(exchange, "chat" if ballot.api == "chat" else "responses").proposal


def _usage(decision: Decision) -> Mapping[str, Json]:
    """Tokens of the answers that told them; `None` when none did."""
    told = [one for one in decision.ballots if one.input_tokens is not None]
    return {
        "input_tokens": sum(one.input_tokens or 0 for one in told) if told else None,
        "output_tokens": sum(one.output_tokens or 0 for one in told) if told else None,
    }


def _vote(ballot: Ballot) -> Mapping[str, Json]:
    proposal = ballot.proposal
    return {
        "number": ballot.number,
        "recommendation": proposal.recommendation.value if proposal else None,
        "confidence": str(proposal.confidence) if proposal else None,
        "failure": ballot.failure,
        "problem": ballot.problem,
        "cost_usd": str(ballot.cost_usd),
    }
