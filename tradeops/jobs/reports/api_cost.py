"""The steps of the cost report: read the AI service's counters and what is kept, judge, keep a reading and the report.

A report of a past day is made of what is kept; the service's counters of today are no evidence of it.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from tradeops.adapters.store import Point
from tradeops.domain.candles import EPOCH
from tradeops.domain.costs import (
    Absent,
    Books,
    CostReport,
    Facts,
    Limit,
    Limits,
    LlmCall,
    Month,
    Sample,
    VndRate,
    assess,
    unwrap,
)
from tradeops.errors import ContractError, RejectedError, TradeOpsError, UnavailableError
from tradeops.jobs.decision import llm_budget
from tradeops.jobs.reports.api_cost_records import (
    CALLS,
    SAMPLES,
    as_fields,
    breach_payload,
    call_of,
    sample_of,
    sample_point,
)
from tradeops.settings import Settings
from tradeops.wiring import Desk

__all__ = [
    "SERIES",
    "Kept",
    "as_fields",
    "breach_payload",
    "decide",
    "produce",
    "read_counters",
    "read_kept",
    "record",
    "report_day",
]

SERIES = "api_cost_history"
DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=8)  # the trailing week, and a day to spare
PATIENCE = timedelta(seconds=10)  # for one try of one step, so that all tries end before the flow's deadline
MOST_POINTS = 100_000
NO_SERVICE = Absent("the AI service is not configured (PYTHON_API_URL is not set)", configured=False)
NOT_ASKED = Absent("its counters of today are no evidence of a past day")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """What earlier runs and paid calls have left, as far as the report needs it.

    Attributes:
        samples: from the last one before the report's month and week to the first one after its day.
        calls: our own, of the month and the week; those of dead processes at their upper bound.
        watched_since: the first reading, call or report of this installation; `None` when there was none.
    """

    samples: tuple[Sample, ...]
    calls: tuple[LlmCall, ...]
    watched_since: datetime | None


def report_day(day: date | None, now: datetime) -> date:
    """The UTC day that is reported: the given one, or today.

    Raises:
        RejectedError: it lies in the future.
    """
    today = now.astimezone(UTC).date()
    if day is not None and day > today:
        raise RejectedError("cost report", f"{day} is in the future", remedy=f"ask for {today} or before")
    return day or today


async def read_counters(desk: Desk, day: date, *, now: datetime | None = None) -> Sample | Absent:
    """What the AI service's process has counted until now; absent when it is not configured, or for a past day.

    Args:
        desk: with the AI service.
        day: of the report.
        now: `None` is our clock.

    Raises:
        TradeOpsError: as `AiServiceClient`; a cost that is null, NaN or negative is a ContractError.
    """
    if desk.ai_service is None:
        return NO_SERVICE
    if day < (now or datetime.now(UTC)).date():
        return NOT_ASKED
    reading = await _bounded("ai_service", desk.ai_service.cost_statistics())
    ours, theirs = now or datetime.now(UTC), reading.value.measured_at
    agree = abs(theirs - ours) <= timedelta(seconds=desk.settings.clock_skew_limit_seconds)
    return Sample(theirs if agree else ours, reading.value)


async def read_kept(desk: Desk, day: date) -> Kept:
    """What the store knows for a report of that day.

    Raises:
        UnavailableError: the store does not answer.
        ContractError: a kept cost cannot be true.
    """
    return await _bounded("store", _kept(desk, day))


def decide(
    settings: Settings,
    day: date,
    counters: Sample | Absent | BaseException,
    kept: Kept | BaseException,
    *,
    started_at: datetime,
    finished_at: datetime,
) -> CostReport:
    """Judge what was gathered; a source that failed is a gap in the report, and the report says so.

    Raises:
        ContractError: a cost that cannot be true; it must never read as an all-clear.
        TradeOpsError: nothing at all is known.
    """
    past = day < started_at.date()
    known: Kept | Absent = _or_gap("the ledger", kept)
    service: Sample | Absent = _or_gap("the AI service", counters)
    if isinstance(kept, BaseException) and not isinstance(counters, Sample):
        raise kept
    if past:
        configured = settings.python_api_url is not None
        service = known if isinstance(known, Absent) else _kept_reading(known, day, configured=configured)
    as_of = service.at if isinstance(service, Sample) else started_at
    ends = _midnight(day) + DAY
    facts = Facts(
        day=day,
        started_at=started_at,
        finished_at=finished_at,
        as_of=ends if past else max(_midnight(day), min(as_of, ends)),
        service=service,
        books=known if isinstance(known, Absent) else _books(known, service),
    )
    return assess(facts, limits=_limits(settings), rate=VndRate(settings.vnd_per_usd, settings.vnd_rate_as_of))


async def record(desk: Desk, report: CostReport, *, run_id: str) -> str:
    """Keep the run's reading of the counters, and the day's report once; repeating it changes nothing.

    Returns:
        Why the report was not kept; empty when it was.

    Raises:
        UnavailableError: the store could neither keep them nor put them aside for later.
    """
    return await _bounded("store", _record(desk, report, run_id))


async def produce(desk: Desk, *, date: date | None, now: datetime) -> CostReport:
    """Gather and judge, and keep nothing.

    Raises:
        RejectedError: the day lies in the future.
        TradeOpsError: as `decide`.
    """
    began = time.monotonic()
    day = report_day(date, now)
    counters, kept = await asyncio.gather(
        read_counters(desk, day, now=now), read_kept(desk, day), return_exceptions=True
    )
    finished_at = now + timedelta(seconds=time.monotonic() - began)
    return decide(desk.settings, day, counters, kept, started_at=now, finished_at=finished_at)


async def _kept(desk: Desk, day: date) -> Kept:
    store, ends = desk.store, _midnight(day) + DAY
    begins = min(Month.of(day).since, ends - DAY - LOOK_BACK)
    horizon = max(ends, datetime.now(UTC)) + DAY
    before = await store.points(SAMPLES, since=EPOCH, until=begins, limit=1, newest_first=True)
    within = await _points(desk, SAMPLES, begins, ends)
    after = await store.points(SAMPLES, since=ends, until=horizon, limit=1)
    dead = await llm_budget.unsettled(desk, since=begins, until=ends, now=datetime.now(UTC))
    calls = [*await _points(desk, CALLS, begins, ends), *dead]
    first = [await store.points(series, since=EPOCH, until=horizon, limit=1) for series in (SAMPLES, CALLS, SERIES)]
    return Kept(
        samples=tuple(map(sample_of, [*before, *within, *after])),
        calls=tuple(map(call_of, calls)),
        watched_since=min((point.timestamp for found in first for point in found), default=None),
    )


async def _points(desk: Desk, series: str, since: datetime, until: datetime) -> list[Point]:
    points = await desk.store.points(series, since=since, until=until, limit=MOST_POINTS)
    if len(points) == MOST_POINTS:
        raise ContractError("store", f"{series} has {MOST_POINTS} points or more since {since:%Y-%m-%d}")
    return points


def _or_gap(name: str, outcome: T | BaseException) -> T | Absent:
    if isinstance(outcome, TradeOpsError) and not isinstance(outcome, ContractError):
        return Absent(f"{name} cannot be read: {outcome.problem}")
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _kept_reading(kept: Kept, day: date, *, configured: bool) -> Sample | Absent:
    of_that_day = [sample for sample in kept.samples if sample.at.date() == day]
    missing = Absent(f"no reading of the AI service's counters of {day} is kept", configured=configured)
    return max(of_that_day, key=lambda sample: sample.at) if of_that_day else missing


def _books(kept: Kept, service: Sample | Absent) -> Books:
    newest = {service} if isinstance(service, Sample) else set()
    return Books(
        service=unwrap({*kept.samples, *newest}),
        calls=kept.calls,
        watched_since=kept.watched_since,
        service_expected=isinstance(service, Sample) or service.configured,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        daily=Limit(settings.cost_daily_warning_usd, settings.cost_daily_critical_usd),
        monthly=Limit(settings.cost_monthly_warning_usd, settings.cost_monthly_critical_usd),
    )


async def _record(desk: Desk, report: CostReport, run_id: str) -> str:
    facts = report.facts
    if isinstance(facts.service, Sample) and facts.day == facts.started_at.date():
        await desk.store.add_point(SAMPLES, sample_point(facts.service, run_id=run_id))
    begins, key = _midnight(facts.day), facts.day.isoformat()
    at = min(facts.as_of, begins + DAY - timedelta(microseconds=1))
    if await desk.store.add_point(SERIES, Point(key, at, as_fields(report, run_id))):
        return ""
    earlier = await desk.store.points(SERIES, since=begins, until=begins + DAY)
    body = next((point.body for point in earlier if point.key == key), {})
    if body.get("run_id") == run_id:
        return ""
    ended = datetime.fromisoformat(str(body["finished_at"])) if body else None
    when = f"at {ended:%Y-%m-%d %H:%M:%S} UTC" if ended else "before"
    return f"already reported {when}; this run's figures are shown, not stored"


async def _bounded(system: str, work: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await work
    except TimeoutError:
        raise UnavailableError(system, f"no answer within {PATIENCE.total_seconds():g} s") from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
