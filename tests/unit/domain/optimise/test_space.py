"""What a search may try."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.optimise.searches import HOURS, PAIR
from tradeops.domain.optimise.space import Axis, Space
from tradeops.domain.strategies.parameters import Parameter
from tradeops.domain.strategies.registry import all_strategies

WHOLE = Space.of(PAIR, {})


def test_an_axis_goes_from_bound_to_bound_by_the_step_and_has_the_bots_own_value() -> None:
    assert [axis.values for axis in WHOLE.axes[2:]] == [(0.0, 0.001, 0.05, 0.1), ("price", "relative")]
    assert WHOLE.axes[0].values == tuple(range(2, 51))
    assert all(type(value) is int for value in WHOLE.axes[0].values)
    assert [axis.ordered for axis in WHOLE.axes] == [True, True, True, False]


def test_steps_that_floats_cannot_hold_are_all_there() -> None:
    values = Axis.of(Parameter("p", "", default=2.0, low=0.5, high=4, step=0.1)).values
    assert len(values) == 36
    assert values[-1] == 4.0
    assert 2.3 in values


def test_what_is_given_does_not_vary() -> None:
    space = Space.of(PAIR, {"fast": 5, "scale": "relative"})
    assert [axis.name for axis in space.axes] == ["slow", "level"]
    assert space.values((0, 0)) == {"fast": 5, "slow": 5, "level": 0.0, "scale": "relative"}
    assert list(space.values((0, 0))) == [p.name for p in PAIR.parameters]


@pytest.mark.parametrize(
    ("fixed", "problem"),
    [
        pytest.param({"speed": 1}, "no parameter 'speed'; there are hour, length", id="foreign"),
        pytest.param({"hour": 24}, "hour lies between 0 and 23", id="out of bounds"),
        pytest.param({"hour": 1, "length": 6}, "nothing is left to vary", id="all given"),
    ],
)
def test_what_cannot_be_searched_is_refused(fixed: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Space.of(HOURS, fixed)


def test_the_grid_is_every_point_that_does_not_conflict() -> None:
    space = Space.of(PAIR, {"level": 0.0, "scale": "price"})
    grid = list(space.grid())
    assert space.size == 49 * 96
    assert len(grid) == len(set(grid)) == sum(slow > fast for fast in range(2, 51) for slow in range(5, 101))


@given(st.integers(0, 2**32))
def test_what_is_drawn_or_lies_around_is_allowed_and_near(seed: int) -> None:
    random = np.random.default_rng(seed)
    place = WHOLE.drawn(random)
    assert place is not None
    assert WHOLE.allowed(place)
    beside = WHOLE.around(place, random)
    assert beside is not None
    assert beside != place
    assert WHOLE.allowed(beside)
    assert beside[3] == place[3]  # another word is not a neighbour
    assert WHOLE.distances([place, beside])[0, 1] < 0.3
    assert WHOLE.nearest(WHOLE.unit(place)) == place


def test_where_nothing_goes_together_nothing_is_drawn() -> None:
    space = Space.of(PAIR, {"fast": 50, "slow": 20})
    random = np.random.default_rng(0)
    assert space.drawn(random) is None
    assert space.around((0, 0), random) is None
    assert list(space.grid()) == []


def test_distances_go_from_0_to_1() -> None:
    far = WHOLE.distances([(0, 0, 0, 0), (48, 95, 3, 1), (0, 0, 0, 1)])
    assert far[0, 1] == 1
    assert far[0, 0] == 0
    assert far[0, 2] == pytest.approx(0.5)


@pytest.mark.parametrize("strategy", all_strategies(), ids=lambda strategy: strategy.name)
def test_the_bots_own_values_are_a_point_of_each_strategy(strategy: object) -> None:
    space = Space.of(strategy, {})  # type: ignore[arg-type]
    assert space.allowed(space.own)
    assert space.values(space.own) == space.strategy.resolved()
