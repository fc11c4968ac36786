"""Of the few trades that are remembered the same streaks are counted as of all that ever came."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.window.test_limits_used import LIMITS, NOW, closed, facts
from tradeops.domain.portfolio.portfolio import ClosedTrade
from tradeops.domain.window.limits_used import STILL_READING, losing_streaks
from tradeops.domain.window.streaks import Tails

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["BTCUSDT", "ETHUSDT"]), st.sampled_from(["rsi", "macd", None]), st.sampled_from([-2, -1, 0, 1])
    ),
    max_size=14,
)


def tails_of(trades: list[ClosedTrade]) -> Tails:
    tails = Tails()
    for trade in trades:
        if tails.may_matter(trade.symbol, trade.strategy, trade.closed_at):
            tails.add(trade)
    return tails


@given(ROWS, st.data())
def test_in_any_order_and_however_often(rows: list[tuple[str, str | None, int]], data: st.DataObject) -> None:
    trades = [  # two close at each moment
        replace(closed(n // 2 * 2, symbol, Decimal(pnl)), id=f"t{n:02}", strategy=strategy)
        for n, (symbol, strategy, pnl) in enumerate(rows)
    ]
    mixed = data.draw(st.permutations(trades)) + data.draw(st.lists(st.sampled_from(trades or [None]), max_size=3))
    released = data.draw(
        st.dictionaries(
            st.sampled_from(["portfolio", "symbol:ETHUSDT", "RSI Strategy"]),
            st.integers(0, 14).map(lambda n: NOW - timedelta(hours=10) + timedelta(minutes=n)),
        )
    )
    whole = replace(facts(tuple(trades)), released=released)
    kept = replace(whole, closed_trades=tails_of([one for one in mixed if one]).trades)
    assert losing_streaks(kept, LIMITS) == losing_streaks(whole, LIMITS)


def test_a_year_of_trades_is_a_handful() -> None:
    assert len(tails_of([closed(n, "BTCUSDT", Decimal(n % 3 - 1)) for n in range(10_000)]).trades) <= 2


def test_what_lost_all_that_was_read_so_far_may_have_lost_more() -> None:
    seen = facts(
        (closed(1, "BTCUSDT", Decimal(-1)), closed(2, "ETHUSDT", Decimal(1)), closed(3, "ETHUSDT", Decimal(-1)))
    )
    found = losing_streaks(seen, LIMITS, is_whole=False)
    assert found["symbol:BTCUSDT"].percent.reason == STILL_READING
    assert found["symbol:ETHUSDT"].says == found["portfolio"].says.replace("is 3", "is 2")
    assert found["portfolio"].says == "1 lost in a row, the limit is 3"
