"""What the portfolio report says, and what it leaves unknown with the reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.portfolios import CLAIMS, DAY, HOUR, NOW, closed, position, reading, report
from tradeops.domain.bot import EngineStatus
from tradeops.domain.engine_claims import Claim
from tradeops.domain.figures import known, known_amount, unknown, unknown_amount
from tradeops.domain.health import Severity
from tradeops.domain.portfolio.beside import beside
from tradeops.domain.portfolio.breakdown import UNATTRIBUTED, Group
from tradeops.domain.portfolio.facts import Source, StoredReport
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Portfolio
from tradeops.domain.portfolio.remarks import attention, notes, severity_of
from tradeops.domain.portfolio.report import NO_EQUITY, NO_REPORT, PAST
from tradeops.domain.portfolio.trading import Trading
from tradeops.domain.readings import Reading, RejectedRecord
from tradeops.domain.trade_history import Memory

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
WON, LOST, EVEN = closed(30, hours_ago=30), closed(-10, hours_ago=20), closed(0, hours_ago=1)


def trading(*trades: ClosedTrade, **more: object) -> Trading:
    found = report(*trades, **more).trading
    assert found is not None
    return found


# figures


def test_the_account_is_as_the_engine_says() -> None:
    told = report(WON, LOST)
    assert told.balance == known_amount(Decimal(10_020))
    assert told.equity == known_amount(Decimal(10_040))
    assert told.unrealised == known_amount(Decimal(20))
    assert told.total_return_percent == known(0.4)
    assert told.return_is_ours
    assert told.is_running is True
    assert told.data_as_of == NOW
    assert severity_of(told) is Severity.HEALTHY


def test_trades_are_counted_by_their_profit_and_a_zero_is_neither() -> None:
    whole = trading(WON, LOST, EVEN).whole
    assert (whole.trades, whole.wins, whole.losses) == (3, 1, 1)
    assert whole.win_rate_percent.value == pytest.approx(100 / 3)
    assert whole.average_profit_percent.value == pytest.approx((3 - 1 + 0) / 3)
    assert whole.realized_pnl_usd == known_amount(Decimal(20))


def test_today_begins_at_midnight_utc() -> None:
    first = closed(5, hours_ago=8)  # at 00:00
    told = trading(closed(7, hours_ago=8.001), first, LOST)
    assert (told.today.trades, told.today.realized_pnl_usd.value) == (1, Decimal(5))
    assert told.day_start.usd == known_amount(Decimal(9_997))
    assert told.day_start.label == "reconstructed"


def test_day_start_equity_is_what_was_seen_where_somebody_looked() -> None:
    told = report(WON, observed={MIDNIGHT: Decimal("9999.5")})
    assert (told.day_start.usd.value, told.day_start.label) == (Decimal("9999.5"), "observed")


def test_the_streak_is_that_of_the_last_trades() -> None:
    assert trading(WON, LOST, closed(-1, hours_ago=2)).whole.streaks.current == -2


def test_drawdown_is_measured_from_the_accounts_beginning() -> None:
    told = trading(closed(1000, hours_ago=60), closed(-2200, hours_ago=50), closed(1100, hours_ago=40))
    assert told.drawdown.percent.value == pytest.approx(20.0)
    assert told.drawdown.now_percent.value == pytest.approx(10.0)
    assert told.curve is not None
    assert told.curve.equity_usd.tolist() == [10_000, 11_000, 8_800, 9_900]


def test_fees_are_estimated_from_both_sides_of_each_trade() -> None:
    assert trading(WON, LOST).fees == known_amount(Decimal("1.608"))  # 2 × (100 + 101) × 10 × 0.0004
    assert trading(WON, settings=None).fees == unknown_amount("the fee rate is not known")


def test_trades_are_broken_down_by_strategy_where_one_is_named() -> None:
    told = trading(replace(WON, strategy="RSI Strategy"), LOST, EVEN).breakdown
    assert told.attributed
    assert told.strategies == {
        "RSI Strategy": Group(1, 1, Decimal(30)),
        UNATTRIBUTED: Group(2, 0, Decimal(-10)),
    }


def test_without_any_strategy_all_trades_are_unattributed_and_shown_by_symbol() -> None:
    told = report(WON, replace(LOST, symbol="ETHUSDT"))
    assert told.trading is not None
    assert told.trading.breakdown.strategies == {UNATTRIBUTED: Group(2, 1, Decimal(20))}
    assert list(told.trading.breakdown.symbols) == ["BTCUSDT", "ETHUSDT"]
    assert any("unattributed" in note for note in notes(told))


@given(st.lists(st.tuples(st.integers(-5000, 5000), st.integers(1, 900)), max_size=30), st.randoms())
def test_sums_of_groups_and_counts_are_those_of_the_trades_in_any_order(
    several: list[tuple[int, int]], chance: object
) -> None:
    made = [
        closed(str(Decimal(cents) / 100), hours_ago=hours / 10, key=f"t{n}", symbol=f"S{n % 3}")
        for n, (cents, hours) in enumerate(several)
    ]
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = trading(*made), trading(*shuffled)
    assert one.whole.realized_pnl_usd == other.whole.realized_pnl_usd
    assert sum(group.trades for group in one.breakdown.symbols.values()) == one.whole.trades == len(made)
    total = sum((group.pnl_usd for group in one.breakdown.symbols.values()), Decimal(0))
    assert one.whole.realized_pnl_usd.value == total == sum((trade.pnl for trade in made), Decimal(0))
    assert one.drawdown == other.drawdown


# what is missing


def test_a_day_without_trades_is_reported_as_such() -> None:
    told = report()
    assert told.trading is not None
    assert told.trading.whole.win_rate_percent.value is None
    assert told.trading.whole.average_profit_percent.value is None
    assert told.trading.whole.realized_pnl_usd == known_amount(Decimal(0))
    assert told.trading.curve is None
    assert "no trades" in notes(told)
    assert severity_of(told) is Severity.HEALTHY
    assert "no trades today" in notes(report(WON))


def test_where_the_engine_says_no_equity_it_is_the_balance_and_the_marks() -> None:
    told = report(WON, account=reading(equity=None, balance=Decimal(10_030)))
    assert told.equity == known_amount(Decimal(10_050))
    assert told.unrealised == known_amount(Decimal(20))
    assert (told.total_return_percent, told.return_is_ours) == (known(0.5), True)
    assert any(note.startswith("equity is the balance and the marks") for note in notes(told))


@pytest.mark.parametrize("opened", [None, (position(unrealised_pnl=None),)], ids=["no positions", "no mark"])
def test_equity_that_neither_the_engine_nor_all_marks_say_is_unknown(opened: tuple[OpenTrade, ...] | None) -> None:
    account = reading(equity=None, balance=Decimal(10_030), total_return_percent=Decimal("0.3"))
    told = report(WON, account=account, open_trades=opened, missing={Source.OPEN_TRADES: "gone"})
    assert told.equity == unknown_amount(NO_EQUITY)
    assert told.unrealised.value is None
    assert (told.total_return_percent, told.return_is_ours) == (known(0.3), False)
    assert any("the engine's own figure" in note for note in notes(told))


@pytest.mark.parametrize(
    ("source", "field"),
    [
        (Source.OPEN_TRADES, "open_trades"),
        (Source.CLOSED_TRADES, "history"),
        (Source.STATUS, "status"),
        (Source.SETTINGS, "settings"),
        (Source.PRICES, "prices"),
    ],
)
def test_a_source_that_failed_is_named_and_degrades_the_report(source: Source, field: str) -> None:
    told = report(WON, missing={source: "HTTP 500"}, **{field: None})
    assert attention(told) == (f"the engine's {source} could not be read: HTTP 500",)
    assert severity_of(told) is Severity.DEGRADED
    assert told.balance.value == Decimal(10_030)


def test_without_closed_trades_what_comes_from_them_is_unknown_and_the_rest_is_told() -> None:
    told = report(WON, history=None, missing={Source.CLOSED_TRADES: "gone"}, observed={MIDNIGHT: Decimal(9)})
    assert told.trading is None
    assert told.trading_problem == "the engine's closed trades could not be read"
    assert told.equity.value == Decimal(10_050)
    assert told.day_start.observed
    assert report(WON, history=None).day_start.usd == unknown_amount(told.trading_problem)
    assert [row.name for row in beside(told)] == ["total return, %"]
    without_pnl = report(WON, history=None, account=reading(total_pnl=Decimal(5)))
    assert [(row.name, row.ours) for row in beside(without_pnl)][-1] == (
        "total P/L, USDT",
        unknown(told.trading_problem),
    )


def test_without_open_positions_known_their_sums_are_unknown() -> None:
    told = report(WON, open_trades=None, missing={Source.OPEN_TRADES: "gone"}, account=reading(equity=None))
    reason = unknown_amount("the engine's open trades could not be read")
    assert (told.notional, told.if_all_stopped, told.unrealised) == (reason, reason, reason)


def test_no_open_positions_are_a_sum_of_zero() -> None:
    told = report(WON, open_trades=())
    assert (told.notional.value, told.if_all_stopped.value) == (0, 0)


def test_positions_are_told_with_their_risk() -> None:
    told = report(WON, open_trades=(position(), position(id="o2", stop_loss=None)))
    assert told.notional == known_amount(Decimal(2000))
    assert told.if_all_stopped == unknown_amount("it has no stop loss")


# a past day


def test_a_past_day_contains_trades_up_to_its_end_and_no_live_figure() -> None:
    told = report(closed(7, hours_ago=50), WON, EVEN, closed(500, hours_ago=7.9), day=DAY - timedelta(days=1))
    assert told.facts.past
    assert told.trading is not None
    assert told.trading.whole.trades == 2
    assert told.balance == known_amount(Decimal(10_037))
    assert told.data_as_of == MIDNIGHT - timedelta.resolution
    assert told.trading.today.trades == 1
    assert (told.equity, told.unrealised) == (unknown_amount(PAST), unknown_amount(PAST))
    assert told.total_return_percent == unknown(PAST)
    assert told.positions is None
    assert told.is_running is None
    assert beside(told) == ()
    assert "reconstructed" in notes(told)[0]


def test_a_past_days_equity_is_known_where_it_was_seen_at_its_end() -> None:
    told = report(WON, day=DAY - timedelta(days=1), observed={MIDNIGHT: Decimal(10_500)})
    assert told.equity == known_amount(Decimal(10_500))
    assert told.total_return_percent == known(5.0)


def test_a_past_day_before_the_account_began_anew_has_no_balance() -> None:
    told = report(EVEN, forgotten=(WON,), day=DAY - timedelta(days=1))
    assert told.balance.value is None
    assert "began anew" in told.balance.reason
    assert told.trading is not None
    assert told.trading.whole.trades == 1


def test_a_past_day_without_closed_trades_known_has_no_balance() -> None:
    told = report(history=None, day=DAY - timedelta(days=1))
    assert told.balance == unknown_amount("the engine's closed trades could not be read")


# the day before

BEFORE = StoredReport(
    day=DAY - timedelta(days=1),
    run_id="r1",
    data_as_of=NOW - 24 * HOUR,
    stored_at=NOW - 24 * HOUR,
    balance=Decimal(10_030),
    equity=Decimal(10_100),
    realised=Decimal(30),
    total_return_percent=1.0,
    win_rate_percent=100.0,
    total_trades=1,
)


def test_without_a_report_of_the_day_before_nothing_is_compared() -> None:
    deltas = report(WON).deltas
    assert deltas.balance == unknown_amount(NO_REPORT)
    assert deltas.win_rate_points == unknown(NO_REPORT)


def test_figures_are_compared_with_the_report_of_the_day_before() -> None:
    deltas = report(WON, LOST, before=BEFORE).deltas
    assert deltas.balance == known_amount(Decimal(-10))
    assert deltas.equity == known_amount(Decimal(-60))
    assert deltas.realised == known_amount(Decimal(-10))
    assert deltas.total_return_points.value == pytest.approx(-0.6)
    assert deltas.win_rate_points == known(-50.0)
    assert deltas.total_trades == known(1.0)


def test_what_either_report_did_not_know_is_not_compared() -> None:
    deltas = report(WON, history=None, before=replace(BEFORE, equity=None)).deltas
    assert deltas.equity == unknown_amount("the report of the day before did not know it")
    assert deltas.win_rate_points == unknown("the engine's closed trades could not be read")


@pytest.mark.parametrize(
    ("balance", "told"), [(10_020, ""), (10_520, "+500.00 USDT"), (9_020, "-1,000.00 USDT")], ids=["none", "in", "out"]
)
def test_a_deposit_or_withdrawal_since_then_is_told(balance: int, told: str) -> None:
    account = reading(balance=Decimal(balance), equity=Decimal(balance))
    said = [note for note in notes(report(WON, LOST, before=BEFORE, account=account)) if "since the report" in note]
    assert bool(said) == bool(told)
    assert all(told in note for note in said)


@pytest.mark.parametrize(
    "more",
    [
        {"before": replace(BEFORE, balance=None)},
        {"before": replace(BEFORE, data_as_of=NOW + HOUR)},
        {"before": BEFORE, "forgotten": (closed(1, hours_ago=200),), "day": DAY - timedelta(days=1)},
    ],
    ids=["balance unknown", "newer", "ours unknown"],
)
def test_nothing_is_called_a_deposit_that_cannot_be_computed(more: dict[str, object]) -> None:
    assert trading(EVEN, **more).unexplained_since.value is None


# the engine's memory


def test_a_restarted_engine_keeps_our_history_and_says_so() -> None:
    told = report(forgotten=(WON, LOST))
    assert told.trading is not None
    assert told.trading.books.memory is Memory.RESET
    assert told.trading.whole.trades == 2
    assert told.trading.whole.total_return_percent.value is None
    assert told.balance == known_amount(Decimal(10_000))
    assert told.day_start.usd.value is None
    assert told.trading.drawdown.percent.value is None
    assert any("restarted or reset; 2 trades are known from our own archive alone" in note for note in notes(told))


def test_a_deposit_is_told_against_all_trades() -> None:
    told = report(WON, account=reading(balance=Decimal(10_530)))
    assert any("+500.00 USDT off what initial balance and trades add up to" in note for note in notes(told))


def test_an_account_without_money_to_begin_with_has_no_curve() -> None:
    assert trading(closed(10_040), account=reading(balance=Decimal(10_000))).curve is None


# attention


def test_a_stopped_engine_needs_attention() -> None:
    [told] = attention(report(WON, status=EngineStatus(is_running=False, last_updated=NOW)))
    assert "stopped" in told
    assert "stop-loss" in told


@pytest.mark.parametrize(
    ("worth", "told"),
    [
        pytest.param({"equity": Decimal("-600.5"), "balance": Decimal(-500)}, "-600.50", id="negative equity"),
        pytest.param({"equity": None, "balance": Decimal(0)}, "+0.00", id="no equity and an empty balance"),
        pytest.param({"equity": Decimal("0.01"), "balance": Decimal(0)}, "", id="a cent"),
    ],
)
def test_an_account_with_nothing_left_needs_attention(worth: dict[str, Decimal | None], told: str) -> None:
    made = report(WON, account=reading(**worth), open_trades=(position(unrealised_pnl=None),))
    found = [line for line in attention(made) if "nothing is left" in line]
    assert found == ([f"nothing is left of the account: {told} USDT"] if told else [])


@pytest.mark.parametrize(("minutes", "stale"), [(15, ""), (16, "16 min"), (200, "3.3 h")])
def test_stale_data_are_told_from_a_quarter_of_an_hour_on(minutes: int, stale: str) -> None:
    status = EngineStatus(is_running=True, last_updated=NOW - timedelta(minutes=minutes))
    told = attention(report(WON, status=status))
    assert bool(told) == bool(stale)
    assert all(stale in line for line in told)


@pytest.mark.parametrize(("seconds", "told"), [(30, ""), (31, "ahead of"), (-31, "behind")])
def test_a_skewed_clock_is_told_above_the_limit(seconds: int, told: str) -> None:
    skewed = replace(reading(balance=Decimal(10_030)), clock_skew=timedelta(seconds=seconds))
    lines = attention(report(WON, account=skewed))
    assert bool(lines) == bool(told)
    assert all(told in line for line in lines)


def test_damaged_records_are_counted_and_named_and_duplicates_are_no_damage() -> None:
    bad = tuple(RejectedRecord(f"x{n}", "pnl is null") for n in range(5))
    told = report(WON, rejected=(*bad, RejectedRecord("t30", "id is listed twice")))
    [line] = attention(told)
    assert line == "5 records are left out, missing from all figures: x0: pnl is null; x1: pnl is null; x2: pnl is null"
    assert "1 trade is listed more than once, and counted once" in notes(told)


def test_a_closed_trade_that_changed_is_told() -> None:
    told = report(replace(WON, pnl=Decimal(3000)), forgotten=(WON,), account=reading(balance=Decimal(10_030)))
    assert attention(told) == ("1 closed trade is no longer as first seen; what we saw first counts: t30",)
    assert told.trading is not None
    assert told.trading.whole.realized_pnl_usd.value == Decimal(30)


def test_a_trade_that_closed_a_moment_after_the_account_was_read_belongs_to_the_report() -> None:
    assert trading(closed(1, hours_ago=-0.01)).whole.trades == 1


def test_a_trade_from_the_future_is_left_out_and_told() -> None:
    told = report(WON, closed(1, hours_ago=-24))
    assert told.trading is not None
    assert told.trading.whole.trades == 1
    assert attention(told) == ("1 trade is left out, closed in the future by the engine's own clock",)


def test_trouble_with_our_own_store_is_told() -> None:
    assert attention(report(WON, trouble=("the archive burnt",))) == ("the archive burnt",)


# the engine's own figures

AGREEING = Portfolio(balance=Decimal(10_020), equity=Decimal(10_040), total_return_percent=Decimal("0.4"))


def told_by(account: Portfolio) -> Reading[Portfolio]:
    return Reading(account, timedelta(0), as_of=NOW)


def test_the_engines_figures_are_shown_where_they_differ() -> None:
    account = reading(
        balance=Decimal(10_020),
        equity=Decimal(10_040),
        total_return_percent=Decimal("0.4"),
        total_trades=3,
        claims=CLAIMS,
    )
    rows = {row.name: row for row in beside(report(WON, LOST, account=account))}
    assert list(rows) == ["win rate, %", "profit factor", "Sharpe ratio", "trades"]
    assert (rows["win rate, %"].ours.value, rows["win rate, %"].engine.shown()) == (50.0, "58.33")
    assert rows["trades"].engine.shown(rows["trades"].digits) == "3"
    assert all(row.why for row in rows.values())


def test_what_agrees_to_the_second_decimal_is_not_shown() -> None:
    assert Claim(Decimal("58.333333")).agrees_with(58.33)
    assert not Claim(Decimal("58.35")).agrees_with(58.33)
    agreeing = replace(CLAIMS, win_rate_percent=Claim(Decimal(50)), profit_factor=None, sharpe_ratio=None)
    account = reading(
        balance=Decimal(10_020), equity=Decimal(10_040), total_return_percent=Decimal("0.4"), claims=agreeing
    )
    assert beside(report(WON, LOST, account=account)) == ()


def test_the_engines_total_is_compared_with_ours_of_all_trades() -> None:
    account = reading(total_pnl=Decimal(20))
    [row] = [r for r in beside(report(account=account, forgotten=(WON,))) if r.name == "total P/L, USDT"]
    assert row.ours == known(50.0)
    flat = reading(total_pnl=Decimal(20), equity=None)
    [row] = [r for r in beside(report(account=flat, open_trades=None)) if r.name == "total P/L, USDT"]
    assert row.ours == unknown("the engine's open trades could not be read")
