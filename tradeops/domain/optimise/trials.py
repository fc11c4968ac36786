"""Points that were traded, day by day: any stretch of days can be judged without trading again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from tradeops.domain.backtest.course import PERCENT, REASONS, Course, Raw, Reason
from tradeops.domain.backtest.ratios import sharpe_ratios
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import Floats, Integers
from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.optimise.space import Place, Space
from tradeops.domain.optimise.windows import Plan, Split, WalkForward, walk_forward
from tradeops.domain.strategies.frames import Frames

LEAST_TRADES = 30
STILL_OPEN = REASONS.index(Reason.STILL_OPEN)
NO_SHARPE = "too few days with trades, or all days are equal"


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One point, an entry a UTC day in each column.

    Attributes:
        returns: change of equity, open positions valued at the last close of the day; -1 and then 0 once nothing is
            left.
        trades: closed on that day; `wins` of them with profit.
    """

    place: Place
    returns: Floats
    trades: Integers
    wins: Integers


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a point did on some days.

    Attributes:
        sharpe_ratio: of daily returns: mean ÷ sample deviation × √365, risk-free 0; n/a with trades on fewer than 5
            days.
        max_drawdown_percent: deepest fall of equity at the ends of days below its highest so far, positive.
    """

    days: int
    trades: int
    win_rate_percent: Figure
    total_return_percent: Figure
    sharpe_ratio: Figure
    max_drawdown_percent: Figure


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Candles on which points are tried.

    Attributes:
        start: place of the first candle traded.
        windows: which days are for choosing and which for judging.
        choosing: the candles whose signals are filled on the days for choosing.
    """

    space: Space
    frames: Frames
    course: Course
    start: int
    windows: WalkForward
    choosing: slice
    _heard: float = field(repr=False)

    @classmethod
    def of(cls, space: Space, frames: Frames, rules: BacktestRules, seed: int, start: int, plan: Plan) -> Self:
        """Cut the days of the candles from `start` on.

        Raises:
            ValueError: too few days.
        """
        course = Course.of(frames.primary, rules, seed)
        span = course.days(start, len(frames))
        windows = walk_forward(len(span.days), plan)
        last = int(np.searchsorted(span.day_of, windows.first.inside.stop))
        filled_inside = slice(max(start - 1, 0), start + last - 1)
        return cls(space, frames, course, start, windows, filled_inside, rules.least_confidence)

    def tried(self, place: Place) -> Trial | None:
        """Trade a place; `None` when its signals on the days for choosing cannot make 30 trades, whatever comes.

        Signals know only what was before them, so the days for choosing say nothing of the others.
        """
        signals = self.space.strategy.signals(self.frames, self.space.values(place))
        decided = self.choosing
        entries = (signals.direction[decided] != 0) & (signals.confidence[decided] >= self._heard)
        if np.count_nonzero(entries) < LEAST_TRADES:
            return None
        return trial_of(place, self.course, self.course.simulated(signals, self.start, None), self.start)


def trial_of(place: Place, course: Course, raw: Raw, start: int) -> Trial:
    """A run by days."""
    span = course.days(start, start + len(raw.equity_usd))
    equity = np.maximum(raw.equity_usd[span.last_candle], 0.0)
    before = np.concatenate([[course.rules.balance_usd], equity[:-1]])
    returns = np.divide(equity, before, out=np.ones_like(equity), where=before > 0) - 1
    count = len(raw.places)
    count -= count > 0 and raw.places[-1, 3] == STILL_OPEN
    day, won = span.day_of[raw.places[:count, 1]], raw.amounts[:count, 5] > 0
    trades, wins = (np.bincount(days, minlength=len(span.days)) for days in (day, day[won]))
    return Trial(place, returns, trades, wins)


def rated(trials: Sequence[Trial], days: slice) -> Floats:
    """The annualised Sharpe ratio of each on these days; NaN where it is unknown or there are fewer than 30 trades."""
    if not trials:
        return np.empty(0)
    trades = np.stack([trial.trades[days] for trial in trials])
    ratios = sharpe_ratios(np.stack([trial.returns[days] for trial in trials]), (trades > 0).sum(axis=1))
    ratios[trades.sum(axis=1) < LEAST_TRADES] = np.nan
    return ratios


def fingerprint(trials: Sequence[Trial]) -> str:
    """SHA-256 of every point and its days, in the order of trying, to the bit."""
    digest = hashlib.sha256()
    for trial in trials:
        digest.update(repr(trial.place).encode() + trial.returns.tobytes() + trial.trades.tobytes())
    return digest.hexdigest()


def stretch_of(trial: Trial, split: Split, *, outside: bool) -> Stretch:
    """The figures on the days inside, or outside."""
    days = split.outside if outside else split.inside
    return stretch(trial.returns[days], trial.trades[days], trial.wins[days])


def stretch(returns: Floats, trades: Integers, wins: Integers) -> Stretch:
    """The figures of some days."""
    count = int(trades.sum())
    equity = np.concatenate([[1.0], np.cumprod(1 + returns)])
    [ratio] = sharpe_ratios(returns[None, :], np.array([np.count_nonzero(trades)]))
    return Stretch(
        days=len(returns),
        trades=count,
        win_rate_percent=known(PERCENT * float(wins.sum()) / count) if count else unknown("no trades"),
        total_return_percent=known(PERCENT * (float(equity[-1]) - 1)),
        sharpe_ratio=unknown(NO_SHARPE) if np.isnan(ratio) else known(float(ratio)),
        max_drawdown_percent=known(PERCENT * float(np.max(1 - equity / np.maximum.accumulate(equity)))),
    )
