"""The pages behind the one screen: incidents, decisions, reports, backtests, optimisations, the audit trail. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tradeops.domain.figures import Amount, Figure
from tradeops.domain.window.conditions import IncidentLine
from tradeops.domain.window.judgements import DecisionLine, VoteLine
from tradeops.domain.window.money import CurvePoint
from tradeops.domain.window.values import Link, State


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and a value, as people read them; `value` is `n/a` with the reason where nothing is known."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under a caption; numbers are right-aligned by `numeric`, a flag for each column."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """Anything that is kept, laid out for people: facts first, then tables, then lines of text."""

    facts: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IncidentList:
    """The open incidents, the worst first, and those of the range that are over, the newest first."""

    open: tuple[IncidentLine, ...]
    past: tuple[IncidentLine, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of an incident's history.

    Attributes:
        what: opened, risen, reminder, acknowledged, resolved …
        told: whether people were told; `None` where that is no question, `why_not` says why not.
    """

    at: datetime
    what: str
    state: State
    summary: str
    told: bool | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """One incident.

    Attributes:
        source: who opened it.
        lasted_seconds: so far, or until it was over.
        told_to: the targets that were told.
        depends_on: keys whose failure would explain it.
        history: the oldest first.
        runbook: what to do, in the documentation; `None` without one.
    """

    line: IncidentLine
    source: str
    lasted_seconds: float
    told_to: tuple[str, ...]
    depends_on: tuple[str, ...]
    history: tuple[Happening, ...]
    runbook: Link | None = None


@dataclass(frozen=True, slots=True)
class DecisionList:
    """Decisions and runs that came to none, the newest first; `before` continues the list, `None` at its end."""

    decisions: tuple[DecisionLine, ...]
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition of the gate and whether it held."""

    name: str
    passed: bool
    says: str


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """One decision with all that it rests on.

    Attributes:
        votes: with the reason of each in `reasons`, in the same order.
        rules: of the gate.
        evidence: what the language model was shown.
        question: model, prompt, hashes, cost.
        record: its number in the audit trail.
        record_sha256: the record's hash.
    """

    line: DecisionLine
    votes: tuple[VoteLine, ...]
    reasons: tuple[str, ...]
    rules: tuple[Rule, ...]
    evidence: Sheet
    question: Sheet
    record: int
    record_sha256: str


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A kept report.

    Attributes:
        kind: `health`, `portfolio`, `cost`, `performance`, `retrain`, `bulk`.
        key: names it within its kind.
        headline: its finding in one line.
    """

    kind: str
    key: str
    at: datetime
    title: str
    state: State
    headline: str
    run: Link | None = None


@dataclass(frozen=True, slots=True)
class ReportList:
    """Reports, the newest first; `before` continues the list, `None` at its end."""

    kinds: tuple[str, ...]
    reports: tuple[ReportLine, ...]
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One report, laid out."""

    line: ReportLine
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class BacktestLine:
    """A kept backtest; percentages 0-100."""

    backtest_id: str
    at: datetime
    strategy: str
    symbol: str
    timeframe: str
    since: str
    until: str
    trades: int | None
    total_return_percent: Figure
    sharpe_ratio: Figure
    max_drawdown_percent: Figure
    win_rate_percent: Figure


@dataclass(frozen=True, slots=True)
class BacktestList:
    """The latest backtests, the newest first."""

    backtests: tuple[BacktestLine, ...]


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a backtest; `month` is `2026-10`."""

    month: str
    trades: int
    wins: int
    pnl: Amount
    return_percent: Figure


@dataclass(frozen=True, slots=True)
class BacktestPage:
    """One backtest.

    Attributes:
        curve: equity after each closed trade, thinned to at most 400 points.
        curve_why: there is none; empty otherwise.
    """

    line: BacktestLine
    curve: tuple[CurvePoint, ...]
    curve_why: str
    months: tuple[Month, ...]
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class OptimisationLine:
    """A kept search; `verdict` says whether it may be luck."""

    optimisation_id: str
    at: datetime
    strategy: str
    symbol: str
    timeframe: str
    variations: int | None
    verdict: str
    best: str
    out_of_sample_sharpe: Figure


@dataclass(frozen=True, slots=True)
class OptimisationList:
    """The latest searches, the newest first."""

    optimisations: tuple[OptimisationLine, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Sharpe ratios over two parameters.

    Attributes:
        across, down: the parameters' names.
        columns, rows: their values, in order.
        inside: in-sample Sharpe ratio, the best over all other parameters, by row and column; `None` was not tried.
        outside: the out-of-sample ratio of the same variation.
    """

    across: str
    down: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    inside: tuple[tuple[float | None, ...], ...]
    outside: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class OptimisationPage:
    """One search; `maps` are of the pairs of the most important parameters, at most three."""

    line: OptimisationLine
    reasons: tuple[str, ...]
    maps: tuple[HeatMap, ...]
    maps_why: str
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class AuditLine:
    """An event of the trail."""

    event_id: str
    at: datetime
    kind: str
    actor: str
    summary: str
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Events, the newest first.

    Attributes:
        kinds: that occur among the latest events, for the filter.
        before: continues the list; `None` at its end.
        records: how many records the hash-chained trail has.
        last_sha256: of its last record; empty without one.
    """

    events: tuple[AuditLine, ...]
    kinds: tuple[str, ...]
    before: datetime | None
    records: int
    last_sha256: str
