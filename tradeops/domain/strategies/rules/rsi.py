"""Relative strength on both timeframes."""

import numpy as np

from tradeops.domain.candle_columns import Floats
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import NEUTRAL_PERCENT as MIDDLE
from tradeops.domain.strategies.indicators import rsi
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.signals import Direction, Rule, Signals, before
from tradeops.domain.strategies.strategy import Strategy, enough
from tradeops.domain.strategies.zones import zones_conflict

SPARE_CANDLES = 5
DUST = 1e-9  # while nothing moves, an RSI keeps its value, but for rounding: that must not decide


def _least_candles(values: Values) -> int:
    return int(values["period"]) + SPARE_CANDLES


def _both(frames: Frames, period: int) -> tuple[Floats, Floats]:
    return rsi(frames.primary.close, period), frames.seen(rsi(frames.confirmation.close, period))


def _judge(frames: Frames, values: Values) -> Signals:
    period = int(values["period"])
    low, high = float(values["oversold"]), float(values["overbought"])
    lowest, highest = float(values["extreme_oversold"]), float(values["extreme_overbought"])
    r1, r4 = frames.remembered(("rsi", period), lambda: _both(frames, period))
    change = r1 - before(r1)
    falls, rises = change < -DUST, change > DUST
    below, above = r4 < MIDDLE, r4 > MIDDLE
    return Signals.first_of(
        (
            Rule((r1 <= lowest) & (r4 <= low) & ~falls, Direction.LONG, 0.87),
            Rule((r1 >= highest) & (r4 >= high) & ~rises, Direction.SHORT, 0.87),
            Rule((r1 <= low) & below & rises, Direction.LONG, 0.73),
            Rule((r1 >= high) & above & falls, Direction.SHORT, 0.73),
            Rule((low < r1) & (r1 < MIDDLE) & rises & below, Direction.LONG, 0.51),
            Rule((r1 > MIDDLE) & (r1 < high) & falls & above, Direction.SHORT, 0.51),
            Rule((np.abs(r1 - MIDDLE) < 10) & (np.abs(r4 - MIDDLE) < 15), Direction.NEUTRAL, 0.65),
        ),
        otherwise=0.45,
        ready=enough(frames, _least_candles(values)),
    )


STRATEGY = Strategy(
    name="rsi",
    title="RSI Strategy",
    version="1",
    parameters=(
        Parameter("period", "candles of the RSI", default=14, low=2, high=50),
        Parameter("oversold", "at or below it the market is sold out", default=25.0, low=5, high=45),
        Parameter("overbought", "at or above it the market is bought out", default=75.0, low=55, high=95),
        Parameter("extreme_oversold", "the same, extremely", default=20.0, low=1, high=45),
        Parameter("extreme_overbought", "the same, extremely", default=80.0, low=55, high=99),
    ),
    least_candles=_least_candles,
    judge=_judge,
    conflict=zones_conflict,
)
