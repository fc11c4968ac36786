"""What is said of a run: figures, days, months, intervals; one at a time and many at once."""

import math
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from tests.unit.domain.backtest.samples import FREE, RSI_LEVEL, bars, said
from tests.unit.domain.strategies.markets import candles, market
from tradeops.domain.backtest import bootstrap, compiling
from tradeops.domain.backtest.course import Course, Raw
from tradeops.domain.backtest.days import daily, monthly
from tradeops.domain.backtest.engine import BacktestResult, run, run_many
from tradeops.domain.backtest.many import table_of
from tradeops.domain.backtest.measures import BacktestFigures, measured
from tradeops.domain.backtest.rules import BacktestRules
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.figures import Figure
from tradeops.domain.performance import DailyReturns
from tradeops.domain.performance.ratios import calmar_ratio, sample_of, sharpe_ratio, sortino_ratio
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.registry import strategy_named

HUNDRED_DAYS = candles(market(21, 2400))
LEVEL = {"period": 7}


def figures_of(on: CandleColumns, directions: list[int], rules: BacktestRules = FREE) -> BacktestFigures:
    course = Course.of(on, rules, 0)
    done = course.run(said(*directions))
    return measured(course, done, daily(course, done))


def days_of(course: Course, *directions: int) -> DailyReturns:
    return daily(course, course.run(said(*directions)))


@pytest.fixture(scope="module")
def result() -> BacktestResult:
    return run(HUNDRED_DAYS, RSI_LEVEL, LEVEL, seed=3)


def test_figures_of_two_trades_that_can_be_checked_by_hand() -> None:
    on = bars(
        (100, 101, 99, 100),
        (100, 111, 99, 110),
        (110, 111, 109, 110),
        (110, 110, 98, 99),
        (99, 100, 98, 99),
        (99, 99, 99, 99),
    )
    figures = figures_of(on, [1, 0, -1, 0, 0, 0], replace(FREE, close_at_end=True, fee_percent=0.1))
    q1 = 1000 / 1.001 / 100
    first = 1000 + q1 * 10 - q1 * 210 * 0.001
    q2 = first / 1.001 / 110
    second = first + q2 * 11 - q2 * 209 * 0.001
    assert (figures.total_trades, figures.winning_trades, figures.losing_trades) == (2, 2, 0)
    assert figures.total_return_percent.value == pytest.approx(100 * (second / 1000 - 1))
    assert figures.average_holding_hours.value == pytest.approx((2 + 3) / 2)
    assert figures.exposure_percent.value == pytest.approx(100 * 5 / 6)
    assert figures.turnover.value == pytest.approx((q1 * 210 + q2 * 209) / 1000)
    assert figures.fees_usd == pytest.approx((q1 * 210 + q2 * 209) * 0.001)
    assert figures.buy_and_hold_percent.value == pytest.approx(100 * (0.99 * 0.999 / 1.001 - 1))
    assert figures.excess_percent.value == pytest.approx(100 * (second / 1000 - 1) + 100 - 100 * 0.99 * 0.999 / 1.001)
    assert figures.win_rate_percent.value == 100
    assert figures.profit_factor == Figure(None, "no losing trade")
    assert figures.streaks.longest_wins == 2
    assert figures.liquidations == 0
    gains = 100 * np.array([first / 1000 - 1, second / first - 1]) * 1.001
    assert figures.average_profit_percent.value == pytest.approx(gains.mean(), rel=1e-6)


def test_drawdown_is_looked_at_on_closes_from_the_balance_on() -> None:
    on = bars((100, 101, 99, 100), (100, 101, 79, 80), (80, 120, 80, 120), (120, 120, 90, 90))
    assert figures_of(on, [1, 0, 0, 0]).max_drawdown_percent.value == pytest.approx(25)
    assert figures_of(on.first(3), [1, 0, 0]).max_drawdown_percent.value == pytest.approx(20)


