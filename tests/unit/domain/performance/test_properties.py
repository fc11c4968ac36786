"""What holds for any trades, against slow and obvious computations with exact numbers."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.performance.samples import DAY, EQUITY, HOUR, START, WEEK, measured, trade, unhurried
from tradeops.domain.figures import Figure, known_amount
from tradeops.domain.performance import TradeColumns, Window, daily_returns, equity_curve, measure
from tradeops.domain.portfolio.portfolio import ClosedTrade

CENTS = st.decimals(-300, 300, places=2)
MINUTES = st.integers(-3 * 1440, 10 * 1440 - 1)
TRADES = st.lists(
    st.builds(
        lambda pnl, minute, held, notional, identity: trade(
            pnl,
            closed=START + timedelta(minutes=minute),
            held=timedelta(minutes=held),
            notional=Decimal(notional),
            identity=str(identity),
        ),
        CENTS,
        MINUTES,
        st.integers(0, 3000),
        st.integers(100, 5000),
        st.integers(),
    ),
    max_size=40,
    unique_by=lambda t: t.id,
)


def in_order(trades: Sequence[ClosedTrade], window: Window = WEEK) -> list[ClosedTrade]:
    inside = [t for t in trades if window.since <= t.closed_at < window.until]
    return sorted(inside, key=lambda t: (t.closed_at, t.opened_at, t.id))


def fraction(amount: Decimal) -> Fraction:
    return Fraction(amount)


def close(figure: Figure, expected: float | Fraction) -> bool:
    return figure.value is not None and math.isclose(figure.value, float(expected), rel_tol=1e-9, abs_tol=1e-9)


@unhurried
@given(TRADES)
def test_money_equals_the_exact_sum_to_the_cent(trades: list[ClosedTrade]) -> None:
    performance = measured(trades)
    pnls = [t.pnl for t in in_order(trades)]
    assert performance.realized_pnl_usd.value == sum(pnls, Decimal(0))
    assert performance.gross_profit_usd.value == sum((p for p in pnls if p > 0), Decimal(0))
    assert performance.gross_loss_usd.value == sum((-p for p in pnls if p < 0), Decimal(0))
    if pnls:
        exact = Fraction(sum(pnls, Decimal(0))) / len(pnls)
        assert performance.expectancy_usd.value is not None
        assert abs(Fraction(performance.expectancy_usd.value) - exact) <= Fraction(5, 10**9)


@unhurried
@given(TRADES)
def test_rates_and_averages_equal_exact_fractions(trades: list[ClosedTrade]) -> None:
    performance = measured(trades)
    inside = in_order(trades)
    wins = [fraction(t.pnl) for t in inside if t.pnl > 0]
    losses = [-fraction(t.pnl) for t in inside if t.pnl < 0]
    assert (performance.trades, performance.wins, performance.losses) == (len(inside), len(wins), len(losses))
    if inside:
        assert close(performance.win_rate_percent, Fraction(100 * len(wins), len(inside)))
        assert close(performance.average_profit_percent, mean(Fraction(t.return_percent) for t in inside))
    if losses:
        assert close(performance.profit_factor, Fraction(sum(wins)) / sum(losses))
    if wins and losses:
        assert close(performance.payoff_ratio, mean(wins) / mean(losses))


@unhurried
@given(TRADES, st.randoms(use_true_random=False))
def test_the_order_of_the_list_changes_nothing(trades: list[ClosedTrade], random: object) -> None:
    shuffled = list(trades)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert measured(shuffled) == measured(trades)


@unhurried
@given(TRADES)
def test_each_trade_twice_is_each_trade_once(trades: list[ClosedTrade]) -> None:
    assert measured(trades + trades) == measured(trades)


@unhurried
@given(TRADES, st.sampled_from([Decimal("0.5"), Decimal(2), Decimal(1024)]))
def test_a_larger_account_has_the_same_ratios(trades: list[ClosedTrade], scale: Decimal) -> None:
    plain = measured(trades)
    larger = measured(
        [replace(t, pnl=t.pnl * scale, quantity=t.quantity * scale) for t in trades],
        equity=known_amount(Decimal(10_000) * scale),
    )
    for name in (
        "win_rate_percent",
        "average_profit_percent",
        "profit_factor",
        "payoff_ratio",
        "sharpe_ratio",
        "sortino_ratio",
        "sharpe_per_trade",
        "total_return_percent",
        "exposure_percent",
    ):
        one, other = getattr(plain, name), getattr(larger, name)
        assert one.reason == other.reason
        assert one.value is None or close(other, one.value)
    assert plain.streaks == larger.streaks
    assert plain.drawdown.peak_at == larger.drawdown.peak_at
    assert plain.realized_pnl_usd.value is not None
    assert larger.realized_pnl_usd.value == plain.realized_pnl_usd.value * scale


@unhurried
@given(TRADES)
def test_the_days_add_up_to_the_window(trades: list[ClosedTrade]) -> None:
    columns = TradeColumns.of(trades)
    whole = measured(trades)
    days = [measure(columns, day, equity_at_start=EQUITY) for day in WEEK.days()]
    assert whole.trades == sum(day.trades for day in days)
    assert whole.wins == sum(day.wins for day in days)
    assert whole.losses == sum(day.losses for day in days)
    assert whole.active_days == sum(day.active_days for day in days)
    assert whole.realized_pnl_usd.value == sum((day.realized_pnl_usd.value or Decimal(0) for day in days), Decimal(0))


@unhurried
@given(TRADES)
def test_daily_returns_compound_to_the_total(trades: list[ClosedTrade]) -> None:
    returns = daily_returns(TradeColumns.of(trades), WEEK, EQUITY)
    performance = measured(trades)
    if performance.trades and not returns.reason:
        growth = math.prod(1 + value for value in returns.return_fraction.tolist())
        assert close(performance.total_return_percent, 100 * (growth - 1))
    assert returns.trades.sum() == performance.trades


@unhurried
@given(TRADES)
def test_figures_stay_within_their_bounds(trades: list[ClosedTrade]) -> None:
    performance = measured(trades)
    for name in ("win_rate_percent", "win_rate_low_percent", "win_rate_high_percent", "exposure_percent"):
        value = getattr(performance, name).value
        assert value is None or 0 <= value <= 100
    for name in ("profit_factor", "payoff_ratio", "average_holding_hours"):
        value = getattr(performance, name).value
        assert value is None or value >= 0
    now, deepest = performance.drawdown.now_percent.value, performance.drawdown.percent.value
    assert (now is None) == (deepest is None)
    assert now is None or deepest is None or 0 <= now <= deepest
    streaks = performance.streaks
    assert -streaks.longest_losses <= streaks.current <= streaks.longest_wins
    if performance.best and performance.worst:
        assert performance.worst.pnl_usd <= performance.best.pnl_usd


@unhurried
@given(TRADES)
def test_streaks_equal_those_counted_by_hand(trades: list[ClosedTrade]) -> None:
    outcomes = [(t.pnl > 0) - (t.pnl < 0) for t in in_order(trades)]
    runs = [(outcome, len(list(run))) for outcome, run in groupby(outcomes)]
    streaks = measured(trades).streaks
    assert streaks.longest_wins == max([length for outcome, length in runs if outcome > 0], default=0)
    assert streaks.longest_losses == max([length for outcome, length in runs if outcome < 0], default=0)
    assert streaks.current == (runs[-1][0] * runs[-1][1] if runs else 0)


@unhurried
@given(TRADES)
def test_the_drawdown_equals_the_deepest_of_all_pairs(trades: list[ClosedTrade]) -> None:
    inside = in_order(trades)
    equity = [Fraction(10_000)]
    for one in inside:
        equity.append(equity[-1] + fraction(one.pnl))
    falls = [100 * (equity[i] - equity[j]) / equity[i] for j in range(len(equity)) for i in range(j + 1)]
    fall = measured(trades).drawdown
    if not inside:
        assert fall.percent.reason == "no closed trades"
        return
    assert close(fall.percent, max(falls))
    assert close(fall.now_percent, 100 * (1 - equity[-1] / max(equity)))
    times = [START, *(t.closed_at for t in inside)]
    if fall.peak_at and fall.trough_at and len(set(times)) == len(times):
        at = dict(zip(times, equity, strict=True))
        peak, trough = at[fall.peak_at], at[fall.trough_at]
        assert close(fall.percent, 100 * (peak - trough) / peak)
        assert fall.usd.value == peak - trough
        recoveries = [time for time, value in at.items() if time > fall.trough_at and value >= peak]
        assert fall.recovered_at == (recoveries[0] if recoveries else None)


@unhurried
@given(TRADES)
def test_the_curve_ends_at_the_start_and_all_that_was_realised(trades: list[ClosedTrade]) -> None:
    curve = equity_curve(TradeColumns.of(trades), WEEK, Decimal(10_000))
    realized = measured(trades).realized_pnl_usd.value
    assert realized is not None
    assert len(curve.at) == len(curve.equity_usd) == len(curve.drawdown_percent) == len(in_order(trades)) + 1
    assert curve.equity_usd[-1] == pytest.approx(10_000 + float(realized), abs=1e-6)


@unhurried
@given(TRADES, st.lists(st.integers(-10, 200), max_size=3))
def test_exposure_equals_the_minutes_counted_by_hand(trades: list[ClosedTrade], open_hours: list[int]) -> None:
    open_since = [START + hours * HOUR for hours in open_hours]
    spans = [(t.opened_at, t.closed_at) for t in trades] + [(opened, WEEK.until) for opened in open_since]
    minutes = {
        minute
        for opened, closed in spans
        for minute in range(
            max(0, (opened - START) // timedelta(minutes=1)), min(7 * 1440, (closed - START) // timedelta(minutes=1))
        )
    }
    assert close(measured(trades, open_since=open_since).exposure_percent, Fraction(100 * len(minutes), 7 * 1440))


@unhurried
@given(TRADES)
def test_deviation_is_of_the_sample(trades: list[ClosedTrade]) -> None:
    returns = [Fraction(t.return_percent) for t in in_order(trades)]
    sample = measured(trades).trade_returns_percent
    if len(returns) >= 2 and len(set(returns)) > 1:
        assert sample is not None
        assert sample.deviation == pytest.approx(stdev(map(float, returns)), rel=1e-9)


@unhurried
@given(TRADES, st.integers(-3, 9))
def test_figures_of_a_window_do_not_know_what_came_after(trades: list[ClosedTrade], day: int) -> None:
    window = Window(START - 4 * DAY, START + day * DAY)
    known_then = [t for t in trades if t.closed_at < window.until]
    now, then = measured(trades, window=window, open_since=None), measured(known_then, window=window, open_since=None)
    assert now == then
