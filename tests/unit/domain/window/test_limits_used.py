"""The share of a limit that is used is above 100 % exactly when the guard brakes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.day_start import DayStart
from tradeops.domain.loss_limits import Limit, Limits, Own, judge
from tradeops.domain.losses import Facts, Today
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Side
from tradeops.domain.window.limits_used import daily_losses, day_of, losing_streaks

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIMITS = Limits(daily_loss_percent=Decimal(10), consecutive_losses=3, own={"symbol:ETHUSDT": Own(Decimal(5), 2)})


def closed(number: int, symbol: str, pnl: Decimal) -> ClosedTrade:
    at = NOW - timedelta(hours=10) + timedelta(minutes=number)
    one = Decimal(1)
    opened = at - timedelta(minutes=5)
    return ClosedTrade(f"t{number}", symbol, Side.LONG, one, one, one, 1, pnl, opened, at, strategy="rsi")


def facts(trades: tuple[ClosedTrade, ...], opened: tuple[OpenTrade, ...] = ()) -> Facts:
    start = DayStart(NOW.date(), Decimal(1000), observed=True, unrealised={})
    return Facts(NOW, NOW, start, Decimal(900), opened, trades)


TRADES = st.lists(st.tuples(st.sampled_from(["BTCUSDT", "ETHUSDT"]), st.decimals(-60, 60, places=2)), max_size=12).map(
    lambda rows: tuple(closed(number, symbol, pnl) for number, (symbol, pnl) in enumerate(rows))
)


@given(TRADES)
def test_used_up_is_what_the_guard_brakes_for(trades: tuple[ClosedTrade, ...]) -> None:
    seen = facts(trades)
    breached = {(breach.target, breach.limit) for breach in judge(seen, LIMITS).breaches}
    daily, streaks = daily_losses(seen, LIMITS), losing_streaks(seen, LIMITS)
    over = {(target, Limit.DAILY_LOSS) for target, used in daily.items() if (used.percent.value or 0) > 100}
    over |= {(target, Limit.LOSSES_IN_A_ROW) for target, used in streaks.items() if (used.percent.value or 0) > 100}
    assert over == breached


def test_the_words_name_the_loss_and_the_targets_own_limit() -> None:
    seen = facts((closed(1, "ETHUSDT", Decimal(-20)),))
    assert daily_losses(seen, LIMITS)["symbol:ETHUSDT"].says == "lost 2.00 % of the account today, the limit is 5 %"
    assert daily_losses(seen, LIMITS)["portfolio"].percent.value == 20.0
    assert losing_streaks(seen, LIMITS)["symbol:ETHUSDT"].says == "1 lost in a row, the limit is 2"


def test_a_loss_of_an_account_that_was_worth_nothing_is_no_loss_of_zero() -> None:
    seen = facts((closed(1, "BTCUSDT", Decimal(-20)),))
    seen = replace(seen, day_start=replace(seen.day_start, equity=Decimal(0)))
    found = daily_losses(seen, LIMITS)["portfolio"]
    assert found.percent.value is None
    assert found.says == "lost $20.00 today, of an account that was worth nothing when the day began"


def test_a_mark_that_is_missing_is_no_loss_of_zero() -> None:
    unmarked = OpenTrade("o", "BTCUSDT", Side.LONG, Decimal(1), Decimal(1), 1, NOW - timedelta(hours=1))
    found = daily_losses(facts((), (unmarked,)), LIMITS)
    assert found["portfolio"].percent.value is None
    assert "no mark" in found["portfolio"].says


def test_positions_that_name_no_strategy_leave_the_loss_of_strategies_unknown_and_no_other() -> None:
    position = OpenTrade("o", "BTCUSDT", Side.LONG, Decimal(1), Decimal(1), 1, NOW, Decimal(-20))
    seen = replace(facts((), (position,)), strategies=("rsi",))
    found = daily_losses(seen, LIMITS)
    assert found["RSI Strategy"].says == "n/a: no strategy is named of what is traded in BTCUSDT"
    assert found["RSI Strategy"].percent.value is None
    assert found["portfolio"].percent.value == 20.0
    lost = replace(facts((closed(1, "BTCUSDT", Decimal(-101)),), (position,)))
    assert (daily_losses(lost, LIMITS)["RSI Strategy"].percent.value or 0) > 100  # for certain: the guard brakes


def test_streaks_are_known_while_the_engine_is_silent_and_todays_loss_is_not() -> None:
    seen = replace(facts((closed(1, "BTCUSDT", Decimal(-1)),)), as_of=None, equity=None)
    assert losing_streaks(seen, LIMITS)["portfolio"].percent.value is not None
    assert daily_losses(seen, LIMITS)["portfolio"].percent.value is None


def test_a_release_begins_the_brakes_count_anew_and_not_the_days_profit() -> None:
    seen = facts((closed(1, "BTCUSDT", Decimal(-20)), closed(300, "BTCUSDT", Decimal(-5))))
    seen = replace(seen, released={"portfolio": NOW - timedelta(hours=8)})
    used = daily_losses(seen, LIMITS)
    assert used["portfolio"].says == "lost 0.50 % of the account since its release at 04:00, the limit is 10 %"
    assert used["symbol:BTCUSDT"].says == "lost 2.50 % of the account today, the limit is 10 %"
    brought = day_of(seen, LIMITS)
    assert isinstance(brought, Today)
    assert brought.usd == 25
    assert "s old" in str(day_of(replace(seen, as_of=NOW - timedelta(hours=1)), LIMITS))
