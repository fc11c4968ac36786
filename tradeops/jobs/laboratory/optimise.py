"""The steps of an optimisation: check the order, gather candles, search, judge. It changes nothing at the bot."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Event

import numpy as np

from tradeops.domain.backtest.engine import DEFAULT_RULES
from tradeops.domain.backtest.orders import BacktestOrder, checked_symbol, checked_variations, checked_window
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.optimise.judgement import judged
from tradeops.domain.optimise.report import OptimisationReport, Tried
from tradeops.domain.optimise.space import Space
from tradeops.domain.optimise.trials import Bench, fingerprint, rated
from tradeops.domain.optimise.windows import Plan, walk_forward
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.registry import strategy_named
from tradeops.errors import RejectedError
from tradeops.jobs.laboratory import backtest
from tradeops.jobs.laboratory.backtest import Gathered
from tradeops.jobs.laboratory.optimise_search import Searched, Told, search
from tradeops.wiring import Desk

JOB = "optimize-strategy"
PLAN = Plan()


@dataclass(frozen=True, slots=True)
class SearchOrder:
    """One search to make.

    Attributes:
        space: what may be tried.
        widest: the order of the point that looks back furthest: with its warm-up every point has enough.
    """

    widest: BacktestOrder
    space: Space
    variations: int


@dataclass(frozen=True, slots=True)
class Started:
    """Which run it is, and since when."""

    run_id: str
    at: datetime


def checked(
    strategy_name: str,
    symbol: str,
    start_date: str | date,
    end_date: str | date,
    parameters: Mapping[str, object] | None = None,
    random_seed: int = 0,
    parameter_variations: int = 50,
    *,
    now: datetime,
) -> SearchOrder:
    """The order, where it can be done as far as that is known without the exchange.

    Args:
        strategy_name: in either spelling.
        symbol: as the exchange writes it.
        start_date: first day, UTC.
        end_date: the day after the last.
        parameters: those that are given do not vary.
        random_seed: of slippage and of the search.
        parameter_variations: 10 to 500.
        now: what is later is the future.

    Raises:
        RejectedError: it cannot; says what would do.
    """
    try:
        variations = checked_variations(parameter_variations)
        strategy = strategy_named(strategy_name)
        checked_symbol(symbol)
        window = checked_window(start_date, end_date, now=now)
        walk_forward((window.until - window.since).days, PLAN)
        space = Space.of(strategy, parameters or {})
        _possible(space)
        widest = BacktestOrder.of(
            strategy_name, symbol, start_date, end_date, _furthest_back(space), random_seed, now=now
        )
    except ValueError as error:
        raise RejectedError(JOB, str(error)) from None
    return SearchOrder(widest, space, variations)


async def gather(desk: Desk, order: SearchOrder, *, timeframe: str = backtest.TIMEFRAME) -> Gathered:
    """The closed candles of the window and of the longest warm-up; see `backtest.gather`.

    Raises:
        TradeOpsError: as there.
    """
    return await backtest.gather(desk, order.widest, timeframe=timeframe, job=JOB)


async def made(
    order: SearchOrder, gathered: Gathered, *, started: Started, told: Told, rules: BacktestRules = DEFAULT_RULES
) -> OptimisationReport:
    """Search and judge in a thread, which ends soon after the one who waits for it is cancelled.

    Raises:
        RejectedError: the candles cover too few days.
        MisconfiguredError: optuna is needed and not installed.
    """
    stop = Event()
    try:
        return await asyncio.to_thread(_made, order, gathered, started, told, rules, stop)
    finally:
        stop.set()


def _made(
    order: SearchOrder, gathered: Gathered, started: Started, told: Told, rules: BacktestRules, stop: Event
) -> OptimisationReport:
    candles, seed = gathered.candles, order.widest.seed
    try:
        bench = Bench.of(order.space, Frames(candles), rules, seed, gathered.start, PLAN)
    except ValueError as error:
        raise RejectedError(JOB, str(error), remedy="ask for a longer period") from None
    found = search(bench, order.variations, seed, told=told, stopped=stop.is_set)
    return _report(order, gathered, started, rules, bench, found)


def _report(
    order: SearchOrder, gathered: Gathered, started: Started, rules: BacktestRules, bench: Bench, found: Searched
) -> OptimisationReport:
    candles: CandleColumns = gathered.candles
    points = [order.space.values(trial.place) for trial in found.trials]
    first = bench.windows.first
    return OptimisationReport(
        run_id=started.run_id,
        started_at=started.at,
        finished_at=max(started.at, datetime.now(UTC)),
        data_as_of=gathered.as_of,
        order=order.widest,
        rules=rules,
        timeframe=candles.timeframe,
        fixed=tuple(order.space.fixed),
        method=found.method,
        variations_asked=order.variations,
        variations_tested=found.tested,
        pruned=found.pruned,
        windows=bench.windows,
        first_day=candles.time(gathered.start).date(),
        candles=len(candles) - gathered.start,
        data_hash=candles.data_hash,
        fingerprint=fingerprint(found.trials),
        tried=Tried(
            {axis.name: tuple(point[axis.name] for point in points) for axis in order.space.axes},
            rated(found.trials, first.inside),
            rated(found.trials, first.outside),
        ),
        judgement=judged(order.space, found.trials, bench.windows),
        remarks=gathered.remarks,
    )


def _possible(space: Space) -> None:
    if not space.allowed(space.own) and space.drawn(np.random.default_rng(0)) is None:
        given = ", ".join(f"{name} {value}" for name, value in space.fixed.items())
        raise ValueError(f"nothing goes together with {given}: {space.strategy.conflict(space.values(space.own))}")


def _furthest_back(space: Space) -> dict[str, object]:
    """The values of the point with the longest warm-up, as far as it may be: it grows with each parameter of time."""
    longest = space.own if space.allowed(space.own) else space.drawn(np.random.default_rng(0)) or space.own
    for n, axis in enumerate(space.axes):
        for value in range(len(axis.values)) if axis.ordered else ():
            moved = (*longest[:n], value, *longest[n + 1 :])
            if space.allowed(moved) and (_warm_up(space, moved) > _warm_up(space, longest)):
                longest = moved
    return dict(space.values(longest))


def _warm_up(space: Space, place: tuple[int, ...]) -> int:
    return space.strategy.warm_up_candles(space.values(place)) if space.allowed(place) else -1
