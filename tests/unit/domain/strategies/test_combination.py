"""The ways to make one signal of several."""

import math

import numpy as np
import pytest

from tradeops.domain.strategies.combination import Combination, combined
from tradeops.domain.strategies.signals import Signals

Said = tuple[int, float]


def said(*each: Said) -> list[Signals]:
    return [Signals(np.array([d], dtype=np.int8), np.array([c])) for d, c in each]


def of(mode: Combination, *each: Said, least: float = 0.0) -> Said:
    signal = combined(said(*each), mode, least)
    return int(signal.direction[0]), float(signal.confidence[0])


L, S, N = 1, -1, 0


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        pytest.param([(L, 0.9)] * 4 + [(S, 0.9)], (L, 0.9 * 0.8), id="four of five"),
        pytest.param([(S, 0.7), (S, 0.9), (S, 0.8), (S, 0.8)], (S, 0.8), id="four of four"),
        pytest.param([(L, 0.9)] * 5, (L, 0.9), id="all five"),
        pytest.param([(L, 0.9)] * 3 + [(N, 0.5)] * 2, (N, 0.5), id="three are too few"),
        pytest.param([(L, 0.9)] * 3, (N, 0.0), id="three of three are too few"),
    ],
)
def test_consensus_takes_four_equal_signals(each: list[Said], expected: Said) -> None:
    assert of(Combination.CONSENSUS, *each) == (expected[0], pytest.approx(expected[1]))


def test_the_best_confidence_wins_and_of_equals_the_first() -> None:
    assert of(Combination.BEST_CONFIDENCE, (L, 0.5), (S, 0.9), (N, 0.6)) == (S, 0.9)
    assert of(Combination.BEST_CONFIDENCE, (L, 0.9), (S, 0.9)) == (L, 0.9)
    assert of(Combination.BEST_CONFIDENCE, (L, 0.5), (N, 0.6)) == (N, 0.6)


def test_the_weighted_average_is_that_of_signed_confidences() -> None:
    assert of(Combination.WEIGHTED_AVERAGE, (L, 0.9), (S, 0.3), (N, 0.6)) == (L, pytest.approx(0.2))
    assert of(Combination.WEIGHTED_AVERAGE, (L, 0.5), (S, 0.5)) == (N, 0.0)


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        pytest.param([(L, 0.7), (L, 0.9), (N, 0.9)], (L, 0.72), id="two sure ones"),
        pytest.param([(L, 0.65), (L, 0.65)], (L, 0.585), id="just sure enough"),
        pytest.param([(L, 0.7), (L, 0.64)], (N, 0.0), id="one sure one"),
        pytest.param([(L, 0.7), (L, 0.9), (S, 0.1)], (N, 0.0), id="one against them"),
        pytest.param([(S, 0.7), (S, 0.9), (S, 0.5)], (S, 0.72), id="the unsure one agrees and does not count"),
    ],
)
def test_conservative_takes_two_sure_signals_and_none_against(each: list[Said], expected: Said) -> None:
    assert of(Combination.CONSERVATIVE, *each) == (expected[0], pytest.approx(expected[1]))


def test_below_the_least_confidence_a_signal_is_none() -> None:
    assert of(Combination.BEST_CONFIDENCE, (L, 0.65), least=0.65) == (L, 0.65)
    assert of(Combination.BEST_CONFIDENCE, (L, 0.6499), least=0.65) == (N, 0.0)


def test_before_all_have_begun_nothing_is_said() -> None:
    late = Signals(np.array([0, 1], dtype=np.int8), np.array([math.nan, 0.9]))
    early = Signals(np.array([1, 1], dtype=np.int8), np.array([0.9, 0.9]))
    signal = combined([early, late], Combination.BEST_CONFIDENCE)
    assert signal.direction.tolist() == [0, 1]
    assert signal.ready.tolist() == [False, True]


def test_signals_of_other_candles_none_and_more_than_five_are_refused() -> None:
    with pytest.raises(ValueError, match="1 to 5 strategies are combined, not 0"):
        combined([])
    with pytest.raises(ValueError, match="not 6"):
        combined(said(*[(L, 0.5)] * 6))
    with pytest.raises(ValueError, match="different lengths"):
        combined([*said((L, 0.5)), Signals(np.zeros(2, dtype=np.int8), np.zeros(2))])
