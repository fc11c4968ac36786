"""What a decision rests on: each piece with its age, a missing one with the reason. Pure: no I/O, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from tradeops.domain.decisions.market import MarketConditions

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AHEAD = timedelta(minutes=5)  # a clock may be so far ahead of ours
AT_MOST: Mapping[str, timedelta] = MappingProxyType(
    {
        "performance": DAY,
        "history": 2 * DAY,
        "models": 7 * DAY,
        "market": 3 * HOUR,
        "training": HOUR,
        "spending": HOUR,
    }
)
NEEDED = ("performance", "training", "spending")  # without these nothing may be started


class State(StrEnum):
    """Whether a piece can be relied on."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Missing:
    """A piece that could not be had.

    Attributes:
        reason: why, for the operator; it never enters a prompt.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Week:
    """The latest analysis of seven days of trades.

    Attributes:
        date: of the analysis; its window ends where this day begins, UTC.
        as_of: how old its trades are.
        win_rate_percent: 0-100; `None` is n/a, as for all figures.
        win_rate_low_percent: with `win_rate_high_percent` its 95 % interval.
        average_profit_percent: of notional.
        sharpe_ratio: annualised, of daily returns.
        critical: names of the metrics below their critical limit.
        triggers: whether the analysis asks for this one.
        targets: below which a metric is no longer good.
        critical_limits: below which it is critical.
        days: of the window, each by itself.
    """

    date: date
    as_of: datetime
    total_trades: int
    win_rate_percent: float | None
    average_profit_percent: float | None
    sharpe_ratio: float | None
    critical: tuple[str, ...]
    triggers: bool
    win_rate_low_percent: float | None = None
    win_rate_high_percent: float | None = None
    targets: Mapping[str, float] = field(default_factory=dict)
    critical_limits: Mapping[str, float] = field(default_factory=dict)
    days: tuple["Past", ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """The figures of one day, or of the seven days before one; units as in `Week`."""

    date: date
    total_trades: int
    win_rate_percent: float | None
    average_profit_percent: float | None
    sharpe_ratio: float | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What one model was measured to be.

    Attributes:
        accuracy_fraction: 0-1.
        change_fraction: against the one before; `None` when it is the first.
        measurements: how many are known.
    """

    model_type: str
    symbol: str
    as_of: datetime
    accuracy_fraction: float
    change_fraction: float | None
    measurements: int


@dataclass(frozen=True, slots=True)
class Models:
    """The accuracy trends, one for each model type and symbol.

    Attributes:
        source: where they were read, `service` or `registry`.
    """

    source: str
    trends: tuple[Accuracy, ...]

    @property
    def as_of(self) -> datetime:
        """Of the newest."""
        return max(one.as_of for one in self.trends)


@dataclass(frozen=True, slots=True)
class Retrain:
    """One that was started by a decision, or has ended.

    Attributes:
        key: of the decision, or of the run where there was none.
        at: when it ended; when it was decided while its end is not known.
    """

    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Training:
    """What the rules about retrains go by.

    Attributes:
        as_of: when it was read.
        retrains: of the last eight days, each once, in any order.
        last_rollback_at: when a model was last taken back; `None` when not within eight days.
        running: the run that is at work now; empty when none is.
    """

    as_of: datetime
    retrains: tuple[Retrain, ...] = ()
    last_rollback_at: datetime | None = None
    running: str = ""

    @property
    def last_retrain_at(self) -> datetime | None:
        """When the latest ended or was decided."""
        return max((one.at for one in self.retrains), default=None)

    def retrains_since(self, moment: datetime) -> int:
        """How many there were after `moment`."""
        return sum(one.at > moment for one in self.retrains)


@dataclass(frozen=True, slots=True)
class Spending:
    """What our own calls of language models cost so far.

    Attributes:
        as_of: when it was read.
        refusal: why no call may be paid now; empty when one may.
    """

    as_of: datetime
    day_usd: Decimal
    month_usd: Decimal
    day_limit_usd: Decimal
    month_limit_usd: Decimal
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a decision rests on.

    Attributes:
        gathered_at: aware; ages are counted from here.
        history: earlier analyses, the oldest first.
    """

    gathered_at: datetime
    performance: Week | Missing
    history: tuple[Past, ...] | Missing
    models: Models | Missing
    market: MarketConditions | Missing
    training: Training | Missing
    spending: Spending | Missing


@dataclass(frozen=True, slots=True)
class Piece:
    """How far one piece can be relied on.

    Attributes:
        age: `None` when it is missing.
        at_most: the age above which it is stale.
        note: why it is missing, or what is odd; may be empty.
    """

    name: str
    state: State
    age: timedelta | None
    at_most: timedelta
    note: str = ""


def pieces(evidence: Evidence) -> tuple[Piece, ...]:
    """Every piece of the evidence, missing ones too."""
    parts = {
        "performance": evidence.performance,
        "history": _newest(evidence.history),
        "models": evidence.models,
        "market": evidence.market,
        "training": evidence.training,
        "spending": evidence.spending,
    }
    return tuple(_piece(name, part, evidence.gathered_at) for name, part in parts.items())


def unreliable(evidence: Evidence) -> tuple[Piece, ...]:
    """The pieces that are needed for a start and cannot be relied on."""
    return tuple(one for one in pieces(evidence) if one.name in NEEDED and one.state is not State.FRESH)


def _newest(history: tuple[Past, ...] | Missing) -> datetime | Missing:
    if isinstance(history, Missing):
        return history
    if not history:
        return Missing("no earlier analysis is known")
    newest = max(past.date for past in history)
    return datetime.fromisoformat(f"{newest.isoformat()}T00:00:00+00:00")


def _piece(
    name: str, part: Week | datetime | Models | MarketConditions | Training | Spending | Missing, now: datetime
) -> Piece:
    at_most = AT_MOST[name]
    if isinstance(part, Missing):
        return Piece(name, State.MISSING, None, at_most, part.reason)
    age = now - (part if isinstance(part, datetime) else part.as_of)
    if age < -AHEAD:
        return Piece(name, State.STALE, age, at_most, "its time lies in the future")
    return Piece(name, State.STALE if age > at_most else State.FRESH, max(age, timedelta(0)), at_most)
