"""The figures of trades, by worked examples; one sentence a test."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.unit.domain.performance.samples import DAY, EQUITY, HOUR, START, WEEK, measured, row, trade
from tradeops.domain.figures import Amount, Figure, known, unknown, unknown_amount
from tradeops.domain.performance import BtcPrices, Streaks, TradeColumns, measure

MIXED = measured(row(["30", "-10", "0", "20", "-15"]))
RATIOS = (
    "win_rate_percent",
    "win_rate_low_percent",
    "win_rate_high_percent",
    "average_profit_percent",
    "profit_factor",
    "payoff_ratio",
    "total_return_percent",
    "sharpe_ratio",
    "sortino_ratio",
    "sharpe_per_trade",
    "annualized_return_percent",
    "calmar_ratio",
    "average_holding_hours",
)
AMOUNTS = ("expectancy_usd", "average_win_usd", "average_loss_usd")


def test_a_zero_profit_trade_is_no_win_and_no_loss_but_a_trade() -> None:
    assert (MIXED.trades, MIXED.wins, MIXED.losses) == (5, 2, 2)
    assert MIXED.win_rate_percent == known(40)


@pytest.mark.parametrize(
    ("wins", "trades", "percent"), [(11, 20, 55.0), (7, 10, 70.0), (57, 100, 57.0), (5499, 10_000, 54.99)]
)
def test_a_win_rate_on_a_limit_is_exactly_on_it(wins: int, trades: int, percent: float) -> None:
    assert measured(row(["1"] * wins + ["-1"] * (trades - wins), every=HOUR / 100)).win_rate_percent == known(percent)


def test_average_profit_is_the_mean_of_returns_on_notional_not_the_return_of_the_sums() -> None:
    small, large = trade("1", notional="10"), trade("10", notional="1000", identity="2")
    assert measured([small, large]).average_profit_percent == known(5.5)


@pytest.mark.parametrize(
    "returns",
    [
        pytest.param(["1.1", "1.9", "1.2", "1.8", "1.3", "1.7", "1.4", "1.6", "1.5", "1.5"], id="mean of 1.5"),
        pytest.param(["1.4"] * 3 + ["1.8"] + ["1.5"] * 7, id="uneven"),
        pytest.param(["0.1"] * 10 + ["2.9"] * 10, id="far apart"),
        pytest.param(
            ["0.64", "1.73", "1.43", "1.95", "1.91", "1.01", "1.79", "1.55", "1.74", "1.41", "1.56", "1.38", "1.40"],
            id="binary fractions put it below",
        ),
    ],
)
def test_an_average_on_a_limit_is_exactly_on_it(returns: list[str]) -> None:
    performance = measured(row(10 * Decimal(percent) for percent in returns))
    assert performance.average_profit_percent == known(1.5)


def test_profit_factor_is_gross_and_payoff_compares_averages() -> None:
    performance = measured(row(["30", "10", "20", "-10", "-30"]))
    assert performance.profit_factor == known(1.5)
    assert performance.payoff_ratio == known(1.0)


def test_money_is_summed_exactly() -> None:
    performance = measured(row(["0.10", "0.20", "-0.05"]))
    assert performance.realized_pnl_usd == Amount(Decimal("0.25"))
    assert performance.gross_profit_usd == Amount(Decimal("0.30"))
    assert performance.gross_loss_usd == Amount(Decimal("0.05"))
    assert performance.average_win_usd == Amount(Decimal("0.15"))
    assert performance.average_loss_usd == Amount(Decimal("0.05"))
    assert performance.expectancy_usd == Amount(Decimal("0.08333333"))


def test_total_return_is_realised_profit_on_equity_at_the_start() -> None:
    assert MIXED.total_return_percent == known(0.25)


@pytest.mark.parametrize("name", RATIOS)
def test_without_trades_each_ratio_is_na_and_says_why(name: str) -> None:
    assert getattr(measured([]), name) == unknown("no closed trades")


def test_without_trades_sums_and_counts_are_the_truth() -> None:
    empty = measured([])
    assert (empty.trades, empty.wins, empty.losses, empty.active_days) == (0, 0, 0, 0)
    assert empty.realized_pnl_usd == Amount(Decimal(0))
    assert empty.expectancy_usd == unknown_amount("no closed trades")
    assert empty.streaks == Streaks(0, 0, 0)
    assert (empty.best, empty.worst, empty.trade_returns_percent) == (None, None, None)
    assert empty.drawdown.percent == unknown("no closed trades")
    assert empty.exposure_percent == known(0)


def test_one_winning_trade_has_no_sharpe_and_no_loss_to_compare_with() -> None:
    single = measured([trade("20")])
    assert single.win_rate_percent == known(100)
    assert single.average_profit_percent == known(2)
    assert single.sharpe_per_trade == unknown("one trade has no deviation")
    assert single.sharpe_ratio == unknown("trades on 1 of 7 days; 5 are needed")
    assert single.sortino_ratio == unknown("trades on 1 of 7 days; 5 are needed")
    assert single.profit_factor == unknown("no losing trade")
    assert single.payoff_ratio == unknown("no losing trade")
    assert single.average_loss_usd == unknown_amount("no losing trade")


def test_profit_factor_without_losses_is_not_infinite() -> None:
    assert measured(row(["1"] * 20)).profit_factor == unknown("no losing trade")


def test_profit_factor_without_wins_is_zero_because_that_is_known() -> None:
    losing = measured(row(["-1"] * 3))
    assert losing.profit_factor == known(0)
    assert losing.payoff_ratio == unknown("no winning trade")
    assert losing.average_win_usd == unknown_amount("no winning trade")


def test_trades_that_all_brought_zero_have_no_ratio() -> None:
    flat = measured(row(["0", "0"]))
    assert flat.win_rate_percent == known(0)
    assert flat.payoff_ratio == unknown("no winning and no losing trade")
    assert flat.profit_factor == unknown("no losing trade")


@pytest.mark.parametrize("notionals", [["1000"] * 5, ["100", "300", "700", "1100", "1300"]], ids=["equal", "scaled"])
def test_equal_returns_have_no_sharpe_even_where_binary_fractions_differ(notionals: list[str]) -> None:
    trades = [
        replace(t, entry_price=Decimal(notional), pnl=Decimal(notional) * Decimal("0.021"))
        for t, notional in zip(row(["1"] * 5), notionals, strict=True)
    ]
    assert measured(trades).sharpe_per_trade == unknown("all trades brought the same return")


def test_sharpe_per_trade_is_mean_by_sample_deviation_and_not_annualised() -> None:
    performance = measured(row(["10", "20", "30"]))  # 1, 2, 3 %: mean 2, sample deviation 1
    assert performance.sharpe_per_trade.value == pytest.approx(2, rel=1e-12)


@pytest.mark.parametrize(
    ("pnls", "expected"),
    [
        pytest.param("++-", Streaks(2, 1, -1), id="lost last"),
        pytest.param("--+++", Streaks(3, 2, 3), id="winning"),
        pytest.param("++0+", Streaks(2, 0, 1), id="zero ends a winning streak"),
        pytest.param("--0-", Streaks(0, 2, -1), id="zero ends a losing streak"),
        pytest.param("+-0", Streaks(1, 1, 0), id="zero last"),
        pytest.param("-", Streaks(0, 1, -1), id="one loss"),
        pytest.param("0", Streaks(0, 0, 0), id="one zero"),
    ],
)
def test_streaks(pnls: str, expected: Streaks) -> None:
    assert measured(row(f"{sign}1" if sign != "0" else "0" for sign in pnls)).streaks == expected


def test_streaks_follow_the_order_of_closing_not_that_of_the_list() -> None:
    trades = row(["1", "-1", "1", "-1", "-1"])
    assert measured(trades[::-1]).streaks == measured(trades).streaks == Streaks(1, 2, -2)


@pytest.mark.parametrize(
    ("trades", "open_since", "hours"),
    [
        pytest.param([], [], 0, id="never"),
        pytest.param([(0, 42)], [], 42, id="one"),
        pytest.param([(0, 42), (10, 20)], [], 42, id="one within another"),
        pytest.param([(0, 42), (21, 63)], [], 63, id="overlapping"),
        pytest.param([(0, 21), (42, 63)], [], 42, id="apart"),
        pytest.param([(-50, 42)], [], 42, id="opened before the window"),
        pytest.param([(126, 500)], [], 42, id="closed after the window"),
        pytest.param([(-50, 500)], [], 168, id="through all of it"),
        pytest.param([(-50, -10), (200, 300)], [], 0, id="outside"),
        pytest.param([], [126], 42, id="still open"),
        pytest.param([(0, 42)], [-99], 168, id="open all the time"),
        pytest.param([(0, 42)], [168, 200], 42, id="opened later"),
        pytest.param([(5, 5)], [], 0, id="for no time"),
    ],
)
def test_exposure_is_the_share_of_the_window_with_a_position_open(
    trades: list[tuple[int, int]], open_since: list[int], hours: int
) -> None:
    closed = [
        trade("1", closed=START + end * HOUR, held=(end - begin) * HOUR, identity=f"{begin} {end}")
        for begin, end in trades
    ]
    performance = measured(closed, open_since=[START + begin * HOUR for begin in open_since])
    assert performance.exposure_percent == known(100 * hours / 168)


def test_exposure_is_na_when_the_open_positions_are_not_known() -> None:
    assert measured([trade("1")], open_since=None).exposure_percent == unknown("the open positions are not known")


def test_open_positions_change_nothing_but_exposure() -> None:
    with_open = measured(row(["1", "-2"]), open_since=[START])
    without = measured(row(["1", "-2"]))
    assert replace(with_open, exposure_percent=without.exposure_percent) == without


def test_holding_time_is_the_mean_of_close_less_open() -> None:
    trades = [trade("1", held=timedelta(minutes=30)), trade("1", held=timedelta(hours=2), identity="2")]
    assert measured(trades).average_holding_hours == known(1.25)


def test_best_and_worst_are_by_profit_in_usdt() -> None:
    trades = [
        trade("9", notional="10", identity="high percentage"),
        trade("20", identity="best", symbol="BTCUSDT"),
        trade("-7", identity="worst", closed=START + 2 * HOUR),
    ]
    performance = measured(trades)
    assert performance.best is not None
    assert performance.worst is not None
    assert (performance.best.id, performance.best.symbol, performance.best.pnl_usd) == ("best", "BTCUSDT", Decimal(20))
    assert (performance.worst.id, performance.worst.return_percent) == ("worst", pytest.approx(-0.7))
    assert performance.worst.closed_at == START + 2 * HOUR


def with_btc(at_start: Figure, at_end: Figure) -> tuple[Figure, Figure]:
    columns = TradeColumns.of(row(["100"]))
    performance = measure(columns, WEEK, equity_at_start=EQUITY, btc=BtcPrices(at_start, at_end))
    return performance.btc_return_percent, performance.excess_over_btc_percent


def test_holding_btc_is_compared_in_percentage_points() -> None:
    held, excess = with_btc(known(80_000), known(100_000))
    assert (held, excess) == (known(25), known(-24))


@pytest.mark.parametrize(
    ("at_start", "at_end", "reason"),
    [
        pytest.param(unknown("exchange is down"), known(1), "exchange is down", id="start unknown"),
        pytest.param(known(1), unknown("exchange is down"), "exchange is down", id="end unknown"),
        pytest.param(known(0), known(1), "a price of BTC is not above zero", id="free of charge"),
    ],
)
def test_without_both_prices_the_comparison_is_na(at_start: Figure, at_end: Figure, reason: str) -> None:
    assert with_btc(at_start, at_end) == (unknown(reason), unknown(reason))


def test_a_price_nobody_read_is_said() -> None:
    assert measured([trade("1")]).btc_return_percent == unknown("the price of BTC was not read")


def test_btc_is_known_on_a_day_without_trades() -> None:
    performance = measure(TradeColumns.of([]), WEEK, equity_at_start=EQUITY, btc=BtcPrices(known(100), known(90)))
    assert performance.btc_return_percent.value == pytest.approx(-10)
    assert performance.excess_over_btc_percent == unknown("no closed trades")


def test_trades_of_other_windows_are_excluded() -> None:
    old = trade("-500", closed=START - DAY, identity="old")
    assert measured([old, *row(["1", "2"])]) == measured(row(["1", "2"]))


@pytest.mark.parametrize("count", [101, 1001])
def test_no_trade_is_cut_off(count: int) -> None:
    performance = measured(row(["0.01"] * count, every=timedelta(minutes=5)))
    assert (performance.trades, performance.realized_pnl_usd.value) == (count, Decimal("0.01") * count)


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    local = datetime.fromisoformat("2026-11-01T06:30:00+07:00")
    assert measured([trade("1", closed=local)]).trades == 0
    assert measured([trade("1", closed=local + HOUR)]).trades == 1
