"""The rules of `tradeops.domain.performance_verdict`, one sentence a test."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.performances import NOW, ON, WINDOW, facts, performance, trade, week
from tradeops.domain.figures import Figure, known, unknown, unknown_amount
from tradeops.domain.health import Severity
from tradeops.domain.performance_report import DayRecord, PerformanceReport, assess, critical_days
from tradeops.domain.performance_verdict import Bar, Bars, Metric, Part, falls_below, judge, told
from tradeops.domain.portfolio.portfolio import ClosedTrade

BARS = Bars()
GOOD, WARNING, CRITICAL = Severity.HEALTHY, Severity.DEGRADED, Severity.CRITICAL
GOOD_WEEK = ["3.5", "2.5", "4", "3", "-1", "3.5", "4", "2", "3.9", "4", "3.6", "2.9"] * 3
BAD_WEEK = ["-2", "-1", "1", "-2"] * 9


def judged(trades: list[ClosedTrade], **changed: object) -> PerformanceReport:
    return assess(replace(facts(trades), **changed), on=ON, days=7, bars=BARS)


def verdicts(parts: tuple[Part, ...]) -> dict[str, Severity | None]:
    return {part.metric.value: part.severity for part in parts}


@pytest.mark.parametrize(
    ("figure", "value", "expected"),
    [
        ("win_rate", 54.99, CRITICAL),
        ("win_rate", 55.0, WARNING),
        ("win_rate", 69.99, WARNING),
        ("win_rate", 70.0, GOOD),
        ("profit", 1.49, CRITICAL),
        ("profit", 1.4999999, CRITICAL),
        ("profit", 1.5, WARNING),
        ("profit", 2.59, WARNING),
        ("profit", 2.6, GOOD),
        ("sharpe", 0.99, CRITICAL),
        ("sharpe", 1.0, WARNING),
        ("sharpe", 2.09, WARNING),
        ("sharpe", 2.1, GOOD),
        ("sharpe", -7.22, CRITICAL),
    ],
)
def test_a_value_exactly_at_a_limit_has_not_fallen_below_it(figure: str, value: float, expected: Severity) -> None:
    parts = judge(performance(**{figure: value}), BARS)
    metric = {"win_rate": Metric.WIN_RATE, "profit": Metric.AVERAGE_PROFIT, "sharpe": Metric.SHARPE}[figure]
    assert verdicts(parts) == {m.value: expected if m is metric else GOOD for m in Metric}


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        pytest.param(["1.5"] * 13, WARNING, id="thirteen of 1.5"),
        pytest.param(["2.6"] * 13, GOOD, id="thirteen of 2.6"),
        pytest.param(["2.5", "2.7"] * 23, GOOD, id="2.6 on average"),
        pytest.param(["1.4", "1.6"] * 23, WARNING, id="1.5 on average"),
        pytest.param(["1.4", "1.6"] * 22 + ["1.4", "1.5999"], CRITICAL, id="a hair below 1.5"),
    ],
)
def test_the_noise_of_adding_floats_takes_nothing_below_a_limit(returns: list[str], expected: Severity) -> None:
    assert judged(week(returns)).part(Metric.AVERAGE_PROFIT).severity is expected


@pytest.mark.parametrize(("wins", "of", "expected"), [(11, 20, WARNING), (77, 140, WARNING), (7, 10, GOOD)])
def test_a_win_rate_of_whole_trades_can_lie_exactly_at_a_limit(wins: int, of: int, expected: Severity) -> None:
    trades = week(["9"] * wins + ["-0.5"] * (of - wins))
    assert judged(trades).part(Metric.WIN_RATE).severity is expected


def test_a_good_week_is_good() -> None:
    report = judged(week(GOOD_WEEK))
    assert (report.overall, report.status, report.triggers_ai_analysis) == (GOOD, "success", False)
    assert not report.alerts
    assert len(report.days) == 7


def test_a_bad_week_is_critical_and_starts_the_analysis() -> None:
    report = judged(week(BAD_WEEK))
    assert (report.overall, report.status, report.triggers_ai_analysis) == (CRITICAL, "success", True)
    assert report.named(CRITICAL) == ("win rate", "average profit per trade", "Sharpe ratio")


def test_average_profit_alone_makes_the_whole_critical() -> None:
    report = judged(week(["1.5", "1.2", "1.4", "1.3"] * 9))
    assert verdicts(report.parts) == {"win_rate": GOOD, "avg_profit_per_trade": CRITICAL, "sharpe_ratio": GOOD}
    assert report.overall is CRITICAL
    assert report.triggers_ai_analysis


@pytest.mark.parametrize(("trades", "expected"), [(0, None), (1, None), (9, None), (10, CRITICAL)])
def test_fewer_than_ten_trades_get_no_verdict_however_bad(trades: int, expected: Severity | None) -> None:
    report = judged(week(["-3", "-2"] * (trades // 2) + ["-3"] * (trades % 2)))
    assert report.overall is expected
    assert report.is_insufficient is (expected is None)
    assert report.triggers_ai_analysis is (expected is CRITICAL)
    assert report.status == ("insufficient_data" if expected is None else "success")
    assert bool(report.alerts) is (expected is CRITICAL)


def test_too_few_trades_still_show_what_is_known() -> None:
    report = judged(week(["4", "-1", "2"]))
    assert [part.severity for part in report.parts] == [None] * 3
    assert report.part(Metric.WIN_RATE).text == "66.7 %"
    assert report.part(Metric.AVERAGE_PROFIT).text == "1.67 %"
    assert report.part(Metric.WIN_RATE).sureness_text == "n/a: fewer than 10 trades"


@pytest.mark.parametrize(("trades", "small"), [(0, True), (29, True), (30, False)])
def test_a_sample_below_thirty_is_small(trades: int, small: bool) -> None:
    assert judged(week(["1"] * trades)).is_small_sample is small


def test_a_week_without_trades_is_no_zero() -> None:
    report = judged([])
    assert [part.text[:4] for part in report.parts] == ["n/a:"] * 3
    assert all(day.severities == {} for day in report.days)


def test_one_winning_trade_has_no_sharpe_ratio_and_is_not_critical() -> None:
    report = judged(week(["4"]))
    assert report.part(Metric.SHARPE).text.startswith("n/a: ")
    assert report.overall is None
    assert report.is_small_sample


def test_equal_returns_have_no_sharpe_ratio_and_are_not_critical_by_it() -> None:
    even = [trade(n, "3", WINDOW.since + timedelta(days=n % 7, hours=1 + n // 7)) for n in range(35)]
    report = judged(even, equities={WINDOW.since: unknown_amount("the balance is not known")})
    assert report.part(Metric.SHARPE).severity is None
    assert report.part(Metric.AVERAGE_PROFIT).sureness.value is None
    assert report.overall is GOOD


def test_four_active_days_give_no_sharpe_verdict_while_the_figure_of_single_trades_stays() -> None:
    report = judged(week(["3", "-1"] * 10, until=WINDOW.since + timedelta(days=4), days=4))
    sharpe = report.part(Metric.SHARPE)
    assert (sharpe.severity, sharpe.value.value) == (None, None)
    assert report.whole.sharpe_per_trade.value is not None
    assert report.overall is CRITICAL  # by the win rate


def test_trades_outside_of_the_seven_days_do_not_count() -> None:
    inside = week(GOOD_WEEK)
    outside = [
        trade(900, "-90", WINDOW.since - timedelta(microseconds=1)),
        trade(901, "-90", WINDOW.until),
        trade(902, "-90", NOW),
    ]
    report = judged([*outside, *inside])
    assert report.whole.trades == len(inside)
    assert report.overall is GOOD
    assert judged([*outside, *inside, trade(903, "-90", WINDOW.since)]).whole.trades == len(inside) + 1


def test_the_order_of_trades_changes_nothing() -> None:
    trades = week(GOOD_WEEK)
    shuffled = trades[1::2] + trades[::2]
    assert judged(shuffled).parts == judged(trades[::-1]).parts == judged(trades).parts


def test_a_hundred_thousand_trades_are_all_counted() -> None:
    report = judged(week(["3", "-1"] * 50_000))
    assert report.whole.trades == sum(day.performance.trades for day in report.days) == 100_000
    assert report.part(Metric.WIN_RATE).text == "50.0 %"
    assert report.part(Metric.AVERAGE_PROFIT).text == "1.00 %"


def test_each_day_shows_where_its_figures_lie_and_decides_nothing() -> None:
    good = week(GOOD_WEEK)
    bad_day = [trade(900 + n, "-4", WINDOW.since + timedelta(hours=n)) for n in range(2)]
    report = judged([*good, *bad_day])
    assert [day.date for day in report.days] == [ON - timedelta(days=n) for n in range(7, 0, -1)]
    first, *others = report.days
    assert first.severities[Metric.AVERAGE_PROFIT] is CRITICAL
    assert Metric.SHARPE not in first.severities
    assert CRITICAL not in {day.severities[Metric.AVERAGE_PROFIT] for day in others}
    assert report.overall is GOOD


def test_any_number_of_days_can_be_asked_for() -> None:
    report = assess(facts(week(GOOD_WEEK, days=30)), on=ON, days=30, bars=BARS)
    assert len(report.days) == 30
    assert report.whole.trades == len(GOOD_WEEK)


def test_other_limits_give_other_verdicts() -> None:
    bars = replace(BARS, average_profit_percent=Bar(1.0, 0.5))
    [profit] = [p for p in judge(performance(profit=1.2), bars) if p.metric is Metric.AVERAGE_PROFIT]
    assert profit.severity is GOOD


@pytest.mark.parametrize(
    ("metric", "figures", "text"),
    [
        (Metric.WIN_RATE, {"win_rate": 54.99}, "win rate critical: 54.99 % is below the critical limit of 55 %;"),
        (Metric.WIN_RATE, {"win_rate": 54.96}, "win rate critical: 54.96 % is below the critical limit of 55 %;"),
        (Metric.WIN_RATE, {"win_rate": 50.04}, "win rate critical: 50.0 % is below the critical limit of 55 %;"),
        (Metric.WIN_RATE, {"win_rate": 69.999}, "win rate warning: 69.999 % is below the target of 70 %;"),
        (
            Metric.AVERAGE_PROFIT,
            {"profit": -0.001},
            "average profit per trade critical: 0.00 % is below the critical limit of 1.5 %;",
        ),
        (Metric.AVERAGE_PROFIT, {"profit": -1.5}, "average profit per trade critical: −1.50 % is below the critical"),
        (Metric.SHARPE, {"sharpe": 0.9999}, "Sharpe ratio critical: 0.9999 is below the critical limit of 1;"),
    ],
)
def test_an_alert_never_rounds_into_contradiction(metric: Metric, figures: dict[str, float], text: str) -> None:
    [part] = [part for part in judge(performance(**figures), BARS) if part.metric is metric]
    assert part.alert.startswith(text)


@given(st.floats(-1e6, 1e6), st.floats(0.01, 100), st.floats(0.01, 100), st.integers(1, 2))
def test_a_value_is_told_on_its_own_side_of_every_limit(value: float, one: float, other: float, decimals: int) -> None:
    shown = float(told(value, one, other, decimals=decimals))
    assert [falls_below(shown, limit) for limit in (one, other)] == [
        falls_below(value, limit) for limit in (one, other)
    ]


near_limits = st.one_of(
    st.floats(0, 100), *(st.floats(limit - 0.1, limit + 0.1) for limit in (55.0, 70.0, 1.5, 2.6, 1.0, 2.1))
)


@given(near_limits, near_limits, near_limits)
def test_no_alert_says_that_a_number_is_below_itself(win_rate: float, profit: float, sharpe: float) -> None:
    for part in judge(performance(win_rate=min(win_rate, 100.0), profit=profit, sharpe=sharpe), BARS):
        if part.alert:
            [(value, limit)] = re.findall(
                r"(\S+)(?: %)? is below the (?:critical limit|target) of (\S+?)(?: %)?;", part.alert
            )
            assert float(value) < float(limit)
        else:
            assert part.severity is GOOD


def test_a_value_too_small_for_decimals_is_still_told() -> None:
    assert told(2e-30, 1e-30, 3e-30) == "2e-30"


@pytest.mark.parametrize(
    ("win_rate", "text"),
    [
        (54.0, r"\d\d % sure that it is below 55 %"),
        (10.0, r"over 99 % sure that it is below 55 %"),
        (69.0, r"\d\d % sure that it is below 70 %"),
        (70.0, r"\d\d % sure that it is not below 70 %"),
        (99.0, r"over 99 % sure that it is not below 70 %"),
    ],
)
def test_each_verdict_says_how_sure_it_is(win_rate: float, text: str) -> None:
    [part] = [p for p in judge(performance(win_rate=win_rate, trades=100), BARS) if p.metric is Metric.WIN_RATE]
    assert re.fullmatch(text, part.sureness_text)


def test_a_verdict_against_the_odds_is_never_called_impossible() -> None:
    part = Part(Metric.WIN_RATE, known(70.0), BARS.win_rate_percent, GOOD, known(0.001))
    assert part.sureness_text == "under 1 % sure that it is not below 70 %"


def test_a_good_value_is_as_sure_as_its_bad_side_is_not() -> None:
    [good] = [p for p in judge(performance(win_rate=80.0), BARS) if p.metric is Metric.WIN_RATE]
    [warned] = [
        p
        for p in judge(performance(win_rate=80.0), replace(BARS, win_rate_percent=Bar(80.1, 55.0)))
        if p.metric is Metric.WIN_RATE
    ]
    assert good.sureness.value is not None
    assert warned.sureness.value is not None
    assert good.sureness.value > 0.5
    assert 0 < warned.sureness.value < 1


def test_the_worst_comes_first_among_the_alerts() -> None:
    parts = judge(performance(win_rate=60.0, profit=1.0), BARS)
    report = replace(judged(week(GOOD_WEEK)), parts=parts, overall=CRITICAL)
    assert [alert.split(":")[0] for alert in report.alerts] == ["average profit per trade critical", "win rate warning"]


def record(day: date, severity: Severity | None = CRITICAL, *, metric: Metric = Metric.WIN_RATE) -> DayRecord:
    return DayRecord(day, {}, {} if severity is None else {metric: severity})


def days_before(*numbers: int) -> list[date]:
    return [ON - timedelta(days=n) for n in numbers]


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        pytest.param([], 1, id="no record"),
        pytest.param([record(d) for d in days_before(1)], 2, id="yesterday"),
        pytest.param([record(d) for d in days_before(2, 1)], 3, id="three in a row"),
        pytest.param([record(d) for d in days_before(3, 2)], 1, id="yesterday is missing"),
        pytest.param([record(d) for d in days_before(4, 3, 1)], 2, id="a gap ends the row"),
        pytest.param([record(ON - timedelta(days=1), WARNING)], 1, id="yesterday was a warning"),
        pytest.param([record(ON - timedelta(days=1), None)], 1, id="yesterday had too few trades"),
        pytest.param([record(ON - timedelta(days=1), metric=Metric.SHARPE)], 1, id="another metric"),
    ],
)
def test_days_in_a_row_are_counted_from_the_records_of_earlier_days(earlier: list[DayRecord], expected: int) -> None:
    [part] = [p for p in judge(performance(win_rate=50.0), BARS) if p.metric is Metric.WIN_RATE]
    assert critical_days(part, ON, earlier) == expected


def test_three_days_below_critical_are_told() -> None:
    two, three = days_before(1), days_before(2, 1)
    assert not any("consecutive" in a for a in judged(week(BAD_WEEK), earlier=[record(d) for d in two]).alerts)
    alerts = judged(week(BAD_WEEK), earlier=[record(d) for d in three]).alerts
    assert alerts[-1] == "win rate below critical for 3 consecutive days"
    assert not any(
        "consecutive" in alert for alert in judged(week(GOOD_WEEK), earlier=[record(d) for d in three]).alerts
    )


def test_records_of_the_day_itself_and_of_later_ones_are_never_used() -> None:
    kept = [record(ON), record(ON + timedelta(days=1)), *(record(d) for d in days_before(1, 2))]
    report = judged(week(BAD_WEEK), earlier=kept)
    assert [r.date for r in report.history] == days_before(2, 1)
    assert report.critical_days == {Metric.WIN_RATE: 3, Metric.AVERAGE_PROFIT: 1, Metric.SHARPE: 1}


def test_days_without_an_analysis_are_computed_for_the_picture_and_never_counted_in_a_row() -> None:
    fortnight = week(BAD_WEEK, days=14)
    report = judged(fortnight, earlier=[record(ON - timedelta(days=2))])
    assert [(r.date, r.computed) for r in report.history] == [(ON - timedelta(days=n), n != 2) for n in range(7, 0, -1)]
    assert set(report.history[-1].values) == {Metric.WIN_RATE, Metric.AVERAGE_PROFIT}  # no equity is known so early
    assert report.critical_days[Metric.WIN_RATE] == 1


def test_a_window_of_other_length_is_not_compared_with_kept_weeks() -> None:
    report = assess(replace(facts(week(GOOD_WEEK)), earlier=[record(ON - timedelta(days=1))]), on=ON, days=3, bars=BARS)
    assert not report.is_weekly
    assert all(r.computed for r in report.history)


def test_unknown_equity_leaves_the_sharpe_ratio_without_a_verdict() -> None:
    report = judged(week(GOOD_WEEK), equities={WINDOW.since: unknown_amount("the engine did not say")})
    sharpe = report.part(Metric.SHARPE)
    assert sharpe.severity is None
    assert "the engine did not say" in sharpe.text
    assert report.overall is GOOD


def test_a_win_rate_that_is_not_known_gets_no_verdict_even_with_many_trades() -> None:
    part = judge(performance(win_rate=unknown("not known")), BARS)[0]
    assert (part.severity, part.alert, part.sureness_text) == (None, "", "n/a: no verdict")
    assert part.value == Figure(None, "not known")


def test_windows_are_utc_days_whatever_the_clock_of_the_trades_says() -> None:
    late_in_saigon = datetime.fromisoformat("2026-11-25T06:59:59+07:00")
    early_in_saigon = datetime.fromisoformat("2026-11-25T07:00:00+07:00")
    report = judged([trade(1, "1", late_in_saigon.astimezone(UTC)), trade(2, Decimal(1), early_in_saigon)])
    assert report.whole.trades == 1
