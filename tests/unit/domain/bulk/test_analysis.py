"""What many symbols say at once is what each would say alone."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.strategies.markets import candles, market
from tradeops.domain.bulk.analysis import CALLS, SCALE_FREE, Call, Vote, analysed, least_candles, unfit
from tradeops.domain.bulk.report import Correlations, by_confidence
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.strategies.combination import Combination, combined
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import rsi
from tradeops.domain.strategies.registry import strategy_named

HOUR = timedelta(hours=1)


def coin(seed: int, length: int = 400, *, price: float = 100.0, first_hour: int = 500_016) -> CandleColumns:
    return replace(candles(market(seed, length, price=price), first_hour=first_hour), symbol=f"COIN{seed}USDT")


def without(columns: CandleColumns, *places: int) -> CandleColumns:
    keep = np.delete(np.arange(len(columns)), places)
    names = ("opened_at", "open", "high", "low", "close", "volume")
    return CandleColumns(columns.symbol, columns.timeframe, *(getattr(columns, name)[keep] for name in names))


def alone(columns: CandleColumns) -> tuple[Call, float]:
    """By the full signals of the strategies."""
    frames = Frames(columns)
    both = strategy_named("rsi").signals(frames), strategy_named("macd").signals(frames, SCALE_FREE)
    said = combined(both, Combination.BEST_CONFIDENCE, 0.5)
    return CALLS[int(said.direction[-1]) + 1], float(said.confidence[-1])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(190, 700), st.integers(0, 5), st.sampled_from([1e-6, 1.0, 9e4]))
def test_all_at_once_is_each_alone(seed: int, length: int, hour: int, price: float) -> None:
    many = [coin(seed + n, length, price=price, first_hour=500_016 + hour) for n in range(4)]
    many += [without(many[0], 50, 51, 70), coin(seed + 9, length + 13)]
    for columns, found in zip(many, analysed(many), strict=True):
        assert found.symbol == columns.symbol
        assert (found.signal, pytest.approx(found.confidence)) == alone(columns)


def test_every_call_occurs_so_that_the_comparison_is_not_empty() -> None:
    found = analysed([coin(seed) for seed in range(60)])
    assert {one.signal for one in found} == set(Call)
    assert {vote.strategy for one in found for vote in one.votes} == {"RSI Strategy", "MACD Strategy"}


def test_confidence_does_not_depend_on_what_a_coin_costs() -> None:
    dear, cheap = (coin(seed=4, price=price) for price in (90_000.0, 0.000_004))
    one, other = analysed([dear, cheap])
    assert (one.signal, one.confidence, pytest.approx(one.rsi)) == (other.signal, other.confidence, other.rsi)


def test_an_analysis_is_of_the_newest_close() -> None:
    columns = coin(3)
    [found] = analysed([columns])
    assert found.price == columns.close[-1]
    assert found.as_of == columns.time(len(columns) - 1) + HOUR
    assert found.change_percent == pytest.approx(100 * (columns.close[-1] / columns.close[-25] - 1))
    assert found.macd_histogram == found.macd - found.macd_signal


def test_a_change_from_a_candle_that_is_missing_is_not_known() -> None:
    columns = coin(3)
    [found] = analysed([without(columns, len(columns) - 25)])
    assert found.change_percent is None


def test_a_constant_price_holds() -> None:
    flat = coin(3)
    still = replace(flat, **dict.fromkeys(("open", "high", "low", "close"), np.full(len(flat), 5.0)))
    [found] = analysed([still])
    assert (found.signal, found.rsi, found.macd_histogram) == (Call.HOLD, 50, 0)


@pytest.mark.parametrize("count", [0, 1, 182])
def test_too_few_candles_are_unfit(count: int) -> None:
    columns = coin(1).last(count)
    now = coin(1).time(399) + HOUR
    assert least_candles("1h") == 183
    assert unfit(columns, now) == f"{count} candles of 1h; an analysis takes 183"
    assert not unfit(coin(1).last(183), now)


def test_what_is_not_traded_any_more_is_unfit() -> None:
    columns = coin(1)
    ended = columns.time(399) + HOUR
    assert not unfit(columns, ended + 2 * HOUR)
    assert unfit(columns, ended + 2 * HOUR + timedelta(seconds=1)).startswith("not traded any more: its last candle")


def test_zero_volume_throughout_is_unfit() -> None:
    columns = coin(1)
    silent = replace(columns, volume=np.zeros(len(columns)))
    assert unfit(silent, columns.time(399) + HOUR) == "nothing was traded: its volume is zero throughout"


def test_gaps_never_leave_too_few_longer_candles() -> None:
    columns = coin(1, 600, first_hour=500_017)
    holes = without(columns, *range(100, 500))
    fit = holes.last(183)
    assert not unfit(fit, columns.time(599) + HOUR)
    assert analysed([fit])[0].rsi == pytest.approx(strategy_rsi(fit))


def strategy_rsi(columns: CandleColumns) -> float:
    return float(rsi(columns.close, 14)[-1])


def test_candles_of_two_timeframes_are_refused() -> None:
    with pytest.raises(ValueError, match="one timeframe"):
        analysed([coin(1), replace(coin(2), timeframe="30m")])


def test_nothing_is_analysed_of_nothing() -> None:
    assert analysed([]) == []
    assert Correlations.of([]).returns == 0


def test_the_most_confident_come_first_and_what_acts_before_what_holds() -> None:
    found = by_confidence(analysed([coin(seed) for seed in range(30)]))
    order = [(-one.confidence, one.signal is Call.HOLD, one.symbol) for one in found]
    assert order == sorted(order)


def test_two_that_contradict_are_marked() -> None:
    [found] = analysed([coin(3)])
    votes = (Vote("a", Call.BUY, 0.7), Vote("b", Call.SELL, 0.6))
    assert replace(found, votes=votes).disagrees
    assert not replace(found, votes=votes[:1]).disagrees


def test_correlations_are_of_those_that_share_their_times() -> None:
    one, twin, other = coin(1), replace(coin(1), symbol="TWINUSDT"), coin(2)
    found = Correlations.of([one, twin, other, coin(5, 300), without(coin(6), 9)])
    assert found.symbols == ("COIN1USDT", "TWINUSDT", "COIN2USDT")
    assert found.returns == 399
    assert found.matrix[0, 1] == pytest.approx(1)
    assert abs(found.matrix[0, 2]) < 0.5


def test_what_does_not_move_has_no_correlation() -> None:
    flat = replace(coin(1), **dict.fromkeys(("open", "high", "low", "close"), np.full(400, 5.0)))
    found = Correlations.of([flat, coin(2)])
    assert np.isnan(found.matrix[0, 1])
    assert found.matrix[1, 1] == 1
