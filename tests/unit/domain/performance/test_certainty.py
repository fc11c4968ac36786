"""How sure few trades are, against scipy's own distributions and by simulation; one sentence a test."""

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.unit.domain.performance.samples import daily, measured, row, unhurried
from tradeops.domain.figures import unknown
from tradeops.domain.performance import Performance, Sample, average_profit_below, sharpe_below, win_rate_below
from tradeops.domain.performance.certainty import win_rate_interval_percent

PNLS = ["26", "-13", "31.5", "-20.25", "12", "8", "-4", "40", "-9", "15"]


def with_wins(wins: int, trades: int) -> Performance:
    return replace(measured(row(PNLS)), wins=wins, losses=trades - wins, trades=trades)


@unhurried
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_the_win_rate_is_wilsons(counts: tuple[int, int]) -> None:
    wins, trades = counts
    low, high = win_rate_interval_percent(wins, trades)
    expected = stats.binomtest(wins, trades).proportion_ci(confidence_level=0.95, method="wilson")
    assert low.value == pytest.approx(100 * expected.low, rel=1e-12, abs=1e-12)
    assert high.value == pytest.approx(100 * expected.high, rel=1e-12, abs=1e-12)


@unhurried
@given(st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_win_rate_lies_in_its_interval_and_that_in_the_possible(counts: tuple[int, int]) -> None:
    low, high = win_rate_interval_percent(*counts)
    assert low.value is not None
    assert high.value is not None
    assert 0 <= low.value <= 100 * counts[0] / counts[1] <= high.value <= 100


@unhurried
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0, 100))
def test_the_share_of_the_win_rate_is_that_of_the_beta_posterior(counts: tuple[int, int], limit: float) -> None:
    wins, trades = counts
    share = win_rate_below(with_wins(wins, trades), limit)
    assert share.value == pytest.approx(stats.beta(1 + wins, 1 + trades - wins).cdf(limit / 100), abs=1e-12)


@pytest.mark.parametrize(("limit", "share"), [(-5, 0), (0, 0), (100, 1), (170, 1)])
def test_every_win_rate_lies_between_nothing_and_everything(limit: float, share: float) -> None:
    assert win_rate_below(with_wins(6, 10), limit).value == share


def test_zero_profit_trades_speak_against_the_win_rate() -> None:
    with_zeros = measured(row([*PNLS, "0", "0"]))
    assert with_zeros.trades == 12
    assert win_rate_below(with_zeros, 55).value == pytest.approx(stats.beta(7, 7).cdf(0.55), abs=1e-12)


@pytest.mark.parametrize("limit", [-1.0, 0.0, 1.5, 2.6])
def test_the_share_of_the_mean_profit_is_that_of_the_t_posterior(limit: float) -> None:
    returns = [float(pnl) / 10 for pnl in PNLS]
    expected = stats.t(df=9, loc=np.mean(returns), scale=stats.sem(returns)).cdf(limit)
    assert average_profit_below(measured(row(PNLS)), limit).value == pytest.approx(expected, abs=1e-12)


def test_at_the_estimate_itself_both_sides_are_equally_likely() -> None:
    performance = measured(row(PNLS))
    assert performance.average_profit_percent.value is not None
    assert average_profit_below(performance, performance.average_profit_percent.value).value == pytest.approx(0.5)
    days = measured(daily(PNLS[:7]))
    assert days.sharpe_ratio.value is not None
    assert sharpe_below(days, days.sharpe_ratio.value).value == pytest.approx(0.5)


def test_the_share_of_the_sharpe_ratio_is_one_less_the_probabilistic_sharpe_ratio() -> None:
    pnls = PNLS[:7]
    equity = np.cumsum([10_000.0, *map(float, pnls)])
    returns = np.diff(equity) / equity[:-1]
    ratio = returns.mean() / returns.std(ddof=1)
    skewness, kurtosis = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    error = math.sqrt((1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2) / (len(returns) - 1))
    expected = stats.norm.cdf((1 / math.sqrt(365) - ratio) / error)
    assert sharpe_below(measured(daily(pnls)), 1.0).value == pytest.approx(expected, abs=1e-12)


@unhurried
@given(st.lists(st.decimals(-99, 99, places=2), min_size=7, max_size=7, unique=True), st.floats(-9, 9), st.floats(0, 9))
def test_a_higher_limit_is_never_less_likely_to_be_missed(pnls: list[Decimal], limit: float, more: float) -> None:
    performance = measured(daily(pnls))
    for share_below in (win_rate_below, average_profit_below, sharpe_below):
        lower, higher = share_below(performance, limit).value, share_below(performance, limit + more).value
        assert lower is not None
        assert higher is not None
        assert 0 <= lower <= higher + 1e-12 <= 1 + 1e-12


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    rng = np.random.default_rng(7)
    held = [
        low.value <= 60 <= high.value
        for wins in rng.binomial(20, 0.6, size=2000)
        for low, high in [win_rate_interval_percent(int(wins), 20)]
        if low.value is not None and high.value is not None
    ]
    assert len(held) == 2000
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


@pytest.mark.parametrize(
    ("pnls", "reason"),
    [
        pytest.param([], "no closed trades", id="no trades"),
        pytest.param(["1"], "one trade has no deviation", id="one trade"),
        pytest.param(["1", "1"], "all trades brought the same return", id="equal trades"),
    ],
)
def test_without_spread_the_mean_profit_has_no_share(pnls: list[str], reason: str) -> None:
    assert average_profit_below(measured(row(pnls)), 1.5) == unknown(reason)


def test_without_trades_nothing_is_sure_or_unsure() -> None:
    assert win_rate_below(measured([]), 55) == unknown("no closed trades")
    assert win_rate_interval_percent(0, 0) == (unknown("no closed trades"), unknown("no closed trades"))


def test_an_unknown_sharpe_ratio_has_no_share_and_keeps_its_reason() -> None:
    assert sharpe_below(measured(row(PNLS)), 1.0) == unknown("trades on 1 of 7 days; 5 are needed")


def test_returns_of_which_the_formula_has_no_error_have_no_share() -> None:
    performance = replace(
        measured(daily(PNLS[:7])),
        daily_returns_fraction=Sample(size=7, mean=1.0, deviation=1.0, skewness=2.0, kurtosis=5.0),
    )
    assert sharpe_below(performance, 1.0) == unknown("the daily returns are too one-sided to say")
