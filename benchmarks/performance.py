"""How the time and memory of all performance metrics grow from a thousand to a million trades, and against quantstats.

Both compute from the same trades in one run; their common figures are compared before their times are. About half a
minute, no network.
"""

import math
import time
import tracemalloc
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import numpy as np
import pandas as pd
import quantstats.stats as reference

from tradeops.domain.figures import known_amount
from tradeops.domain.performance import Performance, TradeColumns, Window, measure
from tradeops.domain.portfolio.portfolio import ClosedTrade, Side

SIZES = (1_000, 10_000, 100_000, 1_000_000)
GOAL_SECONDS = 1.0
RUNS = 5
START = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = Window(START, START + timedelta(days=365))
EQUITY = Decimal(1_000_000)
NOTIONAL = Decimal(1_000)


def trades_of_a_year(count: int) -> list[ClosedTrade]:
    """Evenly spread, an hour each, profits to the cent."""
    cents = np.random.default_rng(count).normal(10, 2_000, count).round().astype(int).tolist()
    pause = YEAR.length / (count + 1)
    return [
        ClosedTrade(
            id=str(number),
            symbol="ETHUSDT",
            side=Side.LONG,
            entry_price=NOTIONAL,
            exit_price=NOTIONAL,
            quantity=Decimal(1),
            leverage=10,
            pnl=Decimal(pnl) / 100,
            opened_at=START + number * pause - timedelta(hours=1),
            closed_at=START + number * pause,
        )
        for number, pnl in enumerate(cents, start=1)
    ]


def ours(columns: TradeColumns) -> Performance:
    """Every figure there is."""
    return measure(columns, YEAR, equity_at_start=known_amount(EQUITY), open_since=())


def theirs(of_trades: pd.Series, of_days: pd.Series) -> dict[str, float]:
    """The figures that quantstats knows too; the rest of ours has no counterpart."""
    return {
        "sharpe_ratio": reference.sharpe(of_days, periods=365),
        "sortino_ratio": reference.sortino(of_days, periods=365),
        "annualized_return_percent": 100 * reference.cagr(of_days, periods=365),
        "sharpe_per_trade": reference.sharpe(of_trades, annualize=False),
        "profit_factor": reference.profit_factor(of_trades, prepare_returns=False),
        "payoff_ratio": reference.payoff_ratio(of_trades, prepare_returns=False),
        "win_rate": reference.win_rate(of_trades, prepare_returns=False),
        "max_drawdown": reference.max_drawdown(of_trades),
        "longest_wins": reference.consecutive_wins(of_trades, prepare_returns=False),
        "longest_losses": reference.consecutive_losses(of_trades, prepare_returns=False),
        "best": reference.best(of_trades, prepare_returns=False),
        "worst": reference.worst(of_trades, prepare_returns=False),
    }


def series_of(columns: TradeColumns) -> tuple[pd.Series, pd.Series]:
    """What quantstats computes from: the return of each trade, and of each day."""
    at = pd.DatetimeIndex(columns.closed_at)
    profits = pd.Series(columns.pnl_usd, index=at).resample("D").sum()
    profits = profits.reindex(pd.date_range("2026-01-01", periods=YEAR.length.days), fill_value=0.0)
    of_days = profits / (float(EQUITY) + profits.cumsum().shift(fill_value=0.0))
    return pd.Series(columns.return_percent / 100, index=at), of_days


def seconds(*calls: Callable[[], object]) -> list[float]:
    """The best of some runs of each, in turns, so that a busy machine slows all of them."""
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(RUNS):
        for call, times in zip(calls, took, strict=True):
            started = time.perf_counter()
            call()
            times.append(time.perf_counter() - started)
    return [min(times) for times in took]


def bytes_at_most(call: Callable[[], object]) -> int:
    """The most that was allocated at once."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def check_agreement(performance: Performance, figures: dict[str, float]) -> None:
    """Times of different answers are not to be compared."""
    for name in ("sharpe_ratio", "sortino_ratio", "annualized_return_percent", "sharpe_per_trade", "profit_factor"):
        value = getattr(performance, name).value
        if value is None or not math.isclose(value, figures[name], rel_tol=1e-9):
            raise SystemExit(f"{name} is {value} here and {figures[name]} in quantstats")


def main() -> None:
    """Measure and print."""
    print("| trades | columns from trades | all figures | peak memory a trade | quantstats ÷ ours |")
    print("|--:|--:|--:|--:|--:|")
    took = math.inf
    for size in SIZES:
        trades = trades_of_a_year(size)
        started = time.perf_counter()
        columns = TradeColumns.of(trades)
        to_columns = time.perf_counter() - started
        of_trades, of_days = series_of(columns)
        check_agreement(ours(columns), theirs(of_trades, of_days))
        took, took_there = seconds(partial(ours, columns), partial(theirs, of_trades, of_days))
        memory = bytes_at_most(partial(ours, columns)) / size
        times = " | ".join(f"{time_taken * 1000:,.1f} ms" for time_taken in (to_columns, took))
        print(f"| {size:,} | {times} | {memory:,.0f} B | {took_there / took:.1f} |")
    if took > GOAL_SECONDS:
        raise SystemExit(f"a million trades took {took:.2f} s, more than {GOAL_SECONDS:g} s")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # quantstats' own
    main()
