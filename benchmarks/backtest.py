"""How fast a backtest is: against vectorbt and backtesting.py in one run, and how time and memory grow to ten million.

The peers are no dependencies: they run in an environment of their own, the one whose Python TRADEOPS_PEERS_PYTHON
names, or one that is made for the moment in a temporary folder (which takes the network, and a minute). Without either
the growth alone is shown. About a minute besides. Engines take turns, so that a busy machine slows all of them; times
are the best of some runs, except for cold starts.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tradeops.domain.backtest.compiling import WORTH
from tradeops.domain.backtest.engine import run, run_many
from tradeops.domain.backtest.rules import BacktestRules, Sizing
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.indicators import rsi
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.registry import strategy_named
from tradeops.domain.strategies.signals import Signals
from tradeops.domain.strategies.strategy import Strategy

PEERS = Path(__file__).parent / "peers" / "peers.py"
PEER_PACKAGES = ("vectorbt==1.2.0", "backtesting==0.6.6")
HOUR = 3_600_000_000
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
PERIODS, LEVELS = range(5, 25), range(20, 40, 2)
SAMPLE = 5  # points of the grid that backtesting.py is asked for; its time grows with them
RUNS = 5
AS_THE_PEERS = BacktestRules(
    fee_percent=0.1,
    slippage_percent=0,
    funding_percent=0,
    stop_loss_percent=None,
    take_profit_percent=None,
    leverage=1,
    sizing=Sizing.EQUITY,
    size_percent=100,
    shorts=False,
    least_confidence=0,
    close_at_end=False,
)
COLD = """
import sys
sys.path.insert(0, {folder!r})
from backtest import LEVEL, AS_THE_PEERS, loaded, run_many, Frames
run_many(Frames(loaded({candles!r})), LEVEL, [{{}}], AS_THE_PEERS)
"""


def judge(frames: Frames, values: Values) -> Signals:
    """Long at or below a level, out at or above another: the rule that the peers run."""
    period = int(values["period"])
    strength = frames.remembered(("rsi", period), partial(rsi, frames.primary.close, period))
    direction = (strength <= float(values["low"])).astype(np.int8) - (strength >= float(values["high"]))
    return Signals(direction, np.where(np.isnan(strength), np.nan, 1.0))


LEVEL = Strategy(
    name="rsi_level",
    title="RSI level",
    version="1",
    parameters=(
        Parameter("period", "candles", default=14, low=2, high=100),
        Parameter("low", "long at or below", default=30.0, low=0, high=50),
        Parameter("high", "out at or above", default=70.0, low=50, high=100),
    ),
    least_candles=lambda values: int(values["period"]) + 1,
    judge=judge,
    confirms=False,
)
GRID = tuple({"period": n, "low": float(level), "high": 100.0 - level} for level in LEVELS for n in PERIODS)


def market(length: int) -> CandleColumns:
    """A seeded random walk of hours."""
    rng = np.random.default_rng(length)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.005, length)))
    opened = np.concatenate([[100.0], close[:-1]])
    high, low = np.maximum(opened, close) * 1.001, np.minimum(opened, close) * 0.999
    return CandleColumns("WALK", "1h", np.arange(length) * HOUR, opened, high, low, close, np.ones(length))


def saved(candles: CandleColumns, path: Path) -> str:
    """Where the peers read them."""
    names = ("opened_at", "open", "high", "low", "close", "volume")
    np.savez(path, **{name: getattr(candles, name) for name in names})
    return str(path)


def loaded(path: str) -> CandleColumns:
    """What `saved` wrote."""
    columns = np.load(path)
    return CandleColumns("WALK", "1h", *(columns[n] for n in ("opened_at", "open", "high", "low", "close", "volume")))


def seconds(call: Callable[[], object]) -> float:
    """Of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


class Peers:
    """One process that answers requests."""

    def __init__(self, python: str, **environment: str) -> None:
        environment = quiet_environment() | environment
        self.process = subprocess.Popen(
            [python, str(PEERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, **request: object) -> dict[str, Any]:
        """One request, one answer."""
        if self.process.stdin is None or self.process.stdout is None:
            raise SystemExit("the peers have no pipes")
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the peers gave up")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(timeout=30)


def quiet_environment() -> dict[str, str]:
    """Ours without our own path, so that the peers import their own packages, and without their bars of progress."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"TQDM_DISABLE": "1"}


def peers_python(folder: Path) -> str | None:
    """The Python of the peers' environment; `None` when it cannot be made."""
    if python := os.environ.get("TRADEOPS_PEERS_PYTHON"):
        return python
    python = str(folder / "peers" / "bin" / "python")
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder / "peers")], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER_PACKAGES], check=True, timeout=600)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError):
        return None
    return python


