"""Each convention of the engine by an example that can be checked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.domain.backtest.samples import FREE, HOUR, bars, said, traded
from tests.unit.domain.backtest.slow_engine import rows_of
from tradeops.domain.backtest.course import Course, Run
from tradeops.domain.backtest.rules import BacktestRules, Sizing, Slippage
from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.strategies.signals import Signals

STOPPED = replace(FREE, stop_loss_percent=2.0, take_profit_percent=4.0)
QUIET = (100.0, 101.0, 99.0, 100.0)


def ends(run: Run) -> list[tuple[object, ...]]:
    """Entry place, exit place, side, reason, inside, entry price, exit price."""
    return [row[:7] for row in rows_of(run.trades)]


def test_a_signal_at_the_close_is_filled_at_the_next_open() -> None:
    run = traded(bars(QUIET, (110, 130, 108, 120), (125, 126, 124, 125)), [1, -1, 0], replace(FREE, shorts=False))
    assert ends(run) == [(1, 2, 1, "signal", False, 110, 125)]
    np.testing.assert_allclose(run.equity_usd, [1000, 1000 * 120 / 110, 1000 * 125 / 110])


def test_a_signal_on_the_last_candle_does_nothing() -> None:
    run = traded(bars(QUIET, QUIET), [0, 1])
    assert not len(run.trades)
    assert run.equity_usd.tolist() == [1000, 1000]


def test_an_opposite_signal_turns_the_position_round_at_one_open() -> None:
    run = traded(bars(QUIET, QUIET, (110, 111, 109, 110), (99, 100, 98, 99)), [1, -1, 0, 0])
    assert ends(run) == [(1, 2, 1, "signal", False, 100, 110), (2, 3, -1, "end", True, 110, 99)]
    assert run.equity_usd[-1] == pytest.approx(1000 * 1.1 * (1 + 11 / 110))


def test_without_shorts_a_short_signal_only_ends_a_long_position() -> None:
    run = traded(bars(QUIET, QUIET, QUIET, QUIET), [1, -1, -1, 0], replace(FREE, shorts=False))
    assert ends(run) == [(1, 2, 1, "signal", False, 100, 100)]


def test_a_signal_of_the_direction_that_is_held_does_nothing() -> None:
    assert len(traded(bars(QUIET, QUIET, QUIET, QUIET), [1, 1, 1, 1]).trades) == 1


def test_the_signal_that_was_held_at_the_close_does_not_open_again_when_the_open_meets_the_stop() -> None:
    run = traded(bars(QUIET, QUIET, (90, 91, 89, 90), (90, 91, 89, 90)), [1, 1, 0, 0], STOPPED)
    assert ends(run) == [(1, 2, 1, "stop", False, 100, 90)]


def test_fees_are_taken_from_the_notional_of_both_fills() -> None:
    run = traded(bars(QUIET, QUIET, (110, 110, 110, 110)), [1, -1, 0], replace(FREE, fee_percent=0.1, shorts=False))
    quantity = 1000 / 1.001 / 100  # everything is spent, the fee included
    assert run.trades.quantity[0] == pytest.approx(quantity)
    assert run.trades.fees_usd[0] == pytest.approx(quantity * (100 + 110) * 0.001)
    assert run.trades.pnl_usd[0] == pytest.approx(quantity * 10 - quantity * 210 * 0.001)
    assert run.equity_usd[1] == pytest.approx(quantity * 100)
    assert run.equity_usd[-1] == pytest.approx(1000 + run.trades.pnl_usd[0])


@pytest.mark.parametrize(("direction", "entry"), [(1, 100.5), (-1, 99.5)])
def test_the_worst_slippage_makes_each_entry_worse_and_no_exit(direction: int, entry: float) -> None:
    rules = replace(FREE, slippage_percent=0.5, slippage=Slippage.WORST)
    run = traded(bars(QUIET, QUIET, QUIET), [direction, 0, 0], rules)
    assert ends(run) == [(1, 2, direction, "end", True, pytest.approx(entry), 100)]


def test_random_slippage_lies_between_nothing_and_the_most_and_belongs_to_the_seed() -> None:
    rules = replace(FREE, slippage_percent=0.5)
    candles, directions = bars(*[QUIET] * 200), [1, -1] * 100
    one, again, other = (traded(candles, directions, rules, seed).trades.entry_price for seed in (1, 1, 2))
    worse = np.abs(one / 100 - 1)
    assert 0 <= worse.min() < 0.0005
    assert 0.0045 < worse.max() <= 0.005
    assert (one == again).all()
    assert (one != other).any()


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        pytest.param((100, 103, 98.5, 100), None, id="between both"),
        pytest.param((100, 103, 98, 100), ("stop", True, 98), id="low at the stop"),
        pytest.param((100, 104, 99, 100), ("target", True, 104), id="high at the target"),
        pytest.param((100, 105, 97, 104), ("stop", True, 98), id="both in one candle: the stop"),
        pytest.param((97, 105, 96, 104), ("stop", False, 97), id="gap over the stop: at the open"),
        pytest.param((106, 107, 90, 91), ("target", False, 106), id="gap over the target: at the open"),
    ],
)
def test_stop_and_target_of_a_long_position(
    bar: tuple[float, float, float, float], expected: tuple[str, bool, float] | None
) -> None:
    run = traded(bars(QUIET, QUIET, bar, QUIET), [1, 0, 0, 0], STOPPED)
    assert ends(run)[0][3:5] + ends(run)[0][6:] == (expected or ("end", True, 100))


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        pytest.param((100, 101.5, 97, 100), None, id="between both"),
        pytest.param((100, 102, 97, 100), ("stop", True, 102), id="high at the stop"),
        pytest.param((100, 101, 96, 100), ("target", True, 96), id="low at the target"),
        pytest.param((100, 103, 95, 96), ("stop", True, 102), id="both in one candle: the stop"),
        pytest.param((103, 104, 95, 96), ("stop", False, 103), id="gap over the stop: at the open"),
        pytest.param((94, 110, 93, 94), ("target", False, 94), id="gap over the target: at the open"),
    ],
)
def test_stop_and_target_of_a_short_position(
    bar: tuple[float, float, float, float], expected: tuple[str, bool, float] | None
) -> None:
    run = traded(bars(QUIET, QUIET, bar, QUIET), [-1, 0, 0, 0], STOPPED)
    assert ends(run)[0][3:5] + ends(run)[0][6:] == (expected or ("end", True, 100))


def test_the_entry_candle_itself_can_meet_the_stop() -> None:
    run = traded(bars(QUIET, (100, 101, 97, 100), QUIET), [1, 0, 0], STOPPED)
    assert ends(run) == [(1, 1, 1, "stop", True, 100, 98)]


def test_after_a_stop_inside_a_candle_its_close_may_open_again() -> None:
    run = traded(bars(QUIET, (100, 101, 97, 100), QUIET, QUIET), [1, 1, 0, 0], STOPPED)
    assert [row[:2] for row in ends(run)] == [(1, 1), (2, 3)]


@pytest.mark.parametrize("direction", [1, -1])
def test_a_trailing_stop_follows_the_best_price_from_the_next_candle_on(direction: int) -> None:
    # rises to 120 and, within the same candle, falls below what the stop will be: that does not count
    rise = [
        (100, 101, 99, 100),
        (100, 120, 100, 105),
        (115, 116, 114.5, 115),
        (115, 116, 113, 114),
        (114, 115, 113, 114),
    ]
    fall = [(100, 101, 99, 100), (100, 100, 80, 95), (83, 83.5, 82, 83), (83, 85, 82, 84), (84, 85, 82, 84)]
    run = traded(bars(*(rise if direction > 0 else fall)), [direction, 0, 0, 0, 0], replace(FREE, trailing_percent=5.0))
    assert ends(run) == [(1, 3, direction, "stop", True, 100, pytest.approx(114 if direction > 0 else 84))]


def test_the_nearer_of_fixed_and_trailing_stop_counts() -> None:
    rules = replace(STOPPED, trailing_percent=1.0)
    assert ends(traded(bars(QUIET, (100, 101, 98.9, 100), QUIET), [1, 0, 0], rules))[0][6] == 99
    rules = replace(STOPPED, trailing_percent=3.0)
    assert ends(traded(bars(QUIET, (100, 101, 98, 100), QUIET), [1, 0, 0], rules))[0][6] == 98
    assert ends(traded(bars(QUIET, (100, 100.5, 99, 100), (100, 100, 98, 99)), [1, 0, 0], rules))[0][6] == 98
    assert ends(traded(bars(QUIET, (100, 101, 99.5, 100), (100, 102, 99, 99)), [-1, 0, 0], rules))[0][6] == 102


@pytest.mark.parametrize("direction", [1, -1])
def test_a_stop_that_slippage_put_beyond_the_open_is_filled_at_the_open(direction: int) -> None:
    rules = replace(FREE, slippage_percent=0.5, slippage=Slippage.WORST, stop_loss_percent=0.1)
    run = traded(bars(QUIET, QUIET, QUIET), [direction, 0, 0], rules)
    assert ends(run)[0][3:5] + ends(run)[0][6:] == ("stop", True, 100)


@pytest.mark.parametrize(
    ("direction", "spared", "price"), [(1, (94.51, 101), 94.5), (-1, (99, 104.49), 104.5)], ids=["long", "short"]
)
def test_at_leverage_ten_the_market_takes_a_position_at_5_5_and_4_5_percent(
    direction: int, spared: tuple[float, float], price: float
) -> None:
    rules = replace(FREE, leverage=10.0, size_percent=10.0)
    low, high = spared
    assert ends(traded(bars(QUIET, QUIET, (100, high, low, 100)), [direction, 0, 0], rules))[0][3] == "end"
    run = traded(bars(QUIET, QUIET, (100, high + 0.02, low - 0.02, 100)), [direction, 0, 0], rules)
    assert ends(run)[0][3:5] == ("liquidation", True)
    assert run.trades.exit_price[0] == pytest.approx(price)
    assert run.equity_usd[-1] == pytest.approx(1000 - 1000 * abs(price - 100) / 100)


@pytest.mark.parametrize(("direction", "open_", "bankrupt"), [(1, 80.0, 90.0), (-1, 120.0, 110.0)])
def test_no_more_than_the_margin_is_lost_by_a_gap(direction: int, open_: float, bankrupt: float) -> None:
    rules = replace(FREE, leverage=10.0)
    run = traded(bars(QUIET, QUIET, (open_,) * 4), [direction, 0, 0], rules)
    assert ends(run)[0][3:5] == ("liquidation", False)
    assert run.trades.exit_price[0] == pytest.approx(bankrupt)
    assert run.equity_usd[-1] == pytest.approx(0, abs=1e-9)


def test_a_stop_nearer_than_the_liquidation_comes_first() -> None:
    rules = replace(STOPPED, leverage=10.0, size_percent=10.0)
    assert ends(traded(bars(QUIET, QUIET, (100, 101, 90, 95)), [1, 0, 0], rules))[0][3] == "stop"
    far = replace(rules, stop_loss_percent=6.0)
    assert ends(traded(bars(QUIET, QUIET, (100, 101, 90, 95)), [1, 0, 0], far))[0][3] == "liquidation"


def test_with_nothing_left_nothing_is_opened() -> None:
    rules = replace(FREE, leverage=10.0, fee_percent=1.0)
    run = traded(bars(QUIET, QUIET, (80.0,) * 4, QUIET, QUIET), [1, 0, 1, 1, 0], rules)
    assert len(run.trades) == 1
    assert run.equity_usd[-1] < 0


@pytest.mark.parametrize(("direction", "paid"), [(1, 1.0), (-1, -1.0)])
def test_funding_is_paid_by_longs_and_received_by_shorts_at_0_8_and_16(direction: int, paid: float) -> None:
    candles = bars(*[(100.0,) * 4] * 12, first_hour=7)  # entered at 8, where the position was not yet held
    rules = replace(FREE, funding_percent=0.1)
    run = traded(candles, [direction, *[0] * 11], rules)
    assert run.trades.funding_usd[0] == pytest.approx(paid)  # once, at 16
    assert run.equity_usd[-1] == pytest.approx(1000 - paid)


def test_a_position_that_ends_at_a_funding_open_still_pays() -> None:
    rules = replace(FREE, funding_percent=0.1, shorts=False)
    run = traded(bars(*[(100.0,) * 4] * 3, first_hour=6), [1, -1, 0], rules)
    assert run.trades.funding_usd[0] == pytest.approx(1.0)


def test_funding_that_falls_into_a_gap_is_paid_at_the_next_open() -> None:
    candles = bars(*[(100.0,) * 4] * 3)
    opened_at = candles.opened_at + np.array([0, 0, 30]) * HOUR  # 1, 2 and 33 o'clock: 8, 16, 24 and 32 passed
    run = traded(replace(candles, opened_at=opened_at), [1, 0, 0], replace(FREE, funding_percent=0.1))
    assert run.trades.funding_usd[0] == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("rules", "notional"),
    [
        pytest.param(BacktestRules(), 2000, id="the symbol's defaults: a fifth of equity is the most"),
        pytest.param(BacktestRules(leverage=1, size_percent=0.1), 500, id="0.1 % ÷ 2 % of equity"),
        pytest.param(BacktestRules(leverage=3, size_percent=0.1), 1500, id="times leverage"),
        pytest.param(BacktestRules(leverage=1, size_percent=1, stop_loss_percent=None), 1000, id="10 % without a stop"),
        pytest.param(
            BacktestRules(leverage=3, size_percent=50, sizing=Sizing.EQUITY, fee_percent=0), 15000, id="share of equity"
        ),
    ],
)
def test_the_size_of_a_position(rules: BacktestRules, notional: float) -> None:
    run = traded(bars(QUIET, QUIET, QUIET), [1, 0, 0], replace(rules, slippage_percent=0))
    assert run.trades.quantity[0] * run.trades.entry_price[0] == pytest.approx(notional)


def test_signals_below_the_least_confidence_are_none() -> None:
    signals = Signals(np.array([1, 1, 0, 0], dtype=np.int8), np.array([0.49, 0.5, 0.9, np.nan]))
    run = Course.of(bars(*[QUIET] * 4), replace(FREE, least_confidence=0.5), 0).run(signals)
    assert run.trades.entry_place.tolist() == [2]


def test_a_position_left_open_is_valued_at_the_end_and_no_trade_yet() -> None:
    run = traded(
        bars(QUIET, QUIET, (100, 120, 100, 120)), [1, 0, 0], replace(FREE, close_at_end=False, fee_percent=0.1)
    )
    assert ends(run)[0][3] == "open"
    assert not run.trades.closed.any()
    assert run.equity_usd[-1] == pytest.approx(1000 / 1.001 * 1.2)


def test_a_stretch_starts_with_the_signal_before_it_and_sees_no_candle_after_it() -> None:
    candles = bars(*[(100.0 + n, 100.5 + n, 99.5 + n, 100.0 + n) for n in range(8)])
    run = Course.of(candles, FREE, 0).run(said(1, 0, 1, 0, 0, 0, 0, -1), 3, 6)
    assert ends(run) == [(3, 5, 1, "end", True, 103, 105)]
    assert len(run.equity_usd) == 3


@pytest.mark.parametrize(("start", "stop"), [(0, 0), (2, 1), (-1, 2), (0, 4), (3, 3)])
def test_a_stretch_without_candles_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="no candles from"):
        Course.of(bars(*[QUIET] * 3), FREE, 0).run(said(0, 0, 0), start, stop)


def test_signals_of_other_candles_and_days_as_candles_are_refused() -> None:
    with pytest.raises(ValueError, match="2 signals do not belong to 3 candles"):
        traded(bars(*[QUIET] * 3), [0, 0])
    day = CandleColumns("X", "1d", np.array([0]), *(np.ones(1) for _ in range(5)))
    with pytest.raises(ValueError, match="candles of 1d are too long"):
        Course.of(day, FREE, 0)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"leverage": 21.0, "shorts": False}, "leverage 21 liquidates a long position where it opens"),
        ({"leverage": 19.0}, "leverage 19 liquidates a short position where it opens"),
        ({"leverage": 0.5}, "leverage is at least 1, not 0.5"),
        ({"leverage": float("nan")}, "leverage is a finite number, not nan"),
        ({"balance_usd": 0.0}, "balance_usd is above 0, not 0"),
        ({"fee_percent": -0.1}, "fee_percent is at least 0 and at most 10, not -0.1"),
        ({"slippage_percent": 11.0}, "slippage_percent is at least 0 and at most 10, not 11"),
        ({"funding_percent": 6.0}, "funding_percent is at least -5 and at most 5"),
        ({"stop_loss_percent": 0.0}, "stop_loss_percent is above 0 and at most 99, not 0"),
        ({"stop_loss_percent": 100.0}, "stop_loss_percent is above 0 and at most 99, not 100"),
        ({"take_profit_percent": -1.0}, "take_profit_percent is above 0 and at most 1000"),
        ({"trailing_percent": float("inf")}, "trailing_percent is a finite number"),
        ({"size_percent": 101.0}, "size_percent is above 0 and at most 100, not 101"),
        ({"least_confidence": 1.1}, "least_confidence is at least 0 and at most 1, not 1.1"),
    ],
)
def test_conditions_that_cannot_be_are_refused_by_name(change: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        replace(BacktestRules(), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"leverage": 20.9, "shorts": False}, {"leverage": 18.9}, {"stop_loss_percent": None}]
)
def test_conditions_at_the_edge_are_taken(change: dict[str, float]) -> None:
    replace(BacktestRules(), **change)  # type: ignore[arg-type]
