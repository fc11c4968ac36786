"""A world trades by itself as its clock goes on, the same way for the same seed."""

from datetime import timedelta

import pytest

from sandbox.book import ClosedTrade
from sandbox.world import World
from tests.sandbox.worlds import START, clock_at


def trades(world: World) -> list[ClosedTrade]:
    return world.book.closed


def test_the_same_seed_and_moment_make_the_same_world() -> None:
    one, other = (World.build(seed=3, now_ms=clock_at()) for _ in range(2))
    assert trades(one) == trades(other)
    assert one.book.positions == other.book.positions


def test_another_seed_makes_another_world() -> None:
    assert trades(World.build(seed=3, now_ms=clock_at())) != trades(World.build(seed=4, now_ms=clock_at()))


def test_the_shape_of_the_days_does_not_depend_on_the_date() -> None:
    one = World.build(seed=3, now_ms=clock_at(START))
    later = World.build(seed=3, now_ms=clock_at(START + timedelta(days=100)))
    assert [t.exit_price for t in trades(one)] == [t.exit_price for t in trades(later)]


@pytest.mark.parametrize("steps", [1, 7, 60 * 26], ids=["at once", "in seven steps", "every minute"])
def test_how_often_it_is_asked_changes_nothing(steps: int) -> None:
    clock = clock_at()
    world = World.build(seed=5, now_ms=clock)
    for _ in range(steps):
        clock.pass_time(minutes=60 * 26 / steps)
        world.advance()
    whole = clock_at(START + timedelta(hours=26))
    at_once = World.build(seed=5, now_ms=clock_at())
    at_once.now_ms = whole
    clock.ms = whole.ms
    world.advance()
    at_once.advance()
    assert [(t.position.id, t.pnl) for t in trades(world)] == [(t.position.id, t.pnl) for t in trades(at_once)]
    assert world.book.positions == at_once.book.positions


def test_both_regimes_are_the_same_world_until_the_market_turns() -> None:
    good = World.build(seed=2, now_ms=clock_at())
    bad = World.build(seed=2, regime="degrading", now_ms=clock_at())
    turn = clock_at(START - timedelta(days=10)).ms

    def before(world: World) -> list[tuple[str, int]]:
        return [(t.position.symbol, t.closed_ms) for t in trades(world) if t.closed_ms < turn]

    assert before(good) == before(bad)
    assert len(before(good)) > 50


def test_a_reset_begins_again_with_nothing_but_the_balance() -> None:
    world = World.build(seed=2, now_ms=clock_at())
    world.reset_portfolio(1234.5)
    assert world.book.figures()["equity"] == 1234.5
    assert not trades(world)
    assert not world.book.positions


def test_a_world_without_a_clock_of_its_own_lives_now() -> None:
    world = World.build(seed=1)
    assert world.advance() >= world.started_ms
    assert "none" not in str(world.overview()["prices"])
