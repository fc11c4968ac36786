"""Readings of the AI service's counters, and reports made of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tradeops.domain.costs import (
    Absent,
    Books,
    CostReport,
    CostStatistics,
    Facts,
    Limits,
    LlmCall,
    Sample,
    VndRate,
    assess,
    unwrap,
)

GONE = Absent("the AI service is not configured", configured=False)
SILENT = Absent("the AI service cannot be read: refused")
RATE = VndRate(Decimal(25000))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def sample(
    at: datetime | str,
    usd: str | Decimal = "0",
    requests: int = 1,
    *,
    daily: str = "0",
    monthly: str = "0",
    tokens: tuple[int, int] | None = None,
) -> Sample:
    at = utc(at) if isinstance(at, str) else at
    counters = CostStatistics(
        total_requests=requests,
        total_cost_usd=Decimal(usd),
        total_cost_vnd=Decimal(0),
        daily_cost_usd=Decimal(daily),
        daily_cost_vnd=Decimal(0),
        monthly_cost_usd=Decimal(monthly),
        monthly_cost_vnd=Decimal(0),
        measured_at=at,
        total_input_tokens=tokens[0] if tokens else None,
        total_output_tokens=tokens[1] if tokens else None,
    )
    return Sample(at, counters)


def books(
    samples: Iterable[Sample] = (),
    calls: Iterable[LlmCall] = (),
    *,
    since: str | None = None,
    service_expected: bool = True,
) -> Books:
    samples = list(samples)
    watched = utc(since) if since else min((s.at for s in samples), default=None)
    return Books(unwrap(samples), tuple(calls), watched, service_expected)


def report(
    service: Sample | Absent,
    kept: Books | Absent,
    *,
    as_of: str | None = None,
    limits: Limits | None = None,
    rate: VndRate = RATE,
) -> CostReport:
    at = utc(as_of) if as_of else service.at if isinstance(service, Sample) else datetime.now(UTC)
    day = (at - timedelta(microseconds=1)).date()
    return assess(Facts(day, at, at, at, service, kept), limits=limits or Limits(), rate=rate)
