"""Measurement: figures that cannot flatter, checked by hand and against scikit-learn's definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.models.markets import market
from tradeops.domain.models.columns import UnfitDataError
from tradeops.domain.models.dataset import make_dataset
from tradeops.domain.models.measurement import (
    hits,
    majority_probabilities,
    measure,
    persistence_probabilities,
)

UP, DOWN = 0.01, -0.01


def test_worked_figures() -> None:
    said = np.array([0.8, 0.6, 0.3, 0.5])
    scores = measure(said, np.array([UP, DOWN, DOWN, UP]))
    assert (scores.samples, scores.accuracy, scores.balanced_accuracy) == (4, 0.5, 0.5)
    assert scores.f1_score == 0.5
    assert scores.brier_score == pytest.approx((0.04 + 0.36 + 0.09 + 0.25) / 4)
    assert scores.log_loss == pytest.approx(-(math.log(0.8) + math.log(0.4) + math.log(0.7) + math.log(0.5)) / 4)
    assert scores.calibration_error == pytest.approx((0.2 + 0.6 + 0.3 + 0.5) / 4)
    assert 0 < scores.accuracy_low < 0.5 < scores.accuracy_high < 1
    assert [one.count for one in scores.calibration] == [1, 1, 1, 1]


def test_profit_is_that_of_the_thresholds_after_each_fee() -> None:
    said = np.array([0.55, 0.60, 0.50, 0.45, 0.70])
    scores = measure(said, np.array([0.01, 0.02, 0.03, 0.01, 0.01]), fee_fraction=0.001)
    # long, long, flat, short, long: in, out, in, over to the other side (two fees), out
    assert scores.trades == 5
    assert scores.pnl_percent == pytest.approx(100 * (0.01 + 0.02 - 0.01 + 0.01 - 0.001 * 6))


def test_a_model_that_never_dares_pays_and_earns_nothing() -> None:
    scores = measure(np.full(10, 0.5), np.full(10, DOWN))
    assert (scores.pnl_percent, scores.trades, scores.f1_score) == (0.0, 0, 0.0)
    assert (scores.accuracy, scores.balanced_accuracy) == (1.0, 0.5)


def test_a_perfect_model_is_perfect_and_suspicious() -> None:
    returns = np.array([UP, DOWN] * 50)
    scores = measure((returns > 0).astype(float), returns)
    assert (scores.accuracy, scores.f1_score, scores.brier_score, scores.suspicious) == (1.0, 1.0, 0.0, True)
    assert 0 <= scores.log_loss < 1e-6


@pytest.mark.parametrize(("right", "suspicious"), [(60, False), (61, True)], ids=["60 %", "61 %"])
def test_above_sixty_percent_is_suspicious(right: int, suspicious: bool) -> None:
    said = np.concatenate([np.full(right, 0.9), np.full(100 - right, 0.1)])
    assert measure(said, np.full(100, UP)).suspicious is suspicious


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from([UP, DOWN, 0.0])), min_size=1, max_size=60))
def test_figures_stay_within_their_bounds(rows: list[tuple[float, float]]) -> None:
    said, returns = (np.array(column) for column in zip(*rows, strict=True))
    scores = measure(said, returns)
    assert 0 <= scores.accuracy_low <= scores.accuracy <= scores.accuracy_high <= 1
    assert scores.accuracy == pytest.approx(hits(said, returns).mean())
    for fraction in (scores.balanced_accuracy, scores.f1_score, scores.brier_score, scores.calibration_error):
        assert 0 <= fraction <= 1
    assert sum(one.count for one in scores.calibration) == len(rows)
    assert scores.to_json()["calibration"][0]["count"] == scores.calibration[0].count


@pytest.mark.parametrize(
    ("said", "returns", "problem"),
    [
        ([], [], "0 predictions and 0 outcomes"),
        ([0.5], [UP, DOWN], "1 predictions and 2 outcomes"),
        ([math.nan], [UP], "no probability"),
        ([1.2], [UP], "no probability"),
        ([0.5], [math.nan], "an outcome is not known"),
    ],
)
def test_what_cannot_be_measured_is_refused(said: list[float], returns: list[float], problem: str) -> None:
    with pytest.raises(UnfitDataError, match=problem):
        measure(np.array(said), np.array(returns))


def test_baselines_know_what_training_knew() -> None:
    data = make_dataset(market(600, echo=-0.6), length=20)
    majority = majority_probabilities(data.train, data.holdout)
    assert np.unique(majority).tolist() == [pytest.approx((data.train.returns > 0).mean())]
    said = persistence_probabilities(data.train, data.holdout)
    assert ((said > 0.5) == (data.holdout.last_returns > 0)).all()  # also where the market reversed in training
    follows = make_dataset(market(600, echo=0.6), length=20)
    assert measure(persistence_probabilities(follows.train, follows.holdout), follows.holdout.returns).accuracy > 0.6
