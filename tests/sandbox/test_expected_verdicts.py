"""Whenever a sandbox is started, its trades earn the verdict that its scenario promises, by the contract alone."""

import math
import statistics
from datetime import timedelta
from itertools import pairwise
from typing import Literal

import pytest

from sandbox.world import World
from tests.sandbox.worlds import START, clock_at

DAY_MS = 86_400_000
MIDNIGHT = START.replace(hour=0, minute=0, second=0, microsecond=0)
STARTS = [
    (0, timedelta(minutes=1)),
    (1, timedelta(hours=1)),
    (2, timedelta(hours=9, minutes=17)),
    (3, timedelta(hours=16, minutes=44)),
    (1, timedelta(hours=23, minutes=59)),
]


def judged(seed: int, regime: Literal["healthy", "degrading"], since_midnight: timedelta) -> tuple[int, list[float]]:
    """How many trades the seven whole UTC days before the start have, and their win rate, mean return and Sharpe."""
    clock = clock_at(MIDNIGHT + since_midnight)
    book = World.build(seed=seed, regime=regime, now_ms=clock).book
    until = clock.ms // DAY_MS * DAY_MS
    edges = [until - n * DAY_MS for n in range(7, -1, -1)]
    trades = [t for t in book.closed if edges[0] <= t.closed_ms < until]
    equity = book.balance - sum(t.pnl for t in book.closed if t.closed_ms >= edges[0])
    daily = []
    for first, end in pairwise(edges):
        profit = sum(t.pnl for t in trades if first <= t.closed_ms < end)
        daily.append(profit / equity)
        equity += profit
    return len(trades), [
        100 * sum(t.pnl > 0 for t in trades) / len(trades),
        statistics.fmean(100 * t.pnl / (t.position.entry_price * t.position.quantity) for t in trades),
        statistics.fmean(daily) / statistics.stdev(daily) * math.sqrt(365),
    ]


@pytest.mark.parametrize(("seed", "since_midnight"), STARTS, ids=str)
def test_a_healthy_week_reaches_every_target(seed: int, since_midnight: timedelta) -> None:
    trades, (win_rate, mean_return, sharpe) = judged(seed, "healthy", since_midnight)
    assert trades >= 30
    assert win_rate >= 70
    assert mean_return >= 2.6
    assert sharpe >= 2.1


@pytest.mark.parametrize(("seed", "since_midnight"), STARTS, ids=str)
def test_a_degrading_week_is_critical(seed: int, since_midnight: timedelta) -> None:
    trades, (win_rate, mean_return, _) = judged(seed, "degrading", since_midnight)
    assert trades >= 30
    assert win_rate < 70
    assert mean_return < 1.5
