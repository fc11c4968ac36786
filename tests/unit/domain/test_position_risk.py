"""What an open position puts at stake."""

from decimal import Decimal

import pytest

from tests.unit.domain.portfolios import position
from tradeops.domain.figures import known_amount, unknown_amount
from tradeops.domain.portfolio.portfolio import OpenTrade, Side
from tradeops.domain.position_risk import PositionRisk, risks_of, total

FEE = Decimal("0.0004")


def risk(trade: OpenTrade, **more: object) -> PositionRisk:
    usual = {"prices": {"BTCUSDT": Decimal(102)}, "price_problem": "", "fee_fraction": FEE} | more
    [one] = risks_of((trade,), **usual)
    return one


@pytest.mark.parametrize(
    ("side", "stop", "distance", "result"),
    [
        pytest.param(Side.LONG, 98, 4 / 102 * 100, "-20.792", id="long"),
        pytest.param(Side.LONG, 101, 1 / 102 * 100, "9.196", id="long, stop in profit"),
        pytest.param(Side.LONG, 103, -1 / 102 * 100, "29.188", id="long, price beyond the stop"),
        pytest.param(Side.SHORT, 104, 2 / 102 * 100, "-40.816", id="short"),
    ],
)
def test_distance_and_result_at_the_stop(side: Side, stop: int, distance: float, result: str) -> None:
    one = risk(position(side=side, stop_loss=Decimal(stop)))
    assert one.stop_distance_percent.value == pytest.approx(distance)
    assert one.pnl_if_stopped_usd.value == Decimal(result)


@pytest.mark.parametrize(
    ("one", "distance", "result"),
    [
        (risk(position(stop_loss=None)), "it has no stop loss", "it has no stop loss"),
        (risk(position(), fee_fraction=None), "", "the fee rate is not known"),
        (risk(position(), prices=None, price_problem="no prices"), "no prices", ""),
        (risk(position(symbol="X")), "the engine has no price of X", ""),
    ],
    ids=["no stop", "no fee rate", "no prices", "no price of it"],
)
def test_what_is_not_known_is_not_zero(one: PositionRisk, distance: str, result: str) -> None:
    assert (one.stop_distance_percent.reason, one.pnl_if_stopped_usd.reason) == (distance, result)


def test_a_position_without_a_mark_has_no_unrealised_profit_yet() -> None:
    assert risk(position(unrealised_pnl=None)).unrealised_usd == unknown_amount("the engine has no mark yet")


def test_a_sum_with_an_unknown_part_is_unknown() -> None:
    assert total((known_amount(Decimal(1)), known_amount(Decimal("2.5")))) == known_amount(Decimal("3.5"))
    assert total((known_amount(Decimal(1)), unknown_amount("lost"))) == unknown_amount("lost")
    assert total(()) == known_amount(Decimal(0))
