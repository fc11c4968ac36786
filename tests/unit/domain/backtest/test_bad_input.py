"""What cannot be done is said before any work; what is odd but possible gives an honest result."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from tests.unit.domain.strategies.markets import Market, candles, market
from tradeops.domain.backtest.engine import BacktestResult, run
from tradeops.domain.backtest.orders import BacktestOrder, checked_symbol, checked_variations, checked_window
from tradeops.domain.strategies.registry import all_strategies, strategy_named
from tradeops.domain.strategies.strategy import Strategy

NOW = datetime(2026, 11, 25, 16, 30, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "strategy_name": "RSI Strategy",
    "symbol": "BTCUSDT",
    "start_date": "2026-08-01",
    "end_date": "2026-11-01",
    "parameters": {"period": 10},
    "seed": 7,
}
each_strategy = pytest.mark.parametrize("strategy", all_strategies(), ids=lambda strategy: strategy.name)


def test_a_good_order_is_complete() -> None:
    order = BacktestOrder.of(**GOOD, now=NOW)
    assert (order.strategy.name, order.symbol, order.seed) == ("rsi", "BTCUSDT", 7)
    assert order.window.since == datetime(2026, 8, 1, tzinfo=UTC)
    assert order.window.until == datetime(2026, 11, 1, tzinfo=UTC)
    assert order.parameters["period"] == 10
    assert order.parameters["oversold"] == 25.0


def test_candles_are_wanted_from_so_early_that_the_warm_up_does_not_show() -> None:
    order = BacktestOrder.of(**GOOD | {"parameters": {}}, now=NOW)
    assert order.history_from("1h") == order.window.since - timedelta(hours=8 * 79)
    with pytest.raises(ValueError, match="1d has no longer timeframe"):
        order.history_from("1d")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"strategy_name": "moon"}, "no strategy 'moon'; there are bollinger"),
        ({"parameters": {"moon": 1}}, "no parameter 'moon'; there are period"),
        ({"parameters": {"period": 0}}, "period lies between 2 and 50, not at 0"),
        ({"parameters": {"oversold": float("nan")}}, "oversold is a number, not nan"),
        ({"parameters": {"period": 10**400}}, "period is a number, not 1000"),
        ({"start_date": "0001-01-01"}, "start_date 0001-01-01 is before 2010-01-01"),
        ({"start_date": "2009-12-31"}, "start_date 2009-12-31 is before 2010-01-01, and no exchange"),
        ({"symbol": ""}, "'' is no symbol; one looks like BTCUSDT"),
        ({"symbol": "BTC/USDT"}, "is no symbol"),
        ({"symbol": "BTC"}, "is no symbol"),
        ({"start_date": "2026-11-01"}, "start_date 2026-11-01 lies before end_date, not on 2026-11-01"),
        ({"start_date": "2026-11-02"}, "start_date 2026-11-02 lies before end_date, not after 2026-11-01"),
        ({"end_date": "2026-11-26"}, "end_date 2026-11-26 is in the future; the latest is 2026-11-25"),
        ({"end_date": "2026-02-30"}, "end_date is a date like 2026-11-25, not '2026-02-30'"),
        ({"start_date": "20260801"}, "start_date is a date like 2026-11-25, not '20260801'"),
        ({"start_date": "yesterday"}, "start_date is a date like"),
        ({"start_date": NOW}, "start_date is a date without a time"),
        ({"seed": -1}, "random_seed is a whole number from 0 on, not -1"),
        ({"seed": 1.5}, "random_seed is a whole number"),
        ({"seed": True}, "random_seed is a whole number"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        BacktestOrder.of(**GOOD | change, now=NOW)


def test_today_is_the_latest_end_by_utc() -> None:
    window = checked_window(date(2026, 11, 24), "2026-11-25", now=NOW)
    assert window.length == timedelta(days=1)
    evening_there = datetime(2026, 11, 24, 20, tzinfo=timezone(timedelta(hours=-8)))
    assert checked_window("2026-11-24", "2026-11-25", now=evening_there) == window


def test_symbols_are_written_as_the_exchange_writes_them() -> None:
    assert checked_symbol(" btcusdt ") == "BTCUSDT"
    assert checked_symbol("1000SHIBUSDT") == "1000SHIBUSDT"


@pytest.mark.parametrize("count", [10, 500])
def test_variations_at_their_limits_are_taken(count: int) -> None:
    assert checked_variations(count) == count


@pytest.mark.parametrize("count", [0, 9, 501, -10, 50.0, True, "50", None])
def test_other_variations_are_refused(count: object) -> None:
    with pytest.raises(ValueError, match="parameter_variations is a whole number from 10 to 500"):
        checked_variations(count)


def known_everywhere(result: BacktestResult) -> None:
    assert np.isfinite(result.equity.equity_usd).all()
    assert np.isfinite(result.trades.pnl_usd).all()
    assert result.figures.total_return_percent.value is not None


@each_strategy
def test_a_constant_price_loses_no_more_than_its_costs(strategy: Strategy) -> None:
    flat = np.full(500, 7.1)
    result = run(candles(Market(flat, flat, flat, flat, np.ones(500))), strategy)
    known_everywhere(result)
    assert result.figures.total_trades == 0
    assert result.figures.win_rate_percent.value is None


@each_strategy
def test_nobody_trading_is_no_reason_to_stumble(strategy: Strategy) -> None:
    known_everywhere(run(candles(market(1, 500)._replace(volume=np.zeros(500))), strategy))


@each_strategy
def test_gaps_are_counted_and_lived_with(strategy: Strategy) -> None:
    whole = candles(market(41, 900))
    kept = np.r_[0:300, 310:500, 650:900]
    names = ("opened_at", "open", "high", "low", "close", "volume")
    holed = replace(whole, **{name: getattr(whole, name)[kept] for name in names})
    result = run(holed, strategy)
    known_everywhere(result)
    assert result.missing_candles == 160
    assert len(result.months) >= 1


@each_strategy
@pytest.mark.parametrize("count", [0, 1])
def test_no_candle_and_one_candle_are_too_few(strategy: Strategy, count: int) -> None:
    with pytest.raises(ValueError, match=f"candles of 1h for its first signal; there are {count}"):
        run(candles(market(1, 50)).first(count), strategy)


def test_prices_that_are_no_numbers_never_become_candles() -> None:
    m = market(1, 50)
    with pytest.raises(ValueError, match="candle 0 of BTCUSDT 1h: close is NaN or infinite"):
        candles(m._replace(close=np.full(50, math.nan)))


def test_a_start_after_the_last_candle_is_refused() -> None:
    with pytest.raises(ValueError, match="no candles from 500 to 500"):
        run(candles(market(1, 500)), strategy_named("volume"), start=500)
