"""What a search found: chosen on the days inside, ranked on the days outside, and whether luck explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final

import numpy as np

from tradeops.domain.candle_columns import Floats, Integers
from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.optimise.luck import Overfitting, luckiest_sharpe, overfitting, probabilistic_sharpe
from tradeops.domain.optimise.plateau import importance, radius, smoothed, stability
from tradeops.domain.optimise.space import Place, Space
from tradeops.domain.optimise.trials import LEAST_TRADES, Stretch, Trial, rated, stretch, stretch_of
from tradeops.domain.optimise.windows import Split, WalkForward
from tradeops.domain.performance.ratios import DAYS_A_YEAR
from tradeops.domain.strategies.parameters import Value

SHORTLIST: Final = 10
LEAST_DEFLATED: Final = 0.95
MOST_OVERFITTING: Final = 0.2


class Verdict(StrEnum):
    """In words for people."""

    NOTHING = "nothing to rank"
    LUCK = "not distinguishable from luck"
    BETTER = "better than luck explains"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point.

    Attributes:
        rank: by the Sharpe ratio outside, from 1; `None` when it is not ranked, and `unranked` says why.
        plateau: the Sharpe ratio inside, smoothed with those of the neighbourhood: by it the shortlist was chosen.
        stability_fraction: see `plateau.stability`.
    """

    parameters: Mapping[str, Value]
    inside: Stretch
    outside: Stretch
    plateau: Figure
    stability_fraction: Figure
    rank: int | None = None
    unranked: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """Choosing anew before each window and trading it: what the whole procedure would have brought.

    Attributes:
        choices: for each window; `None` when no point had 30 trades before it, and nothing was traded.
    """

    choices: tuple[Mapping[str, Value] | None, ...]
    outside: Stretch


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """All that a search found.

    Attributes:
        shortlist: at most 10, those ranked first.
        own: the bot's parameters, beside the others; `None` when they do not go with what is fixed.
        deflated_sharpe: probability that the best's true Sharpe ratio outside is above what the luckiest of all
            trials without skill would show, 0-1.
        luckiest_sharpe: that one, annualised.
        overfitting: `None` when there are too few trials or days to say.
        importance: share of variation explained, 0-1, by parameter, the highest first.
        reasons: for the verdict.
    """

    shortlist: tuple[Candidate, ...]
    own: Candidate | None
    walk: Walk
    deflated_sharpe: Figure
    luckiest_sharpe: Figure
    overfitting: Overfitting | None
    importance: Mapping[str, float]
    verdict: Verdict
    reasons: tuple[str, ...]

    @property
    def best(self) -> Candidate | None:
        """The first in rank."""
        return next((one for one in self.shortlist if one.rank == 1), None)


def judged(space: Space, trials: Sequence[Trial], windows: WalkForward) -> Judgement:
    """Judge the trials of a search; nothing outside has any part in choosing the shortlist."""
    first = windows.first
    places = [trial.place for trial in trials]
    distances = space.distances(places) if places else np.empty((0, 0))
    near = radius(space)
    inside, outside = rated(trials, first.inside), rated(trials, first.outside)
    heights, kept = smoothed(inside, distances, near), stability(inside, distances, near)
    by_place = {place: n for n, place in enumerate(places)}

    def candidate(n: int, rank: int | None) -> Candidate:
        return _candidate(space, trials[n], first, heights[n], kept[n], rank)

    chosen = _shortlist(trials, heights, first.inside)
    ranked = sorted((n for n in chosen if not np.isnan(outside[n])), key=lambda n: -outside[n])
    ranks = {n: rank for rank, n in enumerate(ranked, start=1)}
    shortlist = tuple(candidate(n, ranks.get(n)) for n in (*ranked, *(n for n in chosen if n not in ranks)))
    walk = _walked(space, trials, windows, distances, near)
    own = by_place.get(space.own)
    lucky, deflated = _deflated(trials, ranked[:1], outside, first.outside)
    halves = overfitting(np.stack([trial.returns for trial in trials])) if trials else None
    mine = None if own is None else candidate(own, ranks.get(own))
    verdict, reasons = _verdict(shortlist[0] if ranked else None, mine, deflated, halves, walk)
    shares = importance(space, places, inside)
    return Judgement(
        shortlist=shortlist,
        own=mine,
        walk=walk,
        deflated_sharpe=deflated,
        luckiest_sharpe=lucky,
        overfitting=halves,
        importance=dict(sorted(shares.items(), key=lambda one: -one[1])),
        verdict=verdict,
        reasons=reasons,
    )


