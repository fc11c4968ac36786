"""Services for the dashboard, and how things stand as a whole."""

from datetime import datetime, timedelta

from tradeops.adapters.store import Point
from tradeops.domain.heartbeats import RHYTHMS
from tradeops.domain.window.conditions import IncidentLine, Service
from tradeops.domain.window.overview import Headline, StatusView
from tradeops.domain.window.services import services, uptime
from tradeops.domain.window.values import Panel, Range, State, state_of, worst
from tradeops.jobs.window.history import History

RHYTHM = RHYTHMS["system-health-check"]
STALE = RHYTHM.every + RHYTHM.grace
NEVER = "no health check is kept yet; it runs every 15 minutes, or now by `tradeops health` or its Prefect deployment"


async def panel(
    newest: Point | str, history: History, range_: Range, trouble: str, *, now: datetime
) -> Panel[tuple[Service, ...]]:
    """The parts of the newest check, or why there is none.

    `trouble` is why there may be a newer one.
    """
    if isinstance(newest, str):
        return Panel(None, newest)
    found = services(history.columns, newest.body, range_, now=now)
    return Panel(found, as_of=newest.timestamp, stale=_is_old(newest, now) or bool(trouble))


def headline(
    newest: Point | str | None, incidents: Panel[tuple[IncidentLine, ...]], why: str, *, now: datetime
) -> Headline:
    """The worst of the last check and of what is open; what is old or not there is not known.

    Args:
        newest: the last check; `None` or a text where there is none.
        incidents: that are open.
        why: there is no check.
        now: aware.
    """
    newest = newest if isinstance(newest, Point) else None
    if incidents.content is None:
        return Headline(State.UNKNOWN, incidents.why, newest.timestamp if newest else None)
    states = [one.state for one in incidents.content if not one.silenced]
    said = [f"{one.key}: {one.summary}" for one in incidents.content if not one.silenced]
    if newest is None:
        return Headline(worst(State.UNKNOWN, *states), said[0] if said else why, None)
    if _is_old(newest, now):
        age = now - newest.timestamp
        text = f"the last health check was {_words(age)} ago"
        return Headline(worst(State.UNKNOWN, *states), "; ".join([text, *said[:1]]), newest.timestamp)
    state = worst(state_of(newest.body.get("overall_status")), *states)
    alerts = newest.body.get("alerts")
    said += [str(line) for line in alerts] if isinstance(alerts, list) and not said else []
    others = f" and {len(said) - 1} more" if len(said) > 1 else ""
    return Headline(state, f"{said[0]}{others}" if said else "all is well", newest.timestamp)


def status(newest: Point | None, history: History, incidents: int | None, state: State, *, now: datetime) -> StatusView:
    """States alone."""
    body = newest.body if newest else {}
    found = services(history.columns, body, Range.DAY, now=now)
    return StatusView(
        at=now,
        state=state,
        checked_at=newest.timestamp if newest else None,
        services=tuple((one.name, one.state, uptime(history.columns, one.name, now=now)) for one in found),
        open_incidents=incidents,
    )


def _is_old(newest: Point, now: datetime) -> bool:
    return now - newest.timestamp > STALE


def _words(age: timedelta) -> str:
    hours, minutes = age // timedelta(hours=1), age // timedelta(minutes=1)
    return f"{hours} h" if hours else f"{minutes} min"
