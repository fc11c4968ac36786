"""Which trades enter the columns, and in which order; one sentence a test."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.performance.samples import HOUR, START, WEEK, row, trade, unhurried
from tradeops.domain.performance import TradeColumns
from tradeops.domain.portfolio.portfolio import ClosedTrade
from tradeops.domain.readings import RejectedRecord

GOOD = trade("5")


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        pytest.param(replace(GOOD, pnl=Decimal("NaN")), "pnl is NaN or infinite", id="NaN profit"),
        pytest.param(replace(GOOD, pnl=Decimal("sNaN")), "pnl is NaN or infinite", id="signalling NaN"),
        pytest.param(replace(GOOD, pnl=Decimal("-Infinity")), "pnl is NaN or infinite", id="infinite loss"),
        pytest.param(replace(GOOD, entry_price=Decimal("NaN")), "entry_price is NaN or infinite", id="NaN price"),
        pytest.param(replace(GOOD, quantity=Decimal("inf")), "quantity is NaN or infinite", id="infinite quantity"),
        pytest.param(replace(GOOD, quantity=Decimal(0)), "entry price and quantity are not above zero", id="nothing"),
        pytest.param(
            replace(GOOD, quantity=Decimal(-1), entry_price=Decimal(-1)),
            "entry price and quantity are not above zero",
            id="both negative",
        ),
        pytest.param(
            replace(GOOD, opened_at=GOOD.closed_at + timedelta.resolution), "closed before it was opened", id="reversed"
        ),
        pytest.param(
            replace(GOOD, pnl=Decimal("1e300"), quantity=Decimal("1e-300")),
            "profit and notional are out of proportion",
            id="too large a return",
        ),
    ],
)
def test_a_trade_that_cannot_be_true_is_left_out_with_the_reason(bad: ClosedTrade, problem: str) -> None:
    columns = TradeColumns.of([replace(bad, id="bad"), GOOD])
    assert columns.rejected == (RejectedRecord("bad", problem),)
    assert list(columns.ids) == ["1"]


def test_no_trades_are_columns_too() -> None:
    assert len(TradeColumns.of([])) == 0
    assert len(TradeColumns.of([]).within(WEEK)) == 0


def test_a_trade_opened_and_closed_in_the_same_moment_is_one() -> None:
    assert len(TradeColumns.of([trade("1", held=timedelta(0))])) == 1


def test_duplicates_are_counted_once_and_said() -> None:
    columns = TradeColumns.of([GOOD, GOOD, replace(GOOD, id="2")])
    assert (list(columns.ids), columns.duplicates) == (["1", "2"], 1)


def test_of_two_versions_of_one_trade_the_one_closed_last_stays() -> None:
    later = replace(GOOD, closed_at=GOOD.closed_at + HOUR, pnl=Decimal(7))
    for trades in ([GOOD, later], [later, GOOD]):
        assert list(TradeColumns.of(trades).pnl) == [Decimal(7)]


def test_a_rejected_duplicate_does_not_push_out_the_good_one() -> None:
    columns = TradeColumns.of([GOOD, replace(GOOD, pnl=Decimal("NaN"), closed_at=GOOD.closed_at + HOUR)])
    assert (list(columns.pnl), columns.duplicates, len(columns.rejected)) == ([Decimal(5)], 0, 1)


@pytest.mark.parametrize("seed", range(5))
def test_any_order_becomes_the_order_of_closing(seed: int) -> None:
    trades = row(str(n) for n in range(50))
    twins = [replace(trade, id=f"twin {trade.id}", pnl=-trade.pnl) for trade in trades]
    shuffled = random.Random(seed).sample(trades + twins, k=100)  # noqa: S311
    columns = TradeColumns.of(shuffled)
    assert (np.diff(columns.closed_at) >= np.timedelta64(0)).all()
    assert list(columns.ids) == list(TradeColumns.of(trades + twins).ids)


def test_the_profit_counts_and_not_the_price_where_they_disagree() -> None:
    contradicting = replace(GOOD, exit_price=Decimal(2000), pnl=Decimal(-5))
    assert TradeColumns.of([contradicting]).return_percent[0] == -0.5


def test_times_are_exact_to_the_microsecond() -> None:
    odd = START + timedelta(microseconds=1)
    assert TradeColumns.of([trade("1", closed=odd)]).closed_at[0] == np.datetime64("2026-11-01T00:00:00.000001")


def test_a_window_copies_nothing() -> None:
    columns = TradeColumns.of(row(["1", "2", "3"]))
    inside = columns.within(WEEK)
    assert all(np.shares_memory(getattr(columns, name), getattr(inside, name)) for name in ("pnl", "pnl_usd", "ids"))


def test_columns_are_read_only() -> None:
    columns = TradeColumns.of(row(["1", "2"]))
    for part in (columns, columns.within(WEEK), columns.where(columns.pnl_usd > 1)):
        with pytest.raises(ValueError, match="read-only"):
            part.pnl_usd[0] = 0


def test_a_selection_keeps_the_order() -> None:
    columns = TradeColumns.of([replace(trade, symbol="AB"[n % 2]) for n, trade in enumerate(row("12345"))])
    assert list(columns.where(columns.symbols == "A").pnl) == [1, 3, 5]


@unhurried
@given(st.lists(st.decimals(-(10**9), 10**9, places=8), max_size=40))
def test_sums_of_money_are_exact_whatever_the_callers_precision(pnls: list[Decimal]) -> None:
    columns = TradeColumns.of(row(pnls))
    with localcontext() as context:
        context.prec = 3
        total = columns.total()
    with localcontext() as context:
        context.prec = 60
        assert total == sum(pnls, Decimal(0))
