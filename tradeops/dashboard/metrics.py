"""What is known right now, for Prometheus. What is not known has no sample: an absent series alarms, a zero lies."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tradeops.dashboard.questions import window_of
from tradeops.domain.window.overview import Overview
from tradeops.domain.window.values import Panel, Range, State

router = APIRouter(tags=["metrics"])

SEVERITY = {State.HEALTHY: 0, State.DEGRADED: 1, State.CRITICAL: 2}

T = TypeVar("T")
Samples = Iterable[tuple[Sequence[str], float | Decimal | datetime | bool | None]]


class PrometheusResponse(Response):
    """Prometheus' own text."""

    media_type = CONTENT_TYPE_LATEST


@router.get("/metrics", response_class=PrometheusResponse)
async def metrics(request: Request) -> PrometheusResponse:
    """Gauges of health, money, limits, cost and signs of life."""
    found = await window_of(request).overview(Range.DAY)
    registry = CollectorRegistry()
    registry.register(_Once(found))
    return PrometheusResponse(generate_latest(registry))


class _Once(Collector):
    """One look, as metrics."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def collect(self) -> Iterator[Metric]:
        """All families, those without a sample too."""
        yield from _health(self._overview)
        yield from _money(self._overview)
        yield from _limits(self._overview)
        yield from _desk(self._overview)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: the registry is made for one answer."""
        return ()


def _health(o: Overview) -> Iterator[Metric]:
    parts = [one for one in _of(o.services) if one.state is not State.NOT_CONFIGURED]
    yield _gauge("state", "0 healthy, 1 degraded, 2 critical", (), [((), SEVERITY.get(o.headline.state))])
    yield _gauge(
        "part_state",
        "0 healthy, 1 degraded, 2 critical",
        ("part",),
        (((p.name,), SEVERITY.get(p.state)) for p in parts),
    )
    yield _gauge(
        "part_latency_seconds",
        "At the last check",
        ("part",),
        (((p.name,), None if (ms := p.latency_ms.value) is None else ms / 1000) for p in parts),
    )
    yield _gauge(
        "part_uptime_percent",
        "Checks that found it well",
        ("part", "window"),
        (
            ((p.name, window), figure.value)
            for p in parts
            for window, figure in (("24h", p.uptime.day), ("7d", p.uptime.week), ("30d", p.uptime.month))
        ),
    )
    yield _gauge("health_check_timestamp_seconds", "When the last one ended", (), [((), o.headline.since)])
    counts = None if o.incidents.content is None else o.incidents.content
    yield _gauge(
        "open_incidents",
        "Open incidents by their worst state",
        ("state",),
        (
            ((state.value,), None if counts is None else sum(one.state is state for one in counts))
            for state in (State.DEGRADED, State.CRITICAL)
        ),
    )


def _money(o: Overview) -> Iterator[Metric]:
    worth, week, spent = o.money.content, o.performance.content, o.costs.content
    yield _gauge("equity_usd", "What the account is worth", (), [((), worth.equity.value if worth else None)])
    yield _gauge(
        "day_pnl_usd",
        "By trades and marks since the day of the loss limits began; deposits and resets are no part of it",
        (),
        [((), worth.day_pnl.value if worth else None)],
    )
    yield _gauge(
        "drawdown_percent", "Below the peak of 24 hours", (), [((), worth.drawdown_percent.value if worth else None)]
    )
    yield _gauge("engine_running", "1 when the engine trades", (), [((), worth.is_running if worth else None)])
    targets = week.targets if week else ()
    yield _gauge(
        "performance", "Of the last analysed week", ("metric",), (((t.metric,), t.value.value) for t in targets)
    )
    yield _gauge("performance_target", "Below it is degraded", ("metric",), (((t.metric,), t.target) for t in targets))
    yield _gauge("llm_cost_today_usd", "By the last cost report", (), [((), spent.today.value if spent else None)])
    yield _gauge("llm_cost_month_usd", "Spent in this month", (), [((), spent.month.value if spent else None)])
    yield _gauge(
        "llm_cost_month_projected_usd",
        "At this month's end",
        (),
        [((), spent.projected_month.value if spent else None)],
    )
    burns = spent.burns if spent else ()
    yield _gauge("llm_cost_month_limit_usd", "Of a month", ("level",), (((b.name,), b.limit) for b in burns))


def _limits(o: Overview) -> Iterator[Metric]:
    lines = _of(o.brakes)
    yield _gauge("brake_off", "1 when it must be off", ("target",), (((b.target,), b.off) for b in lines))
    yield _gauge(
        "limit_used_percent",
        "Of a loss limit",
        ("target", "limit"),
        (
            ((b.target, name), used.percent.value)
            for b in lines
            for name, used in (("daily_loss", b.daily_loss), ("losses_in_a_row", b.losses))
        ),
    )


def _desk(o: Overview) -> Iterator[Metric]:
    beats, drill = _of(o.heartbeats), o.drill.content
    yield _gauge("job_heartbeat_timestamp_seconds", "Last sign of life", ("job",), (((b.job,), b.last) for b in beats))
    yield _gauge("drill_timestamp_seconds", "When the last drill ended", (), [((), drill.at if drill else None)])
    yield _gauge(
        "model_accuracy_percent",
        "Of the version in use, on its holdout",
        ("model_type", "symbol"),
        (((m.model_type, m.symbol), m.champion.accuracy_percent.value if m.champion else None) for m in _of(o.models)),
    )
    covered = o.covered_since
    yield _gauge("history_since_timestamp_seconds", "History is in memory from here on", (), [((), covered)])


def _of(panel: Panel[tuple[T, ...]]) -> tuple[T, ...]:
    return panel.content or ()


def _gauge(name: str, says: str, labels: Sequence[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(f"tradeops_{name}", says, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(values, value.timestamp() if isinstance(value, datetime) else float(value))
    return family
