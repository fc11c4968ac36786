"""The contract's table of rules read row by row, one candle at a time, on the slow indicators."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.unit.domain.strategies import slow_indicators as slow
from tradeops.domain.candle_columns import CandleColumns

HOUR = 3_600_000_000
Signal = tuple[str, float]
Row = Mapping[str, float]


@dataclass
class Bars:
    opened: list[int]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


def bars_of(candles: CandleColumns) -> Bars:
    return Bars(*(getattr(candles, n).tolist() for n in ("opened_at", "high", "low", "close", "volume")))


def four_hours(one: Bars) -> Bars:
    """Only periods whose four hours are all there: the markets of these tests have no gaps."""
    four = Bars([], [], [], [], [])
    for i in range(len(one.close) - 3):
        if one.opened[i] % (4 * HOUR) == 0:
            four.opened.append(one.opened[i])
            four.high.append(max(one.high[i : i + 4]))
            four.low.append(min(one.low[i : i + 4]))
            four.close.append(one.close[i + 3])
            four.volume.append(sum(one.volume[i : i + 4]))
    return four


def closed_then(one: Bars, four: Bars, i: int) -> int:
    """Place of the newest 4h candle that was over when 1h candle `i` closed; -1 for none."""
    return sum(opened + 4 * HOUR <= one.opened[i] + HOUR for opened in four.opened) - 1


def rsi(one: Bars, four: Bars, v: Mapping[str, float]) -> list[Signal | None]:
    n = int(v["period"])
    ones, fours = slow.rsi(one.close, n), slow.rsi(four.close, n)

    def rule(i: int, j: int) -> Signal:  # noqa: PLR0911 - the table has so many rows
        r1, p, r4 = ones[i], ones[i - 1], fours[j]
        p = r1 if abs(p - r1) <= 1e-9 else p  # nothing moved but the last digits
        os, ob, xos, xob = v["oversold"], v["overbought"], v["extreme_oversold"], v["extreme_overbought"]
        if r1 <= xos and r4 <= os and p <= r1:
            return "L", 0.87
        if r1 >= xob and r4 >= ob and p >= r1:
            return "S", 0.87
        if r1 <= os and r4 < 50 and p < r1:
            return "L", 0.73
        if r1 >= ob and r4 > 50 and p > r1:
            return "S", 0.73
        if os < r1 < 50 and p < r1 and r4 < 50:
            return "L", 0.51
        if 50 < r1 < ob and p > r1 and r4 > 50:
            return "S", 0.51
        return "N", 0.65 if abs(r1 - 50) < 10 and abs(r4 - 50) < 15 else 0.45

    return by_row(one, four, 5 + n, rule)


def macd(one: Bars, four: Bars, v: Mapping[str, float]) -> list[Signal | None]:
    periods = int(v["fast"]), int(v["slow"]), int(v["signal"])
    m1, s1, h1s = slow.macd(one.close, *periods)
    _, _, h4s = slow.macd(four.close, *periods)

    def rule(i: int, j: int) -> Signal:  # noqa: PLR0911 - the table has so many rows
        t, t4 = v["threshold"], v["threshold"]
        if v["scale"] == "relative":
            t, t4 = t * one.close[i] / 100, t4 * four.close[j] / 100
        h1, h1prev, h4, h4prev = h1s[i], h1s[i - 1], h4s[j], h4s[j - 1]
        bull = m1[i - 1] <= s1[i - 1] and m1[i] > s1[i]
        bear = m1[i - 1] >= s1[i - 1] and m1[i] < s1[i]
        up1, dn1, up4, dn4 = h1 > h1prev, h1 < h1prev, h4 > h4prev, h4 < h4prev
        if bull and h4 > t4 and up1 and up4:
            return "L", 0.89
        if bear and h4 < -t4 and dn1 and dn4:
            return "S", 0.89
        if (bull and up4) or (h1 > t and up1 and h4 > t4 and up4):
            return "L", 0.71
        if (bear and dn4) or (h1 < -t and dn1 and h4 < -t4 and dn4):
            return "S", 0.71
        if up1 and m1[i] > s1[i] and h1 > 1.1 * h1prev and not h4 < -t4:
            return "L", 0.55
        if dn1 and m1[i] < s1[i] and h1 < 1.1 * h1prev and not h4 > t4:
            return "S", 0.55
        return "N", 0.65 if abs(h1) < t and abs(h4) < 2 * t4 else 0.45

    return by_row(one, four, int(v["slow"]) + int(v["signal"]) + 10, rule)


def bollinger(one: Bars, four: Bars, v: Mapping[str, float]) -> list[Signal | None]:  # noqa: C901 - so many rows
    n, m = int(v["period"]), v["deviations"]
    low1, mid1, up1 = slow.bollinger(one.close, n, m)
    low4, mid4, up4 = slow.bollinger(four.close, n, m)

    def rule(i: int, j: int) -> Signal:  # noqa: PLR0911 - the table has so many rows
        price = one.close[i]
        if up1[i] == low1[i] or up4[j] == low4[j]:
            return "N", 0.45
        pos1, pos4 = (price - low1[i]) / (up1[i] - low1[i]), (price - low4[j]) / (up4[j] - low4[j])
        width1, before = (up1[i] - low1[i]) / mid1[i], (up1[i - 1] - low1[i - 1]) / mid1[i - 1]
        sqz1, sqz4 = width1 < v["squeeze"], (up4[j] - low4[j]) / mid4[j] < v["squeeze"]
        exp, con = width1 > 1.05 * before, width1 < 0.95 * before
        if (sqz1 or sqz4) and exp and price > up1[i] and pos4 > 0.5:
            return "L", 0.87
        if (sqz1 or sqz4) and exp and price < low1[i] and pos4 < 0.5:
            return "S", 0.87
        if pos1 <= 0.1 and pos4 < 0.3 and not exp:
            return "L", 0.73
        if pos1 >= 0.9 and pos4 > 0.7 and not exp:
            return "S", 0.73
        if pos1 > 0.8 and pos4 > 0.6 and exp:
            return "L", 0.69
        if pos1 < 0.2 and pos4 < 0.4 and exp:
            return "S", 0.69
        if pos1 < 0.25 and price > mid4[j]:
            return "L", 0.58
        if pos1 > 0.75 and price < mid4[j]:
            return "S", 0.58
        return "N", 0.65 if (sqz1 and sqz4) or (0.4 < pos1 < 0.6 and con) else 0.45

    return by_row(one, four, n + 1, rule)


def volume(one: Bars, four: Bars, v: Mapping[str, float]) -> list[Signal | None]:
    mean = slow.sma(one.volume, int(v["period"]))
    poc = slow.point_of_control(one.high, one.low, one.close, one.volume, int(v["window"]))
    changes = [math.nan, *(b - a for a, b in zip(one.close, one.close[1:], strict=False))]
    if v["scale"] == "relative":
        changes = [math.nan, *(100 * c / a for a, c in zip(one.close, changes[1:], strict=False))]
    bulls = slow.bullish_volume_share(changes, one.volume, int(v["window"]), 1e-4)

    def rule(i: int, _: int) -> Signal:  # noqa: PLR0911 - the table has so many rows
        price, bull, spike = one.close[i], bulls[i], v["spike"]
        vr = one.volume[i] / mean[i] if mean[i] else math.nan
        near, above = abs(price - poc[i]) / price < 0.02, price > poc[i]
        if vr >= spike and bull >= 0.7 and above:
            return "L", 0.91
        if vr >= spike and bull <= 0.3 and not above:
            return "S", 0.91
        if (vr >= 1.5 and bull >= 0.6) or (near and bull >= 0.65 and above):
            return "L", 0.71
        if (vr >= 1.5 and bull <= 0.4) or (near and bull <= 0.35 and not above):
            return "S", 0.71
        if bull >= 0.55 and vr > 1.2:
            return "L", 0.51
        if bull <= 0.45 and vr > 1.2:
            return "S", 0.51
        return "N", 0.65 if vr < 0.8 else 0.45

    return by_row(one, four, max(int(v["period"]), int(v["window"])) + 5, rule, confirms=False)


def stochastic(one: Bars, four: Bars, v: Mapping[str, float]) -> list[Signal | None]:
    k1s, d1s = slow.stochastic(one.high, one.low, one.close, int(v["k_period"]), int(v["d_period"]))
    k4s, _ = slow.stochastic(four.high, four.low, four.close, int(v["k_period"]), int(v["d_period"]))

    def rule(i: int, j: int) -> Signal:  # noqa: PLR0911 - the table has so many rows
        k1, d1, k4 = k1s[i], d1s[i], k4s[j]
        os, ob, xos, xob = v["oversold"], v["overbought"], v["extreme_oversold"], v["extreme_overbought"]
        bull = k1s[i - 1] <= d1s[i - 1] and k1 > d1
        bear = k1s[i - 1] >= d1s[i - 1] and k1 < d1
        if bull and k1 <= os and k4 <= os:
            return "L", 0.89
        if k1 <= xos and k4 <= os and k1 > d1:
            return "L", 0.85
        if bear and k1 >= ob and k4 >= ob:
            return "S", 0.89
        if k1 >= xob and k4 >= ob and k1 < d1:
            return "S", 0.85
        if bull and k1 <= os + 10 and k4 < 50:
            return "L", 0.72
        if bear and k1 >= ob - 10 and k4 > 50:
            return "S", 0.72
        if k1 > d1 and k1 < 50 and k4 < 50 and k1 > k1s[i - 1]:
            return "L", 0.52
        if k1 < d1 and k1 > 50 and k4 > 50 and k1 < k1s[i - 1]:
            return "S", 0.52
        return "N", 0.63 if abs(k1 - 50) < 15 and abs(k4 - 50) < 20 else 0.47

    return by_row(one, four, int(v["k_period"]) + int(v["d_period"]) + 5, rule)


def by_row(
    one: Bars, four: Bars, least: int, rule: Callable[[int, int], Signal], *, confirms: bool = True
) -> list[Signal | None]:
    signals: list[Signal | None] = []
    for i in range(len(one.close)):
        j = closed_then(one, four, i) if confirms else 0
        there = i + 1 >= least and (not confirms or j + 1 >= least)
        signals.append(rule(i, j) if there else None)
    return signals


TABLE: dict[str, Callable[[Bars, Bars, Mapping[str, float]], list[Signal | None]]] = {
    "rsi": rsi,
    "macd": macd,
    "bollinger": bollinger,
    "volume": volume,
    "stochastic": stochastic,
}
