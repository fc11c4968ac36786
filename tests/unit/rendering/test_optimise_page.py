"""The page of an optimisation: the verdict first, nothing unknown as a number, pictures that travel."""

import asyncio
from dataclasses import replace
from datetime import UTC
from functools import cache

import numpy as np
import pytest

from tests.unit.jobs.laboratory.test_optimise import STARTED, nobody, planted
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.health import Severity
from tradeops.domain.optimise.judgement import Verdict
from tradeops.domain.optimise.report import OptimisationReport, Tried
from tradeops.jobs.laboratory import optimise
from tradeops.rendering import optimise as optimise_rendering
from tradeops.rendering.markdown import to_markdown
from tradeops.rendering.optimise import optimisation_page
from tradeops.rendering.optimise_charts import parallel_coordinates, plane_of_search
from tradeops.rendering.page import Picture, Text
from tradeops.rendering.text import to_text

FREE = BacktestRules(fee_percent=0, slippage_percent=0, funding_percent=0, least_confidence=0, leverage=1)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only words matter, nothing is drawn: that is slow."""
    for name in ("plane_of_search", "parallel_coordinates"):
        monkeypatch.setattr(optimise_rendering, name, lambda *_: Text("a picture"))


def report(edge: float = 0.0006, rules: BacktestRules = FREE, days: int = 120) -> OptimisationReport:
    return asyncio.run(_report(edge, rules, days))


@cache
def found_edge() -> OptimisationReport:
    return report()


async def _report(edge: float, rules: BacktestRules, days: int) -> OptimisationReport:
    order, gathered = planted(days, edge)
    return await optimise.made(order, gathered, started=STARTED, told=nobody, rules=rules)


def words(one: OptimisationReport, *notes: str) -> str:
    return " ".join(to_text(optimisation_page(one, UTC, notes)).split())


def test_an_edge_is_shown_with_its_ten_best_and_both_pictures() -> None:
    found = found_edge()
    page = optimisation_page(found, UTC)
    assert page.severity is Severity.HEALTHY
    assert page.title == f"Optimisation: {found.summary}"
    markdown = to_markdown(page)
    assert markdown.count("data:image/png") == 2
    pictures = [block for block in page.blocks if isinstance(block, Picture)]
    assert [len(picture.data) < 37_000 for picture in pictures] == [True, True]
    told = words(found, "Made again: the same to the bit.")
    assert "Made again: the same to the bit." in told
    assert "Better than luck explains: deflated Sharpe ratio at least 0.95" in told
    assert "Chosen on 2027-01-16 to 2027-03-25 (in sample), judged on 2027-03-29 to 2027-05-15 (out of sample)" in told
    assert "The bot's own, out of sample" in told
    assert "Deflated Sharpe ratio: " in told
    assert "Of 924 ways to choose on one half of the days" in told
    assert "60 variations of 60 asked for (TPE); given: nothing." in told
    assert "Nothing was changed at the bot" in told
    assert len(found.judgement.shortlist) == 10
    assert "| 10 | " in markdown
    best = found.judgement.shortlist[0]
    assert f"{best.inside.trades} → {best.outside.trades} |" in markdown


@pytest.mark.usefixtures("plain")
def test_luck_is_said_first() -> None:
    found = report(edge=0.0)
    page = optimisation_page(found, UTC)
    assert found.judgement.verdict is Verdict.LUCK
    assert page.severity is Severity.DEGRADED
    assert page.title.endswith("not distinguishable from luck")
    assert "Not distinguishable from luck: the deflated Sharpe ratio is" in words(found)


def test_nothing_to_rank_shows_no_figure_for_a_best() -> None:
    idle = replace(FREE, stop_loss_percent=None, take_profit_percent=None, shorts=False)
    found = report(rules=idle, days=49)  # one trade a day: 26 days in sample, fewer than 30
    page = optimisation_page(found, UTC)
    assert page.severity is None
    told = words(found)
    assert "Nothing to rank: no variation made 30 trades both in and out of sample" in told
    assert "there is nothing to choose from" in told
    assert "Deflated Sharpe ratio: n/a, nothing is ranked." in told
    assert "Best," not in told
    assert "Too few variations are rated to say which parameter matters" in told
    assert "No picture: fewer than two variations are rated" in told


@pytest.mark.usefixtures("plain")
def test_those_that_are_not_ranked_are_counted() -> None:
    idle = replace(FREE, stop_loss_percent=None, take_profit_percent=None, shorts=False)
    found = report(rules=idle, days=70)  # 39 days in sample, 28 out of it
    told = words(found)
    assert "10 of 10 are not ranked: fewer than 30 trades out of sample" in told
    assert "Too few" not in told


@pytest.mark.usefixtures("plain")
def test_remarks_and_pruned_points_are_told() -> None:
    found = replace(found_edge(), remarks=("5 candles lie in gaps",), pruned=7, fixed=("hour",))
    told = words(found)
    assert "Notes" in told
    assert "5 candles lie in gaps" in told
    assert "7 given up early: too few signals for 30 trades; given: hour 3" in told


@pytest.mark.usefixtures("plain")
def test_without_halves_the_probability_is_not_known() -> None:
    found = found_edge()
    told = words(replace(found, judgement=replace(found.judgement, overfitting=None)))
    assert "Probability of overfitting: n/a, too few variations or days." in told


@pytest.mark.usefixtures("plain")
def test_no_trade_at_all_says_so() -> None:
    found = found_edge()
    nothing = Tried({"hour": (), "length": ()}, np.empty(0), np.empty(0))
    assert "Nothing was traded, so nothing can be said of the parameters" in words(replace(found, tried=nothing))


def tried(**values: tuple[int | float | str, ...]) -> Tried:
    count = len(next(iter(values.values())))
    return Tried(values, np.linspace(-1, 2, count), np.linspace(1, 0, count))


def test_a_plane_takes_two_parameters() -> None:
    assert isinstance(plane_of_search(tried(one=(1, 2, 3)), ["one"], None), Text)


def test_the_plane_groups_values_and_marks_the_choice() -> None:
    searched = tried(one=tuple(range(20)), word=("a", "b") * 10)
    drawn = plane_of_search(searched, ["one", "word"], {"one": 19, "word": "b"})
    assert isinstance(drawn, Picture)
    assert drawn.alt.startswith("Sharpe ratio in sample, mean by one and word: from ")
    assert "highest at one 18–19 and word b" in drawn.alt
    assert plane_of_search(searched, ["one", "word"], None) != drawn


def test_parallel_lines_say_how_far_in_and_out_of_sample_agree() -> None:
    drawn = parallel_coordinates(tried(one=(1, 2, 3), word=("a", "b", "a")), {"one": 2, "word": "b"})
    assert isinstance(drawn, Picture)
    assert "3 variations" in drawn.alt
    assert drawn.alt.endswith("they correlate by −1.00")
    same = parallel_coordinates(Tried({"one": (1, 1)}, np.ones(2), np.ones(2)), None)
    assert isinstance(same, Picture)
    assert same.alt.endswith("they correlate by n/a")
    assert parallel_coordinates(tried(one=(1, 2, 3)), {"one": 9}) == parallel_coordinates(tried(one=(1, 2, 3)), None)


@pytest.mark.parametrize("count", [500])
def test_five_hundred_lines_are_still_a_small_picture(count: int) -> None:
    random = np.random.default_rng(0)
    values = {name: tuple(int(n) for n in random.integers(0, 50, count)) for name in "abcde"}
    drawn = parallel_coordinates(Tried(values, random.normal(0, 2, count), random.normal(0, 2, count)), None)
    assert isinstance(drawn, Picture)
    assert len(drawn.data) < 37_000
