"""Boundaries and strangers for `tradeops.domain.loss_limits`."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tradeops.domain.day_start import DayStart
from tradeops.domain.loss_limits import Limit, Limits, Own, Verdict, judge
from tradeops.domain.losses import Facts, Today, losing_streak, losses
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Side

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
BASE = Decimal(10_000)


def closed(
    pnl: str,
    *,
    symbol: str = "ETHUSDT",
    at: datetime = NOW,
    opened: datetime | None = None,
    strategy: str | None = None,
) -> ClosedTrade:
    number = random.getrandbits(64)
    return ClosedTrade(
        f"{number:x}", symbol, Side.LONG, Decimal(100), Decimal(90), Decimal(1), 10, Decimal(pnl),
        opened or at - timedelta(minutes=5), at, strategy=strategy,
    )  # fmt: skip


def held(pnl: str | None, *, symbol: str = "ETHUSDT", opened: datetime = NOW, strategy: str | None = None) -> OpenTrade:
    mark = None if pnl is None else Decimal(pnl)
    return OpenTrade(f"open {symbol}", symbol, Side.LONG, Decimal(100), Decimal(1), 10, opened, mark, strategy=strategy)


def facts(*trades: ClosedTrade, opened: tuple[OpenTrade, ...] = (), start: DayStart | None = None) -> Facts:
    start = start or DayStart(NOW.date(), BASE, observed=True)
    return Facts(NOW, NOW, start, BASE, opened, trades)


def targets(verdict: Verdict, limit: Limit = Limit.DAILY_LOSS) -> list[str]:
    return [breach.target for breach in verdict.breaches if breach.limit is limit]


@pytest.mark.parametrize(
    ("lost", "fires"),
    [("-999.99", False), ("-1000.00", False), ("-1000.01", True), ("-1001", True), ("1001", False), ("0", False)],
)
def test_more_than_a_tenth_of_the_day_fires_and_the_tenth_itself_does_not(lost: str, *, fires: bool) -> None:
    assert targets(judge(facts(closed(lost)), Limits())) == (["portfolio", "symbol:ETHUSDT"] if fires else [])
    marked = facts(opened=(held(lost),))
    assert targets(judge(marked, Limits())) == (["portfolio", "symbol:ETHUSDT"] if fires else [])


@pytest.mark.parametrize(("losses", "fires"), [(9, False), (10, False), (11, True), (12, True)])
def test_more_than_ten_losses_in_a_row_fire_and_ten_do_not(losses: int, *, fires: bool) -> None:
    trades = [closed("-1", at=NOW - timedelta(days=9) + timedelta(minutes=n)) for n in range(losses)]
    found = targets(judge(facts(*trades), Limits()), Limit.LOSSES_IN_A_ROW)
    assert found == (["portfolio", "symbol:ETHUSDT"] if fires else [])


@pytest.mark.parametrize("between", ["1", "0"])
def test_a_trade_that_was_not_lost_begins_the_streak_anew(between: str) -> None:
    pnls = ["-1"] * 8 + [between] + ["-1"] * 8
    trades = [closed(pnl, at=NOW - timedelta(hours=20) + timedelta(minutes=n)) for n, pnl in enumerate(pnls)]
    assert losing_streak(trades) == 8
    random.shuffle(trades)
    assert judge(facts(*trades), Limits()).breaches == ()


def test_one_symbol_alone_is_told_from_the_whole_account() -> None:
    trades = (closed("-1200"), closed("900", symbol="BTCUSDT"))
    assert targets(judge(facts(*trades), Limits())) == ["symbol:ETHUSDT"]
    spread = (closed("-600"), closed("-600", symbol="BTCUSDT"))
    assert targets(judge(facts(*spread), Limits())) == ["portfolio"]


def test_each_target_may_have_limits_of_its_own() -> None:
    limits = Limits(own={"symbol:ETHUSDT": Own(Decimal(5), 2), "portfolio": Own(Decimal(20), 50)})
    assert targets(judge(facts(closed("-500")), limits)) == []
    assert targets(judge(facts(closed("-500.01")), limits)) == ["symbol:ETHUSDT"]
    three = [closed("-1", at=NOW - timedelta(minutes=n)) for n in range(3)]
    assert targets(judge(facts(*three), limits), Limit.LOSSES_IN_A_ROW) == ["symbol:ETHUSDT"]


def test_trades_are_attributed_by_the_engine_or_by_the_operator() -> None:
    limits = Limits(symbols_of={"MACD Strategy": ("SOLUSDT",)})
    trades = (closed("-1100", symbol="SOLUSDT"), closed("-1100", symbol="BTCUSDT", strategy="RSI Strategy"))
    found = targets(judge(facts(*trades), limits))
    assert found == ["portfolio", "MACD Strategy", "RSI Strategy", "symbol:BTCUSDT", "symbol:SOLUSDT"]


RSI, MACD = "RSI Strategy", "MACD Strategy"
WHY = "no strategy is named of what is traded in BTCUSDT, ETHUSDT"
NAMED = (closed("-10", strategy="rsi"), closed("910", symbol="SOLUSDT", strategy=MACD))


def test_an_open_position_counts_for_the_strategy_that_it_names() -> None:
    positions = (held("-600", strategy="rsi"), held("-600", symbol="BTCUSDT", strategy=RSI))
    verdict = judge(facts(*NAMED, opened=positions), Limits())
    assert (targets(verdict), verdict.unknown) == ([RSI], ())
    alone = judge(facts(opened=(held("-1000.01", strategy=MACD),)), Limits())
    assert targets(alone) == ["portfolio", MACD, "symbol:ETHUSDT"]


def test_what_a_strategy_lost_is_unknown_where_positions_that_name_none_could_make_it_too_much() -> None:
    spread = (held("-600"), held("-600", symbol="BTCUSDT"))
    verdict = judge(facts(*NAMED, opened=spread), Limits())
    assert verdict.breaches == ()
    assert verdict.unknown == (f"{RSI} may have lost up to $1,210.00 today, more than 10 % of the account: {WHY}",)
    own = Limits(own={RSI: Own(Decimal("12.1"))})
    assert judge(facts(*NAMED, opened=spread), own).unknown == ()


@pytest.mark.parametrize(
    ("marks", "limits"),
    [
        pytest.param(("-495", "-495"), Limits(), id="a usual day"),
        pytest.param(("-600", "5000"), Limits(), id="a gain elsewhere makes no loss"),
        pytest.param(("-600", "-600"), Limits(symbols_of={RSI: ("SOLUSDT",)}), id="it does not trade these symbols"),
        pytest.param(("-600", "-300"), Limits(symbols_of={RSI: ("ETHUSDT",), MACD: ("ETHUSDT",)}), id="one of them"),
    ],
)
def test_nobody_is_alarmed_about_positions_that_could_not_make_it_too_much(
    marks: tuple[str, str], limits: Limits
) -> None:
    positions = (held(marks[0]), held(marks[1], symbol="BTCUSDT"))
    verdict = judge(facts(*NAMED, opened=positions), limits)
    assert verdict == Verdict()


def test_what_is_lost_for_certain_is_a_breach_whatever_else_may_be_its() -> None:
    lost = (closed("-1100", strategy=RSI), closed("3000", symbol="SOLUSDT", strategy=MACD))
    verdict = judge(facts(*lost, opened=(held("900", symbol="BTCUSDT"),)), Limits())
    assert (targets(verdict), verdict.unknown) == ([RSI, "symbol:ETHUSDT"], ())
    found = losses(facts(*lost, opened=(held("900", symbol="BTCUSDT"),)), {}, zone=UTC)
    assert isinstance(found[MACD].today, str)
    assert isinstance(found["portfolio"].today, Today)


def test_a_trade_in_a_symbol_that_is_given_to_two_strategies_may_be_of_either() -> None:
    limits = Limits(symbols_of={RSI: ("ETHUSDT", "BTCUSDT"), MACD: ("ETHUSDT",)})
    verdict = judge(facts(closed("-900"), closed("-150", symbol="BTCUSDT"), closed("500", symbol="SOLUSDT")), limits)
    assert [reason.split(" may")[0] for reason in verdict.unknown] == [RSI]
    assert targets(verdict) == []


def test_what_was_lost_before_midnight_belongs_to_yesterday() -> None:
    assert judge(facts(closed("-5000", at=MIDNIGHT - timedelta(microseconds=1))), Limits()).breaches == ()
    assert targets(judge(facts(closed("-5000", at=MIDNIGHT)), Limits())) == ["portfolio", "symbol:ETHUSDT"]


def test_the_mark_at_midnight_is_no_loss_of_today() -> None:
    yesterday = MIDNIGHT - timedelta(hours=1)
    ended = closed("-1900.01", opened=yesterday)
    start = DayStart(
        NOW.date(), BASE, observed=True, unrealised={"open ETHUSDT": Decimal(-900), ended.id: Decimal(-900)}
    )
    assert judge(facts(opened=(held("-1900", opened=yesterday),), start=start), Limits()).breaches == ()
    assert targets(judge(facts(opened=(held("-1900.01", opened=yesterday),), start=start), Limits()))
    assert targets(judge(facts(ended, start=start), Limits()))


def test_a_mark_at_midnight_is_of_that_trade_and_not_of_the_next_in_its_symbol() -> None:
    start = DayStart(NOW.date(), BASE, observed=True, unrealised={"gone": Decimal(-500)})
    lost = facts(opened=(held("-1400", opened=MIDNIGHT - timedelta(minutes=3)),), start=start)
    assert targets(judge(lost, Limits())) == ["portfolio", "symbol:ETHUSDT"]


def test_money_paid_in_and_an_engine_that_began_anew_change_nothing() -> None:
    lost = facts(closed("-1000.01"))
    for equity in ("1000000", "10000", "0.01"):
        assert targets(judge(replace(lost, equity=Decimal(equity)), Limits())) == ["portfolio", "symbol:ETHUSDT"]
    start = DayStart(NOW.date(), BASE, observed=True, unrealised={"gone": Decimal(5000)})
    assert judge(facts(start=start), Limits()).breaches == ()  # the position vanished with the engine: it was not lost


@pytest.mark.parametrize("base", ["0", "-50"])
def test_of_an_account_with_nothing_in_it_any_loss_is_too_much(base: str) -> None:
    start = DayStart(NOW.date(), Decimal(base), observed=False)
    [breach, _] = judge(facts(closed("-0.01"), start=start), Limits()).breaches
    assert (breach.figures["loss_percent"], breach.figures["day_start"]) == ("n/a", "reconstructed")
    assert judge(facts(closed("0.01"), start=start), Limits()).breaches == ()


def test_an_account_that_is_worth_nothing_is_said() -> None:
    assert "nothing is left" in judge(replace(facts(), equity=Decimal(0)), Limits()).warnings[0]


NAN = Decimal("NaN")


@pytest.mark.parametrize(
    ("what", "says"),
    [
        pytest.param(replace(facts(), as_of=None), "does not say of when", id="no clock"),
        pytest.param(replace(facts(), as_of=NOW - timedelta(seconds=61)), "61 s old", id="stale"),
        pytest.param(replace(facts(), as_of=NOW + timedelta(minutes=6)), "ahead of ours", id="from the future"),
        pytest.param(replace(facts(), rejected=2), "2 trades have figures", id="rejected"),
        pytest.param(facts(closed("NaN")), "1 trade has figures", id="NaN in a trade"),
        pytest.param(facts(opened=(held(None),)), "has no mark", id="no mark"),
        pytest.param(facts(opened=(held("NaN"),)), "has no mark", id="NaN mark"),
        pytest.param(replace(facts(), equity=None), "what the account is worth", id="no equity"),
        pytest.param(replace(facts(), equity=NAN), "what the account is worth", id="NaN equity"),
        pytest.param(facts(closed("-1"), start=DayStart(NOW.date(), NAN, observed=True)), "no number", id="NaN base"),
    ],
)
def test_what_cannot_be_told_is_said_and_is_no_breach(what: Facts, says: str) -> None:
    verdict = judge(what, Limits())
    assert any(says in line for line in verdict.unknown)
    assert verdict.breaches == ()


def test_a_trade_that_cannot_be_true_hides_no_loss_of_the_others() -> None:
    lost = closed("-1001", symbol="BTCUSDT")
    for what in (replace(facts(lost), rejected=1), facts(lost, closed("NaN", symbol="ETHUSDT"))):
        verdict = judge(what, Limits())
        assert targets(verdict) == ["portfolio", "symbol:BTCUSDT"]
        assert verdict.unknown == ("1 trade has figures that cannot be true",)


def test_marks_that_all_stand_still_are_told_and_judged_as_they_are() -> None:
    lost = closed("-1001", symbol="BTCUSDT")
    still = replace(facts(lost, opened=(held("-5"),)), marks_moved_at=NOW - timedelta(seconds=601))
    verdict = judge(still, Limits())
    assert verdict.unknown == ("no mark of an open trade has moved for 10 min while the engine's clock does",)
    assert targets(verdict) == ["portfolio", "symbol:BTCUSDT"]
    for fine in (NOW - timedelta(minutes=10), None):
        assert judge(replace(still, marks_moved_at=fine), Limits()).unknown == ()


def test_figures_as_old_as_allowed_still_count() -> None:
    assert judge(replace(facts(), as_of=NOW - timedelta(seconds=60)), Limits()).unknown == ()


def test_a_missing_mark_leaves_other_symbols_judged() -> None:
    verdict = judge(facts(closed("-1001", symbol="BTCUSDT"), opened=(held(None),)), Limits())
    assert targets(verdict) == ["symbol:BTCUSDT"]
    assert verdict.unknown == ("the open position in ETHUSDT has no mark",)


def test_what_was_released_is_judged_by_what_came_after() -> None:
    released = NOW - timedelta(hours=1)
    old = closed("-2000", at=released - timedelta(minutes=1))
    carried = held("-3000", opened=released - timedelta(minutes=9))
    again = replace(facts(old, opened=(carried,)), released={"symbol:ETHUSDT": released, "portfolio": released})
    assert judge(again, Limits()).breaches == ()
    fresh = replace(again, closed_trades=(old, closed("-1000.01")))
    assert targets(judge(fresh, Limits())) == ["portfolio", "symbol:ETHUSDT"]
    streak = tuple(closed("-1", at=released - timedelta(minutes=n)) for n in range(11))
    assert judge(replace(again, closed_trades=streak), Limits()).breaches == ()


def test_soft_limits_warn_and_never_fire() -> None:
    limits = Limits(drawdown_warning_percent=Decimal(8), win_rate_warning_percent=Decimal(30), win_rate_trades=4)
    at_limits = replace(facts(), equity=Decimal(9200), peak_equity=BASE)
    assert judge(at_limits, limits).warnings == ()
    below = replace(
        at_limits, equity=Decimal("9199.99"), closed_trades=(closed("1"), *(closed("-1") for _ in range(3)))
    )
    verdict = judge(below, limits)
    assert ["below its peak" in verdict.warnings[0], "25.0 % of the last 4" in verdict.warnings[1]] == [True, True]
    assert verdict.breaches == ()
    assert judge(replace(below, peak_equity=None, closed_trades=()), limits).warnings == ()


def test_a_strategy_is_one_however_its_trades_spell_it_and_none_that_is_called_like_another_target() -> None:
    names = ("rsi", "RSI Strategy", "rsi strategy ", "portfolio", "symbol:BTCUSDT", " ")
    trades = [closed("-200", strategy=name) for name in names]
    limits = Limits(own={"RSI Strategy": Own(daily_loss_percent=Decimal(5))})
    assert targets(judge(facts(*trades), limits)) == ["portfolio", "RSI Strategy", "symbol:ETHUSDT"]
    assert targets(judge(facts(*trades[3:]), limits)) == []


def test_the_day_of_the_limits_is_one_of_their_zone() -> None:
    early = closed("-1500", at=MIDNIGHT + timedelta(hours=4))
    assert targets(judge(facts(early), Limits())) == ["portfolio", "symbol:ETHUSDT"]
    assert targets(judge(facts(early), Limits(zone=ZoneInfo("America/New_York")))) == []
    late = closed("-1500", at=MIDNIGHT - timedelta(hours=4))
    assert targets(judge(facts(late), Limits())) == []
    assert targets(judge(facts(late), Limits(zone=ZoneInfo("Asia/Tokyo")))) == []
    east = replace(facts(late), now=MIDNIGHT + timedelta(hours=1), as_of=MIDNIGHT + timedelta(hours=1))
    assert targets(judge(east, Limits(zone=ZoneInfo("Asia/Tokyo")))) == ["portfolio", "symbol:ETHUSDT"]
