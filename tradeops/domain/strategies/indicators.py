"""The one library of indicators, for strategies, features and bulk analysis alike, as the bot defines them.

Ascending closed candles in, an array of the same length out, NaN where there are too few values yet. An entry depends
on values up to its own alone. Leading NaN (the warm-up of another indicator) is allowed; a NaN or infinite value after
it is refused, because a recursive average would carry it to the end.

TA-Lib computes where its definition is the bot's: EMA, RSI where there was movement, highest and lowest. Elsewhere it
differs: its RSI of a flat market is 0 and not 50, its MACD seeds the fast average late, its ATR is Wilder's, its
deviation loses a flat market in rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEUTRAL_PERCENT = 50.0
PROFILE_CHUNK = 8192
TALIB_LEAST_RSI = 2


@dataclass(frozen=True, slots=True, eq=False)
class Macd:
    """In units of price. `signal` and `histogram` begin `signal` period - 1 later than `macd`."""

    macd: Floats
    signal: Floats
    histogram: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Bollinger:
    """In units of price."""

    lower: Floats
    middle: Floats
    upper: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Stochastic:
    """Raw %K and its simple mean %D, both 0-100."""

    k: Floats
    d: Floats


def sma(values: Floats, period: int) -> Floats:
    """Mean of the last `period` values; of equal values exactly that value.

    Raises:
        ValueError: period below 1, or values that are not finite; so do all indicators.
    """
    values, first = _checked(values, period)
    out = _empty(values)
    base = _window_starts(values, first, period)
    out[first + period - 1 :] = base + _mean_offset(values[first:], base, period)
    return out


def ema(values: Floats, period: int) -> Floats:
    """Exponential mean, factor 2 ÷ (period + 1), seeded by the simple mean of the first `period` values."""
    values, first = _checked(values, period)
    out = _empty(values)
    if len(values) - first < period:
        return out
    from talib import EMA  # noqa: PLC0415 - a third of a second that only computing shall cost

    if period == 1:
        return values.copy()
    moved = values[first:] - values[first]  # so that the mean of equal values, the seed, is exactly that value
    out[first:] = EMA(moved, period) + values[first]
    return out


def rsi(close: Floats, period: int) -> Floats:
    """Wilder's relative strength index, 0-100: 50 when nothing moved, 100 without a loss.

    Source: J. W. Wilder, "New Concepts in Technical Trading Systems", 1978: first averages are means of the first
    `period` changes, then (previous × (period - 1) + new) ÷ period.
    """
    close, first = _checked(close, period)
    out = _empty(close)
    changes = np.diff(close[first:])
    if len(changes) < period:
        return out
    if period < TALIB_LEAST_RSI:
        out[first + period :] = _strength(changes, period)
        return out
    from talib import RSI  # noqa: PLC0415

    out[first:] = RSI(close[first:], period)
    doubtful = out == 0  # TA-Lib's answer to no gain, and to no movement, or little of it
    if doubtful.any():
        out[doubtful] = _strength(changes, period)[doubtful[first + period :]]
    return out


def macd(close: Floats, fast: int, slow: int, signal: int) -> Macd:
    """EMA fast - EMA slow, each seeded by its own first values; its EMA; the difference of both."""
    close, first = _checked(close, max(fast, slow))
    moved = close - (close[first] if first < len(close) else 0.0)  # what all have in common leaves no dust
    line = ema(moved, fast) - ema(moved, slow)
    smoothed = ema(line, signal)
    return Macd(line, smoothed, line - smoothed)


def bollinger(close: Floats, period: int, deviations: float) -> Bollinger:
    """Simple mean ± `deviations` × population standard deviation; the three are equal in a flat market."""
    close, first = _checked(close, period)
    base = _window_starts(close, first, period)
    offset = _mean_offset(close[first:], base, period)
    squares = np.zeros(len(base))
    for ago in range(period):
        squares += (close[first + ago : first + ago + len(base)] - base - offset) ** 2
    middle, width = _empty(close), _empty(close)
    middle[first + period - 1 :] = base + offset
    width[first + period - 1 :] = deviations * np.sqrt(squares / period)
    return Bollinger(middle - width, middle, middle + width)


def stochastic(high: Floats, low: Floats, close: Floats, k_period: int, d_period: int) -> Stochastic:
    """%K: where the close lies between lowest low and highest high of `k_period` candles; 50 when these are equal."""
    highest, lowest = highest_of(high, k_period), lowest_of(low, k_period)
    _same_length(high, low, close)
    span = highest - lowest
    k = np.where(np.isnan(span), np.nan, NEUTRAL_PERCENT)
    np.divide(100 * (close - lowest), span, out=k, where=span > 0)
    return Stochastic(k, sma(k, d_period))


def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The larger of high - low and the distances of both from the close before; NaN for the first candle."""
    _same_length(high, low, close)
    out = _empty(_checked(close, 1)[0])
    before = close[:-1]
    out[1:] = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    return out


def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Simple mean of the last `period` true ranges, in units of price: not Wilder's smoothing."""
    return sma(true_range(high, low, close), period)


def highest_of(values: Floats, period: int) -> Floats:
    """The largest of the last `period` values."""
    values, first = _checked(values, period)
    from talib import MAX  # noqa: PLC0415 - a third of a second that only computing shall cost

    return _by_talib(MAX, values, first, period)


