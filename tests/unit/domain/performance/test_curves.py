"""Daily returns, ratios on them and the drawdown, by worked examples; one sentence a test."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.unit.domain.performance.samples import DAY, EQUITY, HOUR, START, WEEK, daily, measured, row, trade
from tradeops.domain.figures import Amount, known, known_amount, unknown, unknown_amount
from tradeops.domain.performance import TradeColumns, Window, daily_returns, equity_curve
from tradeops.domain.performance.ratios import calmar_ratio

WEEK_OF_PROFITS = ["100", "-50", "80", "0", "-30", "60", "20"]
NO_EQUITY = unknown_amount("the engine is down")


def quarter(days: int) -> Window:
    return Window(START, START + days * DAY)


def test_a_daily_return_is_the_days_profit_on_its_starting_equity() -> None:
    returns = daily_returns(TradeColumns.of(daily(["100", "101"])), WEEK, EQUITY)
    assert returns.return_fraction.tolist() == [0.01, 0.01, 0, 0, 0, 0, 0]
    assert returns.equity_at_start_usd.tolist() == [10_000, 10_100, 10_201, 10_201, 10_201, 10_201, 10_201]
    assert (returns.trades.tolist(), returns.active_days) == ([1, 1, 0, 0, 0, 0, 0], 2)
    assert returns.days[0] == np.datetime64("2026-11-01")


def test_days_begin_at_midnight_utc() -> None:
    columns = TradeColumns.of([trade("5", closed=START + DAY - timedelta.resolution)])
    assert daily_returns(columns, WEEK, EQUITY).pnl_usd.tolist() == [5, 0, 0, 0, 0, 0, 0]


def test_returns_without_equity_are_na_while_profits_are_known() -> None:
    returns = daily_returns(TradeColumns.of(daily(["5"])), WEEK, NO_EQUITY)
    assert returns.reason == "equity at the start is not known: the engine is down"
    assert (returns.pnl_usd[0], len(returns.return_fraction)) == (5, 0)


def test_a_day_that_begins_with_nothing_has_no_return() -> None:
    returns = daily_returns(TradeColumns.of(daily(["-10000", "5"])), WEEK, EQUITY)
    assert returns.reason == "equity at the start of 2026-11-02 is not above zero"


def test_sharpe_is_mean_by_sample_deviation_times_root_365() -> None:
    performance = measured(daily(["100", "101", "0", "0", "1", "1", "1"]))
    returns = [0.01, 0.01, 0, 0, 1 / 10_201, 1 / 10_202, 1 / 10_203]
    assert performance.sharpe_ratio.value == pytest.approx(
        np.mean(returns) / np.std(returns, ddof=1) * np.sqrt(365), rel=1e-12
    )


def test_sortino_counts_days_without_loss_as_zero_and_divides_by_all_days() -> None:
    performance = measured(daily(["0", "0", "-100", "99", "0", "0", "0"]))
    mean = (-0.01 + 99 / 9900) / 7
    assert mean == pytest.approx(0)
    assert performance.sortino_ratio.value == pytest.approx(0)
    performance = measured(daily(["0", "0", "-100", "0", "0", "0", "0"]))
    assert performance.sortino_ratio.value == pytest.approx((-0.01 / 7) / np.sqrt(0.0001 / 7) * np.sqrt(365), rel=1e-12)


@pytest.mark.parametrize(("active", "is_known"), [(1, False), (4, False), (5, True), (7, True)])
def test_below_five_active_days_sharpe_and_sortino_are_na(active: int, is_known: bool) -> None:
    performance = measured(daily(WEEK_OF_PROFITS[:active]))
    reason = "" if is_known else f"trades on {active} of 7 days; 5 are needed"
    assert (performance.sharpe_ratio.reason, performance.sortino_ratio.reason) == (reason, reason)
    assert performance.active_days == active


def test_equal_daily_returns_have_no_sharpe() -> None:
    equity, pnls = Decimal(10_000), []
    for _ in range(7):
        pnls.append(equity * Decimal("0.0123"))
        equity += pnls[-1]
    assert measured(daily(pnls)).sharpe_ratio == unknown("all daily returns are equal")


def test_a_week_without_a_losing_day_has_no_sortino() -> None:
    assert measured(daily(["1", "2", "3", "4", "5"])).sortino_ratio == unknown("no losing day")


@pytest.mark.parametrize("name", ["sharpe_ratio", "sortino_ratio", "total_return_percent"])
def test_without_equity_what_is_relative_to_it_is_na(name: str) -> None:
    performance = measured(daily(WEEK_OF_PROFITS), equity=NO_EQUITY)
    assert getattr(performance, name) == unknown("equity at the start is not known: the engine is down")
    assert performance.drawdown.usd == unknown_amount("equity at the start is not known: the engine is down")
    assert performance.daily_returns_fraction is None
    assert performance.average_profit_percent.value is not None


@pytest.mark.parametrize("equity", ["0", "-1"])
def test_without_anything_left_at_the_start_there_is_no_percentage(equity: str) -> None:
    performance = measured(daily(WEEK_OF_PROFITS), equity=known_amount(Decimal(equity)))
    assert performance.total_return_percent == unknown("equity at the start is not above zero")
    assert performance.drawdown.percent == unknown("equity at the start is not above zero")
    assert performance.sharpe_ratio == unknown("equity at the start of 2026-11-01 is not above zero")
    with pytest.raises(ValueError, match="not above zero"):
        equity_curve(TradeColumns.of([]), WEEK, Decimal(equity))


def test_drawdown_is_measured_after_each_trade_and_dated() -> None:
    fall = measured(row(["1000", "-600", "-500", "200", "900"])).drawdown
    assert fall.percent == known(10)
    assert fall.usd == Amount(Decimal(1100))
    assert (fall.peak_at, fall.trough_at, fall.recovered_at) == (START + HOUR, START + 3 * HOUR, START + 5 * HOUR)
    assert fall.now_percent == known(0)


def test_a_fall_within_one_day_that_ends_it_even_is_seen() -> None:
    assert measured(row(["-500", "500"])).drawdown.percent == known(5)


def test_a_fall_from_the_first_trade_on_is_measured_from_the_starting_equity() -> None:
    fall = measured(row(["-100", "-100"])).drawdown
    assert (fall.percent, fall.usd, fall.peak_at) == (known(2), Amount(Decimal(200)), START)


def test_a_fall_that_lasts_is_not_recovered() -> None:
    fall = measured(row(["-200", "100"])).drawdown
    assert (fall.percent, fall.now_percent, fall.recovered_at) == (known(2), known(1), None)


def test_a_curve_that_never_fell_has_a_drawdown_of_zero_without_dates() -> None:
    fall = measured(row(["1", "0", "2"])).drawdown
    assert (fall.percent, fall.usd, fall.now_percent) == (known(0), Amount(Decimal(0)), known(0))
    assert (fall.peak_at, fall.trough_at, fall.recovered_at) == (None, None, None)


def test_the_dust_of_binary_fractions_is_no_fall() -> None:
    trades = row(["87.29", "-67.54", "-1.67", "69.21"])  # as floats they end 3e-14 below the peak
    fall = measured(trades, equity=known_amount(Decimal(100))).drawdown
    assert fall.recovered_at == START + 4 * HOUR
    assert fall.now_percent == known(0)
    assert fall.usd == Amount(Decimal("69.21"))


def test_more_than_everything_can_be_lost() -> None:
    assert measured(row(["-12000"])).drawdown.percent == known(120)


def test_the_curve_begins_with_the_window_and_has_a_point_for_each_trade() -> None:
    curve = equity_curve(TradeColumns.of(row(["100", "-50"])), WEEK, Decimal(10_000))
    assert curve.equity_usd.tolist() == [10_000, 10_100, 10_050]
    assert curve.at.tolist() == [START.replace(tzinfo=None) + n * HOUR for n in range(3)]
    assert curve.drawdown_percent.tolist() == pytest.approx([0, 0, 5000 / 10_100])


@pytest.mark.parametrize(("days", "is_known"), [(7, False), (89, False), (90, True)])
def test_nothing_is_annualised_below_ninety_days(days: int, is_known: bool) -> None:
    performance = measured(daily(["100", "-50"]), window=quarter(days))
    reason = "" if is_known else "fewer than 90 days are not annualized"
    assert performance.annualized_return_percent.reason == reason
    assert performance.calmar_ratio.reason == reason


def test_the_annualised_return_compounds() -> None:
    performance = measured(daily(["1000"]), window=quarter(365))
    assert performance.annualized_return_percent.value == pytest.approx(10, rel=1e-12)
    assert measured(daily(["1000"]), window=quarter(730)).annualized_return_percent.value == pytest.approx(
        100 * (1.1**0.5 - 1), rel=1e-12
    )


def test_calmar_is_the_annualised_return_by_the_deepest_drawdown() -> None:
    performance = measured(daily(["-500", "1500"]), window=quarter(365))
    assert performance.calmar_ratio.value == pytest.approx(10 / 5, rel=1e-12)


def test_calmar_without_a_fall_is_na() -> None:
    assert measured(daily(["1"]), window=quarter(90)).calmar_ratio == unknown("equity never fell")


@pytest.mark.parametrize("loss", ["-10000", "-10001"])
def test_a_total_loss_is_not_annualised(loss: str) -> None:
    ruined = measured(daily([loss]), window=quarter(90))
    assert ruined.annualized_return_percent == unknown("nothing of the equity is left")


def test_a_growth_beyond_all_numbers_is_na() -> None:
    performance = measured(daily([Decimal(10) ** 90]), window=quarter(90))
    assert performance.annualized_return_percent == unknown("the result is not a finite number")


def test_calmar_names_what_it_lacks() -> None:
    assert calmar_ratio(unknown("too short"), known(5)) == unknown("too short")
    assert calmar_ratio(known(10), unknown("no equity")) == unknown("no equity")
