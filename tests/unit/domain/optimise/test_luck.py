"""Deflated Sharpe ratio and probability of overfitting: published figures, slow second implementations, properties."""

from itertools import combinations
from math import isnan, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kurtosis, norm, rankdata, skew

from tradeops.domain.optimise.luck import from_moments, luckiest_sharpe, overfitting, probabilistic_sharpe


def noise(seed: int, trials: int, days: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 0.01, (trials, days))


def test_the_example_of_the_paper_comes_out() -> None:
    """Bailey and López de Prado 2014, page 9: 100 trials, 1,250 days, annual Sharpe 2.5, variance ½."""
    lucky = luckiest_sharpe(sqrt(0.5 / 250), 100)
    assert lucky == pytest.approx(0.1132, abs=5e-5)
    assert from_moments(2.5 / sqrt(250), 1250, -3, 10, lucky) == pytest.approx(0.9004, abs=5e-5)


def test_the_luckiest_of_many_simulated_trials_shows_what_the_formula_says() -> None:
    best = np.random.default_rng(5).normal(0, 0.3, (4000, 50)).max(axis=1).mean()
    assert luckiest_sharpe(0.3, 50) == pytest.approx(best, rel=0.02)


def test_more_trials_take_more_luck_and_one_takes_none() -> None:
    lucky = [luckiest_sharpe(0.1, trials) for trials in (1, 2, 10, 100, 500)]
    assert lucky[0] == 0
    assert lucky == sorted(lucky)
    with pytest.raises(ValueError, match="no trials"):
        luckiest_sharpe(0.1, 0)


@given(st.integers(0, 2**32), st.integers(3, 400), st.floats(-0.3, 0.3))
@settings(max_examples=50, deadline=None)
def test_the_probability_agrees_with_scipy_moments(seed: int, days: int, benchmark: float) -> None:
    returns = np.random.default_rng(seed).standard_t(5, days) * 0.01
    sharpe = returns.mean() / returns.std(ddof=1)
    spread = 1 - skew(returns) * sharpe + (kurtosis(returns, fisher=False) - 1) / 4 * sharpe**2
    if spread > 1e-9:
        expected = norm.cdf((sharpe - benchmark) * sqrt(days - 1) / sqrt(spread))
        assert probabilistic_sharpe(returns, benchmark) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "returns",
    [
        pytest.param([], id="nothing"),
        pytest.param([0.01, 0.02], id="two days"),
        pytest.param([0.01] * 50, id="equal days"),
        pytest.param([0.0] * 50, id="no trades"),
    ],
)
def test_what_cannot_be_known_is_not_a_number(returns: list[float]) -> None:
    assert isnan(probabilistic_sharpe(np.array(returns), 0.0))


def test_moments_for_which_the_formula_has_no_answer_give_none() -> None:
    assert isnan(from_moments(1.0, 100, 3.0, 1.0, 0.0))


def slow_overfitting(returns: NDArray[np.float64], blocks: int) -> tuple[float, float]:
    """The paper step by step, with loops."""
    trials, days = returns.shape
    length = days // blocks
    pieces = [returns[:, days - (blocks - n) * length : days - (blocks - n - 1) * length] for n in range(blocks)]
    logits, lost = [], 0
    for half in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([pieces[n] for n in half], axis=1)
        outside = np.concatenate([pieces[n] for n in range(blocks) if n not in half], axis=1)
        here, there = ([row.mean() / row.std(ddof=1) if row.std() > 0 else 0.0 for row in m] for m in (inside, outside))
        best = int(np.argmax(here))
        share = rankdata(np.round(there, 12))[best] / (trials + 1)
        logits.append(log(share / (1 - share)))
        lost += there[best] < 0
    return sum(logit <= 0 for logit in logits) / len(logits), lost / len(logits)


@pytest.mark.parametrize(
    ("seed", "trials", "days", "blocks"),
    [
        pytest.param(1, 5, 60, 6, id="few"),
        pytest.param(2, 12, 83, 8, id="days left over"),
        pytest.param(3, 2, 16, 4, id="the least"),
        pytest.param(4, 30, 120, 10, id="many"),
    ],
)
def test_it_agrees_with_the_paper_done_slowly(seed: int, trials: int, days: int, blocks: int) -> None:
    returns = noise(seed, trials, days)
    returns[0, :] = 0.0  # one that never trades
    found = overfitting(returns, blocks=blocks)
    assert found is not None
    assert (found.probability, found.loss_probability) == pytest.approx(slow_overfitting(returns, blocks), abs=1e-12)


def test_the_best_of_pure_noise_is_as_good_as_any_other() -> None:
    found = [overfitting(noise(seed, 50, 240)) for seed in range(40)]
    probabilities = [one.probability for one in found if one]
    assert np.mean(probabilities) == pytest.approx(0.5, abs=0.08)
    assert found[0] is not None
    assert found[0].halves == 924


def test_a_planted_edge_is_not_overfitted() -> None:
    returns = noise(7, 50, 240)
    returns[17] += 0.005
    found = overfitting(returns)
    assert found is not None
    assert found.probability < 0.02
    assert found.loss_probability < 0.02


def test_luck_on_one_half_that_turns_on_the_other_is_overfitting() -> None:
    """Each trial is good on some blocks and as bad on the others."""
    random = np.random.default_rng(3)
    returns = noise(8, 30, 240) * 0.1
    returns += np.stack([np.repeat(random.permutation([0.01, -0.01] * 6), 20) for _ in returns])
    found = overfitting(returns)
    assert found is not None
    assert found.probability > 0.9
    assert found.loss_probability > 0.9


@pytest.mark.parametrize(("trials", "days"), [(1, 300), (0, 300), (5, 15)], ids=["one trial", "none", "too few days"])
def test_too_little_says_nothing(trials: int, days: int) -> None:
    assert overfitting(noise(1, trials, days)) is None


def test_fewer_days_take_fewer_blocks() -> None:
    found = overfitting(noise(1, 5, 30))
    assert found is not None
    assert found.halves == 20  # of six blocks
