"""Feeds what jobs observe into the board of incidents, and puts what is worth telling into the outbox.

The board is one document, written by compare-and-set: of workers that race, one decides and the others decide again
on what it left. A message is on the board before it is in the outbox, so that a process killed in between loses none:
whoever comes next puts it there, once.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar
from urllib.parse import quote

from tradeops.adapters.store import AuditEvent, ReadableStore, Store
from tradeops.adapters.store.interface import Body, Message
from tradeops.domain import routing
from tradeops.domain.incidents.model import Incident, Observation, Policy
from tradeops.domain.incidents.records import board_body, board_from
from tradeops.domain.incidents.telling import Board, Change, Decision, Outgoing, Terms, decide
from tradeops.domain.notices import Level, Notice
from tradeops.errors import ConflictError, ContractError, RejectedError
from tradeops.jobs.alerts import silences
from tradeops.jobs.races import until_first
from tradeops.settings import Settings

COLLECTION = "incidents"
BOARD = "board"
ACTOR = "tradeops"

T = TypeVar("T")

log = logging.getLogger(__name__)


class Ground(Protocol):
    """What is needed of a desk, so that the watchdog needs no engine for it."""

    @property
    def settings(self) -> Settings:
        """The settings of the process."""
        ...

    @property
    def store(self) -> Store:
        """Where board and outbox are."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one round did.

    Attributes:
        notices: what is said now, each to one or more targets.
        open: the incidents that are open after it, the worst first.
    """

    notices: tuple[Notice, ...]
    open: tuple[Incident, ...]


def policy(settings: Settings) -> Policy:
    """When to speak, by the settings."""
    return Policy(
        failures=settings.incident_failures,
        successes=settings.incident_successes,
        reminder=timedelta(hours=settings.incident_reminder_hours),
        grace=timedelta(seconds=settings.startup_grace_seconds),
    )


async def observe(
    ground: Ground, observations: Iterable[Observation], *, source: str, run_id: str, now: datetime
) -> Outcome:
    """Count what was observed; what is worth telling is in the outbox when this returns.

    The same round again, whole or in part, tells nothing again.

    Args:
        ground: a desk.
        observations: one for each key that was looked at, good ones too, since they resolve.
        source: `health`, `cost`, `performance`, `job` …; the events are named after it.
        run_id: unique for each round.
        now: aware.

    Raises:
        UnavailableError: the store is down.
        ConflictError: others wrote again and again; nothing was counted.
        ContractError: the board was written by something else.
    """
    looks = tuple(observations)
    quiet = await silences.lasting(ground.store, now=now)
    settings = ground.settings
    terms = Terms(
        source, run_id, now, policy(settings), quiet, route(settings), targets(settings), partial(_page_of, settings)
    )

    def counted(board: Board) -> tuple[Board, Decision]:
        decision = decide(board, looks, terms)
        return decision.board, decision

    board, decision = await change_board(ground.store, counted, now=now)
    await _hand_over(ground.store, board, now=now)
    await _tell_history(ground.store, decision.changes, run_id=run_id, now=now)
    return Outcome(decision.notices, _open(board))


async def started(store: Store, *, now: datetime) -> None:
    """Give the services the grace after a start-up from `now` on.

    Raises:
        UnavailableError, ConflictError, ContractError: as `observe`.
    """
    await change_board(store, lambda board: (replace(board, started_at=now), None), now=now)


async def open_incidents(store: ReadableStore, *, now: datetime) -> tuple[Incident, ...]:
    """What is open, the worst first.

    Raises:
        UnavailableError: the store is down.
        ContractError: the board was written by something else.
    """
    board, _ = await read_board(store, now=now)
    return _open(board)


async def acknowledge(store: Store, key: str, *, by: str, now: datetime) -> Incident:
    """Somebody takes care: no reminders until it is over.

    Raises:
        RejectedError: no open incident has that key.
        UnavailableError, ConflictError, ContractError: as `observe`.
    """

    def taken(board: Board) -> tuple[Board, Incident]:
        incident = board.incidents.get(key)
        if incident is None or incident.opened_at is None:
            known = ", ".join(one.key for one in _open(board)) or "none"
            raise RejectedError("incidents", f"no open incident {key!r}", remedy=f"open are: {known}")
        incident = replace(incident, acknowledged_by=by)
        return replace(board, incidents={**board.incidents, key: incident}), incident

    _, incident = await change_board(store, taken, now=now)
    await store.append_event(
        AuditEvent(f"{incident.incident_id}:acknowledged", "incident_acknowledged", now, ACTOR, {"by": by})
    )
    return incident


def targets(settings: Settings) -> tuple[str, ...]:
    """The names of all channels in use; a channel of several addresses has a target for each."""
    kinds = [kind for kind in settings.channels_in_use if kind != "apprise"]
    apprise = settings.apprise_targets if "apprise" in settings.channels_in_use else ()
    return (*sorted(kinds), *(f"apprise-{number}" for number in range(1, len(apprise) + 1)))


def route(settings: Settings) -> Callable[[str, Level], tuple[str, ...]]:
    """Which targets hear of an event at a level, by the settings."""
    there = targets(settings)
    rules = routing.parse_routes(settings.notify_routes or "")
    return lambda event, level: routing.targets_for(event, level, rules, there)


async def change_board(store: Store, change: Callable[[Board], tuple[Board, T]], *, now: datetime) -> tuple[Board, T]:
    """Write what `change` makes of the board, and return it with what `change` says; anew when others were first.

    Raises:
        UnavailableError, ConflictError, ContractError: as `observe`.
    """

    async def attempt() -> tuple[Board, T]:
        board, version = await read_board(store, now=now)
        changed, outcome = change(board)
        if changed != board or version is None:
            await store.put(COLLECTION, BOARD, board_body(changed), expected_version=version)
        return changed, outcome

    return await until_first(attempt, system="incidents", what="the board")


async def read_board(store: ReadableStore, *, now: datetime) -> tuple[Board, int | None]:
    """The board and its version; a new one without a version where there is none yet.

    Raises:
        UnavailableError: the store is down.
        ContractError: the board was written by something else.
    """
    kept = await store.get(COLLECTION, BOARD)
    if kept is None:
        return Board(started_at=now), None
    try:
        return board_from(kept.body), kept.version
    except ValueError as error:
        raise ContractError("incidents", str(error), remedy="was it written by a newer release?") from error


async def _hand_over(store: Store, board: Board, *, now: datetime) -> None:
    """Enqueue what is pending, then strike it off the board; a message that is there already is not added again."""
    if not board.pending:
        return
    for one in board.pending:
        await store.enqueue(_message(one))
    done = {one.key for one in board.pending}

    def struck(board: Board) -> tuple[Board, None]:
        return replace(board, pending=tuple(one for one in board.pending if one.key not in done)), None

    try:
        await change_board(store, struck, now=now)
    except ConflictError:  # whoever comes next finds them in the outbox and strikes them off
        log.warning("messages that are in the outbox are still on the board of incidents")


def _page_of(settings: Settings, incident_id: str) -> str | None:
    """The dashboard's page of an incident, where it is known how people reach that."""
    address = settings.dashboard_url
    return None if address is None else f"{address}/incidents/{quote(incident_id, safe='')}"


def _message(one: Outgoing) -> Message:
    moment = one.notice.occurred_at
    return Message(one.key, one.target, one.notice.as_body(), created_at=moment, due_at=moment)


async def _tell_history(store: Store, changes: Iterable[Change], *, run_id: str, now: datetime) -> None:
    for change in changes:
        incident = change.incident
        body: Body = {
            "key": incident.key,
            "severity": incident.severity.word,
            "summary": incident.summary,
            "run_id": run_id,
            "lasted_seconds": incident.lasted.total_seconds(),
            "not_told": change.because,
        }
        await store.append_event(AuditEvent(change.change_id, f"incident_{change.transition}", now, ACTOR, body))


def _open(board: Board) -> tuple[Incident, ...]:
    there = (incident for incident in board.incidents.values() if incident.opened_at is not None)
    return tuple(sorted(there, key=lambda one: (-one.severity, one.bad_since or one.last_at, one.key)))
