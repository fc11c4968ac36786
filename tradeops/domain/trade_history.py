"""All closed trades that we know of: what the engine still lists, and what our own archive has seen before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from tradeops.domain.portfolio.portfolio import ClosedTrade

CENT = Decimal("0.01")
COMPARED = ("side", "entry_price", "exit_price", "quantity", "pnl", "opened_at", "closed_at")


class Memory(Enum):
    """What became of the engine's own history; the value is what to tell the operator."""

    INTACT = ""
    TRIMMED = "the engine no longer lists old trades, but its balance still contains them"
    RESET = "the engine has lost its history and its balance begins anew: it was restarted or reset"
    LOST = "the engine no longer lists trades that it once closed, and its balance does not say since when"


@dataclass(frozen=True, slots=True)
class TradeHistory:
    """The union of the engine's list and our archive, each trade once, by closing time.

    Attributes:
        trades: of both; a trade that differs counts as it was first seen.
        listed: ids that the engine lists now.
        changed: ids whose figures are no longer those that were first seen: a closed trade cannot change.
    """

    trades: tuple[ClosedTrade, ...]
    listed: frozenset[str]
    changed: tuple[str, ...] = ()

    @property
    def forgotten(self) -> tuple[ClosedTrade, ...]:
        """Trades that the archive alone remembers."""
        return tuple(trade for trade in self.trades if trade.id not in self.listed)

    def until(self, moment: datetime) -> "TradeHistory":
        """As it was: trades closed before `moment` alone."""
        trades = tuple(trade for trade in self.trades if trade.closed_at < moment)
        return TradeHistory(trades, self.listed, self.changed)


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """Whether the engine's balance is what its trades add up to.

    Attributes:
        memory: what became of its history.
        account: the trades that its present balance contains, by closing time.
        account_since: the balance says nothing of the time before; `None` when it goes back to the first trade. The
            engine does not say when it began anew; this is the latest that it can have been.
        unexplained: balance less what initial balance and trades add up to: a deposit, a withdrawal, or trades that
            we never saw; zero below a cent, `None` when there is nothing to compare with.
    """

    memory: Memory
    account: tuple[ClosedTrade, ...]
    account_since: datetime | None
    unexplained: Decimal | None


def united(listed: tuple[ClosedTrade, ...], archived: Mapping[str, ClosedTrade]) -> TradeHistory:
    """The history of what the engine lists now and what we saw before."""
    known = {trade.id: trade for trade in listed} | dict(archived)
    changed = tuple(trade.id for trade in listed if _differs(trade, known[trade.id]))
    ordered = sorted(known.values(), key=lambda trade: (trade.closed_at, trade.id))
    return TradeHistory(tuple(ordered), frozenset(trade.id for trade in listed), changed)


def bookkeeping(
    history: TradeHistory, *, balance: Decimal, initial_balance: Decimal | None, now: datetime
) -> Bookkeeping:
    """Compare the engine's balance, USDT, with what its trades and ours add up to.

    Args:
        history: of all time.
        balance: the engine's, now.
        initial_balance: by its settings; `None` when they are not known.
        now: when the balance was read.
    """
    listed = tuple(trade for trade in history.trades if trade.id in history.listed)
    if not history.forgotten:
        return Bookkeeping(Memory.INTACT, history.trades, None, _gap(balance, initial_balance, history.trades))
    whole = _gap(balance, initial_balance, history.trades)
    present = _gap(balance, initial_balance, listed)
    if whole == 0:
        return Bookkeeping(Memory.TRIMMED, history.trades, None, whole)
    memory = Memory.RESET if present == 0 else Memory.LOST
    since = min((trade.opened_at for trade in listed), default=now)
    return Bookkeeping(memory, listed, since, present)


def _gap(balance: Decimal, initial_balance: Decimal | None, trades: tuple[ClosedTrade, ...]) -> Decimal | None:
    if initial_balance is None:
        return None
    gap = balance - initial_balance - sum((trade.pnl for trade in trades), Decimal(0))
    return gap if abs(gap) >= CENT else Decimal(0)


def _differs(one: ClosedTrade, other: ClosedTrade) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in COMPARED)
