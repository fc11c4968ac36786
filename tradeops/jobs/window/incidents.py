"""Incidents for the dashboard: the board as it stands, and the past from the audit trail."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.store import AuditEvent, ReadableStore
from tradeops.domain.candles import EPOCH
from tradeops.domain.incidents.model import Incident, Silence, Transition
from tradeops.domain.notices import Level
from tradeops.domain.window.conditions import IncidentLine
from tradeops.domain.window.pages import Happening, IncidentList, IncidentPage
from tradeops.domain.window.values import Link, Panel, Range, State
from tradeops.errors import RejectedError
from tradeops.jobs.alerts import silences
from tradeops.jobs.alerts.incidents import open_incidents
from tradeops.jobs.window.events import all_of

STATES = {
    Level.INFO: State.HEALTHY,
    Level.WARNING: State.DEGRADED,
    Level.ERROR: State.DEGRADED,
    Level.CRITICAL: State.CRITICAL,
}
RUNBOOKS = (  # by the beginning of the key
    ("guard:figures", "figures-unknown"),
    ("guard:near-limit", "near-limit"),
    ("guard:brake", "brake-trouble"),
    ("brake-unconfirmed:", "disable-not-confirmed"),
    ("brake-flipped:", "enabled-again"),
    ("brake:", "strategy-disabled"),
    ("engine", "engine-not-seen"),
    ("prefect:server", "server-gone"),
    ("prefect:worker", "worker-gone"),
    ("outbox:", "outbox-stuck"),
    ("cost:", "cost-limit"),
    ("performance", "performance-critical"),
    ("decision:llm", "decision-llm"),
    ("decision:retrain", "decision-retrain-start"),
    ("job:", "job-did-not-work"),
    ("run:", "run-lost"),
    ("drill", "drill-due"),
    ("store", "store-down"),
    ("mongodb", "store-down"),
    ("ai_service", "part-down"),
    ("frontend", "part-down"),
    ("redis", "part-down"),
    ("rabbitmq", "part-down"),
    ("exchange", "part-down"),
    ("llm", "part-down"),
    ("prefect", "part-down"),
    ("disk", "part-down"),
    ("memory", "part-down"),
    ("monitor", "part-down"),
)
EARLIER = timedelta(days=90)
BEFORE = timedelta(days=1)  # an incident is told of when it was bad for long enough
FIRST = timedelta(days=2)
KINDS = tuple(f"incident_{one}" for one in (*Transition, "acknowledged"))
RESOLVED = f"incident_{Transition.RESOLVED}"


async def panel(store: ReadableStore, *, now: datetime) -> Panel[tuple[IncidentLine, ...]]:
    """What is open, the worst first.

    Raises:
        UnavailableError: the store is down.
        ContractError: the board was written by something else.
    """
    return Panel(await open_lines(store, now=now), as_of=now)


async def open_lines(store: ReadableStore, *, now: datetime) -> tuple[IncidentLine, ...]:
    """See `panel`."""
    found = await open_incidents(store, now=now)
    quiet = await silences.lasting(store, now=now) if found else ()
    return tuple(_line(one, quiet, now) for one in found)


async def listed(store: ReadableStore, range_: Range, *, now: datetime) -> IncidentList:
    """What is open, and what was over in the range.

    Raises:
        UnavailableError, ContractError: as `panel`.
    """
    there = await open_lines(store, now=now)
    begin, until = now - range_.length, now + timedelta(hours=1)
    events = await all_of(store, since=begin, until=until, kinds=KINDS)
    still = {one.incident_id for one in there}
    ended = {
        incident_id
        for incident_id, mine in _by_incident(events).items()
        if incident_id not in still and any(event.kind == RESOLVED for event in mine)
    }
    opened = [at for one in ended if (at := opening_of(one)) is not None and at < begin]
    if opened:  # their first words are older
        since = max(min(opened) - BEFORE, begin - EARLIER)
        events = [*await all_of(store, since=since, until=begin, kinds=KINDS), *events]
    past = [_past(incident_id, mine) for incident_id, mine in _by_incident(events).items() if incident_id in ended]
    recent = [one for one in past if one.ended_at is not None and one.ended_at >= now - range_.length]
    return IncidentList(there, tuple(sorted(recent, key=lambda one: one.opened_at, reverse=True)))


async def page(store: ReadableStore, incident_id: str, *, now: datetime) -> IncidentPage:
    """One incident and all that is known of it.

    Raises:
        RejectedError: there is none of that id.
        UnavailableError, ContractError: as `panel`.
    """
    opened_at = opening_of(incident_id)
    if opened_at is None:
        raise _no_such(incident_id)
    mine = await _trail(
        store, incident_id, since=max(opened_at, EPOCH + BEFORE) - BEFORE, until=now + timedelta(hours=1)
    )
    board = {one.incident_id: one for one in await open_incidents(store, now=now)}
    incident = board.get(incident_id)
    if incident is None and not mine:
        raise _no_such(incident_id)
    quiet = await silences.lasting(store, now=now)
    line = _line(incident, quiet, now) if incident else _past(incident_id, mine)
    ended = line.ended_at or now
    name = runbook_of(line.key)
    return IncidentPage(
        line=line,
        source=incident.source if incident else "",
        lasted_seconds=(ended - line.opened_at).total_seconds(),
        told_to=incident.told.to if incident and incident.told else (),
        depends_on=incident.depends_on if incident else (),
        history=tuple(_happening(event) for event in mine),
        runbook=Link(f"docs/runbooks/{name}.md", f"docs/runbooks/{name}.md") if name else None,
    )


def opening_of(incident_id: str) -> datetime | None:
    """When it was opened, as its id has it; `None` for what is no id."""
    try:
        return datetime.strptime(incident_id.rpartition("@")[2], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    except ValueError:
        return None


def runbook_of(key: str) -> str | None:
    """The page of docs/runbooks about incidents of that key."""
    return next((book for beginning, book in RUNBOOKS if key.startswith(beginning)), None)


def _no_such(incident_id: str) -> RejectedError:
    return RejectedError("incidents", f"there is no incident {incident_id[:200]!r}", remedy="see the list of incidents")


def _line(incident: Incident, quiet: tuple[Silence, ...], now: datetime) -> IncidentLine:
    return IncidentLine(
        incident_id=incident.incident_id,
        key=incident.key,
        state=STATES[incident.severity],
        summary=incident.summary,
        opened_at=incident.opened_at or incident.last_at,
        acknowledged_by=incident.acknowledged_by,
        silenced=any(one.covers(incident.key, now) for one in quiet),
        flapping=incident.flapping,
    )


async def _trail(store: ReadableStore, incident_id: str, *, since: datetime, until: datetime) -> list[AuditEvent]:
    """All that was written of it, up to its end: most are over within hours, so not all is read that came after."""
    mine: list[AuditEvent] = []
    stretch = FIRST
    while since < until and not any(event.kind == RESOLVED for event in mine):
        end = min(until, since + stretch)
        mine += _by_incident(await all_of(store, since=since, until=end, kinds=KINDS)).get(incident_id, [])
        since, stretch = end, stretch * 4
    return mine


def _by_incident(events: list[AuditEvent]) -> dict[str, list[AuditEvent]]:
    found: dict[str, list[AuditEvent]] = {}
    for event in events:
        found.setdefault(event.event_id.rpartition(":")[0], []).append(event)
    return found


def _past(incident_id: str, events: list[AuditEvent]) -> IncidentLine:
    """From its events; `ended_at` is `None` where its end was not kept."""
    key, opened_at = incident_id.rpartition("@")[0], opening_of(incident_id) or events[0].occurred_at
    bodies: list[Any] = [event.body for event in events]
    words = [Level[word] for body in bodies if (word := str(body.get("severity", "")).upper()) in Level.__members__]
    return IncidentLine(
        incident_id=incident_id,
        key=key,
        state=STATES[max(words)] if words else State.UNKNOWN,
        summary=next((str(body["summary"]) for body in reversed(bodies) if body.get("summary")), ""),
        opened_at=opened_at,
        ended_at=next((e.occurred_at for e in reversed(events) if e.kind == RESOLVED), None),
        acknowledged_by=next((str(b["by"]) for b in bodies if b.get("by")), ""),
    )


def _happening(event: AuditEvent) -> Happening:
    body: Any = event.body
    word = str(body.get("severity", "")).upper()
    what = event.kind.removeprefix("incident_")
    why_not = str(body.get("not_told") or "")
    return Happening(
        at=event.occurred_at,
        what=what,
        state=State.HEALTHY
        if what == "resolved"
        else STATES[Level[word]]
        if word in Level.__members__
        else State.UNKNOWN,
        summary=str(body.get("summary") or (f"by {body['by']}" if body.get("by") else "")),
        told=None if "not_told" not in body else not why_not,
        why_not=why_not,
    )
