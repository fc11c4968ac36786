"""How cost is kept: readings of the AI service's counters, our own paid calls, the report as JSON; money is text."""

from datetime import datetime
from decimal import Decimal, InvalidOperation

from tradeops.adapters.store import Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.costs import (
    Absent,
    Alert,
    Books,
    Comparison,
    CostReport,
    CostStatistics,
    DayCost,
    LlmCall,
    Sample,
    Spent,
    VndRate,
)
from tradeops.domain.figures import Amount
from tradeops.errors import ContractError

SAMPLES = "api_cost_samples"
CALLS = "llm_calls"


def sample_point(sample: Sample, *, run_id: str) -> Point:
    """A reading as a point of `api_cost_samples`, one a run."""
    c = sample.counters
    body: dict[str, Json] = {
        "measured_at": c.measured_at.isoformat(),
        "total_requests": c.total_requests,
        "total_cost_usd": str(c.total_cost_usd),
        "total_cost_vnd": str(c.total_cost_vnd),
        "daily_cost_usd": str(c.daily_cost_usd),
        "daily_cost_vnd": str(c.daily_cost_vnd),
        "monthly_cost_usd": str(c.monthly_cost_usd),
        "monthly_cost_vnd": str(c.monthly_cost_vnd),
        "total_input_tokens": c.total_input_tokens,
        "total_output_tokens": c.total_output_tokens,
        "model": c.model,
    }
    return Point(run_id, sample.at, body)


def sample_of(point: Point) -> Sample:
    """The inverse of `sample_point`.

    Raises:
        ContractError: the point has another shape, or a cost that cannot be true.
    """
    body = point.body
    model = body.get("model")
    return Sample(
        at=point.timestamp,
        counters=CostStatistics(
            total_requests=_count(SAMPLES, point, "total_requests"),
            total_cost_usd=_cost(SAMPLES, point, "total_cost_usd"),
            total_cost_vnd=_cost(SAMPLES, point, "total_cost_vnd"),
            daily_cost_usd=_cost(SAMPLES, point, "daily_cost_usd"),
            daily_cost_vnd=_cost(SAMPLES, point, "daily_cost_vnd"),
            monthly_cost_usd=_cost(SAMPLES, point, "monthly_cost_usd"),
            monthly_cost_vnd=_cost(SAMPLES, point, "monthly_cost_vnd"),
            measured_at=_moment(SAMPLES, point, "measured_at"),
            total_input_tokens=_count_or_none(SAMPLES, point, "total_input_tokens"),
            total_output_tokens=_count_or_none(SAMPLES, point, "total_output_tokens"),
            model=model if isinstance(model, str) else None,
        ),
    )


def call_of(point: Point) -> LlmCall:
    """One of our own paid calls: a point of `llm_calls` at the time of the call, with its `cost_usd` as text.

    Whoever pays for a call keeps the point; other fields (model, tokens, purpose) are theirs.

    Raises:
        ContractError: the cost is missing, negative, or no finite number.
    """
    return LlmCall(point.timestamp, _cost(CALLS, point, "cost_usd"))


def as_fields(report: CostReport, run_id: str) -> dict[str, Json]:
    """The report as it is kept. Dollars are text, unrounded; dong are whole; `None` is "not known".

    `projections` holds the higher of the service's and ours, `full_data` all of them and the reason for each unknown.
    """
    facts, rate = report.facts, report.rate
    highest = {c.period: _highest_projection(c) for c in (report.daily, report.monthly)}
    return {
        "status": "insufficient_data" if report.severity is None else "success",
        "run_id": run_id,
        "date": facts.day.isoformat(),
        "started_at": facts.started_at.isoformat(),
        "finished_at": facts.finished_at.isoformat(),
        "data_as_of": facts.as_of.isoformat(),
        "session": _session(report.counters, rate),
        "projections": {
            "daily_cost_usd": _text(highest["daily"]),
            "daily_cost_vnd": _vnd(highest["daily"], rate),
            "monthly_cost_usd": _text(highest["monthly"]),
            "monthly_cost_vnd": _vnd(highest["monthly"], rate),
        },
        "alerts": [_alert(alert) for alert in report.alerts],
        "sources": {"ai_service": _source(facts.service), "ledger": _source(facts.books)},
        "counter_reset": report.counter_reset,
        "full_data": {
            "overall_status": "unknown" if report.severity is None else report.severity.word,
            "daily": _comparison(report.daily, rate),
            "monthly": _comparison(report.monthly, rate),
            "days": [_day(day, rate) for day in report.days],
            "last_24_hours": _spent(report.last_24_hours),
            "month_to_date": _spent(report.month_to_date),
            "own_month_to_date_usd": _text(report.own_month_usd.value),
            "vnd_per_usd": str(rate.vnd_per_usd),
            "vnd_rate_as_of": rate.as_of.isoformat() if rate.as_of else None,
            "problems": list(report.problems),
            "notes": list(report.notes),
        },
    }


