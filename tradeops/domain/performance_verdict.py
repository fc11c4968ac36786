"""Whether the figures of a window reach their targets, and how sure that is. Pure: no I/O, no clock, no Prefect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isclose

from tradeops.domain.figures import Figure, known, unknown
from tradeops.domain.health import Severity
from tradeops.domain.performance import Performance, average_profit_below, sharpe_below, win_rate_below

FEWEST_TRADES = 10
NOISE = 1e-12  # relative; a sum of floats that should equal a limit misses it by less


class Metric(StrEnum):
    """What is judged, by its name in the store."""

    WIN_RATE = "win_rate"
    AVERAGE_PROFIT = "avg_profit_per_trade"
    SHARPE = "sharpe_ratio"

    @property
    def label(self) -> str:
        """In words."""
        return {
            Metric.WIN_RATE: "win rate",
            Metric.AVERAGE_PROFIT: "average profit per trade",
            Metric.SHARPE: "Sharpe ratio",
        }[self]

    @property
    def unit(self) -> str:
        """Follows the number."""
        return "" if self is Metric.SHARPE else " %"

    @property
    def decimals(self) -> int:
        """How many it is told with, at least."""
        return 1 if self is Metric.WIN_RATE else 2

    def figure(self, performance: Performance) -> Figure:
        """Its value; win rate and profit in percent (0-100)."""
        return {
            Metric.WIN_RATE: performance.win_rate_percent,
            Metric.AVERAGE_PROFIT: performance.average_profit_percent,
            Metric.SHARPE: performance.sharpe_ratio,
        }[self]


BELOW: Mapping[Metric, Callable[[Performance, float], Figure]] = {
    Metric.WIN_RATE: win_rate_below,
    Metric.AVERAGE_PROFIT: average_profit_below,
    Metric.SHARPE: sharpe_below,
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Where good ends. A value exactly at a limit has not fallen below it.

    Attributes:
        target: below it is degraded.
        critical: below it is critical; not above the target.
    """

    target: float
    critical: float

    def judge(self, value: float) -> Severity:
        """Where the unrounded value lies."""
        if falls_below(value, self.critical):
            return Severity.CRITICAL
        return Severity.DEGRADED if falls_below(value, self.target) else Severity.HEALTHY


@dataclass(frozen=True, slots=True)
class Bars:
    """One for each metric."""

    win_rate_percent: Bar = Bar(70.0, 55.0)
    average_profit_percent: Bar = Bar(2.6, 1.5)
    sharpe_ratio: Bar = Bar(2.1, 1.0)

    def of(self, metric: Metric) -> Bar:
        """That of the metric, in the metric's unit."""
        return {
            Metric.WIN_RATE: self.win_rate_percent,
            Metric.AVERAGE_PROFIT: self.average_profit_percent,
            Metric.SHARPE: self.sharpe_ratio,
        }[metric]


@dataclass(frozen=True, slots=True)
class Part:
    """One metric and what it weighs.

    Attributes:
        value: n/a gets no verdict.
        severity: `None` is "no verdict": unknown, or too few trades.
        sureness: probability (0-1) that the true value lies on the verdict's side of the limit: below the critical one,
            below the target, or not below the target.
    """

    metric: Metric
    value: Figure
    bar: Bar
    severity: Severity | None
    sureness: Figure

    @property
    def text(self) -> str:
        """The value with its unit, or `n/a: reason`."""
        return self.told(self.value)

    def told(self, figure: Figure) -> str:
        """A value of this metric so that it never contradicts its limits, or `n/a: reason`."""
        if figure.value is None:
            return f"n/a: {figure.reason}"
        text = told(figure.value, self.bar.target, self.bar.critical, decimals=self.metric.decimals)
        return text.replace("-", "−", 1) + self.metric.unit

    @property
    def limit(self) -> float:
        """The one that the verdict is about."""
        return self.bar.critical if self.severity is Severity.CRITICAL else self.bar.target

    @property
    def sureness_text(self) -> str:
        """How sure the verdict is; `n/a: reason` when that is not known."""
        if self.sureness.value is None:
            return f"n/a: {self.sureness.reason}"
        side = "not below" if self.severity is Severity.HEALTHY else "below"
        return f"{_share(self.sureness.value)} sure that it is {side} {self.limit:g}{self.metric.unit}"

    @property
    def alert(self) -> str:
        """One line; empty when there is nothing to tell."""
        match self.severity:
            case Severity.CRITICAL:
                return f"{self.metric.label} critical: {self._shortfall}"
            case Severity.DEGRADED:
                return f"{self.metric.label} warning: {self._shortfall}"
            case _:
                return ""

    @property
    def _shortfall(self) -> str:
        limit = "critical limit" if self.severity is Severity.CRITICAL else "target"
        return f"{self.text} is below the {limit} of {self.limit:g}{self.metric.unit}; {self.sureness_text}"


def judge(performance: Performance, bars: Bars) -> tuple[Part, ...]:
    """The metrics of a window; with fewer than 10 trades none gets a verdict."""
    return tuple(_part(metric, performance, bars.of(metric)) for metric in Metric)


def falls_below(value: float, limit: float) -> bool:
    """Strictly, but not by the rounding noise of floats: twenty-six tenths added up must equal 2.6."""
    return value < limit and not isclose(value, limit, rel_tol=NOISE)


def told(value: float, *limits: float, decimals: int = 1) -> str:
    """`value` with so many decimals, or as many more as it takes to read on its own side of every limit."""
    for digits in range(decimals, 18):
        text = f"{value:.{digits}f}"
        if all(falls_below(float(text), limit) is falls_below(value, limit) for limit in limits):
            return text.removeprefix("-") if float(text) == 0 else text
    return repr(value)


def _part(metric: Metric, performance: Performance, bar: Bar) -> Part:
    value = metric.figure(performance)
    if performance.trades < FEWEST_TRADES:
        return Part(metric, value, bar, None, unknown(f"fewer than {FEWEST_TRADES} trades"))
    if value.value is None:
        return Part(metric, value, bar, None, unknown("no verdict"))
    severity = bar.judge(value.value)
    limit = bar.critical if severity is Severity.CRITICAL else bar.target
    share_below = BELOW[metric](performance, limit)
    if severity is Severity.HEALTHY and share_below.value is not None:
        share_below = known(1 - share_below.value)
    return Part(metric, value, bar, severity, share_below)


def _share(probability: float) -> str:
    percent = probability * 100
    return "over 99 %" if percent > 99 else "under 1 %" if percent < 1 else f"{percent:.0f} %"  # noqa: PLR2004 - of 100
