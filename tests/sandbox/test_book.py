"""The account's figures, computed here once more from its trades."""

import pytest

from sandbox.book import Book, ClosedTrade, Position


def position(symbol: str = "BTCUSDT", *, side: int = 1, price: float = 100.0, quantity: float = 10.0) -> Position:
    return Position(
        id=symbol,
        symbol=symbol,
        side=side,
        entry_price=price,
        quantity=quantity,
        leverage=10,
        stop_loss=None,
        take_profit=None,
        opened_ms=0,
        mark=price,
    )


def closed(book: Book, exit_price: float, *, side: int = 1) -> ClosedTrade:
    book.positions["BTCUSDT"] = position(side=side)
    return book.close("BTCUSDT", exit_price, 1)


@pytest.mark.parametrize(
    ("side", "exit_price", "expected"),
    [
        pytest.param(1, 104.0, 40 - 0.4 - 0.416, id="a long one that rose"),
        pytest.param(1, 98.0, -20 - 0.4 - 0.392, id="a long one that fell"),
        pytest.param(-1, 98.0, 20 - 0.4 - 0.392, id="a short one that fell"),
        pytest.param(-1, 100.0, -0.4 - 0.4, id="one that went nowhere"),
    ],
)
def test_profit_is_what_is_left_after_the_fee_of_both_sides(side: int, exit_price: float, expected: float) -> None:
    book = Book()
    trade = closed(book, exit_price, side=side)
    assert trade.pnl == pytest.approx(expected)
    assert book.balance == pytest.approx(10_000 + expected)
    assert not book.positions


def test_funding_paid_lowers_the_profit() -> None:
    book = Book()
    book.positions["BTCUSDT"] = held = position()
    held.funding = 0.3
    assert book.close("BTCUSDT", 100.0, 1).pnl == pytest.approx(-0.8 - 0.3)


def test_the_percentage_of_a_trade_is_its_last_mark_and_may_contradict_the_profit() -> None:
    book = Book()
    book.positions["BTCUSDT"] = held = position()
    held.mark = 101.0
    trade = book.close("BTCUSDT", 98.0, 1)
    assert trade.stale_percent == pytest.approx(1.0)
    assert trade.pnl < 0


@pytest.mark.parametrize(("side", "price"), [(1, 94.5), (-1, 104.5)], ids=["long", "short"])
def test_liquidation_is_where_the_sheet_says(side: int, price: float) -> None:
    assert position(side=side).liquidation_price == pytest.approx(price)


@pytest.mark.parametrize(
    ("size", "stop", "expected"),
    [
        pytest.param(0.02, 2.0, 1_000.0, id="by size, stop and leverage"),
        pytest.param(0.1, None, 1_000.0, id="without a stop as if it were at ten percent"),
        pytest.param(5.0, 2.0, 2_000.0, id="at most a fifth of equity"),
    ],
)
def test_the_size_of_a_position(size: float, stop: float | None, expected: float) -> None:
    assert Book().notional_for(size_percent=size, stop_percent=stop, leverage=10) == pytest.approx(expected)


def test_the_size_leaves_five_percent_of_the_free_margin() -> None:
    book = Book()
    book.positions["BTCUSDT"] = position(quantity=990.0)
    free = book.equity - 9_900
    assert book.notional_for(size_percent=5, stop_percent=2, leverage=10) == pytest.approx(0.95 * free)


def test_the_figures_are_those_of_the_engine_odd_ones_included() -> None:
    book = Book()
    closed(book, 104.0)
    closed(book, 98.0)
    closed(book, 98.0)
    book.positions["ETHUSDT"] = open_one = position("ETHUSDT")
    open_one.mark = 101.0
    figures = book.figures()
    win, loss = 40 - 0.816, 20 + 0.792
    equity = 10_000 + win - 2 * loss + 10 - 0.4
    assert figures["total_trades"] == 4
    assert figures["win_rate"] == pytest.approx(25.0)
    assert figures["profit_factor"] == pytest.approx(win / loss)
    assert figures["average_loss"] == figures["largest_loss"] == pytest.approx(loss)
    assert figures["equity"] == pytest.approx(equity)
    assert figures["total_pnl"] == pytest.approx(equity - 10_000)
    assert figures["total_pnl_percentage"] == pytest.approx((equity - 10_000) / 100)
    assert figures["margin_used"] == pytest.approx(100.0)
    assert figures["free_margin"] == pytest.approx(equity - 100)
    assert figures["max_drawdown"] == pytest.approx(2 * loss)
    assert figures["max_drawdown_percentage"] == pytest.approx(2 * loss / (10_000 + win) * 100)


def test_a_book_without_trades_shows_zeros() -> None:
    figures = Book(500.0).figures()
    balances = {"current_balance": 500.0, "equity": 500.0, "free_margin": 500.0}
    assert figures == dict.fromkeys(figures, 0) | balances


def test_the_sharpe_ratio_is_per_trade_on_margin() -> None:
    book = Book()
    returns = [closed(book, price).pnl / 100 for price in (104.0, 98.0, 103.0)]
    mean = sum(returns) / 3
    spread = (sum((r - mean) ** 2 for r in returns) / 2) ** 0.5
    assert book.figures()["sharpe_ratio"] == pytest.approx(mean / spread)
