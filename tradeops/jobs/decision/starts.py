"""Starts the retrains that were decided, once each: this run's, and what a killed run left on the board."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from tradeops.domain.decisions import board as rules
from tradeops.domain.decisions.board import Board
from tradeops.domain.decisions.decision import Analysis, Decision, Kind, Start
from tradeops.domain.decisions.evidence import Missing
from tradeops.errors import TradeOpsError
from tradeops.jobs import audit
from tradeops.jobs.decision import board as decision_board
from tradeops.jobs.decision import decisions
from tradeops.jobs.decision.self_analysis import JOB, Opened
from tradeops.jobs.monitoring.parts import POOL
from tradeops.wiring import Desk

TRIES = 2

Starter = Callable[[Decision], Awaitable[str]]
Finder = Callable[[Decision], Awaitable[str | None]]

log = logging.getLogger(__name__)


async def finish(
    desk: Desk, mine: Opened, analysis: Analysis, start: Starter, find: Finder, *, now: datetime
) -> Analysis:
    """Start what was decided and is not started yet, and keep the history; returns what the run came to in the end.

    Args:
        desk: of the run.
        mine: what the run knew at its beginning.
        analysis: what it came to.
        start: starts the retrain of a decision, once however often it is called, and returns its run's id.
        find: the id of the run that was started for a decision, by whomever; `None` when there is none.
        now: aware.

    Raises:
        UnavailableError: the store is down; the next run finishes.
        ConflictError: others wrote again and again.
        ContractError: board or decision were written by something else.
    """
    board, _ = await decision_board.read(desk.store)
    notes: list[str] = []
    left_behind: list[Decision] = []
    for body in board.pending.values():
        kept = await decisions.keep(desk.store, decisions.decision_of(body))
        done = await _started(desk, kept, start, find, now)
        if analysis.decision is not None and analysis.decision.decision_id == done.decision_id:
            taken_over = analysis.kind is Kind.STORED and done.start is not Start.PENDING
            analysis = replace(analysis, decision=done, takes_over=taken_over)
            notes += await _waiting(desk) if done.start is Start.STARTED else []
        else:
            left_behind += [done] if done.start is not Start.NONE else []
            left = Analysis(Kind.DECIDED, done.run_id, done.made_at, decision=done)
            await decisions.remember(desk.store, left, week=None)
    week = None if isinstance(mine.week, Missing) else mine.week
    await decisions.remember(desk.store, analysis, week=week)
    return replace(analysis, left_behind=tuple(left_behind), notes=(*analysis.notes, *notes))


async def _started(desk: Desk, decision: Decision, start: Starter, find: Finder, now: datetime) -> Decision:
    """The decision with its retrain started, or with why it is not; struck off the board once nothing is left to do."""
    if decision.start is Start.PENDING:
        old = decision.is_too_old(now)
        tried = await (_look_for_start(decision, find) if old else _try_to_start(decision, start))
        decision = await decisions.keep(desk.store, tried)
    if decision.start not in {Start.PENDING, Start.NONE}:
        await _record(desk, decision, now)
    if decision.start is not Start.PENDING:

        def strike(board: Board) -> tuple[Board, None]:
            gone = rules.finished(board, decision.decision_id)
            return (rules.not_started(gone, decision.decision_id) if decision.start is Start.GIVEN_UP else gone), None

        await decision_board.change(desk.store, strike)
    return decision


async def _record(desk: Desk, decision: Decision, now: datetime) -> None:
    """What became of the retrain, in the trail; a run that was killed may have kept it without a record."""
    content = {
        "decision_id": decision.decision_id,
        "start": decision.start.value,
        "retrain_run_id": decision.retrain_run_id or None,
        "problem": decision.problem,
    }
    there, _ = await audit.records(desk.store, since=decision.made_at)
    if not any((one.what, one.content) == (decision.start.value, content) for one in there):
        await audit.append(desk.store, at=now, actor=JOB, what=decision.start.value, content=content)


async def _try_to_start(decision: Decision, start: Starter) -> Decision:
    problem = ""
    for _ in range(TRIES):
        try:
            run_id = await start(decision)
        except TradeOpsError as error:
            log.warning("the retrain of decision %s was not started: %s", decision.decision_id, error)
            problem = str(error)
        else:
            return replace(decision, start=Start.STARTED, retrain_run_id=run_id, problem="")
    return replace(decision, problem=problem)


async def _look_for_start(decision: Decision, find: Finder) -> Decision:
    """Given up, unless a run that was killed before it could say so did start it; pending while that is not known."""
    try:
        run_id = await find(decision)
    except TradeOpsError as error:
        problem = f"older than six hours, and whether it was started before is not known: {error}"
        return replace(decision, problem=problem)
    if run_id is not None:
        return replace(decision, start=Start.STARTED, retrain_run_id=run_id, problem="")
    problem = f"given up after six hours: {decision.problem or 'no run came to start it'}"
    return replace(decision, start=Start.GIVEN_UP, problem=problem)


async def _waiting(desk: Desk) -> list[str]:
    """That nobody is there to run it, if that can be told."""
    if desk.prefect_api is None:
        return []
    try:
        workers = await desk.prefect_api.workers(POOL)
    except TradeOpsError as error:
        log.warning("whether a worker is up is not known: %s", error)
        return []
    return [] if any(one.online for one in workers) else [f"no worker is up: the retrain waits in the pool {POOL}"]
