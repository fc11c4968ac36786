"""The steps of the nightly decision: open, ask, decide. One decision a window, one bill, one retrain.

One run at a time has the claim to decide. A decision is committed to the board by whoever still holds the claim, so of
two that overlap one counts. `tradeops.jobs.decision.starts` finishes what is on the board, also of a killed run.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import uuid4

from tradeops.domain.audit import Record
from tradeops.domain.decisions import board as rules
from tradeops.domain.decisions.analyst import advise
from tradeops.domain.decisions.board import LEASE, Board
from tradeops.domain.decisions.decision import Analysis, Decision, Kind
from tradeops.domain.decisions.evidence import Evidence, Missing, Week
from tradeops.domain.decisions.figures import figures
from tradeops.domain.decisions.gate import Policy
from tradeops.domain.decisions.skipping import Skip, skip, too_soon
from tradeops.domain.llm import render
from tradeops.errors import ConflictError, TradeOpsError, UnavailableError
from tradeops.jobs import audit
from tradeops.jobs.decision import board as decision_board
from tradeops.jobs.decision import decisions
from tradeops.jobs.decision.ballots import decision_of, is_final, question_of, trail_of, troubles
from tradeops.jobs.decision.evidence import read_week
from tradeops.jobs.decision.prompts import load_prompt
from tradeops.jobs.decision.votes import ask_votes
from tradeops.logs import about
from tradeops.settings import Settings
from tradeops.wiring import Desk

JOB = "gpt4-self-analysis"
MADE_EVENT, RESOURCE = "tradeops.decision.made", "tradeops.decision.retrain"
LOOK_AGAIN_SECONDS = 0.5
AGAIN_MARGIN = timedelta(seconds=30)  # clocks differ, and a worker fetches a run ten seconds before its time
MOST_UNANSWERED, COUNTED = 5, timedelta(hours=12)  # after so many the next night asks
PAUSES = (1.0, 4.0, 15.0)  # for a store that is down after the votes were paid

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a run knows at its beginning.

    Attributes:
        week: the latest analysis of performance.
        owner: of the claim: two processes of one run, as after a crash of a worker, are two.
        settled: what the run comes to, when nothing is left to decide; `None` while it holds the claim.
    """

    decision_id: str
    run_id: str
    forced: bool
    now: datetime
    week: Week | Missing
    owner: str = field(default_factory=lambda: uuid4().hex)
    settled: Analysis | None = None


def policy(settings: Settings) -> Policy:
    """What the gate asks for, by the settings."""
    return Policy(cooldown=settings.retrain_cooldown, most_retrains=settings.retrains_per_week)


@asynccontextmanager
async def opened(desk: Desk, *, forced: bool, run_id: str, now: datetime) -> AsyncGenerator[Opened]:
    """Read the week, find what was decided of it, or take the claim to decide for the block.

    While another run holds the claim this one waits, and then finds that one's decision.

    Raises:
        TransientError: the store, or what performance was kept in, cannot be read.
        ConflictError: others wrote the board again and again.
        ContractError: board or decision were written by something else.
    """
    week = await read_week(desk)
    date = now.date() if isinstance(week, Missing) else week.date
    decision_id = f"{date}-{run_id}" if forced else date.isoformat()
    mine = Opened(decision_id, run_id, forced, now, week)
    settled = await _settled(desk, mine) or await _claimed(desk, mine)
    try:
        with about(decision_id=decision_id):
            yield replace(mine, settled=settled)
    finally:
        if settled is None:
            await _release(desk, mine.owner)


