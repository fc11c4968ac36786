"""What the account was worth, one sentence a test."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.performance.samples import DAY, HOUR, START, row, trade, unhurried
from tradeops.domain.figures import known_amount, unknown_amount
from tradeops.domain.performance import TradeColumns, equity_at

BALANCE = known_amount(Decimal("10391.20"))
COLUMNS = TradeColumns.of(row(["10.10", "-20.20", "30.30"], every=DAY))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param(START, "10371.00", id="before all"),
        pytest.param(START + DAY, "10371.00", id="as the first is closed"),
        pytest.param(START + DAY + HOUR, "10381.10", id="after the first"),
        pytest.param(START + 9 * DAY, "10391.20", id="after all"),
    ],
)
def test_equity_is_rebuilt_from_the_balance_and_what_was_realised_since(moment: datetime, expected: str) -> None:
    equity = equity_at(moment, COLUMNS, balance=BALANCE)
    assert str(equity.usd.value) == expected
    assert equity.label == "reconstructed"


def test_what_the_store_observed_comes_first() -> None:
    equity = equity_at(START, COLUMNS, balance=BALANCE, observed={START: Decimal("10400.00")})
    assert (equity.usd.value, equity.label) == (Decimal("10400.00"), "observed")


def test_an_observation_of_another_moment_is_none_of_this_one() -> None:
    assert equity_at(START, COLUMNS, balance=BALANCE, observed={START + HOUR: Decimal(1)}).label == "reconstructed"


def test_before_the_account_began_anew_nothing_is_known() -> None:
    equity = equity_at(START, COLUMNS, balance=BALANCE, account_since=START + HOUR)
    assert equity.usd.value is None
    assert equity.label == "n/a: the account began anew at 2026-11-01 01:00 UTC"
    assert equity_at(START + HOUR, COLUMNS, balance=BALANCE, account_since=START + HOUR).label == "reconstructed"


def test_without_a_balance_equity_is_unknown_and_says_why() -> None:
    equity = equity_at(START, COLUMNS, balance=unknown_amount("the engine is down"))
    assert equity.label == "n/a: the balance is not known: the engine is down"


@unhurried
@given(st.lists(st.decimals(-500, 500, places=2), max_size=30), st.integers(0, 30))
def test_yesterdays_equity_and_what_came_since_make_todays_balance(pnls: list[Decimal], place: int) -> None:
    moment = START + place * HOUR
    since = sum((pnl for n, pnl in enumerate(pnls, 1) if n >= place), Decimal(0))
    equity = equity_at(moment, TradeColumns.of(row(pnls)), balance=BALANCE)
    assert equity.usd.value is not None
    assert equity.usd.value + since == BALANCE.value


def test_a_trade_between_two_readings_is_not_lost() -> None:
    columns = TradeColumns.of([trade("1.00", closed=START)])
    assert equity_at(START, columns, balance=BALANCE).usd.value == Decimal("10390.20")
