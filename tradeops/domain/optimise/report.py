"""A search that was made for somebody: the judgement, what it was made of, and what must be known of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from tradeops.domain.backtest.orders import BacktestOrder
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import Floats
from tradeops.domain.optimise.judgement import Judgement, Verdict
from tradeops.domain.optimise.windows import WalkForward
from tradeops.domain.strategies.parameters import Value


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """Every point that was traded, in the order of trying.

    Attributes:
        values: of each parameter that varied, by name.
        inside_sharpe: NaN where it is not rated; like `outside_sharpe`.
    """

    values: Mapping[str, tuple[Value, ...]]
    inside_sharpe: Floats
    outside_sharpe: Floats

    @property
    def count(self) -> int:
        """How many points."""
        return len(self.inside_sharpe)

    def best_so_far(self) -> Floats:
        """The highest Sharpe ratio inside after each point; NaN before the first that is rated."""
        best: Floats = np.fmax.accumulate(self.inside_sharpe)
        return best


@dataclass(frozen=True, slots=True, eq=False)
class OptimisationReport:
    """One run of the job.

    Attributes:
        run_id: of the run that made it; the result is found by it.
        started_at: aware, like all times.
        data_as_of: when the candles were asked for.
        order: what does not vary is among its parameters.
        fixed: the names of what was given, so did not vary.
        method: of choosing points.
        variations_asked: how many were ordered; `variations_tested` were looked at, `pruned` of them given up early.
        first_day: to which place 0 of the windows belongs.
        data_hash: of all candles looked at.
        fingerprint: of every point and its days, to the bit: equal ones are the same search.
        remarks: what the reader must know of the candles.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    data_as_of: datetime
    order: BacktestOrder
    rules: BacktestRules
    timeframe: str
    fixed: tuple[str, ...]
    method: str
    variations_asked: int
    variations_tested: int
    pruned: int
    windows: WalkForward
    first_day: date
    candles: int
    data_hash: str
    fingerprint: str
    tried: Tried
    judgement: Judgement
    remarks: tuple[str, ...] = ()

    def dates(self, days: slice) -> tuple[date, date]:
        """The first and the last day of a part of the period."""
        return self.first_day + timedelta(days=days.start), self.first_day + timedelta(days=days.stop - 1)

    @property
    def summary(self) -> str:
        """What came of it in one line."""
        best, verdict = self.judgement.best, self.judgement.verdict
        what = f"{self.order.strategy.title} on {self.order.symbol}"
        if best is None or verdict is Verdict.NOTHING:
            return f"{what}: {verdict}, {self.judgement.reasons[0]}"
        ratio = best.outside.sharpe_ratio.value
        told = "n/a" if ratio is None else f"{ratio:.2f}".replace("-", "−")
        return f"{what}: best of {self.variations_tested:,} has a Sharpe ratio of {told} out of sample, {verdict}"
