"""What charts carry along, in data and in words."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.unit.dashboard.filled import filled
from tradeops.dashboard.charts import TABLE_ROWS, burn_chart, equity_chart, heat_chart, history_chart, months_chart
from tradeops.domain.figures import known_amount
from tradeops.domain.window.money import Costs, CurvePoint, DayValue
from tradeops.domain.window.pages import HeatMap

START = datetime(2026, 11, 1, tzinfo=UTC)


def curve(count: int) -> list[CurvePoint]:
    return [
        CurvePoint(START + timedelta(hours=place), 100.0 + place, 99.0, 101.0, float(place == 7))
        for place in range(count)
    ]


def test_a_long_curve_has_a_short_table_that_ends_with_the_last_point() -> None:
    chart = equity_chart("equity", curve(395), ZoneInfo("Asia/Tokyo"))
    assert len(chart.rows) <= TABLE_ROWS + 1
    assert chart.rows[0][:2] == ("2026-11-01 09:00", "100.00")
    assert chart.rows[-1][1] == "494.00"
    assert "deepest drawdown 1.0 % at 2026-11-01 16:00" in chart.says
    assert len(chart.data["equity"]) == 395  # type: ignore[arg-type]


def test_no_points_are_no_chart() -> None:
    with pytest.raises(ValueError, match="without points"):
        equity_chart("equity", [], UTC)
    assert burn_chart("burn", filled(Costs, "why", bare=True)) is None
    assert months_chart("months", []) is None
    assert history_chart("h", "Win rate", [DayValue(date(2026, 11, 1), None)], 70, " %") is None


def test_a_day_whose_cost_is_not_known_is_not_drawn_as_nothing() -> None:
    costs = filled(Costs, "in time")
    days = (DayValue(date(2026, 11, 1), None), DayValue(date(2026, 11, 2), 0.5))
    chart = burn_chart("burn", Costs(**{name: getattr(costs, name) for name in Costs.__slots__} | {"days": days}))
    assert chart
    assert chart.data["days"] == ["2026-11-02"]
    assert chart.data["ends"] == float(known_amount(Decimal("12.5")).value or 0)


def test_a_place_of_a_heat_map_that_nobody_tried_is_empty_and_says_so() -> None:
    heat = HeatMap("period", "oversold", ("7", "14"), ("30",), ((None, 1.25),), ((None, None),))
    inside, outside = heat_chart("in", heat, outside=False), heat_chart("out", heat, outside=True)
    assert inside.data["values"] == [[None, 1.25]]
    assert inside.rows == (("30", "not tried", "1.25"),)
    assert outside.rows == (("30", "not tried", "not tried"),)
    assert "out of sample" in outside.says
