"""Gathers what a decision rests on, each piece from where it is known; what cannot be had is missing, with why."""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from tradeops.adapters.snapshot.wire import KeptAnalysis, KeptDay
from tradeops.adapters.store import Point
from tradeops.domain.bot import Measurement
from tradeops.domain.decisions.evidence import (
    DAY,
    Accuracy,
    Evidence,
    Missing,
    Models,
    Past,
    Retrain,
    Spending,
    Training,
    Week,
)
from tradeops.domain.decisions.market import HOUR, SPAN, TIMEFRAME, MarketConditions, conditions
from tradeops.domain.llm import is_identifier
from tradeops.domain.performance_verdict import Metric
from tradeops.errors import ContractError, TradeOpsError, TransientError
from tradeops.jobs.candles import Patience, closed_candles
from tradeops.jobs.decision import board as decision_board
from tradeops.jobs.decision import llm_budget
from tradeops.jobs.models import retrain_lock, retrain_records
from tradeops.jobs.reports import performance
from tradeops.wiring import Desk

LOOK_BACK = 31 * DAY  # longer than any cooldown that can be set
ACCURACY_LOOK_BACK = 60 * DAY
EARLIER = 7
PATIENCE = Patience(total=timedelta(seconds=20), usual=timedelta(seconds=2))

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Records:
    """What the store knows."""

    history: tuple[Past, ...] | Missing
    models: Models | Missing
    training: Training | Missing
    spending: Spending | Missing


async def attempt(reading: Awaitable[T]) -> T | Missing:
    """What was read, or why it is missing."""
    try:
        return await reading
    except TradeOpsError as error:
        return Missing(str(error))


async def read_week(desk: Desk) -> Week | Missing:
    """The latest analysis of performance.

    Raises:
        TransientError: it cannot be read now; anything else that is wrong with it is `Missing`.
    """
    kept = await _unless_down(performance.latest(desk))
    match kept:
        case None:
            return Missing("none was ever kept")
        case Missing():
            return kept
        case _:
            return week_of(kept)


def week_of(kept: KeptAnalysis) -> Week:
    """The analysis as evidence; only names that are ours are taken over."""
    low, high = kept.win_rate_interval or [None, None]
    statuses = {
        Metric.WIN_RATE: kept.performance.win_rate_status,
        Metric.AVERAGE_PROFIT: kept.performance.avg_profit_per_trade_status,
        Metric.SHARPE: kept.performance.sharpe_ratio_status,
    }
    return Week(
        date=kept.date,
        as_of=min(kept.finished_at, kept.data_as_of or kept.finished_at),
        total_trades=kept.total_trades,
        win_rate_percent=kept.win_rate,
        average_profit_percent=kept.avg_profit_per_trade,
        sharpe_ratio=kept.sharpe_ratio,
        critical=tuple(metric.value for metric, status in statuses.items() if status == "critical"),
        triggers=kept.trigger_ai_analysis,
        win_rate_low_percent=low,
        win_rate_high_percent=high,
        targets=_ours(kept.targets),
        critical_limits=_ours(kept.critical_limits),
        days=tuple(_past(day) for day in kept.daily or ()),
    )


async def read_history(desk: Desk, now: datetime) -> tuple[Past, ...]:
    """The analyses of the seven days before today, the oldest first.

    Raises:
        UnavailableError: the store is down.
    """
    earlier = await performance.earlier_days(desk, now.date() - DAY)
    return tuple(_past(kept) for kept in earlier[-EARLIER:])


async def read_models(desk: Desk, now: datetime) -> Models | Missing:
    """How accurate each model was measured to be: by the AI service where it says so, otherwise by our own registry.

    Raises:
        UnavailableError: the store is down.
    """
    source, measured = "service", await _of_service(desk)
    if not measured:
        points = await desk.store.points(retrain_records.ACCURACY, since=now - ACCURACY_LOOK_BACK, until=now + HOUR)
        source, measured = "registry", [one for point in points if (one := _measurement(point))]
    series: Mapping[tuple[str, str], list[tuple[datetime, float]]] = defaultdict(list)
    for one in measured:
        if is_identifier(one.model_type) and is_identifier(one.symbol):
            series[one.model_type, one.symbol].append((one.at, one.accuracy_fraction))
    if not series:
        return Missing("no accuracy of a model is known")
    return Models(source, tuple(_trend(*names, values) for names, values in sorted(series.items())))


async def read_records(desk: Desk, now: datetime) -> Records:
    """All that the store knows, each piece by itself.

    Raises:
        TransientError: the store is down.
    """
    paid = read_spending if desk.settings.openai_api_key else _unpaid
    return Records(
        history=await _unless_down(read_history(desk, now)),
        models=await _unless_down(read_models(desk, now)),
        training=await _unless_down(read_training(desk, now)),
        spending=await _unless_down(paid(desk, now)),
    )


