"""What the guard sees of the engine at each poll: the account, what is open, and every trade that has ever closed."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from tradeops.adapters.engine.client import EngineClient
from tradeops.domain.portfolio.portfolio import ClosedTrade, OpenTrade, Portfolio, worth
from tradeops.domain.readings import Reading, RejectedRecord
from tradeops.domain.trade_history import TradeHistory, united


@dataclass(frozen=True, slots=True)
class Sight:
    """One look.

    Attributes:
        at: our clock when the account was there.
        account: with the engine's clock.
        open_trades: at their marks; one that has closed meanwhile is among the closed ones alone.
        history: all closed trades that the engine lists, and those it has forgotten since we first looked.
        rejected: records of trades that were left out: their figures cannot be true, so no sum is whole.
        new_trades: closed trades that were not known before this look.
    """

    at: datetime
    account: Reading[Portfolio]
    open_trades: tuple[OpenTrade, ...]
    history: TradeHistory
    rejected: tuple[RejectedRecord, ...]
    new_trades: tuple[ClosedTrade, ...] = ()

    @property
    def equity(self) -> Decimal | None:
        """The balance and what is open at its marks; `None` when the engine says neither its sum nor every mark."""
        return worth(self.account.value, self.open_trades)


@dataclass(slots=True)
class Eyes:
    """Looks at one engine, and remembers the trades that it has seen.

    Attributes:
        engine: who is asked.
    """

    engine: EngineClient
    _known: dict[str, ClosedTrade] = field(default_factory=dict)
    _seen: object = None
    _rejected: tuple[RejectedRecord, ...] = ()
    _history: TradeHistory | None = None

    def remember(self, trades: Iterable[ClosedTrade]) -> None:
        """Know trades that the engine may have forgotten; the next look reads its list anew."""
        self._known = {trade.id: trade for trade in trades} | self._known
        self._history = None

    async def look(self) -> Sight:
        """Read the account and what is open, and the closed trades only where their count or the balance has changed.

        Raises:
            TradeOpsError: as `EngineClient`; a look is whole or not at all.
        """
        account, opened = await asyncio.gather(self.engine.portfolio(), self.engine.open_trades())
        at, seen, history = datetime.now(UTC), _mark_of(account.value, opened.value), self._history
        new: tuple[ClosedTrade, ...] = ()
        if history is None or seen != self._seen:
            listed = await self.engine.closed_trades()
            new = tuple(trade for trade in listed.value if trade.id not in self._known)
            history = united(listed.value, self._known)
            self._known = {trade.id: trade for trade in history.trades}
            self._history, self._rejected, self._seen = history, listed.rejected, seen
        return Sight(
            at=at,
            account=account,
            open_trades=tuple(trade for trade in opened.value if trade.id not in history.listed),
            history=history,
            rejected=(*opened.rejected, *self._rejected),
            new_trades=new,
        )


def _mark_of(account: Portfolio, opened: tuple[OpenTrade, ...]) -> object:
    """What changes when a trade closes; some engines do not count their trades."""
    if account.total_trades is None:
        return account.balance, frozenset(trade.id for trade in opened)
    return account.balance, account.total_trades - len(opened)
