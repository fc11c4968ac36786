"""The one screen: all that an operator looks at first. Pure. Money is USDT (LLM cost: USD), percentages 0-100."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from tradeops.domain.figures import Amount, Figure
from tradeops.domain.window.values import Link, Panel, Range, State


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident in a list.

    Attributes:
        incident_id: names it for ever; its page.
        key: what it is about.
        state: how bad, at its worst.
        summary: of the latest bad look.
        opened_at: when it was confirmed.
        ended_at: `None` while it is open.
        acknowledged_by: who takes care; empty when nobody.
        silenced: a silence covers it now.
        flapping: it opened and resolved too often to be told each time.
    """

    incident_id: str
    key: str
    state: State
    summary: str
    opened_at: datetime
    ended_at: datetime | None = None
    acknowledged_by: str = ""
    silenced: bool = False
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of a service's history.

    Attributes:
        start: of the stretch; it ends where the next begins.
        state: the worst in it; `UNKNOWN` when nobody looked.
        checks: how many there were.
        good: of them.
    """

    start: datetime
    state: State
    checks: int
    good: int


@dataclass(frozen=True, slots=True)
class Uptime:
    """Checks that found a part healthy, of all that asked it, 0-100."""

    day: Figure
    week: Figure
    month: Figure


@dataclass(frozen=True, slots=True)
class Service:
    """A part of the bot, or of what it stands on.

    Attributes:
        name: as the health check has it.
        state: at the last check.
        problem: why it is not healthy; empty when it is.
        latency_ms: at the last check.
        p50_ms, p95_ms: over the range, of the checks that measured it (nearest rank).
        used_percent: of disk and memory; `None` for all others.
        strip: the range in equal cells, the oldest first.
    """

    name: str
    state: State
    problem: str
    latency_ms: Figure
    uptime: Uptime
    p50_ms: Figure
    p95_ms: Figure
    used_percent: float | None
    strip: tuple[Cell, ...]


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
        day_pnl: since then, open positions included.
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


@dataclass(frozen=True, slots=True)
class VoteLine:
    """One vote; `problem` says why it has no recommendation."""

    number: int
    recommendation: str | None
    confidence: Decimal | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LaterOutcome:
    """What became of a decision: win rates of the seven days before and after; `improved` is `None` while unknown."""

    before_percent: Figure
    after_percent: Figure
    improved: bool | None


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision in a list.

    Attributes:
        decision_id: its page; empty for a run that came to none (skipped, unanswered), which `summary` tells.
        recommendation: `retrain` or `wait`; `None` without one.
        source: `llm` or `rules`.
        start: how far the retrain has come: started, or not, in words.
        run: the Prefect run that decided; `None` when it was none.
        retrain_run: likewise, that retrained.
    """

    decision_id: str
    made_at: datetime
    recommendation: str | None
    confidence: Decimal | None
    source: str
    reasoning: str
    summary: str
    votes: tuple[VoteLine, ...]
    vetoes: tuple[str, ...]
    start: str
    outcome: LaterOutcome
    cost: Amount
    run: Link | None = None
    retrain_run: Link | None = None


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A version of a model; accuracy is 0-100."""

    version: str
    at: datetime
    accuracy_percent: Figure


@dataclass(frozen=True, slots=True)
class Lineage:
    """One model in use and those around it.

    Attributes:
        champion: in use; `None` when no promotion is kept.
        challenger: the latest trained; the champion itself when it was promoted.
        deployed: whether the challenger is in use.
        verdict: of the last contest, in words.
        watch: how the days after the promotion go; empty without a watch.
        retrained_at: the last try.
        rolled_back_at: the last roll-back; `None` when there was none.
    """

    model_type: str
    symbol: str
    champion: ModelVersion | None
    challenger: ModelVersion | None
    deployed: bool
    verdict: str
    watch: str
    retrained_at: datetime | None
    run: Link | None = None
    rolled_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a limit is used: `percent` of it, 0-100 and above; `says` the same in its own unit."""

    percent: Figure
    says: str


@dataclass(frozen=True, slots=True)
class BrakeLine:
    """A target of the brake.

    Attributes:
        target: the account, a strategy, a symbol.
        off: it must be off until a person releases it.
        confirmed: it was seen to be off; `None` when it is not off.
        since, reason, actor: of the disable; empty when it is not off.
        daily_loss: of the daily limit.
        losses: of the limit of losses in a row.
        state: critical when off, degraded when a limit is nearly used.
    """

    target: str
    off: bool
    confirmed: bool | None
    since: datetime | None
    reason: str
    actor: str
    daily_loss: Used
    losses: Used
    state: State


@dataclass(frozen=True, slots=True)
class DrillLine:
    """The last drill.

    Attributes:
        at: when it ended; `None` when there was none.
        exercises: name, how it ended, and what was seen.
        says: what it means now.
    """

    at: datetime | None
    ground: str
    state: State
    exercises: tuple[tuple[str, str, str], ...]
    says: str


@dataclass(frozen=True, slots=True)
class HeartbeatLine:
    """A job's sign of life.

    Attributes:
        last: `None` when it was never heard of.
        every: from one run to the next; `None` when it runs on demand only.
        state: critical when it is late, unknown when a scheduled one was never heard of.
        says: the same in words.
        run: its newest Prefect run that is known; `None` without one.
    """

    job: str
    last: datetime | None
    every: timedelta | None
    state: State
    says: str
    run: Link | None = None


@dataclass(frozen=True, slots=True)
class Headline:
    """The whole in one word and one line.

    Attributes:
        state: the worst of the last health check and the open incidents.
        says: why.
        since: the last health check; `None` when there was none.
    """

    state: State
    says: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The one screen.

    Attributes:
        at: when it was put together.
        range: of the charts, strips and percentiles.
        covered_since: history is in memory from here on; later than the range's beginning while it is being read.
        notes: what is missing beside the panels: the engine or the store does not answer …
    """

    at: datetime
    range: Range
    covered_since: datetime | None
    headline: Headline
    incidents: Panel[tuple[IncidentLine, ...]]
    services: Panel[tuple[Service, ...]]
    money: Panel[Money]
    performance: Panel[Performance]
    trading: Panel[Trading]
    costs: Panel[Costs]
    decisions: Panel[tuple[DecisionLine, ...]]
    models: Panel[tuple[Lineage, ...]]
    brakes: Panel[tuple[BrakeLine, ...]]
    drill: Panel[DrillLine]
    heartbeats: Panel[tuple[HeartbeatLine, ...]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusView:
    """What may be public: states only, no money, no names of hosts, no reasons.

    Attributes:
        checked_at: of the last health check; `None` when there was none.
    """

    at: datetime
    state: State
    checked_at: datetime | None
    services: tuple[tuple[str, State, Uptime], ...]
    open_incidents: int | None
