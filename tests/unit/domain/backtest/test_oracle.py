"""The fast engine against the slow one, on ten thousand random markets, rules and signals."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.domain.backtest.samples import HOUR, MIDNIGHT, bars
from tests.unit.domain.backtest.slow_engine import Slow, rows_of
from tradeops.domain.backtest.course import Course, Run
from tradeops.domain.backtest.rules import BacktestRules, Sizing, Slippage
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.strategies.signals import Signals

SERIES = 10_000
PARTS = 4


def random_market(rng: np.random.Generator) -> CandleColumns:
    """Half of them of whole prices, so that stops are met exactly; some with gaps in time, all with gaps in price."""
    length = int(rng.integers(2, 30))
    jumps = rng.normal(0, rng.choice([0.005, 0.02, 0.06]), (length, 2))
    opened = 100 * np.exp(np.cumsum(jumps.sum(axis=1)) - jumps[:, 1])
    close = opened * np.exp(jumps[:, 1])
    reach = np.abs(rng.normal(0, rng.choice([0.001, 0.02]), (length, 2)))
    high, low = np.maximum(opened, close) * (1 + reach[:, 0]), np.minimum(opened, close) * (1 - reach[:, 1])
    if rng.random() < 0.5:
        opened, high, low, close = (np.maximum(np.round(column), 1.0) for column in (opened, high, low, close))
    hours = np.cumsum(rng.choice([1, 1, 1, 1, 9], length)) if rng.random() < 0.3 else np.arange(length)
    return CandleColumns("X", "1h", MIDNIGHT + hours * HOUR, opened, high, low, close, np.ones(length))


def random_rules(rng: np.random.Generator) -> BacktestRules:
    def maybe(*values: float) -> float | None:
        return float(rng.choice(values)) if rng.random() < 0.7 else None

    return BacktestRules(
        balance_usd=1000.0,
        fee_percent=float(rng.choice([0, 0.04, 0.1])),
        slippage_percent=float(rng.choice([0, 0, 0.05, 1])),
        slippage=Slippage(rng.choice(list(Slippage))),
        funding_percent=float(rng.choice([0, 0.01, -0.05])),
        stop_loss_percent=maybe(0.2, 1, 2, 5),
        take_profit_percent=maybe(1, 4, 10),
        trailing_percent=maybe(1, 3) if rng.random() < 0.5 else None,
        leverage=float(rng.choice([1, 1, 3, 10, 18.5])),
        sizing=Sizing(rng.choice(list(Sizing))),
        size_percent=float(rng.choice([0.1, 5, 100])),
        shorts=bool(rng.random() < 0.8),
        close_at_end=bool(rng.random() < 0.5),
    )


def signals_of(directions: np.ndarray) -> Signals:
    return Signals(directions.astype(np.int8), np.ones(len(directions)))


def close_to(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def check(candles: CandleColumns, rules: BacktestRules, directions: np.ndarray, seed: int) -> Run:
    course = Course.of(candles, rules, seed)
    fast = course.run(signals_of(directions))
    slow = Slow(candles, rules, course.slips.tolist())
    slow.run(directions.tolist())
    rows = rows_of(fast.trades)
    assert len(rows) == len(slow.trades)
    for one, other in zip(rows, slow.trades, strict=True):
        assert all(map(close_to, one, other)), (one, other)
    assert all(map(close_to, fast.equity_usd.tolist(), slow.equity))
    return fast


@pytest.mark.parametrize("part", range(PARTS))
def test_ten_thousand_random_series(part: int) -> None:
    reasons = np.zeros(6, dtype=np.int64)
    for seed in range(part, SERIES, PARTS):
        rng = np.random.default_rng([7, seed])
        candles = random_market(rng)
        run = check(candles, random_rules(rng), rng.choice([-1, 0, 0, 1], len(candles)), seed)
        reasons += np.bincount(run.trades.reason, minlength=6)
    assert (reasons > 100).all(), reasons  # each way to end a trade was met


PRICE = st.integers(90, 110)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(PRICE, PRICE, PRICE, PRICE), min_size=1, max_size=12),
    st.lists(st.sampled_from([-1, 0, 1]), min_size=12, max_size=12),
    st.sampled_from([None, 1.0, 2.0, 5.0]),
    st.sampled_from([None, 1.0, 2.0, 5.0]),
    st.sampled_from([None, 1.0, 4.0]),
    st.sampled_from([1.0, 10.0, 18.0]),
)
def test_any_series_of_whole_prices(
    prices: list[tuple[int, int, int, int]],
    directions: list[int],
    stop: float | None,
    target: float | None,
    trailing: float | None,
    leverage: float,
) -> None:
    candles = bars(*((a, max(each), min(each), b) for each in prices for a, b in [each[:2]]))
    rules = replace(
        BacktestRules(slippage_percent=0),
        stop_loss_percent=stop,
        take_profit_percent=target,
        trailing_percent=trailing,
        leverage=leverage,
    )
    check(candles, rules, np.array(directions[: len(candles)]), seed=1)


@pytest.mark.parametrize("seed", range(40))
def test_interpreted_and_compiled_are_the_same_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng([8, seed])
    candles = random_market(rng)
    course = Course.of(candles, random_rules(rng), seed)
    signals = signals_of(rng.choice([-1, 0, 1], len(candles)))
    one, other = course.run(signals), course.run(signals, compiled=False)
    np.testing.assert_array_equal(one.equity_usd, other.equity_usd)
    assert rows_of(one.trades) == rows_of(other.trades)
    assert one.deepest_drawdown_fraction == other.deepest_drawdown_fraction
