"""Which points a search tries: repeatable, within bounds, guided by the days for choosing alone."""

import builtins
import importlib
import logging
from types import ModuleType

import numpy as np
import pytest

from tests.unit.domain.optimise.searches import FREE, HOURS, PAIR, bench, days_with_an_edge
from tests.unit.domain.strategies.markets import candles, market
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.optimise.report import Tried
from tradeops.domain.optimise.space import Place
from tradeops.domain.optimise.trials import Bench, Trial, rated
from tradeops.domain.strategies.registry import strategy_named
from tradeops.errors import MisconfiguredError
from tradeops.jobs.laboratory.optimise_search import Searched, StoppedError, search

COLUMNS = days_with_an_edge(80, 0.0006)


def places(found: Searched) -> list[Place]:
    return [trial.place for trial in found.trials]


def test_the_same_seed_gives_the_same_search_to_the_bit_and_another_one_another() -> None:
    first, again, other = (search(bench(COLUMNS), 40, seed) for seed in (1, 1, 2))
    assert places(first) == places(again)
    assert all(np.array_equal(a.returns, b.returns) for a, b in zip(first.trials, again.trials, strict=True))
    assert places(first) != places(other)


def test_it_tries_as_many_different_points_as_asked_for_and_the_bots_own_first() -> None:
    told: list[tuple[int, int]] = []
    found = search(bench(COLUMNS), 60, 0, told=lambda done, total: told.append((done, total)))
    assert found.method == "TPE"
    assert found.tested == 60 == len(set(places(found))) + found.pruned
    assert found.trials[0].place == bench(COLUMNS).space.own
    assert told == [(n, 60) for n in range(1, 61)]


def test_a_small_space_is_tried_as_a_whole_and_takes_no_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", _nothing_there)
    small = bench(COLUMNS, fixed={"length": 12})
    found = search(small, 24, 0)
    assert found.method == "full grid"
    assert sorted(places(found)) == list(small.space.grid())
    assert found.trials[0].place == small.space.own


def test_a_grid_without_the_bots_own_is_tried_too() -> None:
    small = bench(COLUMNS, PAIR, fixed={"fast": 30, "slow": 60, "scale": "price"})
    assert len(search(small, 10, 0).trials) == 4
    pair = bench(COLUMNS, PAIR, fixed={"slow": 10, "level": 0.0, "scale": "price"})  # the bot's fast is above 10
    assert sorted(places(search(pair, 10, 0))) == [(n,) for n in range(8)]


def test_one_variation_less_than_the_grid_is_a_search() -> None:
    assert search(bench(COLUMNS, fixed={"length": 12}), 23, 0).method == "TPE"


def test_optuna_finds_the_edge_that_chance_alone_finds_less_often() -> None:
    """The second half of the points lies nearer to the edge (from 6 o'clock, 12 hours long) than the first."""
    found = search(bench(COLUMNS), 100, 3)
    away = [abs((place[0] - 6 + 12) % 24 - 12) + abs(place[1] - 6) for place in places(found)]
    assert np.mean(away[60:]) < 0.6 * np.mean(away[:50])


def test_best_so_far_is_the_best() -> None:
    one = bench(COLUMNS)
    found = search(one, 50, 0)
    inside = rated(found.trials, one.windows.first.inside)
    best = Tried({}, inside, inside).best_so_far()
    assert best[-1] == np.nanmax(inside)
    assert list(best) == [np.nanmax(inside[: n + 1]) for n in range(50)]


def test_the_days_for_judging_do_not_guide_it() -> None:
    other = candles(market(99, 80 * 24))
    seam = bench(COLUMNS).windows.first.outside.start * 24
    columns = [getattr(COLUMNS, n).copy() for n in ("opened_at", "open", "high", "low", "close", "volume")]
    for column, name in zip(columns[1:], ("open", "high", "low", "close", "volume"), strict=True):
        column[seam:] = getattr(other, name)[seam:]
    spliced = type(COLUMNS)("BTCUSDT", "1h", *columns)
    assert places(search(bench(COLUMNS), 60, 0)) == places(search(bench(spliced), 60, 0))


@pytest.mark.parametrize("name", ["rsi", "macd", "bollinger", "volume", "stochastic"])
def test_every_strategy_can_be_searched_within_its_bounds(name: str) -> None:
    strategy = strategy_named(name)
    one = bench(candles(market(5, 90 * 24)), strategy, BacktestRules(), start=500)
    found = search(one, 30, 0)
    assert found.tested == 30
    for trial in found.trials:
        assert strategy.resolved(one.space.values(trial.place))


def test_a_point_that_cannot_make_thirty_trades_is_pruned_and_counted() -> None:
    shy = BacktestRules(**{**{n: getattr(FREE, n) for n in FREE.__slots__}, "least_confidence": 0.9})
    found = search(bench(COLUMNS, strategy_named("volume"), shy), 20, 0)
    assert found.pruned > 0
    assert found.tested == len(found.trials) + found.pruned == 20


def test_a_space_that_is_used_up_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradeops.jobs.laboratory.optimise_search.LARGEST_GRID", 0)
    small = bench(COLUMNS, fixed={"length": 12})
    assert search(small, 200, 0).tested == 24


def test_a_search_that_nobody_waits_for_stops() -> None:
    done: list[int] = []
    with pytest.raises(StoppedError):
        search(bench(COLUMNS), 50, 0, told=lambda n, _: done.append(n), stopped=lambda: len(done) >= 7)
    assert done[-1] == 7


def test_scores_that_are_not_known_guide_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def unrated(self: Bench, place: Place) -> Trial:
        days = self.windows.days
        return Trial(place, np.zeros(days), np.zeros(days, dtype=np.int64), np.zeros(days, dtype=np.int64))

    monkeypatch.setattr(Bench, "tried", unrated)
    found = search(bench(COLUMNS), 40, 0)
    assert len(set(places(found))) == 40


def test_without_optuna_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", _nothing_there)
    with pytest.raises(MisconfiguredError, match=r"optuna is not installed; install the extra"):
        search(bench(COLUMNS), 50, 0)


def test_optuna_is_quiet(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
    with caplog.at_level(logging.INFO):
        search(bench(COLUMNS, HOURS), 15, 0)
    assert not caplog.records
    assert capsys.readouterr().err == ""


def _nothing_there(name: str, _: str | None = None) -> ModuleType:
    if name == "optuna":
        raise ImportError(name)
    return builtins.__import__(name)
