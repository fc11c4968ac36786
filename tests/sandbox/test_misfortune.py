"""Losses on order: exactly so much, in the account, in the trades and in what the engine answers."""

import pytest

from sandbox.faults import BadInputError
from sandbox.misfortune import Loss, parse, suffer
from sandbox.world import World
from tests.sandbox.worlds import EngineCaller, SetClock, clock_at

CENT = 0.005


@pytest.fixture
def clock() -> SetClock:
    return clock_at()


@pytest.fixture
def world(clock: SetClock) -> World:
    return World.build(seed=3, now_ms=clock)


@pytest.mark.parametrize("opened", [False, True], ids=["realised", "unrealised"])
async def test_equity_falls_by_exactly_so_much(opened: bool, world: World) -> None:
    world.book.positions.pop("ETHUSDT", None)
    before, balance = world.book.equity, world.book.balance
    suffer(world, Loss("ETHUSDT", 500.0, opened=opened))
    assert world.book.equity == pytest.approx(before - 500, abs=CENT)
    assert world.book.balance == pytest.approx(balance if opened else balance - 500, abs=CENT)
    account = await EngineCaller(world).data("/api/paper-trading/portfolio")
    assert account["equity"] == pytest.approx(before - 500, abs=CENT)


async def test_it_is_parted_into_losing_trades_one_after_the_other(world: World) -> None:
    known = {t.position.id for t in world.book.closed}
    held = dict(world.book.positions)
    suffer(world, Loss("ETHUSDT", 600.0, trades=12))
    new = [t for t in world.book.closed if t.position.id not in known]
    assert [t.pnl for t in new] == pytest.approx([-50.0] * 12, abs=CENT)
    assert len({t.position.id for t in new}) == len({t.closed_ms for t in new}) == 12
    assert max(t.closed_ms for t in new) == world.now_ms()
    assert world.book.positions == held
    listed = await EngineCaller(world).data("/api/paper-trading/trades/closed")
    assert {t.position.id for t in new} < {one["id"] for one in listed}


async def test_an_open_loss_stays_open_and_goes_with_the_market(world: World, clock: SetClock) -> None:
    suffer(world, Loss("ETHUSDT", 600.0, opened=True))
    lost = world.book.positions["ETHUSDT"]
    clock.pass_time(seconds=30)
    world.advance()
    assert world.book.positions["ETHUSDT"] is lost
    assert lost.unrealised(lost.mark) == pytest.approx(-600, rel=0.1)


@pytest.mark.parametrize(
    ("loss", "field"), [(Loss("DOGEUSDT", 1.0), "symbol"), (Loss("ETHUSDT", 1e9), "usdt")], ids=["symbol", "usdt"]
)
def test_what_cannot_be_lost_is_refused_and_changes_nothing(loss: Loss, field: str, world: World) -> None:
    before = world.book.figures()
    with pytest.raises(BadInputError) as refused:
        suffer(world, loss)
    assert refused.value.field == field
    assert world.book.figures() == before


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ([], ""),
        ({"symbol": "ETHUSDT", "usdt": 1, "when": "now"}, "when"),
        ({"usdt": 1}, "symbol"),
        ({"symbol": "ETHUSDT"}, "usdt"),
        ({"symbol": "ETHUSDT", "usdt": -1}, "usdt"),
        ({"symbol": "ETHUSDT", "usdt": True}, "usdt"),
        ({"symbol": "ETHUSDT", "usdt": float("inf")}, "usdt"),
        ({"symbol": "ETHUSDT", "usdt": 1, "trades": 0}, "trades"),
        ({"symbol": "ETHUSDT", "usdt": 1, "trades": 1.5}, "trades"),
        ({"symbol": "ETHUSDT", "usdt": 1, "opened": "yes"}, "opened"),
    ],
    ids=str,
)
def test_nonsense_is_refused_by_the_name_of_the_field(raw: object, field: str) -> None:
    with pytest.raises(BadInputError) as refused:
        parse(raw)
    assert refused.value.field == field


def test_what_is_left_out_is_one_realised_trade() -> None:
    assert parse({"symbol": "ETHUSDT", "usdt": 5}) == Loss("ETHUSDT", 5.0)
