"""How an analysis is kept: a point a day, the latest one as a document, and as a text in Redis where there is one."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import fields

from tradeops.adapters.snapshot import KEY as REDIS_KEY
from tradeops.adapters.snapshot.wire import KeptAnalysis, from_text, kept_analysis
from tradeops.adapters.store import Body, Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.figures import Amount, Figure
from tradeops.domain.health import Severity
from tradeops.domain.performance import Performance
from tradeops.domain.performance_report import Day, PerformanceReport
from tradeops.domain.performance_verdict import Metric
from tradeops.errors import ContractError, TradeOpsError
from tradeops.jobs.races import until_first
from tradeops.wiring import Desk

SERIES = "performance_metrics"
COLLECTION, DOCUMENT = "snapshots", "performance"
SHARPE_METHOD = "mean / sample standard deviation of daily returns * sqrt(365), risk-free 0, days without trades are 0"
WORDS = {Severity.HEALTHY: "good", Severity.DEGRADED: "warning", Severity.CRITICAL: "critical", None: "unknown"}

log = logging.getLogger(__name__)


async def record(desk: Desk, report: PerformanceReport, *, run_id: str) -> None:
    """Keep the report: one point a day, the first one for ever, and the newest day's as `snapshots/performance`.

    However often it is repeated, and whichever part was done before, the result is the same.

    Raises:
        UnavailableError: the store does not answer.
        ConflictError: somebody else writes the document again and again.
    """
    if not report.is_weekly:
        return
    body: Body = as_fields(report, run_id=run_id)
    point = Point(report.date.isoformat(), report.whole.window.until, body)
    if not await desk.store.add_point(SERIES, point):
        end = point.timestamp + point.timestamp.resolution
        found = await desk.store.points(SERIES, since=point.timestamp, until=end)
        body = next((kept.body for kept in found if kept.key == point.key), body)

    async def attempt() -> None:
        document = await desk.store.get(COLLECTION, DOCUMENT)
        if document and (document.body == body or str(document.body.get("date")) > point.key):
            return
        version = document.version if document else None
        await desk.store.put(COLLECTION, DOCUMENT, body, expected_version=version)

    await until_first(attempt, system="store", what=f"{COLLECTION}/{DOCUMENT}")


async def share(desk: Desk, report: PerformanceReport, *, run_id: str) -> None:
    """Put the report into Redis, where there is one, unless it holds a later day's or the day was kept before.

    Raises:
        TradeOpsError: Redis cannot be read or written; see `RedisSnapshot`.
    """
    if desk.snapshot is None or not report.is_weekly or report.kept_at is not None:
        return
    try:
        there = await _from_redis(desk)
    except ContractError as error:
        log.warning("replaced: %s", error)
        there = None
    if there is None or there.date <= report.date:
        await desk.snapshot.write(json.dumps(as_fields(report, run_id=run_id), allow_nan=False))


async def latest(desk: Desk) -> KeptAnalysis | None:
    """The newest analysis of Redis and of the store, checked; `None` when there is none.

    One that cannot be read or trusted is passed over, as long as the other can.

    Raises:
        TradeOpsError: neither gave one, and at least one could not be read or trusted.
    """
    found: list[KeptAnalysis] = []
    errors: list[TradeOpsError] = []
    sources: tuple[Callable[[Desk], Awaitable[KeptAnalysis | None]], ...] = (_from_redis, _from_store)
    for read in sources:
        try:
            kept = await read(desk)
        except TradeOpsError as error:
            log.warning("a snapshot of performance is passed over: %s", error)
            errors.append(error)
        else:
            found += [kept] if kept else []
    if not found and errors:
        raise errors[0]
    return max(found, key=lambda kept: (kept.date, kept.finished_at), default=None)


def as_fields(report: PerformanceReport, *, run_id: str) -> dict[str, Json]:
    """The report as it is kept. Percentages are 0-100, probabilities 0-1, money is text, times ISO 8601 in UTC.

    `None` is "n/a"; `unknown` and `full_metrics.unknown` say why.
    """
    whole = report.whole
    parts = {part.metric: part for part in report.parts}
    return {
        "status": report.status,
        "run_id": run_id,
        "started_at": report.started_at.isoformat(),
        "finished_at": report.finished_at.isoformat(),
        "data_as_of": report.data_as_of.isoformat(),
        "date": report.date.isoformat(),
        "window": {"since": whole.window.since.isoformat(), "until": whole.window.until.isoformat()},
        "total_trades": whole.trades,
        **_values(whole),
        "unknown": {m.value: p.value.reason for m, p in parts.items() if p.value.value is None},
        "sharpe_method": SHARPE_METHOD,
        "sharpe_per_trade": whole.sharpe_per_trade.value,
        "equity_at_start": report.equity_label,
        "win_rate_interval": [whole.win_rate_low_percent.value, whole.win_rate_high_percent.value],
        "small_sample": report.is_small_sample,
        "targets": {m.value: p.bar.target for m, p in parts.items()},
        "critical_limits": {m.value: p.bar.critical for m, p in parts.items()},
        "performance": {
            **_values(whole),
            **{f"{m.value}_status": WORDS[p.severity] for m, p in parts.items()},
        },
        "sureness": {m.value: p.sureness.value for m, p in parts.items()},
        "performance_status": WORDS[report.overall] if report.overall is not None else "insufficient_data",
        "trigger_ai_analysis": report.triggers_ai_analysis,
        "critical_days": {metric.value: days for metric, days in report.critical_days.items()},
        "alerts": list(report.alerts),
        "missing": list(report.missing),
        "notes": list(report.notes),
        "daily": [_day(day) for day in report.days],
        "full_metrics": _full(whole),
    }


def event_payload(report: PerformanceReport) -> dict[str, Json]:
    """What an automation needs to know of a critical week."""
    return {
        "date": report.date.isoformat(),
        "total_trades": report.whole.trades,
        **_values(report.whole),
        "critical": [part.metric.value for part in report.parts if part.severity is Severity.CRITICAL],
        "alerts": list(report.alerts),
    }


async def _from_redis(desk: Desk) -> KeptAnalysis | None:
    text = await desk.snapshot.read() if desk.snapshot else None
    return None if text is None else from_text(text, source=f"{REDIS_KEY} in Redis")


async def _from_store(desk: Desk) -> KeptAnalysis | None:
    document = await desk.store.get(COLLECTION, DOCUMENT)
    return None if document is None else kept_analysis(document.body, source=f"{COLLECTION}/{DOCUMENT}")


def _values(performance: Performance) -> Mapping[str, Json]:
    return {metric.value: metric.figure(performance).value for metric in Metric}


def _day(day: Day) -> dict[str, Json]:
    performance = day.performance
    return {
        "date": day.date.isoformat(),
        "total_trades": performance.trades,
        **_values(performance),
        **{f"{m.value}_status": WORDS[day.severities.get(m)] for m in Metric},
        "sharpe_per_trade": performance.sharpe_per_trade.value,
        "pnl": str(performance.realized_pnl_usd.value),
    }


def _full(performance: Performance) -> dict[str, Json]:
    figures = {f.name: getattr(performance, f.name) for f in fields(performance)}
    known: dict[str, Json] = {name: value for name, value in figures.items() if type(value) is int}
    known |= {name: figure.value for name, figure in figures.items() if isinstance(figure, Figure)}
    known |= {
        name: None if amount.value is None else str(amount.value)
        for name, amount in figures.items()
        if isinstance(amount, Amount)
    }
    reasons = {
        name: figure.reason for name, figure in figures.items() if isinstance(figure, Figure | Amount) and figure.reason
    }
    return {**known, "max_drawdown_percent": performance.drawdown.percent.value, "unknown": reasons}
