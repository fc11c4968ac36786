"""Where the close lies in its recent range, on both timeframes."""

from dataclasses import dataclass

import numpy as np

from tradeops.domain.candle_columns import Floats
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import NEUTRAL_PERCENT as MIDDLE
from tradeops.domain.strategies.indicators import stochastic
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.signals import Direction, Mask, Rule, Signals, before, crosses_above
from tradeops.domain.strategies.strategy import Strategy, enough
from tradeops.domain.strategies.zones import zones_conflict

SPARE_CANDLES = 5
WIDER_ZONE = 10


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    k1: Floats
    d1: Floats
    k4: Floats
    bull: Mask
    bear: Mask


def _least_candles(values: Values) -> int:
    return int(values["k_period"]) + int(values["d_period"]) + SPARE_CANDLES


def _lines(frames: Frames, k_period: int, d_period: int) -> _Lines:
    one, four = (stochastic(c.high, c.low, c.close, k_period, d_period) for c in (frames.primary, frames.confirmation))
    return _Lines(one.k, one.d, frames.seen(four.k), crosses_above(one.k, one.d), crosses_above(one.d, one.k))


def _judge(frames: Frames, values: Values) -> Signals:
    periods = int(values["k_period"]), int(values["d_period"])
    low, high = float(values["oversold"]), float(values["overbought"])
    lowest, highest = float(values["extreme_oversold"]), float(values["extreme_overbought"])
    s = frames.remembered(("stochastic", *periods), lambda: _lines(frames, *periods))
    k1, d1, k4 = s.k1, s.d1, s.k4
    k_before = before(k1)
    return Signals.first_of(
        (
            Rule(s.bull & (k1 <= low) & (k4 <= low), Direction.LONG, 0.89),
            Rule((k1 <= lowest) & (k4 <= low) & (k1 > d1), Direction.LONG, 0.85),
            Rule(s.bear & (k1 >= high) & (k4 >= high), Direction.SHORT, 0.89),
            Rule((k1 >= highest) & (k4 >= high) & (k1 < d1), Direction.SHORT, 0.85),
            Rule(s.bull & (k1 <= low + WIDER_ZONE) & (k4 < MIDDLE), Direction.LONG, 0.72),
            Rule(s.bear & (k1 >= high - WIDER_ZONE) & (k4 > MIDDLE), Direction.SHORT, 0.72),
            Rule((k1 > d1) & (k1 < MIDDLE) & (k4 < MIDDLE) & (k1 > k_before), Direction.LONG, 0.52),
            Rule((k1 < d1) & (k1 > MIDDLE) & (k4 > MIDDLE) & (k1 < k_before), Direction.SHORT, 0.52),
            Rule((np.abs(k1 - MIDDLE) < 15) & (np.abs(k4 - MIDDLE) < 20), Direction.NEUTRAL, 0.63),
        ),
        otherwise=0.47,
        ready=enough(frames, _least_candles(values)),
    )


STRATEGY = Strategy(
    name="stochastic",
    title="Stochastic Strategy",
    version="1",
    parameters=(
        Parameter("k_period", "candles of %K", default=14, low=3, high=50),
        Parameter("d_period", "values of %K in %D", default=3, low=2, high=20),
        Parameter("oversold", "at or below it the market is sold out", default=15.0, low=5, high=40),
        Parameter("overbought", "at or above it the market is bought out", default=85.0, low=60, high=95),
        Parameter("extreme_oversold", "the same, extremely", default=10.0, low=1, high=40),
        Parameter("extreme_overbought", "the same, extremely", default=90.0, low=60, high=99),
    ),
    least_candles=_least_candles,
    judge=_judge,
    conflict=zones_conflict,
)
