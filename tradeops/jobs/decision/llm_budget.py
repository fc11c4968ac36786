"""The ledger of our own calls of language models: reserve before, settle after; the store decides, whoever else asks.

One document holds what is reserved, changed by compare-and-set; what was paid is the series `llm_calls`, from which the
cost report is made. The document is read first, so that a call that is settled meanwhile is seen at least once.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from tradeops.adapters.store import AuditEvent, Document, Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.costs.months import Month
from tradeops.domain.llm import BudgetLimits, BudgetState, Ledger, Reservation, Settled, budget_state, month_key
from tradeops.errors import ConflictError, ContractError, RejectedError, UnavailableError
from tradeops.jobs.races import until_first
from tradeops.settings import Settings
from tradeops.wiring import Desk, Guard

CALLS = "llm_calls"
COLLECTION, KEY = "llm_budget", "ledger"
DAY = timedelta(days=1)
MOST_CALLS = 100_000
TRIES = 100  # of many votes at once, each of which must be reserved
MONTHS_KEPT = 3

Books = Desk | Guard
T = TypeVar("T")


async def read(books: Books, *, now: datetime | None = None) -> BudgetState:
    """Where spending stands; nothing is reserved.

    Raises:
        UnavailableError: the store does not answer.
        ContractError: what is kept cannot be true.
    """
    now = now or datetime.now(UTC)
    ledger, _, settled = await _read(books, now)
    return budget_state(ledger, settled, limits(books.settings), now)


async def reserve(books: Books, wanted: Reservation) -> str:
    """Set the upper bound of a call aside, if every limit allows it; reservations of dead processes are paid meanwhile.

    Returns:
        Why the call may not be made; empty when it may: then it must be settled.

    Raises:
        UnavailableError: the store does not answer; the call must not be made.
        ContractError: what is kept cannot be true.
    """

    async def attempt() -> str:
        ledger, version, settled = await _read(books, wanted.at)
        state = budget_state(ledger, settled, limits(books.settings), wanted.at)
        if refusal := state.refuses(wanted.analysis, wanted.usd):
            return refusal
        abandoned = ledger.abandoned(wanted.at)
        for one in abandoned:
            await books.store.add_point(CALLS, unsettled_point(one))
        paid = [one.key for one in settled if one.key in ledger.open]
        kept = ledger.without([*paid, *(one.key for one in abandoned)]).reserved(wanted)
        await books.store.put(COLLECTION, KEY, _body(kept, wanted.at), expected_version=version)
        return ""

    return await _first(attempt)


async def settle(books: Books, point: Point) -> None:
    """Keep what a reserved call cost as a point of `llm_calls`, and give its reservation back.

    Raises:
        UnavailableError: the store could neither keep it nor put it aside; the reservation stands until it counts as
            spent.
    """
    await books.store.add_point(CALLS, point)

    async def attempt() -> None:
        document = await books.store.get(COLLECTION, KEY)
        ledger = _ledger(document)
        if document is None or point.key not in ledger.open:
            return
        body = _body(ledger.without([point.key]), point.timestamp)
        await books.store.put(COLLECTION, KEY, body, expected_version=document.version)

    await _first(attempt)


async def lift(
    books: Books, *, operator: str, reason: str, limit_usd: Decimal, now: datetime | None = None
) -> BudgetState:
    """Set the limit of this UTC month, by a person; it ends with the month, and the audit trail knows who.

    Raises:
        RejectedError: a limit that is not above zero.
        UnavailableError: the store does not answer.
    """
    now = now or datetime.now(UTC)
    if not limit_usd.is_finite() or limit_usd <= 0:
        raise RejectedError("llm budget", "a limit must be above 0 USD", remedy="name what the month may cost in all")
    month = month_key(now)
    event = AuditEvent(
        event_id=f"llm-limit-{month}-{now:%Y%m%dT%H%M%S%f}",
        kind="llm_limit_lifted",
        occurred_at=now,
        actor=operator,
        body={"month": month, "limit_usd": str(limit_usd), "reason": reason},
    )
    await books.store.append_event(event)

    async def attempt() -> None:
        document = await books.store.get(COLLECTION, KEY)
        ledger = _ledger(document)
        lifted = Ledger(ledger.open, ledger.analyses, {**ledger.lifted, month: limit_usd})
        version = document.version if document else None
        await books.store.put(COLLECTION, KEY, _body(lifted, now), expected_version=version)

    await _first(attempt)
    return await read(books, now=now)


async def unsettled(books: Books, *, since: datetime, until: datetime, now: datetime) -> list[Point]:
    """Calls of [since, until) whose process died before it could say what they cost, as points at their upper bound.

    Raises:
        UnavailableError: the store does not answer.
    """
    dead = [one for one in _ledger(await books.store.get(COLLECTION, KEY)).abandoned(now) if since <= one.at < until]
    if not dead:
        return []
    kept = {point.key for point in await books.store.points(CALLS, since=since, until=until, limit=MOST_CALLS)}
    return [unsettled_point(one) for one in dead if one.key not in kept]


def unsettled_point(dead: Reservation) -> Point:
    """What a call counts as whose process died: its upper bound."""
    body: dict[str, Json] = {"cost_usd": str(dead.usd), "estimated": True, "unsettled": True, "analysis": dead.analysis}
    return Point(dead.key, dead.at, body)


def limits(settings: Settings) -> BudgetLimits:
    """As configured."""
    return BudgetLimits(
        analysis_usd=settings.llm_analysis_limit_usd,
        day_usd=settings.llm_daily_limit_usd,
        month_usd=settings.llm_monthly_limit_usd,
        analyses_per_hour=settings.llm_analyses_per_hour,
        analyses_per_day=settings.llm_analyses_per_day,
    )


async def _read(books: Books, now: datetime) -> tuple[Ledger, int | None, list[Settled]]:
    document = await books.store.get(COLLECTION, KEY)
    begins = min(Month.of(now.date()).since, now - DAY)
    points = await books.store.points(CALLS, since=begins, until=now + DAY, limit=MOST_CALLS)
    if len(points) == MOST_CALLS:
        raise ContractError("store", f"{CALLS} has {MOST_CALLS} points or more since {begins:%Y-%m-%d}")
    return _ledger(document), document.version if document else None, [_settled(point) for point in points]


def _settled(point: Point) -> Settled:
    return Settled(
        key=point.key,
        analysis=str(point.body.get("analysis", "")),
        at=point.timestamp,
        usd=_money(point.body.get("cost_usd"), f"cost_usd of {point.key}"),
    )


def _ledger(document: Document | None) -> Ledger:
    body = document.body if document else {}
    reserved = (
        Reservation(key, str(one.get("analysis", "")), _moment(one.get("at"), key), _money(one.get("usd"), key))
        for key, one in _entries(body, "open")
    )
    return Ledger(
        open={one.key: one for one in reserved},
        analyses={name: _moment(one.get("at"), name) for name, one in _entries(body, "analyses")},
        lifted={month: _money(one.get("usd"), month) for month, one in _entries(body, "lifted")},
    )


def _body(ledger: Ledger, now: datetime) -> dict[str, Json]:
    months = sorted(ledger.lifted)[-MONTHS_KEPT:]
    return {
        "open": [
            {"key": one.key, "analysis": one.analysis, "at": one.at.isoformat(), "usd": str(one.usd)}
            for one in ledger.open.values()
        ],
        "analyses": [{"key": name, "at": at.isoformat()} for name, at in ledger.analyses.items() if now - at < DAY],
        "lifted": [{"key": month, "usd": str(ledger.lifted[month])} for month in months],
    }


def _entries(body: Mapping[str, Json], field: str) -> list[tuple[str, Mapping[str, Json]]]:
    found = body.get(field, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) and "key" in one for one in found):
        raise ContractError("store", f"{COLLECTION}/{KEY}: {field} is no list of entries with keys")
    return [(str(one["key"]), one) for one in found]


def _moment(value: Json, what: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ContractError("store", f"{COLLECTION}: the time of {what} is {value!r}, which cannot be true")
    return moment


def _money(value: Json, what: str) -> Decimal:
    try:
        usd = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        usd = None
    if usd is None or not usd.is_finite() or usd < 0:
        raise ContractError("store", f"{COLLECTION}: the amount of {what} is {value!r}, which cannot be true")
    return usd


async def _first(attempt: Callable[[], Awaitable[T]]) -> T:
    try:
        return await until_first(attempt, system="store", what="the ledger of LLM calls", tries=TRIES)
    except ConflictError as error:  # a call that cannot be reserved is not made
        raise UnavailableError("store", error.problem) from None
