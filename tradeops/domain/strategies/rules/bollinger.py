"""Bands of deviation on both timeframes. The price of all rules is the primary close."""

from dataclasses import dataclass

from tradeops.domain.candle_columns import Floats
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import bollinger
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.signals import Direction, Mask, Rule, Signals, before
from tradeops.domain.strategies.strategy import Strategy, enough

WIDER = 1.05
NARROWER = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class _Bands:
    lower1: Floats
    upper1: Floats
    width1: Floats
    width4: Floats
    position1: Floats
    position4: Floats
    middle4: Floats
    flat: Mask


def _least_candles(values: Values) -> int:
    return int(values["period"]) + 1


def _bands(frames: Frames, period: int, deviations: float) -> _Bands:
    price = frames.primary.close
    one = bollinger(price, period, deviations)
    longer = bollinger(frames.confirmation.close, period, deviations)
    lower4, middle4, upper4 = (frames.seen(band) for band in (longer.lower, longer.middle, longer.upper))
    span1, span4 = one.upper - one.lower, upper4 - lower4
    flat = (span1 == 0) | (span4 == 0)
    span1[flat] = span4[flat] = 1
    return _Bands(
        one.lower,
        one.upper,
        (one.upper - one.lower) / one.middle,
        (upper4 - lower4) / middle4,
        (price - one.lower) / span1,
        (price - lower4) / span4,
        middle4,
        flat,
    )


def _judge(frames: Frames, values: Values) -> Signals:
    period, deviations = int(values["period"]), float(values["deviations"])
    b = frames.remembered(("bollinger", period, deviations), lambda: _bands(frames, period, deviations))
    squeeze1, squeeze4 = b.width1 < float(values["squeeze"]), b.width4 < float(values["squeeze"])
    expands, contracts = b.width1 > WIDER * before(b.width1), b.width1 < NARROWER * before(b.width1)
    breaks = (squeeze1 | squeeze4) & expands
    price, pos1, pos4 = frames.primary.close, b.position1, b.position4
    return Signals.first_of(
        (
            Rule(b.flat, Direction.NEUTRAL, 0.45),
            Rule(breaks & (price > b.upper1) & (pos4 > 0.5), Direction.LONG, 0.87),
            Rule(breaks & (price < b.lower1) & (pos4 < 0.5), Direction.SHORT, 0.87),
            Rule((pos1 <= 0.1) & (pos4 < 0.3) & ~expands, Direction.LONG, 0.73),
            Rule((pos1 >= 0.9) & (pos4 > 0.7) & ~expands, Direction.SHORT, 0.73),
            Rule((pos1 > 0.8) & (pos4 > 0.6) & expands, Direction.LONG, 0.69),
            Rule((pos1 < 0.2) & (pos4 < 0.4) & expands, Direction.SHORT, 0.69),
            Rule((pos1 < 0.25) & (price > b.middle4), Direction.LONG, 0.58),
            Rule((pos1 > 0.75) & (price < b.middle4), Direction.SHORT, 0.58),
            Rule(squeeze1 & squeeze4, Direction.NEUTRAL, 0.65),
            Rule((pos1 > 0.4) & (pos1 < 0.6) & contracts, Direction.NEUTRAL, 0.65),
        ),
        otherwise=0.45,
        ready=enough(frames, _least_candles(values)),
    )


STRATEGY = Strategy(
    name="bollinger",
    title="Bollinger Bands Strategy",
    version="1",
    parameters=(
        Parameter("period", "candles of the mean", default=20, low=5, high=100),
        Parameter("deviations", "half the width of the bands", default=2.0, low=0.5, high=4, step=0.1),
        Parameter("squeeze", "bands narrower than this share of the price", default=0.02, low=0, high=0.2, step=0.005),
    ),
    least_candles=_least_candles,
    judge=_judge,
)
