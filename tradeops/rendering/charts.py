"""Pictures for reports, readable on dark and on light: transparent, in middle tones, told apart by more than colour.

The same input gives the same bytes. Gaps in the data stay gaps. matplotlib is imported when the first one is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from math import isfinite

from tradeops.domain.health import Severity
from tradeops.domain.performance_verdict import told as beside_limits
from tradeops.rendering.page import Picture, Text
from tradeops.rendering.wording import number

ROOM_ABOVE = 1.12
A_DAY, A_WEEK = 1.0, 7.0
A_FEW_DOLLARS = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """A level that must not be passed, in the unit of the picture."""

    value: float
    severity: Severity


@dataclass(frozen=True, slots=True)
class MetricHistory:
    """One metric, a value for each day of the picture.

    Attributes:
        name: with its unit.
        values: `None` where it is unknown.
        target: below it is a warning.
        critical: below it is critical.
    """

    name: str
    values: tuple[float | None, ...]
    target: float
    critical: float


def equity_curve(points: Sequence[tuple[datetime, float | Decimal | None]], zone: tzinfo) -> Picture | Text:
    """Equity in USD over time, and below it how far it was under its highest value until then, in percent.

    Args:
        points: in any order; `None` and NaN are gaps.
        zone: of the time axis.
    """
    ordered = sorted(points, key=lambda point: point[0])
    known = [float(value) for _, value in ordered if value is not None and isfinite(value)]
    if not known:
        return Text("No picture: no equity is known yet.")
    import numpy as np  # noqa: PLC0415 - as matplotlib below

    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    x = c.moments([at for at, _ in ordered])
    equity = c.floats([None if value is None else float(value) for _, value in ordered])
    peak = np.fmax.accumulate(equity)
    drawdown = np.where(peak > 0, (equity - peak) / np.where(peak > 0, peak, 1.0) * 100, np.nan)
    with c.canvas((2.7, 1.2), zone) as canvas:
        above, below = canvas.panels
        canvas.line(above, x, equity, c.BLUE)
        canvas.area(below, x, drawdown, c.RED)
        above.set_title("Equity, USD")
        below.set_title("Drawdown, %")
        above.yaxis.set_major_formatter("{x:,.0f}" if max(known) - min(known) > A_FEW_DOLLARS else "{x:,.2f}")
        below.set_ylim(min(np.nanmin(drawdown, initial=0.0) * ROOM_ABOVE, -1.0), 0.0)
        canvas.between(x[0], x[-1], least=A_DAY)
        return canvas.picture(
            f"Equity from ${number(known[0])} to ${number(known[-1])}, lowest ${number(min(known))}, "
            f"highest ${number(max(known))}; deepest drawdown {number(-np.nanmin(drawdown, initial=0.0))} %"
        )


def cost_burn_up(
    spent_usd: Sequence[tuple[date, float | Decimal | None]],
    limits_usd: Sequence[Limit],
    *,
    until: date,
    projected_usd: float | Decimal | None,
) -> Picture | Text:
    """Money spent since the first day, against what may be spent until the last.

    A limit far above all that was spent or projected is named, not drawn: the curve would be flat.

    Args:
        spent_usd: for each day the sum from the first to its end; `None` and NaN are gaps.
        limits_usd: on the sum, the lowest first.
        until: the last day of the axis.
        projected_usd: the expected sum on that day; `None` when it is not known.
    """
    ordered = sorted(spent_usd, key=lambda point: point[0])
    known = [(day, float(value)) for day, value in ordered if value is not None and isfinite(value)]
    if not known:
        return Text("No picture: no cost is known yet.")
    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    x = c.days([day for day, _ in ordered], UTC)
    y = c.floats([None if value is None else float(value) for _, value in ordered])
    highest = max(value for _, value in known)
    told = f"Spent ${number(known[-1][1])} until {known[-1][0]}"
    with c.canvas((3.2,), UTC) as canvas:
        [panel] = canvas.panels
        canvas.line(panel, x, y, c.BLUE, marker="o", markersize=3.5)
        if projected_usd is not None and isfinite(projected_usd):
            projected = float(projected_usd)
            highest = max(highest, projected)
            told += f", projected ${number(projected)} until {until}"
            panel.plot(c.days([known[-1][0], until], UTC), [known[-1][1], projected], color=c.BLUE, linestyle=":")
        colours = {Severity.CRITICAL: c.RED, Severity.DEGRADED: c.GOLD}
        top = highest
        far: list[str] = []
        for place, limit in enumerate(limits_usd):
            word = "critical" if limit.severity is Severity.CRITICAL else "warning"
            name = f"{word} > ${limit.value:,g}"
            told += f"; {name}"
            if place and limit.value > 4 * highest:
                far.append(name)
                continue
            top = max(top, limit.value)
            canvas.limit(panel, limit.value, name, colours.get(limit.severity, c.GREY))
        panel.set_title("Cost, USD" + "".join(f" ({name}: off the picture)" for name in far))
        panel.set_ylim(0.0, top * ROOM_ABOVE)
        panel.yaxis.set_major_formatter("{x:,.0f}" if top > A_FEW_DOLLARS else "{x:,.2f}")
        first, last = c.days([ordered[0][0], max(until, ordered[-1][0])], UTC)
        canvas.between(first, last, least=A_WEEK)
        return canvas.picture(told)


def metric_history(dates: Sequence[date], metrics: Sequence[MetricHistory]) -> Picture | Text:
    """Each metric day by day, one below the other, with its target and where it becomes critical.

    Raises:
        ValueError: a metric has more or fewer values than there are days.
    """
    for metric in metrics:
        if len(metric.values) != len(dates):
            raise ValueError(f"{len(metric.values)} values of {metric.name} for {len(dates)} days")
    if not any(value is not None and isfinite(value) for metric in metrics for value in metric.values):
        return Text("No picture: no day has enough trades yet.")
    from tradeops.rendering import canvas as c  # noqa: PLC0415 - it loads matplotlib

    x = c.days(dates, UTC)
    told = []
    with c.canvas([1.7] * len(metrics), UTC) as canvas:
        for panel, metric in zip(canvas.panels, metrics, strict=True):
            y = c.floats(metric.values)
            canvas.line(panel, x, y, c.BLUE)
            for where, colour, marker in (
                (y >= metric.target, c.BLUE, "o"),
                ((y < metric.target) & (y >= metric.critical), c.GOLD, "^"),
                (y < metric.critical, c.RED, "X"),
            ):
                panel.plot(x[where], y[where], color=colour, marker=marker, linestyle="none", markersize=6)
            canvas.limit(panel, metric.target, f"target {metric.target:g}", c.GREEN)
            canvas.limit(panel, metric.critical, f"critical < {metric.critical:g}", c.RED, lower=True)
            panel.set_title(metric.name)
            panel.margins(y=0.18)
            told.append(_history_in_words(dates, metric))
        canvas.between(x[0], x[-1], least=A_WEEK)
        return canvas.picture("; ".join(told))


def _history_in_words(dates: Sequence[date], metric: MetricHistory) -> str:
    known = [(day, v) for day, v in zip(dates, metric.values, strict=True) if v is not None and isfinite(v)]
    if not known:
        return f"{metric.name}: no day is known"
    day, value = known[-1]
    shown = beside_limits(value, metric.target, metric.critical, decimals=2)
    return f"{metric.name}: {shown} on {day}, target {metric.target:g}, critical below {metric.critical:g}"
