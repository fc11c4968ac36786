"""Unusual volume, who made it, and where most of it was traded. It looks at the primary timeframe alone."""

from dataclasses import dataclass

import numpy as np

from tradeops.domain.candle_columns import Floats
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import bullish_volume_share, point_of_control, sma
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.signals import Direction, Mask, Rule, Signals, before
from tradeops.domain.strategies.strategy import Strategy, enough

SPARE_CANDLES = 5
LEAST_CHANGE = 1e-4
NEAR = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class _Traded:
    ratio: Floats
    bulls: Floats
    near: Mask
    above: Mask


def _least_candles(values: Values) -> int:
    return max(int(values["period"]), int(values["window"])) + SPARE_CANDLES


def _traded(frames: Frames, period: int, window: int, scale: str) -> _Traded:
    c = frames.primary
    changes = c.close - before(c.close)
    if scale == "relative":
        changes = 100 * changes / before(c.close)
    mean = sma(c.volume, period)
    ratio = np.full(len(c), np.nan)
    np.divide(c.volume, mean, out=ratio, where=mean > 0)
    busiest = point_of_control(c.high, c.low, c.close, c.volume, window)
    return _Traded(
        ratio=ratio,
        bulls=bullish_volume_share(changes, c.volume, window, LEAST_CHANGE),
        near=np.abs(c.close - busiest) / c.close < NEAR,
        above=c.close > busiest,
    )


def _judge(frames: Frames, values: Values) -> Signals:
    period, window, scale = int(values["period"]), int(values["window"]), str(values["scale"])
    v = frames.remembered(("volume", period, window, scale), lambda: _traded(frames, period, window, scale))
    spike = v.ratio >= float(values["spike"])
    more, much_more, less = v.ratio > 1.2, v.ratio >= 1.5, v.ratio < 0.8
    return Signals.first_of(
        (
            Rule(spike & (v.bulls >= 0.7) & v.above, Direction.LONG, 0.91),
            Rule(spike & (v.bulls <= 0.3) & ~v.above, Direction.SHORT, 0.91),
            Rule((much_more & (v.bulls >= 0.6)) | (v.near & (v.bulls >= 0.65) & v.above), Direction.LONG, 0.71),
            Rule((much_more & (v.bulls <= 0.4)) | (v.near & (v.bulls <= 0.35) & ~v.above), Direction.SHORT, 0.71),
            Rule((v.bulls >= 0.55) & more, Direction.LONG, 0.51),
            Rule((v.bulls <= 0.45) & more, Direction.SHORT, 0.51),
            Rule(less, Direction.NEUTRAL, 0.65),
        ),
        otherwise=0.45,
        ready=enough(frames, _least_candles(values), confirms=False),
    )


STRATEGY = Strategy(
    name="volume",
    title="Volume Strategy",
    version="1",
    parameters=(
        Parameter("period", "candles of the mean volume", default=20, low=5, high=100),
        Parameter("spike", "volume by its mean that counts as a spike", default=2.0, low=1.2, high=10, step=0.1),
        Parameter("window", "candles of the volume profile", default=10, low=3, high=50),
        Parameter(
            "scale",
            "a change of price counts above 0.0001 units of price, as the bot has it, or percent of the price",
            default="price",
            choices=("price", "relative"),
        ),
    ),
    least_candles=_least_candles,
    judge=_judge,
    confirms=False,
)