async def decide(desk: Desk, mine: Opened, evidence: Evidence) -> Analysis:
    """Ask the language model for votes and let the gate decide; without a key or a budget the rules speak.

    Raises:
        UnavailableError: the store is down, so nobody was asked, or the decision is not committed.
        ConflictError: the claim was lost to another run: its decision counts, not this one.
        RejectedError: the evidence holds something that must not enter a prompt.
    """
    if (why := _cannot_ask(desk, evidence)) is not None:
        return _skipped(mine, why, evidence)
    prompt = render(load_prompt(), figures(evidence))
    asked = {"decision_id": mine.decision_id, "run_id": mine.run_id, **trail_of(prompt)}
    await audit.append(desk.store, at=mine.now, actor=JOB, what="asked", content=asked)
    await _remember_asking(desk, mine)
    votes = await ask_votes(desk, prompt, analysis=f"{mine.decision_id}:{mine.run_id[:8]}", run_id=mine.run_id)
    made_at = datetime.now(UTC)
    decision = decision_of(votes, mine, evidence, policy(desk.settings), question_of(votes, prompt), made_at)
    analysis = Analysis(
        Kind.DECIDED,
        mine.run_id,
        mine.now,
        evidence=evidence,
        decision=decision,
        trouble=troubles(votes),
        critical=bool(votes.critical),
        retry_after=votes.retry_after,
        advice=None if votes.proposals else advise(evidence),
    )
    what = decisions.DECIDED if is_final(votes) else "unanswered"
    content = {**decisions.as_body(decision), **trail_of(prompt, votes)}
    record = await _insist(lambda: audit.append(desk.store, at=made_at, actor=JOB, what=what, content=content))
    if what != decisions.DECIDED:
        return replace(analysis, kind=Kind.UNANSWERED)
    return replace(analysis, decision=await _insist(lambda: _kept(desk, mine, decision, record)))


async def asks_again_after(desk: Desk, analysis: Analysis) -> timedelta | None:
    """In how long another run should ask, late enough that it may; `None` when none should be scheduled for that.

    Raises:
        UnavailableError: the store is down.
    """
    if (wait := analysis.asks_again_after) is None:
        return None
    since, until = analysis.now - COUNTED, analysis.now + timedelta(minutes=1)
    history = await desk.store.points(decisions.HISTORY, since=since, until=until)
    unanswered = [point for point in history if point.body.get("kind") == Kind.UNANSWERED]
    return max(wait, desk.settings.analysis_interval + AGAIN_MARGIN) if len(unanswered) < MOST_UNANSWERED else None


async def _settled(desk: Desk, mine: Opened) -> Analysis | None:
    """What the run comes to without a claim: the decision that is there, or why there is no reason to ask."""
    stored = await decisions.find(desk.store, mine.decision_id)
    board, _ = await decision_board.read(desk.store)
    if stored is None and (body := board.pending.get(mine.decision_id)):  # its run was killed before it kept it
        stored = await decisions.keep(desk.store, decisions.decision_of(body))
    if stored is not None:
        return Analysis(Kind.STORED, mine.run_id, mine.now, evidence=stored.evidence, decision=stored)
    why = skip(mine.week, forced=mine.forced, today=mine.now.date(), policy=policy(desk.settings))
    return None if why is None else Analysis(Kind.SKIPPED, mine.run_id, mine.now, skip=why)


async def _claimed(desk: Desk, mine: Opened) -> Analysis | None:
    """`None` once the claim is this run's; otherwise what it comes to without one."""

    def take(board: Board) -> tuple[Board, bool]:
        taken = rules.claimed(board, mine.decision_id, mine.owner, now=datetime.now(UTC))
        return (board, False) if taken is None else (taken, True)

    deadline = asyncio.get_running_loop().time() + LEASE.total_seconds()
    while not await decision_board.change(desk.store, take):
        if asyncio.get_running_loop().time() > deadline:
            return Analysis(Kind.SKIPPED, mine.run_id, mine.now, skip=Skip("busy", "another run is at an analysis"))
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    try:
        settled = await _settled(desk, mine) or await _recovered(desk, mine) or await _rested(desk, mine)
    except BaseException:
        await _release(desk, mine.owner)
        raise
    if settled is not None:
        await _release(desk, mine.owner)
    return settled


