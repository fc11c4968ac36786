"""What searching costs beside trading: 200 variations by `search`, against trading the same points and nothing else.

The bare objective is `run_many` over the points that the search tried, on fresh candles, so that neither profits from
what the other remembered. Both take turns; processor time, the best of some runs each. Judging is its own column: it is
done once, whatever the search. About 20 s.

The bar is 1.3 times the bare objective, and a run that is above it over 100,000 candles fails. Over a year of quarter
hours it is just met, as busy as the machine is; a year of hours takes so little to trade that the proposals of optuna,
at 2 ms each, are above it alone.
"""

import time
from collections.abc import Callable

import numpy as np

from tradeops.domain.backtest.engine import DEFAULT_RULES, run_many
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.optimise.judgement import judged
from tradeops.domain.optimise.space import Space
from tradeops.domain.optimise.trials import Bench
from tradeops.domain.optimise.windows import Plan
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.registry import strategy_named
from tradeops.jobs.laboratory.optimise_search import search

HOUR = 3_600_000_000
WARM_UP = 400
SIZES = (8_760, 35_040, 100_000)  # a year of hours, of quarter hours, and the size of the backtest's benchmark
FASTEST, OTHERS = "rsi", ("stochastic", "macd")  # at one size
TRIALS = 200
RUNS = 3
BAR, BAR_FROM = 1.3, 100_000


def walk(count: int) -> CandleColumns:
    """A random walk with hourly volatility of 0.8 %."""
    random = np.random.default_rng(7)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.008, count)))
    opened = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    at = HOUR * (24 * 10_000 + np.arange(count))
    return CandleColumns("BTCUSDT", "1h", at, opened, high, low, close, random.lognormal(3, 1, count))


def spent(work: Callable[[], object]) -> float:
    """Processor seconds."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measured(name: str, count: int) -> tuple[float, float, float]:
    """Seconds of searching, of the bare objective, of judging."""
    space, candles = Space.of(strategy_named(name), {}), walk(count)
    found = search(Bench.of(space, Frames(candles), DEFAULT_RULES, 0, WARM_UP, Plan()), TRIALS, 0)
    points = [space.values(trial.place) for trial in found.trials]
    searching, bare, judging = [], [], []
    for _ in range(RUNS):
        bench = Bench.of(space, Frames(candles), DEFAULT_RULES, 0, WARM_UP, Plan())
        searching.append(spent(lambda bench=bench: search(bench, TRIALS, 0)))  # type: ignore[misc]
        frames = Frames(candles)
        bare.append(spent(lambda frames=frames: run_many(frames, space.strategy, points, start=WARM_UP)))  # type: ignore[misc]
        judging.append(spent(lambda windows=bench.windows: judged(space, found.trials, windows)))  # type: ignore[misc]
    return min(searching), min(bare), min(judging)


def main() -> None:
    """Print the table."""
    print(f"{TRIALS} variations    candles   search s     bare s      ratio   overhead a trial   judging s")
    slow = []
    for name, count in (*((FASTEST, size) for size in SIZES), *((name, SIZES[-1]) for name in OTHERS)):
        searching, bare, judging = measured(name, count)
        print(
            f"{name:14} {count:11,} {searching:10.3f} {bare:10.3f} {searching / bare:10.2f} "
            f"{1000 * (searching - bare) / TRIALS:15.2f} ms {judging:11.3f}"
        )
        if count >= BAR_FROM and searching > BAR * bare:
            slow.append(f"{name} over {count:,} candles")
    if slow:
        raise SystemExit(f"more than {BAR:g} times the bare objective: {', '.join(slow)}")


if __name__ == "__main__":
    main()