def compare(python: str, folder: Path) -> None:
    """The table of ratios."""
    long, short = market(100_000), market(10_000)
    long_path, short_path = saved(long, folder / "long.npz"), saved(short, folder / "short.npz")
    one = partial(ask_ours_one, long)
    grid = partial(ask_ours_grid, short)
    first, cold = cold_starts(python, long_path, folder), cold_starts(python, long_path, folder)
    peers = Peers(python)
    peers.ask(do="one", engine="vectorbt", candles=long_path)
    everything = partial(run, long, strategy_named("rsi"))
    grid_request = {
        "do": "grid",
        "engine": "vectorbt",
        "candles": short_path,
        "periods": [*PERIODS],
        "levels": [*LEVELS],
    }
    peers.ask(**grid_request)
    took: dict[str, list[float]] = {}
    for _ in range(RUNS):
        answer = peers.ask(do="one", engine="vectorbt", candles=long_path)
        agree(run_many(Frames(long), LEVEL, [{}], AS_THE_PEERS).trades.tolist(), [answer["trades"]])
        took.setdefault("vectorbt one", []).append(answer["seconds"])
        took.setdefault("one", []).append(seconds(one))
        answer = peers.ask(**grid_request)
        agree(run_many(Frames(short), LEVEL, GRID, AS_THE_PEERS).trades.tolist(), answer["trades"])
        took.setdefault("vectorbt grid", []).append(answer["seconds"])
        took.setdefault("grid", []).append(seconds(grid))
        took.setdefault("everything", []).append(seconds(everything))
    points = [(int(point["period"]), int(point["low"])) for point in GRID[:: len(GRID) // SAMPLE]]
    slow_one = peers.ask(do="one", engine="backtesting", candles=long_path)["seconds"]
    slow_grid = peers.ask(do="grid", engine="backtesting", candles=short_path, points=points)["seconds"]
    slow_grid *= len(GRID) / len(points)
    peers.close()
    best = {name: min(times) for name, times in took.items()}
    print("| | ours | vectorbt | backtesting.py | vectorbt ÷ ours | backtesting.py ÷ ours |")
    print("|---|--:|--:|--:|--:|--:|")
    row("RSI rule over 100,000 candles, warm", best["one"], best["vectorbt one"], slow_one)
    row(f"grid of {len(GRID)} points over 10,000 candles, warm", best["grid"], best["vectorbt grid"], slow_grid)
    row("first result of a new process, 100,000 candles", *cold)
    row("the same, nothing compiled yet on this machine", *first)
    print(f"| `RSI Strategy` with all figures and intervals | {best['everything'] * 1000:,.1f} ms | – | – | – | – |")
    print(f"\nbacktesting.py ran {len(points)} of the {len(GRID)} points; its time is scaled up.\n")
    bar = {
        "the rule": (best["one"], best["vectorbt one"], slow_one),
        "the grid": (best["grid"], best["vectorbt grid"], slow_grid),
        "a new process": cold,
    }
    if slower := [what for what, (ours, *theirs) in bar.items() if ours > min(theirs)]:
        raise SystemExit(f"slower than a peer: {', '.join(slower)}")


def ask_ours_one(candles: CandleColumns) -> object:
    """With nothing computed before."""
    return run_many(Frames(candles), LEVEL, [{}], AS_THE_PEERS)


def ask_ours_grid(candles: CandleColumns) -> object:
    """With nothing computed before."""
    return run_many(Frames(candles), LEVEL, GRID, AS_THE_PEERS)


def agree(ours: list[int], theirs: list[float]) -> None:
    """Times of different answers are not to be compared; the averages' seeds differ, so that a few trades may."""
    for a, b in zip(ours, theirs, strict=True):
        if abs(a - b) > 1 + 0.05 * a:
            raise SystemExit(f"{a} trades here and {b:g} in vectorbt")


def cold_starts(python: str, candles: str, folder: Path) -> tuple[float, float, float]:
    """Processes from their start to their first result: ours, vectorbt's, backtesting.py's.

    Numba keeps what it compiled in `folder`, so that the second call finds what the first one left.
    """
    caches = {"NUMBA_CACHE_DIR": str(folder / "ours")}, {"NUMBA_CACHE_DIR": str(folder / "theirs")}
    code = COLD.format(folder=str(Path(__file__).parent), candles=candles)
    ours = partial(subprocess.run, [sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])

    def theirs(engine: str) -> None:
        peers = Peers(python, **caches[1])
        peers.ask(do="one", engine=engine, candles=candles)
        peers.close()

    here = seconds(partial(ours, env=os.environ | caches[0]))
    return here, seconds(partial(theirs, "vectorbt")), seconds(partial(theirs, "backtesting"))


def row(name: str, ours: float, vectorbt: float, backtesting: float) -> None:
    """One line of the table."""
    ratios = f"{vectorbt / ours:,.1f} × | {backtesting / ours:,.1f} ×"
    print(f"| {name} | {shown(ours)} | {shown(vectorbt)} | {shown(backtesting)} | {ratios} |")


def shown(span: float) -> str:
    """Milliseconds below a second."""
    return f"{span:.2f} s" if span >= 1 else f"{span * 1000:,.1f} ms"


def growth() -> None:
    """One run of each size, the same rule."""
    print("| candles | signals and simulation | a candle | most memory beside the candles, a candle |")
    print("|--:|--:|--:|--:|")
    run_many(Frames(market(WORTH + 1)), LEVEL, [{}], AS_THE_PEERS)  # so that numba is there
    for size in SIZES:
        candles = market(size)
        call = partial(ask_ours_one, candles)
        took = min(seconds(call) for _ in range(3))
        tracemalloc.start()
        call()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"| {size:,} | {shown(took)} | {took / size * 1e9:,.0f} ns | {peak / size:,.0f} B |")
    print(f"\nProcess at its largest: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB\n")


def main() -> None:
    """Measure and print."""
    growth()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = peers_python(folder)
        if python is None:
            print("no environment for the peers: no network?", file=sys.stderr)
        else:
            compare(python, folder)


if __name__ == "__main__":
    main()
