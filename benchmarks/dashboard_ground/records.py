"""A store filled as the jobs and the guard fill it, in most by the product's own record keeping."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TypeVar

from tradeops.adapters.store import AuditEvent, Point, Store
from tradeops.adapters.store.interface import Json
from tradeops.domain.health import ProbeResult, Round, Status, Thresholds, assess
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side
from tradeops.errors import UnavailableError
from tradeops.jobs.alerts import incidents
from tradeops.jobs.monitoring import health
from tradeops.jobs.reports import trades
from tradeops.settings import Settings
from tradeops.wiring import Guard

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AT_ONCE, TRIES = 250, 10
TRADES_A_DAY = 556  # 50,000 in 90 days
EVENTS_A_DAY = 10  # disables, releases, promotions and what else is written down, beside incidents
PROMOTING_DAYS = (1, 15)
SAID = "the win rate fell while the market is as it was, and the models are older than two weeks; " * 6
PARTS = ("engine", "ai_service", "frontend", "mongodb", "redis", "rabbitmq", "exchange", "llm", "prefect", "disk")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "AVAXUSDT")
STRATEGIES = ("RSI Strategy", "MACD Strategy", "Volume Strategy", "Bollinger Bands Strategy", "Stochastic Strategy")

T = TypeVar("T")


async def fill(store: Store, *, days: int) -> int:
    """Records up to now; returns how many."""
    chance = random.Random(7)  # noqa: S311 - repeatable records, no secret
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    equity, count = 10_000.0, 0
    for number in range(days, 0, -1):
        begin = now - number * DAY
        checks = [_check(begin + 15 * step * MINUTE, chance) for step in range(96)]
        minutes = []
        for step in range(1440):
            equity *= 1 + chance.gauss(0.000002, 0.0004)
            minutes.append(_worth(begin + step * MINUTE, equity, chance))
        closed = tuple(_trade(begin, place, chance) for place in range(TRADES_A_DAY))
        await insist(checks, partial(store.add_points, health.SERIES))
        await insist(minutes, partial(store.add_points, "equity_minutes"))
        await insist(closed, partial(trades.keep, store))
        events = [_event(begin, place, chance) for place in range(EVENTS_A_DAY)]
        for event in events:
            await insist([event], lambda one: _note(store, *one))
        await insist(list(_looks(begin, chance)), lambda looks: _observe(store, looks))
        for series, point in _reports(begin, equity, chance):
            await store.add_point(series, point)
        await store.add_point("performance_metrics", _analysis(begin, chance))
        await store.add_point("api_cost_history", _cost(begin, chance))
        count += len(checks) + len(minutes) + len(closed) + len(events) + 14
    return count


def a_trade_now(now: datetime) -> ClosedTrade:
    """One that has just closed."""
    return replace(_trade(now, 0, random.Random(now.timestamp())), id=f"now-{now.timestamp()}")  # noqa: S311 - no secret


async def insist(records: Sequence[T], keep: Callable[[tuple[T, ...]], Awaitable[None]]) -> None:
    """Keep them in small pieces, each again when the store was too slow: a repetition changes nothing."""
    for first in range(0, len(records), AT_ONCE):
        piece = tuple(records[first : first + AT_ONCE])
        for tries_left in reversed(range(TRIES)):
            try:
                await keep(piece)
            except UnavailableError:
                if not tries_left:
                    raise
            else:
                break


def _check(at: datetime, chance: random.Random) -> Point:
    results = tuple(
        ProbeResult(part, Status.DOWN, timedelta(seconds=2.5), problem="no answer within 2.5 s")
        if chance.random() < 0.003  # noqa: PLR2004 - three in a thousand
        else ProbeResult(part, Status.HEALTHY, timedelta(milliseconds=chance.lognormvariate(3, 0.8)))
        for part in PARTS
    )
    report = assess(Round(results, at, at + timedelta(seconds=3)), Thresholds())
    run_id = f"{at:%Y%m%dT%H%M}"
    return Point(run_id, report.finished_at, health.as_fields(report, run_id=run_id))


def _worth(at: datetime, equity: float, chance: random.Random) -> Point:
    parts = {symbol: str(Decimal(chance.randrange(-9999, 9999)) / 100) for symbol in SYMBOLS}
    return Point(at.isoformat(), at, {"equity_usd": f"{equity:.8f}", "equity": equity, "unrealised_usd": parts})


def _trade(begin: datetime, place: int, chance: random.Random) -> ClosedTrade:
    closed = begin + DAY * (place / TRADES_A_DAY)
    price = Decimal(chance.randrange(10_000, 90_000_000)) / 1000
    return ClosedTrade(
        id=f"{begin:%Y%m%d}-{place}",
        symbol=chance.choice(SYMBOLS),
        side=Side.LONG,
        entry_price=price,
        exit_price=price * Decimal("1.001"),
        quantity=Decimal("0.01"),
        leverage=5,
        pnl=Decimal(chance.randrange(-90_000, 100_000)) / 10_000,
        opened_at=closed - timedelta(minutes=chance.randrange(5, 600)),
        closed_at=closed,
        strategy=chance.choice(STRATEGIES),
    )


def _analysis(begin: datetime, chance: random.Random) -> Point:
    values = {"win_rate": 55 + chance.random() * 20, "avg_profit_per_trade": 2.0, "sharpe_ratio": 1.8}
    body = {
        "date": f"{begin:%Y-%m-%d}",
        "run_id": f"{begin:%Y%m%d}",
        "total_trades": 3892,
        **values,
        "targets": {"win_rate": 70.0, "avg_profit_per_trade": 2.6, "sharpe_ratio": 2.1},
        "critical_limits": {"win_rate": 55.0, "avg_profit_per_trade": 1.5, "sharpe_ratio": 1.0},
        "performance": {f"{name}_status": "warning" for name in values},
        "performance_status": "warning",
        "alerts": ["win rate warning"],
        "daily": [{"date": f"{begin:%Y-%m-%d}", **values} for _ in range(7)],
    }
    return Point(f"{begin:%Y-%m-%d}", begin.replace(hour=0, minute=0), body)


def _cost(begin: datetime, chance: random.Random) -> Point:
    days = [
        {
            "date": f"{begin:%Y-%m}-{day:02d}",
            "total_usd": "1.25",
            "month_to_date_usd": f"{1.25 * day:.2f}",
            "reason": None,
        }
        for day in range(1, begin.day + 1)
    ]
    body = {
        "date": f"{begin:%Y-%m-%d}",
        "run_id": f"cost-{begin:%Y%m%d}",
        "data_as_of": begin.isoformat(),
        "projections": {"monthly_cost_usd": f"{30 + chance.random() * 30:.4f}"},
        "alerts": [],
        "full_data": {"overall_status": "healthy", "days": days},
    }
    return Point(f"cost-{begin:%Y-%m-%d}", begin, body)


async def _note(store: Store, event: AuditEvent) -> None:
    await store.append_event(event)


async def _observe(store: Store, looks: Sequence[Observation]) -> None:
    for look in looks:
        run_id = f"{look.key}-{look.at:%Y%m%dT%H%M}"
        await incidents.observe(Guard(Settings(), store), [look], source="health", run_id=run_id, now=look.at)


def _looks(begin: datetime, chance: random.Random) -> Sequence[Observation]:
    """Two incidents that begin and end, by three looks each: the second good one ends it."""
    found = []
    for place, part in enumerate(chance.sample(PARTS, 2)):
        for step in range(4):
            at, bad = begin + place * DAY / 2 + 15 * step * MINUTE, step < 1
            level, says = (Level.CRITICAL, "no answer within 2.5 s") if bad else (None, "")
            found.append(Observation(part, level, says, at, CERTAIN))
    return found


def _event(begin: datetime, place: int, chance: random.Random) -> AuditEvent:
    at, symbol = begin + place * DAY / EVENTS_A_DAY, chance.choice(SYMBOLS)
    kind = ("brake_intent", "brake_result", "decision_made", "brake_released", "report_delivered")[place % 5]
    body: dict[str, Json] = {
        "what": kind,
        "symbol": symbol,
        "reason": SAID[:120],
        "figures": {"loss_usd": "12.34", "limit": "10"},
    }
    if place == 0 and begin.day in PROMOTING_DAYS:
        kind, body = "model_promoted", {"model_type": "gru", "symbol": symbol, "version": f"v{begin:%y%m%d}"}
    return AuditEvent(f"{kind}:{at:%Y%m%dT%H%M}", kind, at, "guard", body)


def _reports(begin: datetime, equity: float, chance: random.Random) -> Sequence[tuple[str, Point]]:
    """What the daily jobs leave besides: a decision with three votes, a portfolio report, a backtest."""
    day = f"{begin:%Y-%m-%d}"
    vote = {"recommendation": "wait", "confidence": "0.60", "failure": "", "problem": "", "reasoning": SAID}
    decision = {
        "decision_id": day,
        "date": day,
        "kind": "decided",
        "recommendation": "wait",
        "confidence": 0.6,
        "source": "llm",
        "reasoning": SAID,
        "retrain_triggered": False,
        "votes": [vote | {"number": number} for number in (1, 2, 3)],
        "cost_usd": "0.0123",
    }
    portfolio = {"run_id": f"portfolio-{day}", "equity": f"{equity:.2f}", "total_trades": TRADES_A_DAY}
    portfolio["by_symbol"] = {symbol: {"pnl_usd": str(chance.randrange(-99, 99))} for symbol in SYMBOLS}
    backtest = {
        "run_id": f"backtest-{day}",
        "finished_at": begin.isoformat(),
        "strategy": chance.choice(STRATEGIES),
        "symbol": chance.choice(SYMBOLS),
        "timeframe": "1h",
        "period": {"since": (begin - 90 * DAY).isoformat(), "until": begin.isoformat()},
        "rules": {"balance_usd": 1000.0},
        "total_trades": 200,
        "sharpe_ratio": chance.random(),
        "months": [{"month": f"{begin:%Y-%m}", "trades": 200, "wins": 99, "pnl_usd": 9.0, "return": 0.9}],
    }
    return [
        ("gpt4_analysis_history", Point(day, begin, decision)),
        ("portfolio_reports", Point(f"portfolio-{day}", begin, portfolio)),
        ("backtest_results", Point(f"backtest-{day}", begin, backtest)),
    ]
