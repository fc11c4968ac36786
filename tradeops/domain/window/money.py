"""What the account is worth, what trades brought against their targets, and what language models cost."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure
from tradeops.domain.window.values import State


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A stretch of the equity curve.

    Attributes:
        at: the last look in it.
        equity: then.
        low, high: of the stretch, so that thinning hides no fall.
        drawdown_percent: the deepest below the peak of the range so far, positive.
    """

    at: datetime
    equity: float
    low: float
    high: float
    drawdown_percent: float


@dataclass(frozen=True, slots=True)
class Money:
    """What the account is worth.

    Attributes:
        equity: now, from the engine; else the last that was kept, and `source` says so.
        source: `engine` or `store`.
        day_start: what the day began with, in the zone of the loss limits.
        day_pnl: by closed trades and marks since then, as the loss limits count; deposits and resets are no part of it.
        day_pnl_percent: of `day_start`.
        drawdown_percent: below the peak of the range, now.
        max_drawdown_percent: of the range.
        open_positions: how many; unknown without the engine.
        is_running: whether the engine trades; `None` is not known.
        curve: at most 400 points, the oldest first; empty when no equity was kept in the range.
        curve_why: it is empty, or does not reach back all of the range; empty otherwise.
    """

    equity: Amount
    source: str
    day_start: Amount
    day_pnl: Amount
    day_pnl_percent: Figure
    drawdown_percent: Figure
    max_drawdown_percent: Figure
    open_positions: Figure
    is_running: bool | None
    curve: tuple[CurvePoint, ...]
    curve_why: str = ""


@dataclass(frozen=True, slots=True)
class DayValue:
    """A value of one day; `None` is not known."""

    date: date
    value: float | None


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of the analysed week and its targets.

    Attributes:
        metric: `win_rate`, `avg_profit_per_trade`, `sharpe_ratio`.
        label: for people.
        unit: follows the number; empty for a ratio.
        history: of the analyses in the range, the oldest first.
    """

    metric: str
    label: str
    unit: str
    value: Figure
    target: float | None
    critical: float | None
    state: State
    history: tuple[DayValue, ...]


@dataclass(frozen=True, slots=True)
class Trading:
    """What was traded in the range, of the trades that are kept.

    Attributes:
        days: realised profit of each UTC day with trades, at most 92.
    """

    trades: int
    win_rate_percent: Figure
    realised: Amount
    days: tuple[DayValue, ...]


@dataclass(frozen=True, slots=True)
class Performance:
    """The last analysis of seven whole days, and the range.

    Attributes:
        date: of the analysis; its week ends where this day begins.
        trades: in that week.
        state: the worst of the targets.
        alerts: in words.
    """

    date: date
    trades: int | None
    state: State
    targets: tuple[Target, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Burn:
    """A month's cost against one limit.

    Attributes:
        name: `warning` or `critical`.
        limit: of the month.
        used_percent: of it so far.
        hit_on: the day on which it is reached at the present pace, or was; `None` when not within this month.
        says: the same in words.
    """

    name: str
    limit: Decimal
    used_percent: Figure
    hit_on: date | None
    says: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What language models cost.

    Attributes:
        today: the day's cost as last reported.
        month: spent in this month so far, service and own calls.
        projected_month: at the present pace, at its end.
        pace: a day, of this month so far.
        days: spent from the month's beginning to the end of each day, the oldest first.
        daily_warning, daily_critical: the limits of a day.
        state: by the last report.
        alerts: in words.
    """

    today: Amount
    month: Amount
    projected_month: Amount
    pace: Amount
    burns: tuple[Burn, ...]
    days: tuple[DayValue, ...]
    daily_warning: Decimal
    daily_critical: Decimal
    state: State
    alerts: tuple[str, ...]