def united(
    week: Week | Missing, market: MarketConditions | Missing, records: Records, *, gathered_at: datetime
) -> Evidence:
    """All of it as one."""
    r = records
    return Evidence(gathered_at, week, r.history, r.models, market, r.training, r.spending)


async def read_market(desk: Desk, now: datetime) -> MarketConditions | Missing:
    """How the configured symbol trades.

    Raises:
        TransientError: the exchange cannot be read now; anything else that is wrong with it is `Missing`.
    """
    return await _unless_down(_market(desk, now))


async def _market(desk: Desk, now: datetime) -> MarketConditions:
    end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    symbol = desk.settings.candle_symbol
    series = await closed_candles(desk, symbol, TIMEFRAME, end - SPAN - HOUR, end, patience=PATIENCE)
    try:
        return conditions(series)
    except ValueError as error:
        raise ContractError("exchange", f"the candles of {symbol} tell nothing: {error}") from error


async def read_training(desk: Desk, now: datetime) -> Training:
    """Retrains, rollbacks, and whether one is at work.

    Raises:
        UnavailableError: the store is down.
        ContractError: what is kept of them has another shape.
    """
    store, since = desk.store, now - LOOK_BACK
    ended = await store.points(retrain_records.HISTORY, since=since, until=now + HOUR)
    rollbacks = await store.points(retrain_records.ROLLBACKS, since=since, until=now + HOUR)
    board, _ = await decision_board.read(store)
    retrains = {one.key: one.at for one in board.retrains}
    for point in ended:
        key = _decided_by(point)
        retrains[key] = max(point.timestamp, retrains.get(key, point.timestamp))
    return Training(
        as_of=now,
        retrains=tuple(Retrain(key, at) for key, at in sorted(retrains.items())),
        last_rollback_at=max((point.timestamp for point in rollbacks), default=None),
        running=await retrain_lock.at_work(store, now),
    )


async def read_spending(desk: Desk, now: datetime) -> Spending:
    """What our own calls cost so far, and whether another may be paid.

    Raises:
        UnavailableError: the store is down.
    """
    state = await llm_budget.read(desk, now=now)
    return Spending(
        as_of=now,
        day_usd=state.day_usd,
        month_usd=state.month_usd,
        day_limit_usd=state.limits.day_usd,
        month_limit_usd=state.month_limit_usd,
        refusal=state.refusal,
    )


async def _unless_down(reading: Awaitable[T]) -> T | Missing:
    """What was read, or why it cannot be trusted; a store that is down is worth another try."""
    try:
        return await reading
    except TransientError:
        raise
    except TradeOpsError as error:
        return Missing(str(error))


async def _unpaid(_: Desk, now: datetime) -> Spending:
    """What is spent where no language model is configured: nothing, and nothing may be."""
    return Spending(now, Decimal(0), Decimal(0), Decimal(0), Decimal(0), refusal="OPENAI_API_KEY is not set")


async def _of_service(desk: Desk) -> list[Measurement]:
    """Nothing from a service without the route, or one that is down: the registry knows as much."""
    if desk.ai_service is None:
        return []
    try:
        return list((await desk.ai_service.accuracy_history(days=ACCURACY_LOOK_BACK.days)).value)
    except TradeOpsError as error:
        log.info("the AI service tells no accuracy: %s", error)
        return []


def _measurement(point: Point) -> Measurement | None:
    model, symbol, value = (point.body.get(name) for name in ("model_type", "symbol", "accuracy"))
    if isinstance(model, str) and isinstance(symbol, str) and isinstance(value, float) and 0 <= value <= 1:
        return Measurement(model, symbol, point.timestamp, value)
    return None


def _decided_by(point: Point) -> str:
    decision = point.body.get("decision_id")
    return decision if isinstance(decision, str) and decision else point.key


def _trend(model: str, symbol: str, values: list[tuple[datetime, float]]) -> Accuracy:
    ordered = sorted(values)
    newest = ordered[-1]
    change = newest[1] - ordered[-2][1] if len(ordered) > 1 else None
    return Accuracy(model, symbol, newest[0], newest[1], change, len(ordered))


def _past(kept: KeptAnalysis | KeptDay) -> Past:
    return Past(kept.date, kept.total_trades, kept.win_rate, kept.avg_profit_per_trade, kept.sharpe_ratio)


def _ours(values: Mapping[str, float] | None) -> dict[str, float]:
    return {metric.value: values[metric.value] for metric in Metric if values and metric.value in values}
