"""What the trader did, computed here once more from the market's minutes by the mechanics of the contract sheet."""

import math
import statistics
from collections import defaultdict
from itertools import groupby
from typing import Literal

import pytest

from sandbox.book import ClosedTrade, Position
from sandbox.market import MINUTE_MS, Candle
from sandbox.trader import exit_of
from sandbox.world import World
from tests.sandbox.worlds import START, SetClock, clock_at

Regime = Literal["healthy", "degrading"]
DAY_MS = 86_400_000
SEEDS = (1, 2, 3, 4, 5)


@pytest.fixture(scope="module", params=["healthy", "degrading"])
def world(request: pytest.FixtureRequest) -> World:
    return World.build(seed=9, regime=request.param, now_ms=clock_at())


def lived_through(world: World, trade: ClosedTrade) -> list[Candle]:
    """The minutes from the entry to the exit, the last one included."""
    opened = trade.position.opened_ms
    last = (trade.closed_ms - opened) // MINUTE_MS + 1
    return world.market.candles(trade.position.symbol, MINUTE_MS, opened, trade.closed_ms + 2 * MINUTE_MS)[:last]


def test_every_profit_is_the_move_less_two_fees_and_the_funding(world: World) -> None:
    assert len(world.book.closed) > 200
    for trade in world.book.closed:
        held = trade.position
        times = trade.closed_ms // (8 * 3_600_000) - held.opened_ms // (8 * 3_600_000)
        ended_on_the_dot = trade.closed_ms % (8 * 3_600_000) == 0
        notional = held.entry_price * held.quantity
        funding = held.side * notional * 0.0001 * (times - ended_on_the_dot)
        gross = held.side * (trade.exit_price - held.entry_price) * held.quantity
        fees = 0.0004 * (notional + trade.exit_price * held.quantity)
        assert trade.pnl == pytest.approx(gross - fees - funding, abs=1e-6)


def test_the_balance_is_the_start_and_all_profits(world: World) -> None:
    assert world.book.balance == pytest.approx(10_000 + sum(trade.pnl for trade in world.book.closed))


def test_every_entry_slips_by_at_most_five_hundredths_of_a_percent_against_us(world: World) -> None:
    slips = []
    for trade in world.book.closed:
        held = trade.position
        opened = lived_through(world, trade)[0].open
        slips.append(held.side * (held.entry_price / opened - 1))
    assert min(slips) >= -1e-6
    assert max(slips) <= 0.0005 + 1e-6
    assert statistics.fmean(slips) == pytest.approx(0.00025, rel=0.2)


def test_stop_and_target_lie_two_and_four_percent_from_the_entry(world: World) -> None:
    for trade in world.book.closed:
        held = trade.position
        assert held.stop_loss == pytest.approx(held.entry_price * (1 - 0.02 * held.side), rel=1e-4)
        assert held.take_profit == pytest.approx(held.entry_price * (1 + 0.04 * held.side), rel=1e-4)


