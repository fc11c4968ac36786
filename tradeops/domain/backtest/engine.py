"""Backtests: of one strategy with everything about it, of many points of its parameters with what a search needs."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tradeops.domain.backtest.bootstrap import Intervals, intervals
from tradeops.domain.backtest.compiling import worth_compiling
from tradeops.domain.backtest.course import PERCENT, Course, Run, TradeTable
from tradeops.domain.backtest.days import Month, daily, monthly
from tradeops.domain.backtest.many import ManyRuns, row_of, table_of
from tradeops.domain.backtest.measures import BacktestFigures, measured, window_of
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import CandleColumns, Integers
from tradeops.domain.performance import EquityCurve, Window
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.parameters import Value
from tradeops.domain.strategies.strategy import Strategy

DEFAULT_RULES = BacktestRules()


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """One backtest, with all that is needed to repeat it to the bit.

    Attributes:
        strategy: as the bot shows it; `strategy_version` changes with its rules.
        period: from the open of the first candle traded to the close of the last.
        candles: how many were traded; `warm_up_candles` before them were only looked at, `missing_candles` lie in gaps.
        parameters: all of them, defaults included.
        data_hash: of all candles looked at.
        fingerprint: of equity and trades, to the bit.
        equity: on each close, the balance at the first open before it.
    """

    strategy: str
    strategy_version: str
    symbol: str
    timeframe: str
    period: Window
    candles: int
    warm_up_candles: int
    missing_candles: int
    parameters: Mapping[str, Value]
    rules: BacktestRules
    seed: int
    data_hash: str
    fingerprint: str
    figures: BacktestFigures
    intervals: Intervals
    months: tuple[Month, ...]
    trades: TradeTable
    opened_at: Integers
    equity: EquityCurve


def run(
    candles: CandleColumns,
    strategy: Strategy,
    parameters: Mapping[str, object] | None = None,
    rules: BacktestRules = DEFAULT_RULES,
    seed: int = 0,
    *,
    start: int = 0,
    compiled: bool = True,
) -> BacktestResult:
    """Trade one strategy on candles; the same inputs give the same result to the bit.

    Args:
        candles: closed ones, those for warm-up included.
        strategy: what decides.
        parameters: those that differ from the bot's.
        rules: the conditions.
        seed: of slippage and of the intervals.
        start: place of the first candle that may be traded; those before it are warm-up.
        compiled: `False` interprets even where numba is there; for tests.

    Raises:
        ValueError: parameters that are not allowed, or too few candles for a single signal; says how many it takes.
    """
    values = strategy.resolved(parameters)
    frames = Frames(candles)
    signals = strategy.judge(frames, values)
    if not signals.ready.any():
        raise ValueError(
            f"{strategy.title} needs {strategy.warm_up_candles(values, candles.timeframe)} candles of "
            f"{candles.timeframe} for its first signal; there are {len(candles)}"
        )
    course = Course.of(candles, rules, seed)
    done = course.run(signals, start, compiled=compiled and worth_compiling(len(candles)))
    of_days = daily(course, done)
    window = window_of(course, done)
    return BacktestResult(
        strategy=strategy.title,
        strategy_version=strategy.version,
        symbol=candles.symbol,
        timeframe=candles.timeframe,
        period=window,
        candles=done.stop - done.start,
        warm_up_candles=start,
        missing_candles=candles.missing,
        parameters=values,
        rules=rules,
        seed=seed,
        data_hash=candles.data_hash,
        fingerprint=_fingerprint(done),
        figures=measured(course, done, of_days),
        intervals=intervals(of_days, seed),
        months=monthly(course, done, of_days),
        trades=done.trades,
        opened_at=candles.opened_at,
        equity=_curve(course, done),
    )


def run_many(
    frames: Frames,
    strategy: Strategy,
    points: Sequence[Mapping[str, object]],
    rules: BacktestRules = DEFAULT_RULES,
    seed: int = 0,
    *,
    start: int = 0,
    stop: int | None = None,
    told: Callable[[int], None] | None = None,
) -> ManyRuns:
    """Trade many points of a strategy's parameters on the same candles: what `run` gives, without the rest.

    Signals come from all candles before them, those before `start` too; only the candles from `start` to `stop` are
    traded. `told` hears after each point how many are done.

    Raises:
        ValueError: no points, or one that is not allowed.
    """
    if not points:
        raise ValueError("no points to try")
    course = Course.of(frames.primary, rules, seed)
    compiled, rows = worth_compiling(len(points) * len(frames)), []
    for number, point in enumerate(points, start=1):
        raw = course.simulated(strategy.signals(frames, point), start, stop, compiled=compiled)
        rows.append(row_of(course, raw, start))
        if told is not None:
            told(number)
    return table_of(course, rows)


def _curve(course: Course, done: Run) -> EquityCurve:
    equity = np.concatenate([[course.rules.balance_usd], done.equity_usd])
    peak = np.maximum.accumulate(equity)
    opened = course.candles.opened_at[done.start : done.start + 1]
    at = np.concatenate([opened, course.candles.closed_at[done.start : done.stop]])
    return EquityCurve(at.astype("datetime64[us]"), equity, PERCENT * (peak - equity) / peak)


def _fingerprint(done: Run) -> str:
    digest = hashlib.sha256(done.equity_usd.tobytes())
    for name in TradeTable.__slots__:
        digest.update(np.ascontiguousarray(getattr(done.trades, name)).tobytes())
    return digest.hexdigest()
