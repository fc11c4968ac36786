"""The gate: what is not proven better is not promoted."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest

from tradeops.domain.models.columns import Floats, UnfitDataError
from tradeops.domain.models.measurement import measure
from tradeops.domain.promotion import (
    Contest,
    GateRules,
    Rule,
    Verdict,
    bootstrap_low,
    judge,
    mcnemar_p,
)

RULES = GateRules()
UP = 0.01
FIRST = "the first model, unproven: there was none to compare it with"


def market(of: int) -> Floats:
    """Up and down in turns."""
    return np.where(np.arange(of) % 2 == 0, UP, -UP)


def said(right: int, of: int, *, shift: int = 0, strength: float = 0.01) -> Floats:
    """Probabilities that are right `right` times of `of`, the hits first, moved on by `shift`."""
    hit = np.roll(np.arange(of) < right, shift)
    return 0.5 + strength * np.where(hit == (market(of) > 0), 1, -1)


def contest(challenger: int, champion: int | None, of: int = 400, *, majority: int = 0) -> Contest:
    """The champion's hits are among the challenger's, so that they differ in few."""
    return Contest(
        returns=market(of),
        challenger=said(challenger, of),
        champion=None if champion is None else said(champion, of),
        baselines={"majority": said(majority, of)},
    )


def outcome(verdict: Verdict, rule: Rule) -> bool | None:
    return next(one.passed for one in verdict.outcomes if one.rule is rule)


def test_of_equally_calibrated_models_half_have_the_larger_error_and_few_one_beyond_the_tolerance() -> None:
    """Two models that each know half of what can be known of 288 candles, and say no more than they know."""
    random = np.random.default_rng(20_251_126)
    excess = []
    for _ in range(500):
        known = random.normal(0, 0.03, (2, 288))
        returns = np.where(random.random(288) < 0.5 + known.mean(axis=0), UP, -UP)
        new, old = (measure(0.5 + half / 2, returns).calibration_error for half in known)
        excess.append(new - old)
    assert np.std(excess) == pytest.approx(0.018, abs=0.003)
    assert np.mean(np.array(excess) > 0) == pytest.approx(0.5, abs=0.06)
    assert np.mean(np.array(excess) > RULES.calibration_tolerance) == pytest.approx(0.12, abs=0.04)


def test_a_model_that_is_proven_better_is_promoted_and_each_rule_has_its_figures() -> None:
    verdict = judge(contest(232, 180), RULES, seed=1)
    assert verdict.promoted
    assert not verdict.unproven
    assert verdict.gain_fraction == pytest.approx(0.13)
    assert verdict.reason == "better than the champion by 13.00 percentage points"
    assert [one.rule for one in verdict.outcomes] == list(Rule)
    assert all(any(letter.isdigit() for letter in one.says) for one in verdict.outcomes if one.rule is not Rule.FLOOR)


@pytest.mark.parametrize("mode", ["proven", "improves"])
@pytest.mark.parametrize(
    ("challenger", "champion"), [(210, 210), (209, 210), (100, 210)], ids=["equal", "worse", "far worse"]
)
def test_an_equal_or_worse_model_is_never_promoted(mode: str, challenger: int, champion: int) -> None:
    verdict = judge(contest(challenger, champion), replace(RULES, mode=mode), seed=1)  # type: ignore[arg-type]
    assert not verdict.promoted
    assert verdict.reason.startswith("the champion is kept: ")


@pytest.mark.parametrize("champion", [180, 300])
def test_of_two_that_never_differ_the_champion_stays(champion: int) -> None:
    same = said(champion, 400, strength=0.2)
    verdict = judge(Contest(market(400), same, same.copy(), {"majority": said(0, 400)}), RULES, seed=1)
    assert not verdict.promoted
    assert outcome(verdict, Rule.MCNEMAR) is False


@pytest.mark.parametrize(
    ("rule", "spoiled", "rules"),
    [
        (Rule.SAMPLES, contest(110, 70, 199), RULES),
        (Rule.BASELINES, contest(232, 180, majority=233), RULES),
        (Rule.BASELINES, replace(contest(232, 180), baselines={}), RULES),
        (Rule.GAIN, contest(232, 180), replace(RULES, least_gain_fraction=0.14)),
        (Rule.FLOOR, contest(232, 180), replace(RULES, floor_fraction=0.6)),
        (Rule.NOT_SUSPICIOUS, contest(241, 180), RULES),
        (Rule.MCNEMAR, replace(contest(232, 0), champion=said(222, 400, shift=150)), RULES),
        (Rule.BOOTSTRAP, replace(contest(232, 0), champion=said(222, 400, shift=150)), RULES),
        (Rule.CALIBRATION, replace(contest(232, 180), challenger=said(232, 400, strength=0.4)), RULES),
        (
            Rule.PROFIT,
            replace(contest(232, 180), challenger=said(232, 400, strength=0.05)),
            replace(RULES, fee_fraction=0.02),
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Rule) else "",
)
def test_each_rule_alone_stops_a_promotion(rule: Rule, spoiled: Contest, rules: GateRules) -> None:
    verdict = judge(spoiled, rules, seed=1)
    assert outcome(verdict, rule) is False
    assert not verdict.promoted


def differing(wins: list[bool], places: NDArray[np.int64], of: int = 400) -> Contest:
    """Only at these places one of the two is right and the other wrong; of the rest both know every second one."""
    rest = np.setdiff1d(np.arange(of), places)
    new, old = np.zeros((2, of), dtype=bool)
    new[rest[::2]] = old[rest[::2]] = True
    new[places], old[places] = wins, ~np.array(wins)
    of_new, of_old = (0.5 + 0.01 * np.where(hit == (market(of) > 0), 1, -1) for hit in (new, old))
    return Contest(market(of), of_new, of_old, {"majority": said(0, of)})


@pytest.mark.parametrize(
    ("rule", "spoiled"),
    [
        (Rule.MCNEMAR, differing([True, True, False] * 9, np.linspace(5, 395, 27).astype(np.int64))),
        (Rule.BOOTSTRAP, differing([True] * 30 + [False] * 8, np.arange(100, 138))),
    ],
    ids=["few, and far apart", "many, and neighbours"],
)
def test_of_the_two_tests_each_stops_a_promotion_that_the_other_lets_pass(rule: Rule, spoiled: Contest) -> None:
    verdict = judge(spoiled, RULES, seed=1)
    assert not verdict.promoted
    assert [one.rule for one in verdict.outcomes if one.passed is False] == [rule]


def test_a_suspicious_model_passes_only_with_a_person_behind_it() -> None:
    assert judge(contest(280, 180), replace(RULES, allow_suspicious=True, calibration_tolerance=1.0), seed=1).promoted
    assert "look for a leak" in judge(contest(280, 180), RULES, seed=1).reason


def test_exactly_sixty_percent_is_not_suspicious_and_meets_a_floor_of_sixty() -> None:
    assert judge(contest(240, 180), replace(RULES, floor_fraction=0.6, calibration_tolerance=1.0), seed=1).promoted


@pytest.mark.parametrize(("gain", "promoted"), [(7, False), (8, True)], ids=["below", "exactly one point"])
def test_the_least_gain_is_enough(gain: int, promoted: bool) -> None:
    loose = replace(RULES, alpha=1.0, least_gain_fraction=0.01)  # the tests aside
    got = judge(contest(400 + gain, 400, 800), loose, seed=1)
    assert outcome(got, Rule.GAIN) is promoted


def test_with_the_literal_gate_any_gain_is_enough_and_the_rest_is_recorded() -> None:
    literal = replace(RULES, mode="improves")
    verdict = judge(contest(211, 210, 400, majority=300), literal, seed=1)
    assert verdict.promoted
    assert outcome(verdict, Rule.MCNEMAR) is outcome(verdict, Rule.BASELINES) is False
    assert not judge(contest(211, 210), replace(literal, floor_fraction=0.6), seed=1).promoted
    assert not judge(contest(300, 210), literal, seed=1).promoted  # suspicious


@pytest.mark.parametrize(
    ("right", "majority", "promoted"),
    [(205, 205, True), (206, 205, True), (204, 205, False)],
    ids=["equal", "above", "below"],
)
def test_the_first_model_is_deployed_unless_worse_than_the_majority(right: int, majority: int, promoted: bool) -> None:
    verdict = judge(contest(right, None, majority=majority), RULES, seed=1)
    assert (verdict.promoted, verdict.unproven, verdict.gain_fraction) == (promoted, promoted, None)
    assert verdict.reason == FIRST if promoted else verdict.reason.startswith("nothing is deployed: ")


def test_the_first_model_needs_its_baseline_and_no_suspicion() -> None:
    assert not judge(replace(contest(205, None), baselines={}), RULES, seed=1).promoted
    assert not judge(contest(300, None), RULES, seed=1).promoted


def test_predictions_of_other_candles_cannot_be_compared() -> None:
    with pytest.raises(UnfitDataError):
        judge(replace(contest(232, 180), champion=np.full(399, 0.5)), RULES, seed=1)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_the_binomial_tail(won: int, lost: int, both: int) -> None:
    right = np.array([True] * won + [False] * lost + [True] * both, dtype=bool)
    before = np.array([False] * won + [True] * lost + [True] * both, dtype=bool)
    pairs = won + lost
    tail = sum(math.comb(pairs, k) for k in range(won, pairs + 1)) / 2**pairs
    assert mcnemar_p(right, before) == pytest.approx(tail)
    if pairs:
        assert mcnemar_p(right, before) == pytest.approx(binomtest(won, pairs, alternative="greater").pvalue)


def test_the_bootstrap_keeps_neighbours_together() -> None:
    random = np.random.default_rng(5)
    runs = np.repeat(random.random(60) < 0.6, 6)  # luck that comes in runs is worth less
    lone = random.permutation(runs)
    none = np.zeros(360, dtype=bool)
    none[::2] = True
    assert bootstrap_low(runs, none, alpha=0.05, seed=1) < bootstrap_low(lone, none, alpha=0.05, seed=1)
    assert bootstrap_low(np.array([True]), np.array([False]), alpha=0.05, seed=1) == 1.0


def test_the_same_seed_gives_the_same_verdict() -> None:
    assert judge(contest(232, 205), RULES, seed=9) == judge(contest(232, 205), RULES, seed=9)


def simulated(gain: float, *, size: int, discordant: float, times: int, seed: int) -> float:
    """How often a challenger passes test, bootstrap and least gain."""
    random = np.random.default_rng(seed)
    promoted = 0
    for number in range(times):
        kind = random.random(size)
        right = kind < (discordant + gain) / 2  # only the challenger
        before = (kind >= (discordant + gain) / 2) & (kind < discordant)  # only the champion
        improved = (right.sum() - before.sum()) / size
        promoted += (
            improved >= RULES.least_gain_fraction
            and mcnemar_p(right, before) < RULES.alpha
            and bootstrap_low(right, before, alpha=RULES.alpha, seed=number) > 0
        )
    return promoted / times


def test_of_a_thousand_equal_challengers_at_most_one_in_twenty_is_promoted() -> None:
    assert simulated(0.0, size=576, discordant=0.4, times=1000, seed=20261125) <= 0.05


def test_a_challenger_that_is_eight_points_better_is_promoted_in_four_of_five_cases() -> None:
    assert simulated(0.08, size=576, discordant=0.4, times=1000, seed=20261125) >= 0.80
