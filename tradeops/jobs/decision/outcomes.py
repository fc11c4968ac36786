"""What became of our decisions, read from the store: decisions joined with the win rates of the weeks after them."""

from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from tradeops.adapters.store.interface import Body
from tradeops.domain.decisions.outcomes import Decided, Group, Outcome, Reliability, joined, reliability
from tradeops.jobs.decision import decisions
from tradeops.jobs.reports import performance
from tradeops.wiring import Desk

LOOK_BACK = timedelta(days=365)
MOST = 5000


async def outcomes(desk: Desk, now: datetime) -> tuple[Outcome, ...]:
    """The decisions of the last year whose outcome is known, the oldest first.

    Raises:
        UnavailableError: the store is down.
    """
    store, since, until = desk.store, now - LOOK_BACK, now + timedelta(hours=1)
    history = await store.points(decisions.HISTORY, since=since, until=until, limit=MOST)
    weeks = await store.points(performance.SERIES, since=since - timedelta(days=1), until=until, limit=MOST)
    rates = {day: rate for point in weeks if (day := _day(point.body)) and (rate := _rate(point.body)) is not None}
    return joined([one for point in history if (one := _decided(point.body))], rates)


async def read_reliability(desk: Desk, now: datetime) -> Reliability | None:
    """What confidences were worth; `None` below ten outcomes.

    Raises:
        UnavailableError: the store is down.
    """
    return reliability(await outcomes(desk, now))


def _decided(body: Body) -> Decided | None:
    decision_id, day = body.get("decision_id"), _day(body)
    if not isinstance(decision_id, str) or day is None or body.get("kind") == "unanswered":
        return None
    retrained = body.get("retrain_triggered") is True
    proposed = body.get("recommendation") == "retrain"
    group = Group.RETRAINED if retrained else Group.VETOED if proposed else Group.LEFT
    return Decided(decision_id, day, group, _confidence(body))


def _day(body: Body) -> date | None:
    try:
        return date.fromisoformat(str(body.get("date")))
    except ValueError:
        return None


def _rate(body: Body) -> float | None:
    value = body.get("win_rate")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _confidence(body: Body) -> Decimal | None:
    value = body.get("confidence")
    try:
        return None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
