"""What a search may try: a bounded, typed grid of the parameters that are not fixed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import floor, prod
from typing import Self

import numpy as np

from tradeops.domain.candle_columns import Floats
from tradeops.domain.strategies.parameters import Parameter, Value
from tradeops.domain.strategies.strategy import Strategy

Place = tuple[int, ...]
MOST_DRAWS = 1000
MOST_DRAWS_NEAR = 50  # a neighbourhood with hardly an allowed place is left: to look for it costs more than trading
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter that varies.

    Attributes:
        values: from bound to bound by the parameter's step, the bot's own always among them; words in their order.
        ordered: whether a value lies between its neighbours; words do not.
    """

    name: str
    values: tuple[Value, ...]
    ordered: bool

    @classmethod
    def of(cls, parameter: Parameter) -> Self:
        """All that the parameter may be."""
        if parameter.choices:
            return cls(parameter.name, parameter.choices, ordered=False)
        count = floor((parameter.high - parameter.low) / parameter.step + ROUNDING) + 1
        steps = (round(parameter.low + n * parameter.step, 10) for n in range(count))
        values = {parameter.checked(value) for value in steps} | {parameter.default}
        return cls(parameter.name, tuple(sorted(values, key=float)), ordered=True)


@dataclass(frozen=True, slots=True)
class Space:
    """All points that may be tried; a point is a place on each axis.

    Attributes:
        fixed: what does not vary.
    """

    strategy: Strategy
    axes: tuple[Axis, ...]
    fixed: Mapping[str, Value]

    @classmethod
    def of(cls, strategy: Strategy, fixed: Mapping[str, object]) -> Self:
        """The parameters that are not fixed vary.

        Raises:
            ValueError: nothing varies, or a fixed value that is foreign or out of bounds.
        """
        checked = {p.name: p.checked(fixed[p.name]) for p in strategy.parameters if p.name in fixed}
        if foreign := [name for name in fixed if name not in checked]:
            names = ", ".join(p.name for p in strategy.parameters)
            raise ValueError(f"no parameter {', '.join(map(repr, foreign))}; there are {names}")
        axes = tuple(Axis.of(p) for p in strategy.parameters if p.name not in checked)
        if not axes:
            raise ValueError(f"every parameter of {strategy.title} is given: nothing is left to vary")
        return cls(strategy, axes, checked)

    @property
    def size(self) -> int:
        """Points on the grid, those that conflict included."""
        return prod(len(axis.values) for axis in self.axes)

    @property
    def own(self) -> Place:
        """The bot's values of what varies; they may conflict with what is fixed."""
        defaults = {p.name: p.default for p in self.strategy.parameters}
        return tuple(axis.values.index(defaults[axis.name]) for axis in self.axes)

    def values(self, place: Place) -> dict[str, Value]:
        """Every parameter at a place, in the strategy's order."""
        free = {axis.name: axis.values[n] for axis, n in zip(self.axes, place, strict=True)}
        return {p.name: free[p.name] if p.name in free else self.fixed[p.name] for p in self.strategy.parameters}

    def allowed(self, place: Place) -> bool:
        """Whether the values at a place go together."""
        return not self.strategy.conflict(self.values(place))

    def grid(self) -> Iterator[Place]:
        """Every allowed place, the last axis first."""
        return (place for place in product(*(range(len(axis.values)) for axis in self.axes)) if self.allowed(place))

    def unit(self, place: Place) -> tuple[float, ...]:
        """The place between 0 and 1 on each axis."""
        return tuple(n / max(len(axis.values) - 1, 1) for axis, n in zip(self.axes, place, strict=True))

    def nearest(self, unit: Sequence[float]) -> Place:
        """The place next to a point between 0 and 1 on each axis."""
        lasts = (len(axis.values) - 1 for axis in self.axes)
        return tuple(min(max(round(at * last), 0), last) for at, last in zip(unit, lasts, strict=True))

    def drawn(self, random: np.random.Generator) -> Place | None:
        """An allowed place, each as likely as any other; `None` when there is hardly one."""
        for _ in range(MOST_DRAWS):
            place = tuple(int(random.integers(len(axis.values))) for axis in self.axes)
            if self.allowed(place):
                return place
        return None

    def around(self, place: Place, random: np.random.Generator) -> Place | None:
        """An allowed place in the neighbourhood: up to a twentieth of each axis away, at least a step; not this one."""
        lasts = np.array([len(axis.values) - 1 for axis in self.axes])
        reach = np.where([axis.ordered for axis in self.axes], np.maximum(1, np.rint(lasts / 20)), 0).astype(np.int64)
        moves = random.integers(-reach, reach + 1, size=(MOST_DRAWS_NEAR, len(reach)))
        near = map(tuple, np.clip(moves + place, 0, lasts).tolist())
        return next((moved for moved in near if moved != place and self.allowed(moved)), None)

    def distances(self, places: Sequence[Place]) -> Floats:
        """Of each two places: the root mean square over the axes, 0-1; other words are 1 apart."""
        at = np.array([self.unit(place) for place in places])
        apart = np.abs(at[:, None, :] - at[None, :, :])
        words = np.array([not axis.ordered for axis in self.axes])
        apart[:, :, words] = apart[:, :, words] > 0
        root: Floats = np.sqrt((apart**2).mean(axis=2))
        return root