def test_without_trades_counts_are_zero_and_ratios_say_why_they_are_none() -> None:
    figures = figures_of(HUNDRED_DAYS, [0] * 2400)
    assert (figures.total_trades, figures.fees_usd, figures.streaks.longest_losses) == (0, 0, 0)
    assert (
        figures.total_return_percent.value == figures.max_drawdown_percent.value == figures.exposure_percent.value == 0
    )
    for name in ("win_rate_percent", "sharpe_ratio", "sortino_ratio", "calmar_ratio", "profit_factor"):
        assert getattr(figures, name) == Figure(None, "no closed trades"), name
    assert figures.average_holding_hours.reason == figures.average_profit_percent.reason == "no closed trades"


def test_losing_money_is_possible() -> None:
    figures = run(HUNDRED_DAYS, RSI_LEVEL, LEVEL, replace(FREE, fee_percent=1)).figures
    assert figures.total_return_percent.value is not None
    assert figures.total_return_percent.value < 0
    assert figures.losing_trades > 0
    assert figures.profit_factor.value is not None


def test_daily_returns_are_of_equity_at_the_last_close_of_each_day() -> None:
    on = bars(*[(100.0 + n, 101.0 + n, 99.0 + n, 100.0 + n) for n in range(60)], first_hour=20)
    of_days = days_of(Course.of(on, FREE, 0), 1, *[0] * 59)
    closes = np.array([103.0, 127, 151, 159])  # the last closes of the four days; entered at 101
    assert of_days.equity_at_start_usd[0] == 1000
    np.testing.assert_allclose(of_days.return_fraction, closes / [101, *closes[:-1]] - 1)
    assert of_days.trades.tolist() == [0, 0, 0, 1]


def test_days_in_a_gap_have_no_return() -> None:
    on = bars(*[(100.0 + n, 101.0 + n, 99.0 + n, 100.0 + n) for n in range(4)])
    gap = np.array([0, 0, 72, 72]) * 3_600_000_000
    of_days = days_of(Course.of(replace(on, opened_at=on.opened_at + gap), FREE, 0), 1, 0, 0, 0)
    np.testing.assert_allclose(of_days.return_fraction, [0, 0, 0, 103 / 101 - 1])


def test_with_nothing_left_returns_say_so_and_so_does_everything_made_of_them() -> None:
    flat, ruin = (100.0,) * 4, (50.0,) * 4
    on = bars(flat, flat, ruin, *[flat] * 24 * 40)
    rules = replace(FREE, leverage=10.0, fee_percent=1.0)
    course = Course.of(on, rules, 0)
    done = course.run(said(1, *[0] * (len(on) - 1)))
    of_days = daily(course, done)
    assert of_days.reason == "nothing of the equity was left"
    figures = measured(course, done, of_days)
    assert figures.sharpe_ratio.reason == figures.sortino_ratio.reason == "nothing of the equity was left"
    assert bootstrap.intervals(of_days, 0).sharpe_ratio.low.reason == "nothing of the equity was left"
    months = monthly(course, done, of_days)
    assert months[0].return_percent.value is not None
    assert months[-1].return_percent.reason == "nothing of the equity was left"


def test_ratios_are_those_of_the_performance_metrics(result: BacktestResult) -> None:
    course = Course.of(HUNDRED_DAYS, BacktestRules(), 3)
    of_days = daily(course, course.run(RSI_LEVEL.signals(Frames(HUNDRED_DAYS), LEVEL)))
    figures = result.figures
    assert figures.sharpe_ratio == sharpe_ratio(of_days, sample_of(of_days.return_fraction))
    assert figures.sortino_ratio == sortino_ratio(of_days)
    assert figures.calmar_ratio == calmar_ratio(figures.annualized_return_percent, figures.max_drawdown_percent)
    assert figures.calmar_ratio.value is not None


def test_a_result_carries_all_that_repeats_it(result: BacktestResult) -> None:
    assert (result.strategy, result.symbol, result.timeframe, result.candles) == ("RSI level", "BTCUSDT", "1h", 2400)
    assert result.parameters == {"period": 7, "low": 30.0, "high": 70.0}
    assert result.data_hash == HUNDRED_DAYS.data_hash
    assert result.period.since == HUNDRED_DAYS.time(0)
    assert result.period.length.total_seconds() == 2400 * 3600
    again = run(HUNDRED_DAYS, RSI_LEVEL, result.parameters, result.rules, result.seed)
    assert again.fingerprint == result.fingerprint
    assert again.figures == result.figures
    assert again.intervals == result.intervals