def test_every_position_ends_at_the_first_level_touched_or_by_a_reversal(world: World) -> None:
    ends: dict[str, int] = defaultdict(int)
    for trade in world.book.closed:
        held, minutes = trade.position, lived_through(world, trade)
        assert held.stop_loss is not None
        assert held.take_profit is not None
        if trade.closed_ms % MINUTE_MS == 0:
            ends["reversal"] += 1
            last = minutes.pop()
            assert trade.exit_price == last.open
            assert (trade.closed_ms // MINUTE_MS) % 15 == 0
        else:
            last = minutes.pop()
            touched = [level for level in (held.stop_loss, held.take_profit) if last.low <= level <= last.high]
            assert trade.exit_price == touched[0]
            ends["stop" if touched[0] == held.stop_loss else "target"] += 1
        for minute in minutes:
            worst, best = (minute.low, minute.high) if held.side > 0 else (minute.high, minute.low)
            assert held.side * (worst - held.stop_loss) > 0
            assert held.side * (best - held.take_profit) < 0
    assert min(ends["stop"], ends["target"], ends["reversal"]) >= 5


def test_no_position_is_larger_than_a_fifth_of_equity_and_a_symbol_has_one_at_a_time(world: World) -> None:
    balance = 10_000.0
    for trade in sorted(world.book.closed, key=lambda trade: trade.closed_ms):
        assert trade.position.notional <= 0.2 * balance * 1.1
        balance += trade.pnl
    by_symbol = sorted(world.book.closed, key=lambda trade: (trade.position.symbol, trade.position.opened_ms))
    for _, trades in groupby(by_symbol, key=lambda trade: trade.position.symbol):
        ended = 0
        for trade in trades:
            assert ended <= trade.position.opened_ms <= trade.closed_ms
            ended = trade.closed_ms


def test_all_four_symbols_are_traded_long_and_short(world: World) -> None:
    kinds = {(trade.position.symbol, trade.position.side) for trade in world.book.closed}
    assert kinds == {(symbol, side) for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT") for side in (1, -1)}


def some(side: int, stop: float | None = 98.0, target: float | None = 104.0) -> Position:
    mirror = (lambda price: price) if side > 0 else (lambda price: None if price is None else 200 - price)
    return Position(
        id="a",
        symbol="BTCUSDT",
        side=side,
        entry_price=100.0,
        quantity=1.0,
        leverage=10,
        stop_loss=mirror(stop),
        take_profit=mirror(target),
        opened_ms=0,
        mark=100.0,
    )


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short mirrored"])
@pytest.mark.parametrize(
    ("stop", "opened", "worst", "best", "expected"),
    [
        pytest.param(98.0, 100, 98.1, 103.9, None, id="neither is touched"),
        pytest.param(98.0, 100, 98.0, 101, 98.0, id="the stop is touched"),
        pytest.param(98.0, 100, 99, 104.0, 104.0, id="the target is touched"),
        pytest.param(98.0, 100, 97, 105, 98.0, id="both are touched, the stop counts"),
        pytest.param(98.0, 97, 96, 99, 97, id="it opens beyond the stop"),
        pytest.param(98.0, 105, 103, 106, 105, id="it opens beyond the target"),
        pytest.param(None, 100, 95.6, 101, None, id="no stop, above liquidation"),
    ],
)
def test_how_a_minute_ends_a_position(
    side: int, stop: float | None, opened: float, worst: float, best: float, expected: float | None
) -> None:
    if side < 0:
        opened, worst, best = 200 - opened, 200 - worst, 200 - best
        expected = None if expected is None else 200 - expected
    low, high = min(worst, best), max(worst, best)
    assert exit_of(some(side, stop), opened, high, low) == expected


@pytest.mark.parametrize(("side", "price"), [(1, 94.5), (-1, 104.5)], ids=["long", "short"])
def test_without_a_stop_liquidation_ends_it(side: int, price: float) -> None:
    ended_at = exit_of(some(side, None), 100, max(100, price) + 0.1, min(100, price) - 0.1)
    assert ended_at == pytest.approx(price)


def test_without_any_level_only_liquidation_ends_a_position() -> None:
    assert exit_of(some(1, None, None), 100, 150, 95) is None


class Week:
    """The trades closed in the last seven days."""

    def __init__(self, seed: int, regime: Regime, clock: SetClock) -> None:
        world = World.build(seed=seed, regime=regime, now_ms=clock)
        recent = [trade for trade in world.book.closed if trade.closed_ms > clock.ms - 7 * DAY_MS]
        self.trades = sorted(recent, key=lambda trade: trade.closed_ms)
        returns = [trade.pnl / trade.position.notional * 100 for trade in recent]
        self.mean_return = statistics.fmean(returns)
        self.win_rate = sum(trade.pnl > 0 for trade in recent) / len(recent) * 100
        days: dict[int, float] = defaultdict(float)
        for trade in recent:
            days[trade.closed_ms // DAY_MS] += trade.pnl
        self.active_days = len(days)
        self.worst_day = min(days.values())
        self.sharpe = statistics.fmean(days.values()) / statistics.stdev(days.values()) * math.sqrt(365)
        self.longest_losing_run = max(
            (len(list(run)) for lost, run in groupby(self.trades, key=lambda trade: trade.pnl <= 0) if lost), default=0
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_week_is_good(seed: int) -> None:
    week = Week(seed, "healthy", clock_at())
    assert len(week.trades) >= 30
    assert week.win_rate >= 72
    assert week.mean_return >= 2.7
    assert week.sharpe > 2.5
    assert week.active_days >= 5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_degrading_week_is_bad_and_no_disaster(seed: int) -> None:
    week = Week(seed, "degrading", clock_at())
    assert len(week.trades) >= 10
    assert week.win_rate < 50
    assert week.mean_return < 1.5
    assert week.sharpe < 1
    assert week.worst_day > -1_000
    assert week.longest_losing_run <= 10


@pytest.mark.parametrize("regime", ["healthy", "degrading"])
def test_the_regime_goes_on_for_days_after_the_start(regime: Regime) -> None:
    clock = clock_at()
    world = World.build(seed=1, regime=regime, now_ms=clock)
    clock.pass_time(days=3)
    world.advance()
    later = [trade.pnl for trade in world.book.closed if trade.closed_ms > START.timestamp() * 1000]
    assert len(later) >= 10
    assert (sum(later) > 0) is (regime == "healthy")
