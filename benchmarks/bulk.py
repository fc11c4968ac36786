"""How fast many symbols are analysed: against a bare loop of TA-Lib over the same indicators, in one run, in turns.

The loop computes RSI and MACD of 1h and 4h candles of each symbol and stops there; ours also decides, combines and says
what changed. Both find their candles in memory.
"""

import time
from collections.abc import Callable

import numpy as np
import talib

from tradeops.domain.bulk.analysis import analysed
from tradeops.domain.candle_columns import CandleColumns

HOUR = 3_600_000_000
FIRST_HOUR = 500_016
RUNS = 15
SIZES = ((50, 2000), (50, 960), (1000, 960))


def coins(count: int, length: int) -> list[CandleColumns]:
    """Random walks."""
    rng = np.random.default_rng([count, length])
    opened_at = (FIRST_HOUR + np.arange(length)) * HOUR
    made = []
    for number in range(count):
        close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, length)))
        opened = np.concatenate([[100.0], close[:-1]])
        high, low = np.maximum(opened, close), np.minimum(opened, close)
        made.append(CandleColumns(f"C{number}USDT", "1h", opened_at, opened, high, low, close, np.ones(length)))
    return made


def bare(many: list[CandleColumns]) -> None:
    """The indicators alone, a symbol after the other."""
    for candles in many:
        for close in (candles.close, np.ascontiguousarray(candles.close[3::4])):
            talib.RSI(close, 14)
            talib.MACD(close, 12, 26, 9)


def best(functions: list[Callable[[], object]], runs: int) -> list[float]:
    """The best time of each, seconds; they take turns."""
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(runs):
        for place, function in enumerate(functions):
            started = time.perf_counter()
            function()
            times[place].append(time.perf_counter() - started)
    return [min(each) for each in times]


def main() -> None:
    """Print the table."""
    print("| symbols × candles | ours | bare TA-Lib loop | ours ÷ loop |")
    print("|---|--:|--:|--:|")
    for count, length in SIZES:
        many = coins(count, length)
        ours, loop = best([lambda m=many: analysed(m), lambda m=many: bare(m)], RUNS)  # type: ignore[misc]
        print(f"| {count:,} × {length:,} | {ours * 1e3:.1f} ms | {loop * 1e3:.1f} ms | {ours / loop:.1f} × |")


if __name__ == "__main__":
    main()