def test_another_seed_other_candles_and_other_rules_are_another_result(result: BacktestResult) -> None:
    others = [
        run(HUNDRED_DAYS, RSI_LEVEL, LEVEL, seed=4),
        run(HUNDRED_DAYS.first(2399), RSI_LEVEL, LEVEL, seed=3),
        run(HUNDRED_DAYS, RSI_LEVEL, LEVEL, BacktestRules(fee_percent=0.05), seed=3),
    ]
    assert len({result.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_the_curve_begins_with_the_balance_at_the_first_open(result: BacktestResult) -> None:
    curve = result.equity
    assert len(curve.at) == len(curve.equity_usd) == 2401
    assert curve.at[0] == np.datetime64(HUNDRED_DAYS.time(0).replace(tzinfo=None))
    assert curve.equity_usd[0] == 10_000
    assert curve.drawdown_percent.max() == pytest.approx(result.figures.max_drawdown_percent.value)


def test_months_add_up_to_the_whole(result: BacktestResult) -> None:
    figures = result.figures
    assert sum(month.trades for month in result.months) == figures.total_trades
    assert sum(month.wins for month in result.months) == figures.winning_trades
    growth = math.prod(1 + (month.return_percent.value or 0) / 100 for month in result.months)
    assert 100 * (growth - 1) == pytest.approx(figures.total_return_percent.value)
    assert sum(month.pnl_usd for month in result.months) == pytest.approx(result.equity.equity_usd[-1] - 10_000)
    assert [month.month for month in result.months] == sorted({month.month for month in result.months})
    assert len(result.months) in {4, 5}


def test_candles_before_the_start_are_only_looked_at() -> None:
    part = run(HUNDRED_DAYS, RSI_LEVEL, LEVEL, FREE, start=1000)
    assert (part.warm_up_candles, part.candles) == (1000, 1400)
    assert part.period.since == HUNDRED_DAYS.time(1000)
    assert part.trades.entry_place.min() >= 1000


def test_knowing_more_candles_changes_nothing_that_was_done_before() -> None:
    whole, part = (run(on, strategy_named("rsi"), seed=5) for on in (HUNDRED_DAYS, HUNDRED_DAYS.first(1500)))
    before = int((part.trades.exit_place < 1499).sum())
    assert before > 10
    np.testing.assert_array_equal(whole.equity.equity_usd[:1500], part.equity.equity_usd[:1500])
    np.testing.assert_array_equal(whole.trades.pnl_usd[:before], part.trades.pnl_usd[:before])


@pytest.mark.parametrize("fewer", [1, 398, 702])
def test_a_longer_warm_up_changes_nothing_of_what_is_traded(fewer: int) -> None:
    long, short = (
        run(on, strategy_named("rsi"), seed=5, start=start)
        for on, start in ((HUNDRED_DAYS, 1500), (HUNDRED_DAYS.last(2400 - fewer), 1500 - fewer))
    )
    assert len(long.trades) > 20
    np.testing.assert_array_equal(long.equity.equity_usd, short.equity.equity_usd)
    np.testing.assert_array_equal(long.trades.entry_price, short.trades.entry_price)


@pytest.mark.parametrize("count", [1, 7, 75])
def test_too_few_candles_for_a_signal_are_refused_with_how_many_it_takes(count: int) -> None:
    with pytest.raises(
        ValueError, match=f"RSI Strategy needs 79 candles of 1h for its first signal; there are {count}"
    ):
        run(HUNDRED_DAYS.first(count), strategy_named("rsi"))


def test_without_numba_the_same_code_runs_with_the_same_result(
    result: BacktestResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    compiling.simulator.cache_clear()
    try:
        assert compiling.simulator() is compiling.interpreted
        assert run(HUNDRED_DAYS, RSI_LEVEL, LEVEL, seed=3).fingerprint == result.fingerprint
    finally:
        compiling.simulator.cache_clear()
    assert run(HUNDRED_DAYS, RSI_LEVEL, LEVEL, seed=3, compiled=False).fingerprint == result.fingerprint


def test_a_few_candles_are_not_worth_the_loading_of_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    assert [compiling.worth_compiling(count) for count in (100_000, 300_001)] == [False, True]
    monkeypatch.setitem(sys.modules, "numba", compiling)
    assert compiling.worth_compiling(1)


def test_where_nothing_can_be_kept_the_loop_is_compiled_for_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba  # noqa: PLC0415

    asked: list[bool] = []

    def njit(*_: object, cache: bool = False) -> object:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", njit)
    assert compiling._compiled(numba)
    assert asked == [True, False]


class TestMany:
    points = tuple({"period": period, "low": low} for period in (5, 14) for low in (20.0, 35.0))

    def test_many_points_are_what_each_is_alone(self) -> None:
        many = run_many(Frames(HUNDRED_DAYS), RSI_LEVEL, self.points, seed=3)
        assert len(many) == 4
        for number, point in enumerate(self.points):
            alone = run(HUNDRED_DAYS, RSI_LEVEL, point, seed=3)
            assert many.trades[number] == alone.figures.total_trades
            for name in (
                "win_rate_percent",
                "total_return_percent",
                "sharpe_ratio",
                "max_drawdown_percent",
                "profit_factor",
            ):
                assert getattr(many, name)[number] == pytest.approx(getattr(alone.figures, name).value, rel=1e-12), name
            growth = np.prod(1 + many.daily_return_fraction[number])
            assert 100 * (growth - 1) == pytest.approx(many.total_return_percent[number])
        assert many.first_day == np.datetime64(HUNDRED_DAYS.time(0).date())

    def test_progress_is_told_after_each_point(self) -> None:
        told: list[int] = []
        run_many(Frames(HUNDRED_DAYS), RSI_LEVEL, self.points, start=100, stop=900, told=told.append)
        assert told == [1, 2, 3, 4]

    def test_what_cannot_be_known_is_nan_and_never_zero(self) -> None:
        many = run_many(Frames(HUNDRED_DAYS), RSI_LEVEL, [{"low": 0, "high": 100}])
        assert many.trades.tolist() == [0]
        assert many.total_return_percent.tolist() == [0]
        for name in ("win_rate_percent", "sharpe_ratio", "profit_factor"):
            assert np.isnan(getattr(many, name)).all(), name

    def test_a_stretch_of_one_day_has_no_sharpe_ratio(self) -> None:
        assert np.isnan(run_many(Frames(HUNDRED_DAYS), RSI_LEVEL, [LEVEL], stop=24).sharpe_ratio).all()

    def test_a_position_still_open_is_no_trade(self) -> None:
        rules = replace(FREE, close_at_end=False)
        for stop in range(300, 330):
            many = run_many(Frames(HUNDRED_DAYS), RSI_LEVEL, [LEVEL], rules, stop=stop)
            alone = run(HUNDRED_DAYS.first(stop), RSI_LEVEL, LEVEL, rules)
            assert many.trades[0] == alone.figures.total_trades

    def test_with_nothing_left_daily_returns_are_nan(self) -> None:
        flat, ruin = (100.0,) * 4, (50.0,) * 4
        course = Course.of(bars(flat, flat, ruin, *[flat] * 48), replace(FREE, leverage=10.0, fee_percent=1.0), 0)
        raw = course.simulated(said(1, *[0] * 50), 0, None)
        assert isinstance(raw, Raw)
        from tradeops.domain.backtest.many import row_of  # noqa: PLC0415

        table = table_of(course, [row_of(course, raw, 0)])
        assert np.isnan(table.daily_return_fraction).all()
        assert np.isnan(table.sharpe_ratio).all()

    def test_no_points_and_points_that_are_not_allowed_are_refused(self) -> None:
        with pytest.raises(ValueError, match="no points to try"):
            run_many(Frames(HUNDRED_DAYS), RSI_LEVEL, [])
        with pytest.raises(ValueError, match="no parameter 'speed'"):
            run_many(Frames(HUNDRED_DAYS), RSI_LEVEL, [{"speed": 1}])
        with pytest.raises(ValueError, match="over one stretch"):
            table_of(Course.of(HUNDRED_DAYS, FREE, 0), [])


class TestIntervals:
    def returns(self, length: int, seed: int = 0, *, trades: int = 9) -> DailyReturns:
        fractions = np.random.default_rng(seed).normal(0.001, 0.02, length)
        days = np.arange(length).astype("datetime64[D]")
        counts = np.zeros(length, dtype=np.int64)
        counts[:trades] = 1
        return DailyReturns(days, counts, fractions, np.ones(length), fractions)

    def test_they_belong_to_the_seed(self) -> None:
        of_days = self.returns(200)
        assert bootstrap.intervals(of_days, 1) == bootstrap.intervals(of_days, 1)
        assert bootstrap.intervals(of_days, 1) != bootstrap.intervals(of_days, 2)

    def test_of_independent_days_the_sharpe_interval_has_the_width_of_theory(self) -> None:
        of_days = self.returns(1000)
        interval = bootstrap.intervals(of_days, 1).sharpe_ratio
        assert interval.low.value is not None
        assert interval.high.value is not None
        theory = 2 * 1.96 * math.sqrt(365 / 1000)
        assert (interval.high.value - interval.low.value) == pytest.approx(theory, rel=0.15)

    def test_the_truth_lies_in_nineteen_of_twenty_intervals_or_so(self) -> None:
        truth = 0.001 / 0.02 * math.sqrt(365)
        inside = 0
        for seed in range(100):
            interval = bootstrap.intervals(self.returns(250, seed), seed, resamples=300).sharpe_ratio
            inside += (interval.low.value or 0) <= truth <= (interval.high.value or 0)
        assert 86 <= inside <= 100

    def test_blocks_keep_neighbours_together(self) -> None:
        places = bootstrap._places(27, 3, 0, 5)(slice(0, 5)).reshape(5, 9, 3)
        assert (np.diff(places, axis=2) % 27 == 1).all()
        assert bootstrap.intervals(self.returns(125), 0).block_days == 5

    def test_samples_held_in_parts_are_the_same_samples(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = bootstrap.intervals(self.returns(200), 1)
        monkeypatch.setattr(bootstrap, "AT_ONCE", 1999)
        assert bootstrap.intervals(self.returns(200), 1) == whole

    def test_a_drawdown_counts_from_the_start(self) -> None:
        of_days = self.returns(40)
        falling = replace(of_days, return_fraction=np.full(40, -0.01))
        interval = bootstrap.intervals(falling, 0).max_drawdown_percent
        assert interval.low.value == interval.high.value == pytest.approx(100 * (1 - 0.99**40))
        assert bootstrap.intervals(falling, 0).sharpe_ratio.low.reason == "all daily returns are equal"

    def test_few_days_or_no_trades_have_none(self) -> None:
        assert bootstrap.intervals(self.returns(29), 0).sharpe_ratio.low.reason == "fewer than 30 days"
        assert bootstrap.intervals(self.returns(99, trades=0), 0).total_return_percent.high.reason == "no closed trades"
        assert bootstrap.intervals(self.returns(30), 0).total_return_percent.high.value is not None


def test_importing_the_engine_imports_nothing_heavy() -> None:
    code = (
        "import sys, tradeops.domain.backtest.engine, tradeops.domain.strategies.registry\n"
        "sys.exit(bool({'numba', 'talib', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_figure_of_the_contract_is_there() -> None:
    names = {field.name for field in fields(BacktestFigures)}
    assert {
        *(
            "total_trades",
            "winning_trades",
            "losing_trades",
            "win_rate_percent",
            "total_return_percent",
            "sharpe_ratio",
        ),
        *("max_drawdown_percent", "profit_factor", "average_holding_hours"),
    } <= names
