"""Trades of the engine and of the archive, united; and whether the engine's balance is what they add up to."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.domain.portfolios import HOUR, NOW, closed
from tradeops.domain.trade_history import Memory, bookkeeping, united

OLD, NEW = closed(100, hours_ago=48), closed(-30, hours_ago=2)
INITIAL = Decimal(10_000)


def archived(*trades: object) -> dict[str, object]:
    return {trade.id: trade for trade in trades}


def test_the_union_has_each_trade_once_by_closing_time() -> None:
    history = united((NEW, OLD), archived(OLD))
    assert history.trades == (OLD, NEW)
    assert history.forgotten == ()
    assert history.changed == ()


def test_a_trade_that_the_engine_lists_twice_counts_once() -> None:
    assert united((NEW, NEW), {}).trades == (NEW,)


@pytest.mark.parametrize(
    "change",
    [{"pnl": Decimal(-3)}, {"exit_price": Decimal(1)}, {"closed_at": NOW}, {"quantity": Decimal(11)}],
    ids=lambda change: next(iter(change)),
)
def test_a_trade_that_changed_counts_as_first_seen_and_is_named(change: dict[str, object]) -> None:
    history = united((replace(NEW, **change), OLD), archived(NEW))
    assert history.changed == (NEW.id,)
    assert history.trades == (OLD, NEW)


def test_a_figure_that_is_written_otherwise_is_the_same() -> None:
    assert united((replace(NEW, pnl=Decimal("-30.00")),), archived(NEW)).changed == ()


def test_until_a_moment_only_what_closed_before_it_counts() -> None:
    history = united((OLD, NEW), {})
    assert history.until(NEW.closed_at).trades == (OLD,)
    assert history.until(NEW.closed_at + HOUR).trades == (OLD, NEW)


def test_an_engine_that_lists_all_has_an_intact_memory() -> None:
    books = bookkeeping(united((OLD, NEW), archived(OLD)), balance=Decimal(10_070), initial_balance=INITIAL, now=NOW)
    assert (books.memory, books.unexplained, books.account_since) == (Memory.INTACT, 0, None)
    assert books.account == (OLD, NEW)


def test_an_empty_list_and_the_initial_balance_is_a_reset() -> None:
    books = bookkeeping(united((), archived(OLD, NEW)), balance=INITIAL, initial_balance=INITIAL, now=NOW)
    assert (books.memory, books.account, books.account_since, books.unexplained) == (Memory.RESET, (), NOW, 0)


def test_after_a_reset_the_account_begins_at_the_latest_with_its_first_trade() -> None:
    books = bookkeeping(united((NEW,), archived(OLD)), balance=Decimal(9_970), initial_balance=INITIAL, now=NOW)
    assert (books.memory, books.account, books.account_since) == (Memory.RESET, (NEW,), NEW.opened_at)


def test_an_engine_that_only_shortens_its_list_keeps_its_account() -> None:
    books = bookkeeping(united((NEW,), archived(OLD)), balance=Decimal(10_070), initial_balance=INITIAL, now=NOW)
    assert (books.memory, books.account, books.account_since) == (Memory.TRIMMED, (OLD, NEW), None)


def test_a_balance_that_fits_neither_says_that_history_is_lost() -> None:
    books = bookkeeping(united((NEW,), archived(OLD)), balance=Decimal(12_345), initial_balance=INITIAL, now=NOW)
    assert (books.memory, books.unexplained) == (Memory.LOST, Decimal(2_375))


def test_without_the_initial_balance_nothing_is_called_explained() -> None:
    books = bookkeeping(united((NEW,), archived(OLD)), balance=Decimal(9_970), initial_balance=None, now=NOW)
    assert (books.memory, books.unexplained) == (Memory.LOST, None)


@pytest.mark.parametrize(
    ("balance", "unexplained"), [("10100.009", "0"), ("10100.01", "0.01"), ("10600", "500"), ("9900", "-200")]
)
def test_what_trades_do_not_explain_is_told_from_a_cent_on(balance: str, unexplained: str) -> None:
    books = bookkeeping(united((OLD,), {}), balance=Decimal(balance), initial_balance=INITIAL, now=NOW)
    assert books.unexplained == Decimal(unexplained)
