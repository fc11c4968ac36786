"""What charts are drawn from: plain data that a page carries along, and the same as a table for those who cannot see.

Times are written as the clocks of the display zone show them, since plotly.js knows no zones. Nothing is styled here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from tradeops.domain.window.money import Costs, CurvePoint, DayValue
from tradeops.domain.window.pages import HeatMap, Month
from tradeops.rendering.wording import number, percent, usd

CLOCK = "%Y-%m-%d %H:%M:%S"
TABLE_ROWS = 40


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart.

    Attributes:
        name: unique on its page; the id of its place.
        says: what it shows, in one sentence with figures.
        data: for `static/charts.js`, `kind` says which of its drawings.
        columns, rows: the same as a table, thinned where there is much of it.
    """

    name: str
    says: str
    data: dict[str, object]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = field(default=())


def equity_chart(
    name: str, curve: Sequence[CurvePoint], zone: tzinfo, *, shown: tuple[datetime, datetime] | None = None
) -> Chart:
    """Equity above, drawdown below.

    Args:
        name: of the chart.
        curve: the oldest first.
        zone: of the times shown.
        shown: the stretch that was asked for, so that what is missing of it is seen to be; `None` is the curve's own.

    Raises:
        ValueError: no points; say why instead.
    """
    if not curve:
        raise ValueError("a curve without points is no chart")
    first, last = curve[0], curve[-1]
    deepest = max(curve, key=lambda point: point.drawdown_percent)
    times = [point.at.astimezone(zone).strftime(CLOCK) for point in curve]
    return Chart(
        name,
        f"Equity from {number(first.equity)} at {times[0][:16]} to {number(last.equity)} at {times[-1][:16]}; deepest "
        f"drawdown {percent(deepest.drawdown_percent)} at {deepest.at.astimezone(zone):%Y-%m-%d %H:%M}.",
        {
            "kind": "equity",
            "at": times,
            "equity": [point.equity for point in curve],
            "low": [point.low for point in curve],
            "high": [point.high for point in curve],
            "shown": None if shown is None else [at.astimezone(zone).strftime(CLOCK) for at in shown],
            "drawdown": [-point.drawdown_percent for point in curve],
        },
        ("Time", "Equity", "Lowest", "Highest", "Drawdown"),
        tuple(
            (times[place][:16], *map(number, (point.equity, point.low, point.high)), percent(point.drawdown_percent))
            for place, point in _some(curve)
        ),
    )


def burn_chart(name: str, costs: Costs) -> Chart | None:
    """The month's cost as it adds up, its limits, and where it leads; `None` while no day is known."""
    spent = [(day.date, day.value) for day in costs.days if day.value is not None]
    if not spent:
        return None
    ends = costs.projected_month.value
    says = f"Spent by {spent[-1][0]}: {number(spent[-1][1])} US dollars; " + "; ".join(
        burn.says for burn in costs.burns
    )
    return Chart(
        name,
        says,
        {
            "kind": "burn",
            "days": [f"{day}" for day, _ in spent],
            "spent": [value for _, value in spent],
            "ends": None if ends is None else float(ends),
            "limits": [
                {"name": burn.name, "limit": float(burn.limit), "on": f"{burn.hit_on}" if burn.hit_on else None}
                for burn in costs.burns
            ],
        },
        ("Day", "Spent so far in the month"),
        tuple((f"{day}", f"${value:,.4f}") for day, value in spent),
    )


def history_chart(name: str, label: str, history: Sequence[DayValue], target: float | None, unit: str) -> Chart | None:
    """A figure day by day against its target; `None` while there is nothing to draw."""
    if not any(day.value is not None for day in history):
        return None
    return Chart(
        name,
        f"{label} day by day.",
        {
            "kind": "history",
            "label": label,
            "unit": unit.strip(),
            "days": [f"{day.date}" for day in history],
            "values": [day.value for day in history],
            "target": target,
        },
        ("Day", label),
        tuple((f"{day.date}", "n/a" if day.value is None else f"{number(day.value)}{unit}") for day in history),
    )


def months_chart(name: str, months: Sequence[Month]) -> Chart | None:
    """Return of each month; `None` without months."""
    if not months:
        return None
    return Chart(
        name,
        f"Return of {len(months)} months.",
        {
            "kind": "months",
            "months": [one.month for one in months],
            "returns": [one.return_percent.value for one in months],
        },
        ("Month", "Trades", "Won", "Profit", "Return"),
        tuple(
            (
                one.month,
                f"{one.trades}",
                f"{one.wins}",
                usd(one.pnl, signed=True),
                percent(one.return_percent, 2, signed=True),
            )
            for one in months
        ),
    )


def heat_chart(name: str, heat: HeatMap, *, outside: bool) -> Chart:
    """Sharpe ratios over two parameters, in or out of sample."""
    values = heat.outside if outside else heat.inside
    where = "out of sample" if outside else "in sample"
    return Chart(
        name,
        f"Sharpe ratio {where} over {heat.across} (across) and {heat.down} (down).",
        {
            "kind": "heat",
            "across": heat.across,
            "down": heat.down,
            "columns": list(heat.columns),
            "rows": list(heat.rows),
            "values": [list(row) for row in values],
        },
        (f"{heat.down} ↓ {heat.across} →", *heat.columns),
        tuple(
            (name_of_row, *("not tried" if value is None else number(value) for value in row))
            for name_of_row, row in zip(heat.rows, values, strict=True)
        ),
    )


def _some(curve: Sequence[CurvePoint]) -> list[tuple[int, CurvePoint]]:
    """At most about `TABLE_ROWS` of them, evenly, with the last."""
    step = -(-len(curve) // TABLE_ROWS)
    chosen = list(enumerate(curve))[::step]
    return chosen if chosen[-1][1] is curve[-1] else [*chosen, (len(curve) - 1, curve[-1])]
