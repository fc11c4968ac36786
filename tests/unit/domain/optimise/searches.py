"""A strategy with a planted edge and one without, and searches over them."""

from functools import cache

import numpy as np

from tests.unit.domain.backtest.samples import FREE
from tests.unit.domain.strategies.markets import Market, candles, market
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.optimise.space import Place, Space
from tradeops.domain.optimise.trials import Bench, Trial
from tradeops.domain.optimise.windows import Plan
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.parameters import Parameter, Values
from tradeops.domain.strategies.signals import Signals
from tradeops.domain.strategies.strategy import Strategy

DAY = 24


def _conflict(values: Values) -> str:
    return "slow is above fast" if float(values["fast"]) >= float(values["slow"]) else ""


def _judge(frames: Frames, values: Values) -> Signals:
    """Long in the hours from `hour` on, `length` of them, each day; a place in the day is all that it knows."""
    hours = frames.primary.opened_at // 3_600_000_000 % DAY
    inside = (hours - int(values["hour"])) % DAY < int(values["length"])
    direction = np.where(inside, 1, -1).astype(np.int8)
    return Signals(direction, np.ones(len(direction)))


def _judge_pair(frames: Frames, values: Values) -> Signals:
    return _judge(frames, {"hour": int(values["fast"]) % DAY, "length": 8})


HOURS = Strategy(
    name="hours",
    title="Hours Strategy",
    version="1",
    parameters=(
        Parameter("hour", "the first hour long", default=3, low=0, high=23),
        Parameter("length", "hours long", default=12, low=6, high=18),
    ),
    least_candles=lambda _: 1,
    judge=_judge,
    confirms=False,
)
PAIR = Strategy(
    name="pair",
    title="Pair Strategy",
    version="1",
    parameters=(
        Parameter("fast", "candles", default=12, low=2, high=50),
        Parameter("slow", "candles", default=26, low=5, high=100),
        Parameter("level", "from here on", default=0.001, low=0, high=0.1, step=0.05),
        Parameter("scale", "a word", default="price", choices=("price", "relative")),
    ),
    least_candles=lambda values: int(values["slow"]),
    judge=_judge_pair,
    conflict=_conflict,
)


@cache
def days_with_an_edge(days: int, edge: float, seed: int = 1) -> CandleColumns:
    """Prices rise from 6 to 18 o'clock and fall in the other hours, `edge` an hour, under noise of 0.4 %."""
    walk = market(seed, days * DAY, volatility=0.004)
    rises = (np.arange(days * DAY) - 6) % DAY < 12
    drift = np.exp(np.cumsum(np.where(rises, edge, -edge)))
    before = np.concatenate([[1.0], drift[:-1]])
    close, opened = walk.close * drift, walk.open * before
    high, low = np.maximum(opened, close) * 1.0005, np.minimum(opened, close) * 0.9995
    return candles(Market(opened, high, low, close, walk.volume))


def bench(
    columns: CandleColumns,
    strategy: Strategy = HOURS,
    rules: BacktestRules = FREE,
    plan: Plan = Plan(),  # noqa: B008 - frozen
    *,
    start: int = 0,
    fixed: dict[str, object] | None = None,
) -> Bench:
    return Bench.of(Space.of(strategy, fixed or {}), Frames(columns), rules, 0, start, plan)


def all_of(one: Bench) -> list[Trial]:
    return [trial for place in one.space.grid() if (trial := one.tried(place)) is not None]


def trial(returns: "np.ndarray", place: Place = (0, 0), trades_a_day: int = 1) -> Trial:  # type: ignore[type-arg]
    """Days with so many trades each, won where the day was."""
    trades = np.full(len(returns), trades_a_day)
    return Trial(place, returns, trades, trades * (returns > 0))
