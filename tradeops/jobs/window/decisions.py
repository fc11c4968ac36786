"""Decisions for the dashboard: what was decided, why, and what became of it."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from tradeops.adapters.store import Point, ReadableStore
from tradeops.domain.decisions.codec import encoded
from tradeops.domain.decisions.outcomes import AFTER
from tradeops.domain.figures import Amount, known, known_amount, unknown, unknown_amount
from tradeops.domain.window.judgements import DecisionLine, LaterOutcome, VoteLine
from tradeops.domain.window.outline import outline
from tradeops.domain.window.pages import DecisionList, DecisionPage, Rule, Sheet
from tradeops.domain.window.values import Panel
from tradeops.errors import RejectedError
from tradeops.jobs.decision.decisions import HISTORY, find
from tradeops.jobs.window.links import run_link
from tradeops.settings import Settings

SHOWN = 6
PAGE = 50
EARLIEST = timedelta(days=3650)
NEVER = "no self-analysis is kept yet; it runs at 03:00 UTC, and after a critical week"
STARTED = {
    "started": "the retrain is started",
    "pending": "the retrain is not started yet",
    "given_up": "the retrain could not be started",
}

Rates = Mapping[date, float]


async def panel(
    store: ReadableStore, settings: Settings, rates: Rates, *, now: datetime
) -> Panel[tuple[DecisionLine, ...]]:
    """The latest.

    Raises:
        UnavailableError: the store is down.
    """
    found = await _lines(store, settings, rates, before=now + timedelta(hours=1), limit=SHOWN, now=now)
    return Panel(found, as_of=found[0].made_at) if found else Panel(None, NEVER)


async def listed(
    store: ReadableStore, settings: Settings, rates: Rates, *, before: datetime | None, now: datetime
) -> DecisionList:
    """A page of them.

    Raises:
        UnavailableError: the store is down.
    """
    soon = now + timedelta(hours=1)
    found = await _lines(store, settings, rates, before=min(before or soon, soon), limit=PAGE, now=now)
    return DecisionList(found, found[-1].made_at if len(found) == PAGE else None)


async def page(
    store: ReadableStore, settings: Settings, rates: Rates, decision_id: str, *, zone: tzinfo, now: datetime
) -> DecisionPage:
    """One decision.

    Raises:
        RejectedError: there is none of that id.
        UnavailableError: the store is down.
        ContractError: what is kept is no decision.
    """
    try:
        decision = await find(store, decision_id)
    except ValueError:  # no key of the store
        decision = None
    if decision is None:
        raise RejectedError("decisions", f"there is no decision {decision_id[:200]!r}", remedy="see the list of them")
    history = await store.points(
        HISTORY, since=decision.made_at, until=decision.made_at + timedelta(microseconds=1), limit=10
    )
    kept: Any = next((point.body for point in history if point.key == decision_id), {})
    cost = known_amount(decision.cost_usd)
    line = DecisionLine(
        decision_id=decision.decision_id,
        made_at=decision.made_at,
        recommendation=decision.recommendation.value,
        confidence=decision.verdict.confidence,
        source="llm",
        reasoning=decision.voice.reasoning if decision.voice else "",
        summary=str(kept.get("summary") or ""),
        votes=tuple(
            VoteLine(
                one.number,
                one.proposal.recommendation.value if one.proposal else None,
                one.proposal.confidence if one.proposal else None,
                one.problem,
            )
            for one in decision.ballots
        ),
        vetoes=tuple(rule.name for rule in decision.verdict.vetoes),
        start=STARTED.get(decision.start.value, "no retrain"),
        outcome=_outcome(decision.date, rates, now),
        cost=cost,
        run=run_link(settings, decision.run_id),
        retrain_run=run_link(settings, decision.retrain_run_id),
    )
    return DecisionPage(
        line=line,
        votes=line.votes,
        reasons=tuple(one.proposal.reasoning if one.proposal else one.problem for one in decision.ballots),
        rules=tuple(Rule(one.name, one.passed, one.detail) for one in decision.verdict.rules),
        evidence=_sheet(decision.evidence, zone),
        question=_sheet(decision.question, zone),
        record=decision.record,
        record_sha256=decision.record_sha256,
    )


def _sheet(value: object, zone: tzinfo) -> Sheet:
    body = encoded(value)
    return outline(body if isinstance(body, Mapping) else {"value": body}, zone=zone)


async def _lines(
    store: ReadableStore, settings: Settings, rates: Rates, *, before: datetime, limit: int, now: datetime
) -> tuple[DecisionLine, ...]:
    points = await store.points(HISTORY, since=now - EARLIEST, until=before, limit=limit, newest_first=True)
    return tuple(_line(point, settings, rates, now) for point in points)


def _line(point: Point, settings: Settings, rates: Rates, now: datetime) -> DecisionLine:
    body: Any = point.body
    is_decided = isinstance(body.get("decision_id"), str) and body.get("kind") != "unanswered"
    started = STARTED["started"] if body.get("retrain_triggered") is True else "no retrain"
    return DecisionLine(
        decision_id=str(body["decision_id"]) if is_decided else "",
        made_at=point.timestamp,
        recommendation=_text(body.get("recommendation")),
        confidence=_decimal(body.get("confidence")),
        source=str(body.get("source") or ""),
        reasoning=str(body.get("reasoning") or ""),
        summary=str(body.get("summary") or ""),
        votes=tuple(
            VoteLine(
                int(one.get("number", 0)),
                _text(one.get("recommendation")),
                _decimal(one.get("confidence")),
                str(one.get("problem") or one.get("failure") or ""),
            )
            for one in body.get("votes") or ()
        ),
        vetoes=tuple(map(str, body.get("vetoes") or ())),
        start=started,
        outcome=_outcome(_date(body), rates, now) if is_decided else _no_outcome("nothing was decided"),
        cost=_cost(body),
        run=run_link(settings, body.get("run_id")),
        retrain_run=run_link(settings, body.get("retrain_run_id")),
    )


def _outcome(day: date | None, rates: Rates, now: datetime) -> LaterOutcome:
    if day is None:
        return _no_outcome("its day is not known")
    before, after = rates.get(day), rates.get(day + AFTER)
    ripe = day + AFTER
    later = f"known from {ripe:%Y-%m-%d} on" if now.date() <= ripe else f"no analysis of {ripe:%Y-%m-%d} is kept"
    return LaterOutcome(
        unknown(f"no analysis of {day:%Y-%m-%d} is kept") if before is None else known(before),
        unknown(later) if after is None else known(after),
        None if before is None or after is None else after > before,
    )


def _no_outcome(reason: str) -> LaterOutcome:
    return LaterOutcome(unknown(reason), unknown(reason), None)


def _cost(body: Mapping[str, Any]) -> Amount:
    cost = _decimal(body.get("cost_usd"))
    return unknown_amount("no language model was asked") if cost is None else known_amount(cost)


def _date(body: Mapping[str, Any]) -> date | None:
    try:
        return date.fromisoformat(str(body.get("date")))
    except ValueError:
        return None


def _decimal(value: object) -> Decimal | None:
    try:
        found = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
