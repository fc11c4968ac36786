"""Seeded markets in columns: open, high, low, close, volume."""

from datetime import timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.candles import period_of


class Market(NamedTuple):
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]


def market(seed: int, length: int, *, price: float = 100.0, volatility: float = 0.01, flat: bool = False) -> Market:
    """A random walk without gaps; when `flat`, long stretches do not move and nothing is traded in them."""
    rng = np.random.default_rng([seed, length])
    steps = rng.normal(0, volatility, length)
    spread = rng.exponential(volatility / 2, (2, length))
    volume = rng.lognormal(3, 1, length)
    if flat:
        still = np.arange(length) // 40 % 2 == 1
        steps[still] = 0
        spread[:, still] = 0
        volume[still] = 0
    close = price * np.exp(np.cumsum(steps))
    opened = np.concatenate([[price], close[:-1]])
    high = np.maximum(opened, close) * (1 + spread[0])
    low = np.minimum(opened, close) * (1 - spread[1])
    return Market(opened, high, low, close, volume)


def candles(m: Market, *, timeframe: str = "1h", first_hour: int = 500_016) -> CandleColumns:
    """The market as candles; hour 500,016 since 1970 opens a day."""
    period = period_of(timeframe) // timedelta.resolution
    opened_at = first_hour * 3_600_000_000 // period * period + np.arange(len(m.close)) * period
    return CandleColumns("BTCUSDT", timeframe, opened_at, *m)
