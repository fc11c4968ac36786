"""Candles of no market, always the same ones, for models that nobody uses."""

import numpy as np

from tradeops.domain.models.columns import TrainingCandles

HOUR_MS = 3_600_000
BEGIN_MS = 1_700_000_000_000 // HOUR_MS * HOUR_MS
SEED = 20_251_126


def canary_candles(count: int) -> TrainingCandles:
    """A random walk of hourly candles."""
    random = np.random.default_rng(SEED)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.005, count)))
    opened = np.concatenate(([100.0], close[:-1]))
    spread = 1 + np.abs(random.normal(0, 0.002, count))
    return TrainingCandles(
        timeframe="1h",
        opened_ms=BEGIN_MS + HOUR_MS * np.arange(count, dtype=np.int64),
        open=opened,
        high=np.maximum(opened, close) * spread,
        low=np.minimum(opened, close) / spread,
        close=close,
        volume=random.uniform(50, 150, count),
    )
