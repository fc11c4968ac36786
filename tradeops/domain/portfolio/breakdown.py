"""Closed trades by strategy and by symbol."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tradeops.domain.portfolio.portfolio import ClosedTrade

UNATTRIBUTED = "unattributed"


@dataclass(frozen=True, slots=True)
class Group:
    """Trades of one name; there is at least one. `wins` are those with a profit above zero; profit in USDT."""

    trades: int
    wins: int
    pnl_usd: Decimal

    @property
    def win_rate_percent(self) -> float:
        """Wins ÷ trades × 100."""
        return self.wins / self.trades * 100


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The same trades twice, the best group first.

    Attributes:
        strategies: by the strategy that the trade carries; those without one are "unattributed".
        symbols: by symbol.
    """

    strategies: Mapping[str, Group]
    symbols: Mapping[str, Group]

    @property
    def attributed(self) -> bool:
        """Whether any trade says which strategy opened it."""
        return bool(self.strategies.keys() - {UNATTRIBUTED})


def breakdown_of(trades: Iterable[ClosedTrade]) -> Breakdown:
    """Both groupings."""
    several = tuple(trades)
    return Breakdown(
        _grouped(several, lambda trade: trade.strategy or UNATTRIBUTED), _grouped(several, lambda trade: trade.symbol)
    )


def _grouped(trades: Iterable[ClosedTrade], name: Callable[[ClosedTrade], str]) -> dict[str, Group]:
    members: dict[str, list[ClosedTrade]] = defaultdict(list)
    for trade in trades:
        members[name(trade)].append(trade)
    groups = {
        each: Group(len(of_it), sum(t.pnl > 0 for t in of_it), sum((t.pnl for t in of_it), Decimal(0)))
        for each, of_it in members.items()
    }
    return dict(sorted(groups.items(), key=lambda item: (-item[1].pnl_usd, item[0])))
