"""What a portfolio report is made of, as it was read; what could not be read is named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum

from tradeops.domain.bot import BasicSettings, EngineStatus
from tradeops.domain.portfolio.portfolio import OpenTrade, Portfolio
from tradeops.domain.readings import Reading, RejectedRecord
from tradeops.domain.trade_history import TradeHistory

DUPLICATE = "id is listed twice"
LEEWAY = timedelta(hours=1)  # trades are read a moment after the account
CLOCK_SKEW_LIMIT = timedelta(seconds=30)


class Source(StrEnum):
    """What is read of the engine besides the account, which no report can do without."""

    STATUS = "status"
    OPEN_TRADES = "open trades"
    CLOSED_TRADES = "closed trades"
    SETTINGS = "settings"
    PRICES = "prices"


@dataclass(frozen=True, slots=True)
class StoredReport:
    """What counts of a report that was stored before; `None` is what it did not know. USDT and percent."""

    day: date
    run_id: str
    data_as_of: datetime
    stored_at: datetime
    balance: Decimal | None = None
    equity: Decimal | None = None
    realised: Decimal | None = None
    total_return_percent: float | None = None
    win_rate_percent: float | None = None
    total_trades: int | None = None


@dataclass(frozen=True, slots=True)
class PortfolioFacts:
    """One look at the engine and at our store.

    Attributes:
        day: of the report, UTC.
        started_at: our clock before the first read; the report is of a past day when `day` is before it.
        account: with the engine's clock.
        history: all closed trades known, of any time; `None` when the engine's list could not be read.
        observed: equity that the store saw at midnight UTC, by that midnight.
        before: the stored report of the day before; `None` when there is none.
        missing: sources that could not be read, and why.
        trouble: what our own store failed at.
        rejected: records of trades that were left out.
        clock_skew_limit: a clock further from ours is worth attention.
    """

    day: date
    started_at: datetime
    account: Reading[Portfolio]
    status: EngineStatus | None = None
    open_trades: tuple[OpenTrade, ...] | None = None
    history: TradeHistory | None = None
    settings: BasicSettings | None = None
    prices: Mapping[str, Decimal] | None = None
    observed: Mapping[datetime, Decimal] = field(default_factory=dict)
    before: StoredReport | None = None
    missing: Mapping[Source, str] = field(default_factory=dict)
    trouble: tuple[str, ...] = ()
    rejected: tuple[RejectedRecord, ...] = ()
    clock_skew_limit: timedelta = CLOCK_SKEW_LIMIT

    @property
    def past(self) -> bool:
        """Whether the day is over, so that live figures say nothing of it."""
        return self.day < self.started_at.date()

    @property
    def day_start(self) -> datetime:
        """00:00 UTC."""
        return datetime.combine(self.day, time(), tzinfo=UTC)

    @property
    def as_of(self) -> datetime:
        """When the account was as it is here; the engine's clock where it says so."""
        return self.account.as_of or self.started_at

    @property
    def until(self) -> datetime:
        """Trades closed before it belong to the report: the day's end, or whatever has happened so far."""
        if self.past:
            return self.day_start + timedelta(days=1)
        closes = [trade.closed_at for trade in self.history.trades] if self.history else []
        newest = max((close for close in closes if close < self.as_of + LEEWAY), default=self.as_of)
        return max(self.as_of, newest, self.day_start) + timedelta.resolution

    @property
    def from_the_future(self) -> int:
        """Trades that closed long after the engine's own time: they are in no report until that time has come."""
        closes = [trade.closed_at for trade in self.history.trades] if self.history else []
        return sum(close >= self.as_of + LEEWAY for close in closes)

    def why(self, source: Source) -> str:
        """Why a source is missing, as the reason of a figure."""
        return f"the engine's {source} could not be read"

    @property
    def duplicates(self) -> int:
        """Records that were listed a second time."""
        return sum(record.problem == DUPLICATE for record in self.rejected)

    @property
    def damaged(self) -> tuple[RejectedRecord, ...]:
        """Records whose values cannot be true."""
        return tuple(record for record in self.rejected if record.problem != DUPLICATE)