def breach_payload(report: CostReport) -> dict[str, Json]:
    """What automations are told when a limit is crossed: the day, the worst severity, and each breach."""
    breaches = report.breaches
    return {
        "date": report.facts.day.isoformat(),
        "severity": breaches[0].word if breaches else None,
        "breaches": [_alert(alert) for alert in breaches],
    }


def _session(counters: CostStatistics | None, rate: VndRate) -> dict[str, Json]:
    c = counters
    return {
        "total_requests": c.total_requests if c else None,
        "total_input_tokens": c.total_input_tokens if c else None,
        "total_output_tokens": c.total_output_tokens if c else None,
        "total_cost_usd": str(c.total_cost_usd) if c else None,
        "total_cost_vnd": rate.vnd(c.total_cost_usd) if c else None,
        "model": c.model if c else None,
    }


def _highest_projection(comparison: Comparison) -> Decimal | None:
    known = [c.usd.value for c in comparison.projections if c.usd.value is not None]
    return max(known, default=None)


def _comparison(comparison: Comparison, rate: VndRate) -> dict[str, Json]:
    highest = comparison.highest
    return {
        "warning_usd": str(comparison.limit.warning_usd),
        "critical_usd": str(comparison.limit.critical_usd),
        "highest_source": highest[0] if highest else None,
        "highest_usd": _text(highest[1] if highest else None),
        "compared": {c.source: _amount(c.usd, rate) for c in comparison.candidates},
    }


def _day(day: DayCost, rate: VndRate) -> dict[str, Json]:
    return {
        "date": day.day.isoformat(),
        "service_usd": _text(day.service.cost_usd if day.service else None),
        "own_usd": _text(day.own_usd.value),
        "total_usd": _text(day.total_usd.value),
        "total_vnd": _vnd(day.total_usd.value, rate),
        "month_to_date_usd": _text(day.so_far_usd.value),
        "reason": day.total_usd.reason or None,
    }


def _spent(spent: Spent | None) -> Json:
    if spent is None:
        return None
    return {
        "service_usd": str(spent.cost_usd),
        "requests": str(spent.requests),
        "input_tokens": _text(spent.input_tokens),
        "output_tokens": _text(spent.output_tokens),
    }


def _alert(alert: Alert) -> dict[str, Json]:
    return {
        "severity": alert.word,
        "period": alert.period,
        "usd": _text(alert.usd),
        "limit_usd": _text(alert.limit_usd),
        "source": alert.source or None,
        "text": alert.text,
    }


def _amount(amount: Amount, rate: VndRate) -> dict[str, Json]:
    return {"usd": _text(amount.value), "vnd": _vnd(amount.value, rate), "reason": amount.reason or None}


def _source(part: Sample | Books | Absent) -> str:
    if not isinstance(part, Absent):
        return "ok"
    return "no_data" if part.configured else "not_configured"


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _vnd(value: Decimal | None, rate: VndRate) -> int | None:
    return None if value is None else rate.vnd(value)


def _cost(series: str, point: Point, field: str) -> Decimal:
    value = point.body.get(field)
    try:
        cost = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        cost = None
    if cost is None or not cost.is_finite() or cost < 0:
        raise _wrong(series, point, field)
    return cost


def _count(series: str, point: Point, field: str) -> int:
    value = point.body.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _wrong(series, point, field)
    return value


def _count_or_none(series: str, point: Point, field: str) -> int | None:
    return None if point.body.get(field) is None else _count(series, point, field)


def _moment(series: str, point: Point, field: str) -> datetime:
    value = point.body.get(field)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _wrong(series, point, field)
    return moment


def _wrong(series: str, point: Point, field: str) -> ContractError:
    return ContractError(
        "store", f"{series}: {field} of {point.key} is {point.body.get(field)!r}, which cannot be true"
    )
