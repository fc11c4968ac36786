"""Convergence and divergence of moving averages on both timeframes."""

from dataclasses import dataclass

import numpy as np

from tradeops.domain.candle_columns import Floats
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import macd
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.signals import Direction, Mask, Rule, Signals, before, crosses_above
from tradeops.domain.strategies.strategy import Strategy, enough

SPARE_CANDLES = 10
STRONGER = 1.1


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """What the rules look at; `1` is of primary candles, `4` of confirmation candles."""

    line: Floats
    signal: Floats
    h1: Floats
    h4: Floats
    rising1: Mask
    falling1: Mask
    rising4: Mask
    falling4: Mask


def _least_candles(values: Values) -> int:
    return int(values["slow"]) + int(values["signal"]) + SPARE_CANDLES


def _conflict(values: Values) -> str:
    return "" if int(values["fast"]) < int(values["slow"]) else "fast is below slow"


def _lines(frames: Frames, fast: int, slow: int, signal: int) -> Lines:
    primary = macd(frames.primary.close, fast, slow, signal)
    h1, longer = primary.histogram, macd(frames.confirmation.close, fast, slow, signal).histogram
    before1, before4 = before(h1), frames.seen(before(longer))
    h4 = frames.seen(longer)
    return Lines(primary.macd, primary.signal, h1, h4, h1 > before1, h1 < before1, h4 > before4, h4 < before4)


def _judge(frames: Frames, values: Values) -> Signals:
    periods = int(values["fast"]), int(values["slow"]), int(values["signal"])
    m = frames.remembered(("macd", *periods), lambda: _lines(frames, *periods))
    t1: Floats | float
    t4: Floats | float
    t1 = t4 = float(values["threshold"])
    if values["scale"] == "relative":
        t1, t4 = t1 * frames.primary.close / 100, t4 * frames.seen(frames.confirmation.close) / 100
    bull, bear = crosses_above(m.line, m.signal), crosses_above(m.signal, m.line)
    up4, down4 = m.h4 > t4, m.h4 < -t4
    stronger = STRONGER * before(m.h1)
    return Signals.first_of(
        (
            Rule(bull & up4 & m.rising1 & m.rising4, Direction.LONG, 0.89),
            Rule(bear & down4 & m.falling1 & m.falling4, Direction.SHORT, 0.89),
            Rule(m.rising4 & (bull | ((m.h1 > t1) & m.rising1 & up4)), Direction.LONG, 0.71),
            Rule(m.falling4 & (bear | ((m.h1 < -t1) & m.falling1 & down4)), Direction.SHORT, 0.71),
            Rule(m.rising1 & (m.line > m.signal) & (m.h1 > stronger) & ~down4, Direction.LONG, 0.55),
            Rule(m.falling1 & (m.line < m.signal) & (m.h1 < stronger) & ~up4, Direction.SHORT, 0.55),
            Rule((np.abs(m.h1) < t1) & (np.abs(m.h4) < 2 * t4), Direction.NEUTRAL, 0.65),
        ),
        otherwise=0.45,
        ready=enough(frames, _least_candles(values)),
    )


STRATEGY = Strategy(
    name="macd",
    title="MACD Strategy",
    version="1",
    parameters=(
        Parameter("fast", "candles of the fast average", default=12, low=2, high=50),
        Parameter("slow", "candles of the slow average", default=26, low=5, high=100),
        Parameter("signal", "candles of the average of both averages' distance", default=9, low=2, high=30),
        Parameter("threshold", "what the histogram must exceed", default=0.001, low=0, high=1, step=0.001),
        Parameter(
            "scale",
            "the threshold in units of price, as the bot has it, or in percent of the price",
            default="price",
            choices=("price", "relative"),
        ),
    ),
    least_candles=_least_candles,
    judge=_judge,
    conflict=_conflict,
)
