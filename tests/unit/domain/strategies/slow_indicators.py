"""The contract's indicators a second time: one value at a time, in plain Python, slow and obvious."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

NAN = math.nan


def each(length: int, least: int, value_at: Callable[[int], float]) -> list[float]:
    """NaN while fewer than `least` values are there."""
    return [value_at(i) if i + 1 >= least else NAN for i in range(length)]


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def sma(values: Sequence[float], n: int) -> list[float]:
    return each(len(values), n, lambda i: mean(values[i - n + 1 : i + 1]))


def ema(values: Sequence[float], n: int) -> list[float]:
    out = [NAN] * len(values)
    for i in range(n - 1, len(values)):
        out[i] = mean(values[:n]) if i == n - 1 else out[i - 1] + (values[i] - out[i - 1]) * 2 / (n + 1)
    return out


def rsi(close: Sequence[float], n: int) -> list[float]:
    out = [NAN] * len(close)
    changes = [b - a for a, b in pairwise(close)]
    gain = loss = NAN
    for i in range(n, len(close)):
        if i == n:
            gain = mean([max(c, 0) for c in changes[:n]])
            loss = mean([max(-c, 0) for c in changes[:n]])
        else:
            gain = (gain * (n - 1) + max(changes[i - 1], 0)) / n
            loss = (loss * (n - 1) + max(-changes[i - 1], 0)) / n
        if loss == 0:
            out[i] = 50 if gain == 0 else 100
        else:
            out[i] = 100 - 100 / (1 + gain / loss)
    return out


def macd(close: Sequence[float], fast: int, slow: int, signal: int) -> tuple[list[float], list[float], list[float]]:
    line = [a - b for a, b in zip(ema(close, fast), ema(close, slow), strict=True)]
    begin = max(fast, slow) - 1
    smooth = [NAN] * min(begin, len(close)) + ema(line[begin:], signal)
    return line, smooth, [a - b for a, b in zip(line, smooth, strict=True)]


def bollinger(close: Sequence[float], n: int, m: float) -> tuple[list[float], list[float], list[float]]:
    middle = sma(close, n)
    width = each(len(close), n, lambda i: m * math.sqrt(mean([(c - middle[i]) ** 2 for c in close[i - n + 1 : i + 1]])))
    return (
        [a - b for a, b in zip(middle, width, strict=True)],
        middle,
        [a + b for a, b in zip(middle, width, strict=True)],
    )


def stochastic(
    high: Sequence[float], low: Sequence[float], close: Sequence[float], k: int, d: int
) -> tuple[list[float], list[float]]:
    def raw(i: int) -> float:
        top, bottom = max(high[i - k + 1 : i + 1]), min(low[i - k + 1 : i + 1])
        return 50.0 if top == bottom else 100 * (close[i] - bottom) / (top - bottom)

    line = each(len(close), k, raw)
    return line, each(len(close), k + d - 1, lambda i: mean(line[i - d + 1 : i + 1]))


def atr(high: Sequence[float], low: Sequence[float], close: Sequence[float], n: int) -> list[float]:
    def ranged(i: int) -> float:
        return max(high[i] - low[i], abs(high[i] - close[i - 1]), abs(low[i] - close[i - 1]))

    return each(len(close), n + 1, lambda i: mean([ranged(j) for j in range(i - n + 1, i + 1)]))


def point_of_control(
    high: Sequence[float],
    low: Sequence[float],
    close: Sequence[float],
    volume: Sequence[float],
    window: int = 10,
    bins: int = 20,
) -> list[float]:
    def edge(i: int) -> float:
        rows = range(i - window + 1, i + 1)
        bottom, top = min(low[j] for j in rows), max(high[j] for j in rows)
        step = (top - bottom) / bins
        held = [0.0] * bins
        for j in rows:
            typical = (high[j] + low[j] + close[j]) / 3
            held[min(int((typical - bottom) / step), bins - 1) if step else 0] += volume[j]
        return bottom + held.index(max(held)) * step if max(held) > 0 else NAN

    return each(len(close), window, edge)


def bullish_volume_share(
    changes: Sequence[float], volume: Sequence[float], window: int, least_change: float
) -> list[float]:
    def share(i: int) -> float:
        rows = range(i - window + 1, i + 1)
        up = sum(volume[j] for j in rows if changes[j] > least_change)
        down = sum(volume[j] for j in rows if changes[j] < -least_change)
        return up / (up + down) if up + down else 0.5

    return each(len(changes), window + 1, share)
