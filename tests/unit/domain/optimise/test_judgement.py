"""Chosen in sample, ranked out of sample, and luck is called luck."""

from math import sqrt

import numpy as np
import pytest

from tests.unit.domain.optimise.searches import HOURS, all_of, bench, days_with_an_edge, trial
from tradeops.domain.optimise.judgement import Judgement, Verdict, judged
from tradeops.domain.optimise.luck import luckiest_sharpe
from tradeops.domain.optimise.space import Space
from tradeops.domain.optimise.trials import Trial
from tradeops.domain.optimise.windows import Plan, walk_forward

DAYS = 200
WINDOWS = walk_forward(DAYS, Plan())
FIRST = WINDOWS.first
SPACE = Space.of(HOURS, {"length": 8})


def made(*means: tuple[float, float], trades_a_day: int = 1, seed: int = 0) -> list[Trial]:
    """One trial a pair: the mean return of a day in sample and from then on."""
    random = np.random.default_rng(seed)
    rows = []
    for n, (inside, outside) in enumerate(means):
        level = np.where(np.arange(DAYS) < FIRST.inside.stop, inside, outside)
        rows.append(trial(level + random.normal(0, 0.01, DAYS), (n,), trades_a_day))
    return rows


def judgement(trials: list[Trial]) -> Judgement:
    return judged(SPACE, trials, WINDOWS)


@pytest.fixture(scope="module")
def edge() -> Judgement:
    one = bench(days_with_an_edge(120, 0.0006))
    return judged(one.space, all_of(one), one.windows)


@pytest.fixture(scope="module")
def chance() -> Judgement:
    one = bench(days_with_an_edge(120, 0.0))
    return judged(one.space, all_of(one), one.windows)


def test_a_planted_edge_is_found_and_is_not_called_luck(edge: Judgement) -> None:
    assert edge.verdict is Verdict.BETTER
    assert edge.best is not None
    assert (edge.best.parameters["hour"], edge.best.parameters["length"]) == pytest.approx((6, 12), abs=2)
    assert edge.overfitting is not None
    assert edge.overfitting.probability < 0.1
    assert edge.deflated_sharpe.value == pytest.approx(1, abs=0.05)
    assert edge.walk.outside.total_return_percent.value is not None
    assert edge.walk.outside.total_return_percent.value > 0
    assert edge.best.stability_fraction.value == pytest.approx(0.75, abs=0.25)


def test_chance_is_called_luck(chance: Judgement) -> None:
    assert chance.verdict is Verdict.LUCK
    assert chance.verdict == "not distinguishable from luck"
    assert chance.deflated_sharpe.value is not None
    assert chance.deflated_sharpe.value < 0.9
    assert chance.reasons


def test_ranks_go_by_the_days_outside_among_those_chosen_by_the_days_inside() -> None:
    good = [(0.004, 0.001 * n) for n in range(10)]
    never_chosen = [(-0.01, 0.05)] * 5  # the best of all outside
    found = judgement(made(*good, *never_chosen))
    assert [one.rank for one in found.shortlist] == list(range(1, 11))
    ratios = [one.outside.sharpe_ratio.value or 0.0 for one in found.shortlist]
    assert ratios == sorted(ratios, reverse=True)
    assert {one.parameters["hour"] for one in found.shortlist} == set(range(10))


def test_what_happens_outside_changes_nobody_on_the_shortlist() -> None:
    means = [(0.001 * n, 0.0) for n in range(20)]
    before = judgement(made(*means))
    turned = made(*[(inside, -0.02 * n) for n, (inside, _) in enumerate(means)])
    chosen = [{str(one.parameters) for one in judged_.shortlist} for judged_ in (before, judgement(turned))]
    assert chosen[0] == chosen[1]


def test_too_few_trades_are_not_ranked_and_say_why() -> None:
    trials = made((0.004, 0.002), (0.003, 0.03))
    few = trials[1].trades.copy()
    few[FIRST.outside] = 0
    few[FIRST.outside.start : FIRST.outside.start + 29] = 1
    found = judgement([trials[0], Trial((1,), trials[1].returns, few, few)])
    assert [one.rank for one in found.shortlist] == [1, None]
    assert found.shortlist[1].unranked == "29 trades out of sample, fewer than 30"
    assert found.best is found.shortlist[0]


