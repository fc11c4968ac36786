"""How the sandbox's AI service reads candles: by a trend and a relative strength, the same for the same candles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, FiniteFloat

FAST, SLOW, RSI_PERIOD = 9, 21, 14
FEWEST_CANDLES = SLOW + 1
CLEAR_TREND = 0.25
OVERBOUGHT, OVERSOLD = 80.0, 20.0

Series = NDArray[np.float64]


class PostedCandle(BaseModel):
    """One candle of a request.

    Attributes:
        timestamp: epoch milliseconds of its opening.
    """

    timestamp: int
    open: FiniteFloat
    high: FiniteFloat
    low: FiniteFloat
    close: FiniteFloat
    volume: FiniteFloat


@dataclass(frozen=True, slots=True)
class View:
    """What one timeframe says.

    Attributes:
        trend: from -1, falling steeply, to 1: the distance of two averages, in average true ranges.
        rsi: 0-100.
        range_percent: the average true range of the last candles, of the price.
        volume_ratio: the last candle's volume to the average.
        support: the lowest low in sight; `resistance` the highest high.
    """

    trend: float
    rsi: float
    range_percent: float
    volume_ratio: float
    support: float
    resistance: float


def view_of(candles: Sequence[PostedCandle]) -> View:
    """Read one timeframe, whatever the order of its candles.

    Raises:
        ValueError: too few candles, or a price that is not positive.
    """
    if len(candles) < FEWEST_CANDLES:
        raise ValueError(f"at least {FEWEST_CANDLES} candles are needed, not {len(candles)}")
    ordered = sorted(candles, key=lambda candle: candle.timestamp)
    closes, highs, lows, volumes = (
        np.array([getattr(candle, name) for candle in ordered], dtype=np.float64)
        for name in ("close", "high", "low", "volume")
    )
    if min(closes.min(), lows.min()) <= 0:
        raise ValueError("prices must be positive")
    true_range = float((highs - lows)[-RSI_PERIOD:].mean())
    usual_volume = float(volumes.mean())
    gap = _ema(closes, FAST) - _ema(closes, SLOW)
    return View(
        trend=float(np.clip(gap / true_range, -1, 1)) if true_range else 0.0,
        rsi=_rsi(closes),
        range_percent=true_range / float(closes[-1]) * 100,
        volume_ratio=float(volumes[-1]) / usual_volume if usual_volume else 1.0,
        support=float(lows[-SLOW:].min()),
        resistance=float(highs[-SLOW:].max()),
    )


def opinion(views: Mapping[str, View]) -> Mapping[str, object]:
    """The signal of one symbol over all its timeframes, without symbol and time; there is at least one view."""
    trend = float(np.mean([view.trend for view in views.values()]))
    rsi = float(np.mean([view.rsi for view in views.values()]))
    signal = _signal(trend, rsi)
    technical_risk = min(1.0, float(np.mean([view.range_percent for view in views.values()])) / 5)
    read = ", ".join(f"{timeframe} trend {view.trend:+.2f} RSI {view.rsi:.0f}" for timeframe, view in views.items())
    scores = {
        "RSI Strategy": rsi / 100,
        "MACD Strategy": (trend + 1) / 2,
        "Volume Strategy": min(1.0, float(np.mean([view.volume_ratio for view in views.values()])) / 2),
        "Bollinger Bands Strategy": 1 - technical_risk,
        "Stochastic Strategy": rsi / 100,
    }
    return {
        "signal": signal,
        "confidence": round(0.5 + abs(trend) * 0.45, 2) if signal != "Neutral" else 0.45,
        "reasoning": f"{signal}: {read}",
        "strategy_scores": {name: round(score, 3) for name, score in scores.items()},
        "market_analysis": {
            "trend_direction": "Bullish" if trend > 0 else "Bearish" if trend < 0 else "Sideways",
            "trend_strength": round(abs(trend), 3),
            "support_levels": sorted({view.support for view in views.values()}),
            "resistance_levels": sorted({view.resistance for view in views.values()}),
        },
        "risk_assessment": {
            "technical_risk": round(technical_risk, 3),
            "market_risk": round(1 - abs(trend), 3),
            "recommended_position_size": round(0.05 * (1 - technical_risk), 4),
        },
    }


def _signal(trend: float, rsi: float) -> str:
    if trend > CLEAR_TREND and rsi < OVERBOUGHT:
        return "Long"
    if trend < -CLEAR_TREND and rsi > OVERSOLD:
        return "Short"
    return "Neutral"


def _ema(values: Series, period: int) -> float:
    average = float(values[:period].mean())
    for value in values[period:].tolist():
        average += (value - average) * 2 / (period + 1)
    return average


def _rsi(closes: Series) -> float:
    changes = np.diff(closes)
    rise, fall = float(np.maximum(changes[:RSI_PERIOD], 0).mean()), float(np.maximum(-changes[:RSI_PERIOD], 0).mean())
    for change in changes[RSI_PERIOD:].tolist():
        rise += (max(change, 0.0) - rise) / RSI_PERIOD
        fall += (max(-change, 0.0) - fall) / RSI_PERIOD
    return 100 * rise / (rise + fall) if rise + fall else 50.0
