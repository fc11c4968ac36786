"""What a trade brought."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Side

OPENED = datetime(2026, 11, 1, tzinfo=UTC)
AMOUNTS = st.decimals(min_value="0.0001", max_value=100_000, places=4)


def closed(pnl: Decimal, *, entry: Decimal = Decimal(2000), quantity: Decimal = Decimal("0.5")) -> ClosedTrade:
    return ClosedTrade(
        id="1",
        symbol="ETHUSDT",
        side=Side.SHORT,
        entry_price=entry,
        exit_price=entry,
        quantity=quantity,
        leverage=10,
        pnl=pnl,
        opened_at=OPENED,
        closed_at=OPENED + timedelta(hours=1),
    )


@pytest.mark.parametrize(("pnl", "expected"), [("20", "2"), ("-20", "-2"), ("0", "0")])
def test_the_return_is_profit_on_notional_whatever_the_leverage(pnl: str, expected: str) -> None:
    assert closed(Decimal(pnl)).return_percent == Decimal(expected)


@given(st.decimals(min_value=-1000, max_value=1000, places=2), AMOUNTS, AMOUNTS)
def test_the_return_has_the_sign_of_the_profit(pnl: Decimal, entry: Decimal, quantity: Decimal) -> None:
    trade = closed(pnl, entry=entry, quantity=quantity)
    assert (trade.return_percent > 0, trade.return_percent < 0) == (pnl > 0, pnl < 0)


def test_the_notional_of_an_open_trade_is_what_was_bought_at_entry() -> None:
    trade = OpenTrade("1", "ETHUSDT", Side.LONG, Decimal(2000), Decimal("0.5"), leverage=10, opened_at=OPENED)
    assert trade.notional == Decimal(1000)
    assert trade.unrealised_pnl is None
