"""What losing streaks are counted from, of trades without number: the end of each history alone. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

from tradeops.domain.portfolio.portfolio import ClosedTrade

Place = tuple[datetime, str]  # in the order in which the guard counts


@dataclass(slots=True)
class _Tail:
    """The last trade that was not lost, and those lost since."""

    ended_by: ClosedTrade | None = None
    lost: dict[str, ClosedTrade] = field(default_factory=dict)


class Tails:
    """For each symbol and strategy the last trade that was not lost, and those that were lost since.

    Whichever order trades come in, and however often: of `trades` the same streaks are counted as of all that came, for
    each symbol, each strategy and the account, also where some count only from a moment on. What came is never
    forgotten, as the guard forgets nothing that it saw.

    Attributes:
        mark: changes when `trades` does.
    """

    def __init__(self) -> None:
        self.mark = 0
        self._tails: dict[tuple[str, str | None], _Tail] = {}
        self._unsound: dict[str, ClosedTrade] = {}

    @property
    def trades(self) -> tuple[ClosedTrade, ...]:
        """All that matter, in no order; those whose figures cannot be true too, so that it can be said."""
        sound = (
            trade
            for tail in self._tails.values()
            for trade in (*tail.lost.values(), *([tail.ended_by] if tail.ended_by else ()))
        )
        return (*sound, *self._unsound.values())

    @property
    def strategies(self) -> tuple[str, ...]:
        """All that trades named."""
        named = {strategy for _, strategy in self._tails} | {trade.strategy for trade in self._unsound.values()}
        return tuple(sorted(filter(None, named)))

    def may_matter(self, symbol: str, strategy: str | None, closed_at: datetime) -> bool:
        """Whether a trade need be made at all of a record: it is not before one of its own that was not lost."""
        tail = self._tails.get((symbol, strategy))
        return tail is None or tail.ended_by is None or closed_at >= tail.ended_by.closed_at

    def add(self, trade: ClosedTrade) -> None:
        """Take a trade in; one that is known changes nothing."""
        if not trade.pnl.is_finite():
            self.mark += trade.id not in self._unsound
            self._unsound[trade.id] = trade
            return
        tail = self._tails.setdefault((trade.symbol, trade.strategy), _Tail())
        if tail.ended_by is not None and _place(trade) <= _place(tail.ended_by):
            return
        if trade.pnl < 0:
            self.mark += trade.id not in tail.lost
            tail.lost[trade.id] = trade
        else:
            self.mark += 1
            tail.ended_by = trade
            tail.lost = {one.id: one for one in tail.lost.values() if _place(one) > _place(trade)}


def _place(trade: ClosedTrade) -> Place:
    return trade.closed_at, trade.id