async def _recovered(desk: Desk, mine: Opened) -> Analysis | None:
    """What a run decided that was killed before its decision counted: it is paid, and in the trail as its last word.

    Once anything follows it there, it no longer counts: another decision may rest on that there was none.
    """
    head, _ = await audit.read_head(desk.store)
    if head is None or head.last.what != decisions.DECIDED or head.last.content.get("decision_id") != mine.decision_id:
        return None
    decision = await _kept(desk, mine, decisions.decision_of(head.last.content), head.last)
    return Analysis(Kind.STORED, mine.run_id, mine.now, evidence=decision.evidence, decision=decision)


async def _rested(desk: Desk, mine: Opened) -> Analysis | None:
    """That the last analysis was too short a while ago, if so."""
    if desk.settings.openai_api_key is None:
        return None
    board, _ = await decision_board.read(desk.store)
    last = None if board.asked_at is None else datetime.now(UTC) - board.asked_at
    why = too_soon(last, desk.settings.analysis_interval)
    return None if why is None else Analysis(Kind.SKIPPED, mine.run_id, mine.now, skip=why)


async def _release(desk: Desk, owner: str) -> None:
    """A claim that cannot be given back lapses by itself."""
    try:
        await decision_board.change(desk.store, lambda board: (rules.released(board, owner), None))
    except TradeOpsError as error:
        log.warning("the claim to decide was not given back: %s", error)


def _cannot_ask(desk: Desk, evidence: Evidence) -> Skip | None:
    if desk.settings.openai_api_key is None:
        return Skip("no_key", "OPENAI_API_KEY is not set, no language model is asked")
    spending = evidence.spending
    if isinstance(spending, Missing):
        return Skip("no_budget", f"what was spent is not known: {spending.reason}")
    return Skip("no_budget", f"no call may be paid: {spending.refusal}") if spending.refusal else None


def _skipped(mine: Opened, why: Skip, evidence: Evidence) -> Analysis:
    return Analysis(Kind.SKIPPED, mine.run_id, mine.now, evidence=evidence, skip=why, advice=advise(evidence))


async def _remember_asking(desk: Desk, mine: Opened) -> None:
    """Before the call, so that a killed run counts too."""

    def asking(board: Board) -> tuple[Board, bool]:
        now = datetime.now(UTC)
        mine_still = rules.is_owner(board, mine.owner, now=now)
        return (rules.asked(board, now=now), True) if mine_still else (board, False)

    if not await decision_board.change(desk.store, asking):
        raise _lost()


async def _insist(doing: Callable[[], Awaitable[T]]) -> T:
    """What it returns, also when the store is down for a moment: what was paid is not thrown away for that."""
    for pause in PAUSES:
        try:
            return await doing()
        except UnavailableError as error:
            log.warning("what was decided is not kept yet: %s", error)
            await asyncio.sleep(pause)
    return await doing()


async def _kept(desk: Desk, mine: Opened, decision: Decision, record: Record) -> Decision:
    """The decision as it counts from now on, with its place in the trail."""
    decision = replace(decision, record=record.number, record_sha256=record.sha256)
    await _commit(desk, mine, decision)
    return await decisions.keep(desk.store, decision)


async def _commit(desk: Desk, mine: Opened, decision: Decision) -> None:
    """From here on the decision counts, and its retrain with it, whatever happens to this run."""
    body = decisions.as_body(decision)

    def commit(board: Board) -> tuple[Board, bool]:
        now = datetime.now(UTC)
        if not rules.is_owner(board, mine.owner, now=now):
            return board, False
        wanted = decision.verdict.start_retrain
        return rules.committed(board, decision.decision_id, body, start_retrain=wanted, now=now), True

    if not await decision_board.change(desk.store, commit):
        raise _lost()


def _lost() -> ConflictError:
    return ConflictError("decisions", "another run took over, since this one took too long; its decision counts")