def _shortlist(trials: Sequence[Trial], heights: Floats, inside: slice) -> list[int]:
    """The highest, but of those that did the same on the days inside the first alone."""
    chosen: dict[bytes, int] = {}
    for n in np.argsort(-heights, kind="stable"):
        if not np.isnan(heights[n]) and len(chosen) < SHORTLIST:
            chosen.setdefault(trials[n].returns[inside].tobytes(), int(n))
    return list(chosen.values())


def _candidate(space: Space, trial: Trial, first: Split, height: float, kept: float, rank: int | None) -> Candidate:
    inside, outside = stretch_of(trial, first, outside=False), stretch_of(trial, first, outside=True)
    unranked = ""
    if rank is None:
        few = [
            f"{count} trades {where}, fewer than {LEAST_TRADES}"
            for count, where in ((inside.trades, "in sample"), (outside.trades, "out of sample"))
            if count < LEAST_TRADES
        ]
        unranked = few[0] if few else "not on the shortlist"
    return Candidate(
        parameters=space.values(trial.place),
        inside=inside,
        outside=outside,
        plateau=unknown("it is not rated in sample") if np.isnan(height) else known(height),
        stability_fraction=unknown("too few neighbours were tried, or no gain to keep")
        if np.isnan(kept)
        else known(kept),
        rank=rank,
        unranked=unranked,
    )


def _walked(space: Space, trials: Sequence[Trial], windows: WalkForward, distances: Floats, near: float) -> Walk:
    choices: list[Place | None] = []
    pieces: list[tuple[Floats | Integers, ...]] = []
    for step in windows.steps:
        heights, days = smoothed(rated(trials, step.inside), distances, near), step.outside
        best = trials[int(np.nanargmax(heights))] if len(heights) and not np.isnan(heights).all() else None
        choices.append(best.place if best else None)
        idle = np.zeros(days.stop - days.start)
        pieces.append((best.returns[days], best.trades[days], best.wins[days]) if best else (idle, idle, idle))
    returns, trades, wins = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return Walk(
        tuple(None if place is None else space.values(place) for place in choices),
        stretch(returns, trades.astype(np.int64), wins.astype(np.int64)),
    )


def _deflated(trials: Sequence[Trial], best: list[int], outside: Floats, days: slice) -> tuple[Figure, Figure]:
    there = outside[~np.isnan(outside)]
    if not best:
        return unknown("nothing is ranked"), unknown("nothing is ranked")
    deviation = float(there.std(ddof=1)) / sqrt(DAYS_A_YEAR) if len(there) > 1 else 0.0
    deviation = min(deviation, 1 / sqrt(days.stop - days.start - 1))  # chance spreads no wider; the rest is no luck
    lucky = luckiest_sharpe(deviation, len(trials))
    probability = probabilistic_sharpe(trials[best[0]].returns[days], lucky)
    deflated = unknown("the returns have no usable moments") if np.isnan(probability) else known(probability)
    return known(lucky * sqrt(DAYS_A_YEAR)), deflated


def _verdict(
    best: Candidate | None, own: Candidate | None, deflated: Figure, halves: Overfitting | None, walk: Walk
) -> tuple[Verdict, tuple[str, ...]]:
    if best is None:
        few = f"no variation made {LEAST_TRADES} trades both in and out of sample"
        return Verdict.NOTHING, (few,)
    doubts = []
    if deflated.value is None:
        doubts.append(f"the deflated Sharpe ratio is n/a: {deflated.reason}")
    elif deflated.value < LEAST_DEFLATED:
        doubts.append(f"the deflated Sharpe ratio is {_told(deflated.value, LEAST_DEFLATED)}, below {LEAST_DEFLATED:g}")
    if halves is None:
        doubts.append("there are too few days or variations to tell how likely overfitting is")
    elif halves.probability > MOST_OVERFITTING:
        odds = _told(halves.probability, MOST_OVERFITTING)
        doubts.append(f"the probability of overfitting is {odds}, above {MOST_OVERFITTING:g}")
    total = walk.outside.total_return_percent.value
    if total is None or total <= 0:
        doubts.append("choosing anew in each window would not have gained anything")
    if own and _better(own.outside.sharpe_ratio, best.outside.sharpe_ratio):
        doubts.append("the bot's own parameters did better out of sample")
    if doubts:
        return Verdict.LUCK, tuple(doubts)
    passed = f"deflated Sharpe ratio at least {LEAST_DEFLATED:g}, probability of overfitting at most "
    return Verdict.BETTER, (f"{passed}{MOST_OVERFITTING:g}, and choosing anew in each window gained",)


def _better(one: Figure, other: Figure) -> bool:
    """What is not known is neither better nor worse."""
    return one.value is not None and other.value is not None and one.value > other.value


def _told(value: float, limit: float) -> str:
    digits = next(n for n in range(2, 20) if round(value, n) != limit)
    return f"{value:.{digits}f}"
