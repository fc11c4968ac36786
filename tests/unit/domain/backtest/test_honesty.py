"""Strategies that know the future are caught; those of the bot do not."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.domain.backtest.samples import RSI_LEVEL
from tests.unit.domain.strategies.markets import candles, market
from tradeops.domain.backtest.honesty import look_ahead, warm_up_drift
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import sma
from tradeops.domain.strategies.parameters import Values
from tradeops.domain.strategies.registry import all_strategies
from tradeops.domain.strategies.signals import Signals
from tradeops.domain.strategies.strategy import Strategy

HOURS = candles(market(31, 1200))
SURE = np.ones(1200)


def strategy(judge: object) -> Strategy:
    return replace(RSI_LEVEL, judge=judge)  # type: ignore[arg-type]


def reads_the_next_close(frames: Frames, _: Values) -> Signals:
    close = frames.primary.close
    rises = np.append(close[1:] > close[:-1], False)
    return Signals(np.where(rises, 1, -1).astype(np.int8), np.ones(len(close)))


def centres_its_window(frames: Frames, _: Values) -> Signals:
    close = frames.primary.close
    smooth = np.roll(sma(close, 9), -4)  # a centred mean, as a careless notebook has it
    return Signals(np.nan_to_num(np.sign(close - smooth)).astype(np.int8), np.ones(len(close)))


def scales_by_the_whole(frames: Frames, _: Values) -> Signals:
    close = frames.primary.close
    deviation = (close - close.mean()) / (close.std() or 1)
    return Signals((deviation < -1).astype(np.int8), np.ones(len(close)))


def sees_the_longer_candle_before_it_is_over(frames: Frames, _: Values) -> Signals:
    close, places = frames.confirmation.close, frames.confirmed + 1
    known = np.where(places < len(close), close[np.minimum(places, len(close) - 1)], np.nan) if len(close) else SURE * 0
    return Signals((known[: len(frames)] > frames.primary.close).astype(np.int8), np.ones(len(frames)))


def cheats_seldom(frames: Frames, _: Values) -> Signals:
    close = frames.primary.close
    jumps = np.append(close[1:] > 1.03 * close[:-1], False)
    return Signals(jumps.astype(np.int8), np.ones(len(close)))


def is_only_more_sure_afterwards(frames: Frames, _: Values) -> Signals:
    close = frames.primary.close
    rises = np.append(close[1:] > close[:-1], False)
    return Signals(np.ones(len(close), dtype=np.int8), np.where(rises, 0.9, 0.6))


@pytest.mark.parametrize(
    "cheat",
    [
        reads_the_next_close,
        centres_its_window,
        scales_by_the_whole,
        sees_the_longer_candle_before_it_is_over,
        cheats_seldom,
        is_only_more_sure_afterwards,
    ],
)
def test_a_cheating_strategy_is_caught(cheat: object) -> None:
    leaks = look_ahead(strategy(cheat), HOURS)
    assert leaks
    leak = leaks[0]
    assert leak.place < leak.known_candles < len(HOURS)
    assert leak.then != leak.now


@pytest.mark.parametrize("honest", all_strategies(), ids=lambda honest: honest.name)
def test_the_strategies_of_the_bot_know_nothing_of_the_future(honest: Strategy) -> None:
    assert look_ahead(honest, HOURS) == ()


def test_a_strategy_that_never_signals_is_looked_at_too() -> None:
    assert look_ahead(RSI_LEVEL, HOURS, {"low": 0, "high": 100}) == ()


@pytest.mark.parametrize("honest", all_strategies(), ids=lambda honest: honest.name)
def test_with_eight_times_the_warm_up_nobody_can_tell_what_was_before(honest: Strategy) -> None:
    drifts = warm_up_drift(honest, candles(market(32, 2400)))
    assert [drift.history_candles for drift in drifts] == [n * honest.warm_up_candles() for n in (1, 2, 4, 8)]
    assert drifts[-1].differing_percent == 0


def test_a_recursive_average_without_history_differs_and_a_plain_one_does_not() -> None:
    drift = {s.name: warm_up_drift(s, HOURS)[0].differing_percent for s in all_strategies()}
    assert drift["rsi"] > 0
    assert drift["volume"] == drift["stochastic"] == drift["bollinger"] == 0


def test_too_few_candles_leave_nothing_to_compare() -> None:
    assert warm_up_drift(RSI_LEVEL, HOURS.first(10)) == ()
    assert warm_up_drift(RSI_LEVEL, HOURS.first(0)) == ()
