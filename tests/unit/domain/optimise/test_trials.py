"""Points day by day: any stretch of days is what a backtest of it says."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.domain.backtest.samples import FREE
from tests.unit.domain.optimise.searches import HOURS, all_of, bench, days_with_an_edge, trial
from tests.unit.domain.strategies.markets import candles, market
from tradeops.domain.backtest.engine import run_many
from tradeops.domain.backtest.rules import BacktestRules, Sizing
from tradeops.domain.optimise.trials import fingerprint, rated, stretch, stretch_of
from tradeops.domain.strategies.registry import strategy_named
from tradeops.domain.strategies.signals import Signals

WHOLE = slice(None)


def test_a_trial_is_what_the_engine_says_of_the_point() -> None:
    columns = candles(market(3, 100 * 24))
    one = bench(columns, strategy_named("rsi"), BacktestRules(), start=400)
    place = one.space.own
    tried = one.tried(place)
    assert tried is not None
    told = run_many(one.frames, one.space.strategy, [{}], BacktestRules(), start=400)
    assert tried.returns == pytest.approx(told.daily_return_fraction[0], abs=1e-15)
    figures = stretch(tried.returns, tried.trades, tried.wins)
    assert figures.trades == told.trades[0]
    assert figures.win_rate_percent.value == pytest.approx(told.win_rate_percent[0])
    assert figures.total_return_percent.value == pytest.approx(told.total_return_percent[0])
    assert figures.sharpe_ratio.value == pytest.approx(told.sharpe_ratio[0])
    assert rated([tried], WHOLE) == pytest.approx(told.sharpe_ratio)


def test_a_position_still_open_is_no_trade() -> None:
    columns = days_with_an_edge(60, 0.0)
    closed, held = (
        bench(columns, rules=BacktestRules(**{**FREE_FIELDS, "close_at_end": ends})).tried((3, 6))
        for ends in (True, False)
    )
    assert closed is not None
    assert held is not None
    assert closed.trades.sum() == held.trades.sum() + 1


FREE_FIELDS = {name: getattr(FREE, name) for name in FREE.__slots__}


def test_the_days_for_judging_change_nothing_on_the_days_for_choosing() -> None:
    columns = days_with_an_edge(80, 0.001)
    other = candles(market(99, 80 * 24))
    first = bench(columns).windows.first
    seam = first.outside.start * 24
    mixed = columns.first(seam)
    spliced = type(columns)(
        "BTCUSDT",
        "1h",
        columns.opened_at,
        *(np.concatenate([getattr(mixed, n), getattr(other, n)[seam:]]) for n in ("open", "high", "low", "close")),
        np.concatenate([mixed.volume, other.volume[seam:]]),
    )
    before, after = (bench(one).tried((6, 6)) for one in (columns, spliced))
    assert before is not None
    assert after is not None
    assert np.array_equal(before.returns[first.inside], after.returns[first.inside])
    assert not np.array_equal(before.returns[first.outside], after.returns[first.outside])


def test_signals_too_few_for_thirty_trades_are_not_traded() -> None:
    columns = days_with_an_edge(60, 0.0)
    quiet = BacktestRules(**{**FREE_FIELDS, "least_confidence": 1.0})
    assert bench(columns, rules=quiet).tried((0, 0)) is not None
    silent = strategy_named("volume")
    assert bench(columns, silent, rules=quiet).tried(bench(columns, silent).space.own) is None


def test_a_signal_just_before_the_first_candle_counts_too() -> None:
    columns = days_with_an_edge(80, 0.0)
    start, fired = 24, 23 + 2 * np.arange(30)
    direction = np.zeros(len(columns), dtype=np.int8)
    direction[fired] = np.where(np.arange(30) % 2, -1, 1)
    thirty = replace(HOURS, judge=lambda _frames, _values: Signals(direction, np.ones(len(direction))))
    one = bench(columns, thirty, start=start)
    tried = one.tried(one.space.own)
    assert tried is not None
    assert tried.trades.sum() == 30


@pytest.mark.parametrize(("trades_a_day", "known"), [(1, False), (2, True)], ids=["29 trades", "58 trades"])
def test_fewer_than_thirty_trades_are_not_rated(trades_a_day: int, known: bool) -> None:
    returns = np.random.default_rng(0).normal(0.001, 0.01, 29)
    [ratio] = rated([trial(returns, trades_a_day=trades_a_day)], WHOLE)
    assert np.isfinite(ratio) is np.bool_(known)
    assert len(rated([], WHOLE)) == 0


def test_exactly_thirty_trades_are_rated() -> None:
    [ratio] = rated([trial(np.random.default_rng(0).normal(0.001, 0.01, 30))], WHOLE)
    assert np.isfinite(ratio)


def test_figures_of_worked_days() -> None:
    returns, trades, wins = np.array([0.1, -0.2, 0.0, 0.05, 0.0]), np.array([1, 2, 0, 1, 0]), np.array([1, 0, 0, 1, 0])
    figures = stretch(returns, trades, wins)
    assert (figures.days, figures.trades) == (5, 4)
    assert figures.total_return_percent.value == pytest.approx(100 * (1.1 * 0.8 * 1.05 - 1))
    assert figures.max_drawdown_percent.value == pytest.approx(20)
    assert figures.win_rate_percent.value == 50
    assert "too few days with trades" in figures.sharpe_ratio.reason


def test_a_loss_from_the_first_day_is_a_drawdown() -> None:
    figures = stretch(np.array([-0.1, 0.0]), np.array([1, 0]), np.array([0, 0]))
    assert figures.max_drawdown_percent.value == pytest.approx(10)


def test_no_trades_have_no_win_rate_and_no_sharpe_ratio() -> None:
    figures = stretch(np.zeros(20), np.zeros(20, dtype=np.int64), np.zeros(20, dtype=np.int64))
    assert (figures.win_rate_percent.value, figures.sharpe_ratio.value) == (None, None)
    assert figures.total_return_percent.value == 0


def test_once_nothing_is_left_nothing_comes_back() -> None:
    rules = BacktestRules(**{**FREE_FIELDS, "leverage": 15, "sizing": Sizing.EQUITY, "fee_percent": 10.0})
    tried = bench(days_with_an_edge(60, 0.0), rules=rules).tried((6, 6))
    assert tried is not None
    assert -1.0 in tried.returns
    after = int(np.argmax(tried.returns == -1.0)) + 1
    assert not tried.returns[after:].any()
    assert stretch(tried.returns, tried.trades, tried.wins).total_return_percent.value == -100


def test_inside_and_outside_are_told_apart() -> None:
    one = bench(days_with_an_edge(80, 0.001), HOURS)
    tried = one.tried((6, 6))
    assert tried is not None
    parts = [stretch_of(tried, one.windows.first, outside=outside).days for outside in (False, True)]
    assert parts == [45, 32]


def test_a_fingerprint_knows_every_point_and_day() -> None:
    trials = all_of(bench(days_with_an_edge(60, 0.0), fixed={"length": 8}))
    assert fingerprint(trials) == fingerprint(list(trials))
    assert fingerprint(trials) != fingerprint(trials[::-1])
    changed = trial(trials[0].returns + 1e-18 + 1e-6, trials[0].place)
    assert fingerprint([changed, *trials[1:]]) != fingerprint(trials)
