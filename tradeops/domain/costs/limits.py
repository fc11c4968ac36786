"""When cost is too high: the highest of all that is known is compared, and equality is silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tradeops.domain.costs.money import dollars, exact
from tradeops.domain.figures import Amount
from tradeops.domain.health import Severity

Period = Literal["daily", "monthly"]
WORDS = {Severity.DEGRADED: "warning", Severity.CRITICAL: "critical"}


@dataclass(frozen=True, slots=True)
class Limit:
    """Above `warning_usd` is a warning (degraded), above `critical_usd` is critical."""

    warning_usd: Decimal
    critical_usd: Decimal

    def severity(self, usd: Decimal) -> Severity:
        """What that cost weighs; a cost exactly at a limit does not cross it."""
        if usd > self.critical_usd:
            return Severity.CRITICAL
        return Severity.DEGRADED if usd > self.warning_usd else Severity.HEALTHY


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits on a day's and on a month's cost."""

    daily: Limit = Limit(Decimal(2), Decimal(5))
    monthly: Limit = Limit(Decimal(50), Decimal(100))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of the figures that are compared.

    Attributes:
        source: whose it is, for the operator.
        projected: what it will be; otherwise what was spent.
        note: how it is to be read.
    """

    source: str
    usd: Amount
    projected: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """A limit that was crossed, or a cost that nobody knows.

    Attributes:
        usd: the highest figure; `None` when none is known.
        limit_usd: what it is above.
        source: whose figure it is.
    """

    severity: Severity
    period: Period
    text: str
    usd: Decimal | None = None
    limit_usd: Decimal | None = None
    source: str = ""

    @property
    def word(self) -> str:
        """`warning` or `critical`."""
        return WORDS[self.severity]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One period's cost against its limit."""

    period: Period
    limit: Limit
    candidates: tuple[Candidate, ...]

    @property
    def highest(self) -> tuple[str, Decimal] | None:
        """The source and the figure that count, of equals the first; `None` when none is known."""
        known = [(c.source, c.usd.value) for c in self.candidates if c.usd.value is not None]
        return max(known, key=lambda pair: pair[1]) if known else None

    @property
    def projections(self) -> tuple[Candidate, ...]:
        """The figures that look ahead."""
        return tuple(c for c in self.candidates if c.projected)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The figures that could not be compared, each with its reason."""
        return tuple(f"{c.source} ({c.usd.reason})" for c in self.candidates if c.usd.value is None)

    @property
    def alert(self) -> Alert | None:
        """What is to be told; `None` when something is known and no limit is crossed."""
        if self.highest is None:
            text = f"{self.period} cost is not known by any source: {', '.join(self.unknown)}"
            return Alert(Severity.DEGRADED, self.period, text)
        source, usd = self.highest
        severity = self.limit.severity(usd)
        if severity is Severity.HEALTHY:
            return None
        limit = self.limit.critical_usd if severity is Severity.CRITICAL else self.limit.warning_usd
        missing = f"; not known: {', '.join(self.unknown)}" if self.unknown else ""
        text = f"{self.period} cost {self.shown(usd)} ({source}) is above {exact(limit)}{missing}"
        return Alert(severity, self.period, text, usd, limit, source)

    def shown(self, usd: Decimal) -> str:
        """A figure of this period, rounded so that it stands on the same side of each limit as it does unrounded."""
        return dollars(usd, (self.limit.warning_usd, self.limit.critical_usd))


def worst(alerts: Sequence[Alert]) -> Severity:
    """The severity of all of them together."""
    return max((alert.severity for alert in alerts), default=Severity.HEALTHY)
