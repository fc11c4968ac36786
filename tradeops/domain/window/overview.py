"""The one screen: all that an operator looks at first. Pure. Money is USDT (LLM cost: USD), percentages 0-100."""

from dataclasses import dataclass
from datetime import datetime

from tradeops.domain.window.conditions import BrakeLine, DrillLine, HeartbeatLine, IncidentLine, Service, Uptime
from tradeops.domain.window.judgements import DecisionLine, Lineage
from tradeops.domain.window.money import Costs, Money, Performance, Trading
from tradeops.domain.window.values import Panel, Range, State


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
