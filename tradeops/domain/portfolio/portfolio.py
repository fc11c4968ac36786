"""The bot's money: what it holds and what each trade brought. Amounts are USDT."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tradeops.domain.engine_claims import NO_CLAIMS, EngineClaims


class Side(StrEnum):
    """The direction of a position."""

    LONG = "long"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The engine's own summary. `None` is "this deployment does not say", never zero.

    Win rates, ratios and averages of the engine are no figures here on purpose: it counts open trades as lost and
    divides averages. Compute them from closed trades; `claims` are there to be shown beside.

    Attributes:
        balance: realised.
        equity: balance and unrealised profit.
        total_return_percent: realised and unrealised, of the initial balance.
        total_pnl: realised and unrealised.
        total_trades: open ones included.
        max_drawdown_percent: positive, 0–100.
        winning_trades: given by some deployments only, like `losing_trades`.
        claims: what it says of its own trading.
    """

    balance: Decimal
    total_return_percent: Decimal
    equity: Decimal | None = None
    total_pnl: Decimal | None = None
    total_trades: int | None = None
    max_drawdown_percent: Decimal | None = None
    winning_trades: int | None = None
    losing_trades: int | None = None
    claims: EngineClaims = NO_CLAIMS


@dataclass(frozen=True, slots=True)
class OpenTrade:
    """A position that is still open.

    Attributes:
        unrealised_pnl: at the engine's last mark; `None` when it has none yet.
        strategy: `None` is "unattributed"; the contract's engine never says it, other deployments may.
    """

    id: str
    symbol: str
    side: Side
    entry_price: Decimal
    quantity: Decimal
    leverage: int
    opened_at: datetime
    unrealised_pnl: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    strategy: str | None = None

    @property
    def notional(self) -> Decimal:
        """What was bought or sold at entry; above zero."""
        return self.entry_price * self.quantity


def worth(account: Portfolio, open_trades: Iterable[OpenTrade]) -> Decimal | None:
    """Equity: as the engine says it, else the balance and every mark; `None` when a mark is missing."""
    if account.equity is not None:
        return account.equity
    marks = [trade.unrealised_pnl for trade in open_trades]
    known = [mark for mark in marks if mark is not None]
    return account.balance + sum(known, Decimal(0)) if len(known) == len(marks) else None


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """A finished trade.

    Attributes:
        pnl: realised, after all fees; it alone decides whether the trade was won.
        duration: `None` when the engine did not measure it.
        strategy: `None` is "unattributed": the engine does not say which strategy opened a trade.
    """

    id: str
    symbol: str
    side: Side
    entry_price: Decimal
    exit_price: Decimal
    quantity: Decimal
    leverage: int
    pnl: Decimal
    opened_at: datetime
    closed_at: datetime
    duration: timedelta | None = None
    strategy: str | None = None

    @property
    def notional(self) -> Decimal:
        """What was bought or sold at entry; above zero."""
        return self.entry_price * self.quantity

    @property
    def return_percent(self) -> Decimal:
        """Profit after fees on the notional × 100; the engine's own percentage is a stale mark."""
        return self.pnl / self.notional * 100