def test_no_winner_without_thirty_trades() -> None:
    trials = made((0.004, 0.002), (0.003, 0.03))
    few = np.zeros(DAYS, dtype=np.int64)
    few[:20] = 1
    found = judgement([Trial(one.place, one.returns, few, few) for one in trials])
    assert (found.best, found.shortlist, found.verdict) == (None, (), Verdict.NOTHING)
    assert found.reasons == ("no variation made 30 trades both in and out of sample",)
    assert found.walk.choices == (None,) * 4
    assert found.walk.outside.trades == 0


def test_no_trials_are_nothing_to_rank() -> None:
    found = judgement([])
    assert found.verdict is Verdict.NOTHING
    assert (found.own, found.overfitting, dict(found.importance)) == (None, None, {})
    assert found.deflated_sharpe.reason == "nothing is ranked"


def test_of_those_that_did_the_same_one_is_on_the_list() -> None:
    one = made((0.004, 0.002))[0]
    found = judgement([one, Trial((5,), one.returns, one.trades, one.wins)])
    assert len(found.shortlist) == 1


def test_the_bots_own_stands_beside_and_may_be_better() -> None:
    means = [(0.004, 0.003)] * 20
    means[3] = (-0.02, 0.02)  # the bot's own
    found = judgement(made(*means))
    assert found.own is not None
    assert found.own.parameters["hour"] == 3
    assert "the bot's own parameters did better out of sample" in found.reasons
    assert found.verdict is Verdict.LUCK


def test_the_bots_own_is_not_better_than_a_loss_when_it_did_not_trade() -> None:
    trials = made((0.004, -0.004), *[(0.0, -0.004)] * 3)
    idle = np.where(np.arange(DAYS) < FIRST.outside.start, trials[3].trades, 0)
    trials[3] = Trial(SPACE.own, np.where(idle, trials[3].returns, 0.0), idle, idle)
    found = judgement(trials)
    assert found.own is not None
    assert found.best is not None
    assert (found.own.outside.sharpe_ratio.value, found.own.outside.trades) == (None, 0)
    assert (found.best.outside.sharpe_ratio.value or 0.0) < 0
    assert not [reason for reason in found.reasons if "own parameters" in reason]


def test_each_window_is_chosen_for_by_what_came_before_it() -> None:
    """The second is better from the third window on; only from the fourth can anybody know."""
    first, second = made((0.002, 0.002), (0.0, 0.0))
    turn = WINDOWS.steps[2].outside.start
    returns = second.returns.copy()
    returns[turn:] += 0.2
    found = judgement([first, Trial((12,), returns, second.trades, second.wins)])
    assert [choice and choice["hour"] for choice in found.walk.choices] == [0, 0, 0, 12]
    assert found.walk.outside.days == DAYS - FIRST.outside.start


def test_a_single_trial_is_told_that_little_is_known() -> None:
    found = judgement(made((0.004, 0.004)))
    assert found.verdict is Verdict.LUCK
    assert found.luckiest_sharpe.value == 0
    assert "too few days or variations" in " ".join(found.reasons)


def test_a_figure_just_below_its_limit_is_not_shown_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeops.domain.optimise.judgement.probabilistic_sharpe", lambda *_: 0.9499)
    assert "the deflated Sharpe ratio is 0.9499, below 0.95" in judgement(made((0.004, 0.004), (0.0, 0.0))).reasons


def test_a_spread_wider_than_chance_makes_is_not_taken_for_luck() -> None:
    wide = judgement(made(*[(0.002 * n, 0.002 * n) for n in range(12)]))
    days = DAYS - FIRST.outside.start
    assert wide.luckiest_sharpe.value == pytest.approx(luckiest_sharpe(1 / sqrt(days - 1), 12) * sqrt(365))
    [one] = made((0.004, 0.004))
    alike = [trial(one.returns + 0.001 * other.returns, other.place) for other in made(*[(0.0, 0.0)] * 12)]
    narrow = judgement(alike)
    assert narrow.luckiest_sharpe.value is not None
    assert narrow.luckiest_sharpe.value < 0.1


def test_moments_without_an_answer_leave_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeops.domain.optimise.judgement.probabilistic_sharpe", lambda *_: float("nan"))
    found = judgement(made((0.004, 0.004), (0.0, 0.0)))
    assert found.deflated_sharpe.value is None
    assert found.verdict is Verdict.LUCK
