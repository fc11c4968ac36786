"""Candles and rules for backtests: whole prices, one hour each, from midnight."""

from collections.abc import Sequence

import numpy as np

from tradeops.domain.backtest.course import Course, Run
from tradeops.domain.backtest.rules import BacktestRules, Sizing
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.signals import Signals
from tradeops.domain.strategies.strategy import Strategy

HOUR = 3_600_000_000
MIDNIGHT = 20_834 * 24 * HOUR
Bar = tuple[float, float, float, float]

FREE = BacktestRules(
    balance_usd=1000,
    fee_percent=0,
    slippage_percent=0,
    funding_percent=0,
    stop_loss_percent=None,
    take_profit_percent=None,
    leverage=1,
    sizing=Sizing.EQUITY,
    size_percent=100,
    least_confidence=0,
)


def bars(*each: Bar, first_hour: int = 1) -> CandleColumns:
    """Open, high, low, close; the first opens at one o'clock, so that no funding comes in the way."""
    opened_at = MIDNIGHT + (first_hour + np.arange(len(each))) * HOUR
    columns = np.array(each, dtype=np.float64).reshape(-1, 4).T
    return CandleColumns("BTCUSDT", "1h", opened_at, *columns, np.ones(len(each)))


def said(*directions: int) -> Signals:
    return Signals(np.array(directions, dtype=np.int8), np.ones(len(directions)))


def traded(candles: CandleColumns, directions: Sequence[int], rules: BacktestRules = FREE, seed: int = 0) -> Run:
    return Course.of(candles, rules, seed).run(said(*directions))


def _judge(frames: Frames, values: Values) -> Signals:
    from tradeops.domain.strategies.indicators import rsi  # noqa: PLC0415

    strength = rsi(frames.primary.close, int(values["period"]))
    direction = (strength <= float(values["low"])).astype(np.int8) - (strength >= float(values["high"])).astype(np.int8)
    return Signals(direction, np.where(np.isnan(strength), np.nan, 1.0))


RSI_LEVEL = Strategy(
    name="rsi_level",
    title="RSI level",
    version="1",
    parameters=(
        Parameter("period", "candles", default=14, low=2, high=100),
        Parameter("low", "long at or below", default=30.0, low=0, high=50),
        Parameter("high", "short at or above", default=70.0, low=50, high=100),
    ),
    least_candles=lambda values: int(values["period"]) + 1,
    judge=_judge,
    confirms=False,
)