def lowest_of(values: Floats, period: int) -> Floats:
    """The smallest of the last `period` values."""
    values, first = _checked(values, period)
    from talib import MIN  # noqa: PLC0415

    return _by_talib(MIN, values, first, period)


def point_of_control(
    high: Floats, low: Floats, close: Floats, volume: Floats, window: int = 10, bins: int = 20
) -> Floats:
    """Lower edge of the price bin with the most volume in the last `window` candles; of equals the lowest.

    `bins` equal ones from the lowest low to the highest high; a candle's volume lies at (high + low + close) ÷ 3. NaN
    also where nothing was traded in the window.
    """
    _same_length(high, low, close, volume)
    lowest, highest = lowest_of(low, window), highest_of(high, window)
    typical = _checked((high + low + close) / 3, window)[0]
    volume = _checked(volume, window)[0]
    out = _empty(close)
    for start in range(window - 1, len(close), PROFILE_CHUNK):
        stop = min(start + PROFILE_CHUNK, len(close))
        rows = slice(start, stop)
        places = np.arange(start, stop)[:, None] + np.arange(1 - window, 1)
        step = (highest[rows] - lowest[rows]) / bins
        at = np.zeros(places.shape)
        np.divide(typical[places] - lowest[rows, None], step[:, None], out=at, where=step[:, None] > 0)
        cells = np.clip(at.astype(np.int64), 0, bins - 1) + bins * np.arange(stop - start)[:, None]
        held = np.bincount(cells.ravel(), weights=volume[places].ravel(), minlength=bins * (stop - start))
        held = held.reshape(-1, bins)
        edge = lowest[rows] + held.argmax(axis=1) * step
        out[rows] = np.where(held.max(axis=1) > 0, edge, np.nan)
    return out


def bullish_volume_share(changes: Floats, volume: Floats, window: int, least_change: float) -> Floats:
    """Volume of rising candles ÷ volume of rising and falling ones in the last `window`, 0-1; 0.5 when there are none.

    Args:
        changes: of each close from the one before, absolute or relative; the first is NaN.
        volume: of each candle.
        window: how many candles.
        least_change: a smaller one, up or down, is none.
    """
    _same_length(changes, volume)
    changes, first = _checked(changes, window)
    volume = _checked(volume, window)[0]
    counted = volume[first:]
    rising = _window_sum(np.where(changes[first:] > least_change, counted, 0.0), window)
    falling = _window_sum(np.where(changes[first:] < -least_change, counted, 0.0), window)
    share = np.full(len(rising), 0.5)
    np.divide(rising, rising + falling, out=share, where=rising + falling > 0)
    out = _empty(changes)
    out[first + window - 1 :] = share
    return out


def _checked(values: Floats, period: int) -> tuple[Floats, int]:
    """The values as contiguous floats, and where their leading NaN end."""
    if period < 1:
        raise ValueError(f"a period is at least 1, not {period}")
    values = np.ascontiguousarray(values, dtype=np.float64)
    finite = np.isfinite(values)
    if finite.all():
        return values, 0
    first = int(finite.argmax()) if finite.any() else len(values)
    if not finite[first:].all() or np.isinf(values[:first]).any():
        place = int(np.flatnonzero(~finite[first:])[0]) + first if not finite[first:].all() else 0
        raise ValueError(f"an indicator of finite values only; entry {place} is {values[place]}")
    return values, first


def _same_length(*columns: Floats) -> None:
    if len({len(column) for column in columns}) > 1:
        raise ValueError(f"columns of one length, not {', '.join(str(len(column)) for column in columns)}")


def _empty(like: Floats) -> Floats:
    return np.full(len(like), np.nan)


def _window_starts(values: Floats, first: int, period: int) -> Floats:
    """The first value of each whole window."""
    return values[first : max(len(values) - period + 1, first)]


def _mean_offset(values: Floats, base: Floats, period: int) -> Floats:
    """Mean of each window less its first value: sums of differences, so that equal values leave exactly 0."""
    offset = np.zeros(len(base))
    for ago in range(1, period):
        offset += values[ago : ago + len(base)] - base
    return offset / period


def _window_sum(values: Floats, window: int) -> Floats:
    """Added anew for each window: a running sum would keep the dust of large values for ever."""
    total = np.zeros(max(len(values) - window + 1, 0))
    for ago in range(window):
        total += values[ago : ago + len(total)]
    return total


def _strength(changes: Floats, period: int) -> Floats:
    """Wilder's index by his own averages, from the first one on."""
    gain, loss = (_wilder(np.maximum(side, 0.0), period) for side in (changes, -changes))
    total = gain + loss
    strength = np.full(len(total), NEUTRAL_PERCENT)
    np.divide(gain * 100, total, out=strength, where=total > 0)
    return strength


def _wilder(values: Floats, period: int) -> Floats:
    """Wilder's average is an exponential one of factor 1 ÷ period = 2 ÷ (2 period - 1 + 1), with a seed of its own."""
    seed = values[:period].mean()
    if period == 1:
        return values.copy()
    from talib import EMA  # noqa: PLC0415

    longer = 2 * period - 1
    out: Floats = EMA(np.concatenate([np.full(longer, seed), values[period:]]), longer)[longer - 1 :]
    return out


def _by_talib(function: Callable[[Floats, int], Floats], values: Floats, first: int, period: int) -> Floats:
    out = _empty(values)
    if period == 1:
        return values.copy()
    if len(values) - first >= period:
        out[first:] = function(values[first:], period)
    return out
