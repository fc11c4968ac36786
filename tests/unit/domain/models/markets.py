"""Candles of invented markets, by seed."""

import numpy as np

from tradeops.domain.models.columns import TrainingCandles

START_MS = 1_760_000_400_000  # an hour of October 2025


def market(count: int = 800, *, seed: int = 1, timeframe: str = "1h", echo: float = 0.0) -> TrainingCandles:
    """A random walk; `echo` is how much of a candle's return comes back in the next one."""
    random = np.random.default_rng(seed)
    moves = random.standard_normal(count) * 0.005
    for row in range(1, count):
        moves[row] += echo * moves[row - 1]
    close = 100 * np.exp(np.cumsum(moves))
    before = np.concatenate([[100.0], close[:-1]])
    wick = np.abs(random.standard_normal((2, count))) * 0.002
    step = {"15m": 900_000, "1h": 3_600_000, "1d": 86_400_000}[timeframe]
    start = START_MS // step * step
    return TrainingCandles(
        timeframe=timeframe,
        opened_ms=start + step * np.arange(count),
        open=before,
        high=np.maximum(before, close) * (1 + wick[0]),
        low=np.minimum(before, close) * (1 - wick[1]),
        close=close,
        volume=np.exp(random.standard_normal(count)) * 10,
    )


def without(candles: TrainingCandles, *rows: int) -> TrainingCandles:
    """The same market with gaps."""
    kept = np.delete(np.arange(len(candles)), rows)
    columns = (candles.open, candles.high, candles.low, candles.close, candles.volume)
    return TrainingCandles(candles.timeframe, candles.opened_ms[kept], *(column[kept] for column in columns))
