"""Plateaus are preferred to spikes, and importance is what explains."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.domain.optimise.searches import HOURS, PAIR
from tradeops.domain.optimise.plateau import importance, radius, smoothed, stability
from tradeops.domain.optimise.space import Place, Space

NAN = float("nan")
LINE = Space.of(HOURS, {"length": 8})
PLACES: list[Place] = [(n,) for n in range(24)]
NEAR = radius(LINE)


def slow_smoothed(scores: NDArray[np.float64], distances: NDArray[np.float64], near: float) -> list[float]:
    level = float(np.median([score for score in scores if not np.isnan(score)]))
    raised = []
    for n, score in enumerate(scores):
        top, bottom = level, 1.0
        for other, distance in zip(scores, distances[n], strict=True):
            if not np.isnan(other) and distance <= near:
                weight = np.exp(-0.5 * (distance / (near / 2)) ** 2)
                top, bottom = top + weight * other, bottom + weight
        raised.append(top / bottom if not np.isnan(score) else NAN)
    return raised


def test_a_plateau_beats_a_higher_spike() -> None:
    scores = np.zeros(24)
    scores[4:9] = 2.0
    scores[16] = 3.0
    heights = smoothed(scores, LINE.distances(PLACES), NEAR)
    assert int(heights.argmax()) == 6
    kept = stability(scores, LINE.distances(PLACES), NEAR)
    assert kept[6] == 1
    assert kept[16] == 0
    assert kept[4] == pytest.approx(0.5)
    assert np.isnan(kept[0])  # nothing to keep


def test_smoothing_agrees_with_loops() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(1, 1, 24)
    scores[[3, 17]] = NAN
    distances = LINE.distances(PLACES)
    assert smoothed(scores, distances, NEAR) == pytest.approx(slow_smoothed(scores, distances, NEAR), nan_ok=True)


def test_what_is_not_rated_counts_for_nobody() -> None:
    scores = np.array([1.0, NAN, NAN])
    distances = LINE.distances([(0,), (1,), (2,)])
    heights = smoothed(scores, distances, NEAR)
    assert heights[0] == 1.0
    assert np.isnan(heights[1:]).all()
    assert np.isnan(stability(scores, distances, NEAR)).all()
    assert np.isnan(smoothed(np.full(3, NAN), distances, NEAR)).all()


def test_a_point_alone_goes_half_the_way_to_the_middle() -> None:
    scores, distances = np.array([5.0, 1.0, 1.0]), LINE.distances([(0,), (12,), (23,)])
    assert smoothed(scores, distances, NEAR)[0] == pytest.approx(3.0)


def test_one_step_is_near_however_long_it_is() -> None:
    assert radius(Space.of(PAIR, {"fast": 5, "slow": 9, "scale": "price"})) == pytest.approx(1 / 3, rel=0.01)
    assert radius(LINE) == pytest.approx(0.1)


def test_importance_finds_what_decides() -> None:
    space = Space.of(HOURS, {})
    places = list(space.grid())
    noise = np.random.default_rng(2).normal(0, 0.1, len(places))
    scores = np.array([place[0] for place in places]) * 0.1 + noise
    scores[::7] = NAN
    shares = importance(space, places, scores)
    assert shares["hour"] > 0.9
    assert shares["length"] < 0.05


def test_chance_explains_nothing_on_average() -> None:
    space = Space.of(HOURS, {})
    places = list(space.grid())[:60]
    found = [importance(space, places, np.random.default_rng(n).normal(0, 1, 60)) for n in range(60)]
    assert np.mean([one["hour"] for one in found]) < 0.05


def test_few_or_equal_scores_explain_nothing() -> None:
    places = list(Space.of(HOURS, {}).grid())
    assert importance(Space.of(HOURS, {}), places[:9], np.arange(9.0)) == {}
    assert importance(Space.of(HOURS, {}), places, np.ones(len(places))) == {}
    assert importance(LINE, PLACES[:12], np.arange(12.0))["hour"] > 0
    one_value: list[Place] = [(0,)] * 12
    assert importance(LINE, one_value, np.arange(12.0)) == {"hour": 0.0}
