"""Who is at an analysis, what waits to be finished, and which retrains were decided: one small document. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tradeops.domain.decisions.evidence import AHEAD, Retrain

LEASE = timedelta(minutes=4)  # longer than an analysis can take, shorter than the deadline of its flow
REMEMBERED = timedelta(days=31)  # longer than any cooldown that can be set


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to decide, of one run at a time.

    Attributes:
        decision_id: what it decides.
        owner: the process of a run.
        until: when it lapses, should the run have been killed.
    """

    decision_id: str
    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Board:
    """What runs must agree on.

    Attributes:
        claim: who decides now; `None` when nobody does.
        asked_at: when a language model was last asked; `None` before the first time.
        pending: decisions that are committed and not finished, as they are kept, by id.
        retrains: those that were decided in the last eight days.
    """

    claim: Claim | None = None
    asked_at: datetime | None = None
    pending: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    retrains: tuple[Retrain, ...] = ()


def claimed(board: Board, decision_id: str, owner: str, *, now: datetime) -> Board | None:
    """The board with this run's claim on it; `None` while another run has one.

    A claim that lasts longer than any can was made by a clock that was wrong: it would keep everybody out for as long.
    """
    there = board.claim
    if there is not None and now < there.until <= now + LEASE + AHEAD and there.owner != owner:
        return None
    return replace(board, claim=Claim(decision_id, owner, now + LEASE))


def is_owner(board: Board, owner: str, *, now: datetime) -> bool:
    """Whether this run still has the right to decide."""
    return board.claim is not None and board.claim.owner == owner and board.claim.until > now


def released(board: Board, owner: str) -> Board:
    """The board without this run's claim; another's stays."""
    return replace(board, claim=None) if board.claim and board.claim.owner == owner else board


def asked(board: Board, *, now: datetime) -> Board:
    """The board that remembers when a language model was asked."""
    return replace(board, asked_at=now)


def committed(
    board: Board, decision_id: str, body: Mapping[str, object], *, start_retrain: bool, now: datetime
) -> Board:
    """The board with the decision on it, and the retrain counted from this moment on; told twice it counts once."""
    recent = tuple(one for one in board.retrains if one.at > now - REMEMBERED and one.key != decision_id)
    mine = (Retrain(decision_id, now),) if start_retrain else ()
    return replace(board, pending={**board.pending, decision_id: body}, retrains=(*recent, *mine))


def finished(board: Board, decision_id: str) -> Board:
    """The board without a decision that needs nothing more."""
    return replace(board, pending={key: body for key, body in board.pending.items() if key != decision_id})


def not_started(board: Board, decision_id: str) -> Board:
    """The board without a retrain that was given up: it rests nobody."""
    return replace(board, retrains=tuple(one for one in board.retrains if one.key != decision_id))
