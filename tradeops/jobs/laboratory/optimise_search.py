"""How points are chosen to be tried: all of them where they are few, else half at random and half by optuna's TPE.

Optuna's proposals cost more than most backtests, so each one is tried with points around it, and is worth to the search
what all of them are worth: a plateau, not a spike. The same seed gives the same points, in the same order.
"""

import importlib
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tradeops.domain.optimise.space import Place, Space
from tradeops.domain.optimise.trials import Bench, Trial, rated
from tradeops.errors import MisconfiguredError

LARGEST_GRID = 10_000  # points that are looked through to see how many are allowed
RANDOM_SHARE = 0.5
AROUND = 6
CANDIDATES = 8  # that optuna weighs for one proposal; with its 24 the search found nothing better, and took longer
MOST_MISSES = 100  # proposals in a row that bring nothing new: the space is used up

Told = Callable[[int, int], None]


class StoppedError(Exception):
    """Nobody waits for the search any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """What was tried.

    Attributes:
        method: "full grid" or "TPE".
        trials: in the order in which they were tried.
        pruned: points given up early: too few signals for 30 trades.
    """

    method: str
    trials: tuple[Trial, ...]
    pruned: int

    @property
    def tested(self) -> int:
        """How many points were looked at."""
        return len(self.trials) + self.pruned


@dataclass(slots=True, eq=False)
class _Record:
    bench: Bench
    variations: int
    told: Told
    stopped: Callable[[], bool]
    seen: dict[Place, float] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.seen) >= self.variations

    def scores(self, places: Sequence[Place]) -> list[float]:
        """Their Sharpe ratios on the days for choosing, tried now; NaN where one is not rated."""
        fresh: list[Trial] = []
        for place in places:
            if self.stopped():
                raise StoppedError
            self.seen[place] = float("nan")
            if (trial := self.bench.tried(place)) is not None:
                fresh.append(trial)
            self.told(len(self.seen), self.variations)
        self.trials += fresh
        ratings = rated(fresh, self.bench.windows.first.inside).tolist()
        self.seen.update(zip((trial.place for trial in fresh), ratings, strict=True))
        return [self.seen[place] for place in places]

    def searched(self, method: str) -> Searched:
        return Searched(method, tuple(self.trials), len(self.seen) - len(self.trials))


def search(
    bench: Bench,
    variations: int,
    seed: int,
    *,
    told: Told = lambda _done, _total: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Searched:
    """Try so many points; only what they did on the days for choosing guides it. The bot's own is the first.

    Args:
        bench: what they are tried on.
        variations: at most so many points; fewer when the space has fewer.
        seed: of the choice.
        told: hears after each how many of how many are done.
        stopped: asked before each; `True` ends it by `StoppedError`.

    Raises:
        MisconfiguredError: optuna is not installed, and the space is too large to be tried as a whole.
    """
    space = bench.space
    grid = list(space.grid()) if space.size <= LARGEST_GRID else []
    if 0 < len(grid) <= variations:
        record = _Record(bench, len(grid), told, stopped)
        record.scores(list(_own_first(space, grid)))
        return record.searched("full grid")
    record = _Record(bench, variations, told, stopped)
    _explore(record, np.random.default_rng([seed, 0]), seed)
    return record.searched("TPE")


def _own_first(space: Space, grid: list[Place]) -> Iterator[Place]:
    own = space.own
    if own in grid:
        yield own
    yield from (place for place in grid if place != own)


def _explore(record: _Record, random: np.random.Generator, seed: int) -> None:
    space, guide = record.bench.space, _Guide(record.bench.space, seed)
    drawn = dict.fromkeys([space.own] if space.allowed(space.own) else [])
    for _ in range(MOST_MISSES * record.variations):
        if len(drawn) >= RANDOM_SHARE * record.variations or (place := space.drawn(random)) is None:
            break
        drawn[place] = None
    guide.hear(drawn, record.scores(list(drawn)))
    misses = 0
    while not record.full and misses < MOST_MISSES:
        centre = guide.proposed()
        if not space.allowed(centre) or centre in record.seen:
            centre = space.around(centre, random) or centre
        if not space.allowed(centre) or centre in record.seen:
            misses += 1
            continue
        misses = 0
        [score] = record.scores([centre])
        if not np.isnan(score):
            near = dict.fromkeys(space.around(centre, random) for _ in range(AROUND))
            fresh = [place for place in near if place is not None and place not in record.seen]
            found = record.scores(fresh[: record.variations - len(record.seen)])
            score = float(np.nanmean([score, *found]))
        guide.hear([centre], [score])


class _Guide:
    """Optuna's tree-structured Parzen estimator on the unit cube: whole steps are ours, they would make it slow."""

    def __init__(self, space: Space, seed: int) -> None:
        self._optuna: Any = _imported()
        self._space = space
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "experimental" is said of the multivariate kind
            sampler = self._optuna.samplers.TPESampler(
                seed=seed % 2**32, n_startup_trials=1, n_ei_candidates=CANDIDATES, multivariate=True
            )
        self._study = self._optuna.create_study(direction="maximize", sampler=sampler)
        d = self._optuna.distributions
        self._distributions = {
            axis.name: d.FloatDistribution(0.0, 1.0) if axis.ordered else d.CategoricalDistribution(axis.values)
            for axis in space.axes
        }

    def hear(self, places: Iterable[Place], scores: Iterable[float]) -> None:
        """Learn what places are worth; those that are not rated are among the worst."""
        trial, states = self._optuna.trial, self._optuna.trial.TrialState
        self._study.add_trials(
            [
                trial.create_trial(params=self._named(place), distributions=self._distributions, state=states.PRUNED)
                if np.isnan(score)
                else trial.create_trial(params=self._named(place), distributions=self._distributions, value=score)
                for place, score in zip(places, scores, strict=True)
            ]
        )

    def proposed(self) -> Place:
        """The next place; it may be one that is not allowed, or was tried."""
        trial = self._study.ask(self._distributions)
        self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)  # `hear` says what its place is worth
        unit = [
            trial.params[axis.name]
            if axis.ordered
            else axis.values.index(trial.params[axis.name]) / max(len(axis.values) - 1, 1)
            for axis in self._space.axes
        ]
        return self._space.nearest(unit)

    def _named(self, place: Place) -> dict[str, object]:
        return {
            axis.name: at if axis.ordered else axis.values[n]
            for axis, at, n in zip(self._space.axes, self._space.unit(place), place, strict=True)
        }


def _imported() -> Any:  # noqa: ANN401 - a module, where it is installed
    try:
        optuna = importlib.import_module("optuna")
    except ImportError:
        remedy = "install the extra: pip install 'tradeops[research]'"
        raise MisconfiguredError("optimize-strategy", "optuna is not installed", remedy=remedy) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
