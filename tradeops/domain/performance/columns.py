"""Closed trades as columns: what a million of them are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.performance.windows import Window
from tradeops.domain.portfolio.portfolio import ClosedTrade
from tradeops.domain.readings import RejectedRecord

NO_TRADES = "no closed trades"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = ("ids", "symbols", "opened_at", "closed_at", "pnl", "pnl_usd", "return_percent")
EXACT = Context(prec=100, Emax=MAX_EMAX, Emin=MIN_EMIN)


@dataclass(frozen=True, slots=True, eq=False)
class TradeColumns:
    """One entry a trade in each column, ascending by close (then open, then id). Columns are read-only.

    Attributes:
        ids: texts, like `symbols`.
        opened_at: `datetime64[us]` in UTC, like `closed_at`.
        pnl: exact Decimals, USDT, realised after all fees.
        pnl_usd: the same as floats.
        return_percent: profit on the notional at entry × 100.
        duplicates: how many trades were left out because another has the same id.
        rejected: trades that were left out because their values cannot be true.
    """

    ids: NDArray[np.object_]
    symbols: NDArray[np.object_]
    opened_at: NDArray[np.datetime64]
    closed_at: NDArray[np.datetime64]
    pnl: NDArray[np.object_]
    pnl_usd: NDArray[np.float64]
    return_percent: NDArray[np.float64]
    duplicates: int = 0
    rejected: tuple[RejectedRecord, ...] = ()

    def __post_init__(self) -> None:
        for name in COLUMNS:
            getattr(self, name).setflags(write=False)

    @classmethod
    def of(cls, trades: Sequence[ClosedTrade]) -> Self:
        """From trades in any order.

        A value that is NaN or infinite, a notional not above zero and a close before the open are rejected with the
        reason. Of several trades with one id the one closed last stays.
        """
        ids = np.array([trade.id for trade in trades], dtype=object)
        opened_at = microseconds([trade.opened_at for trade in trades])
        closed_at = microseconds([trade.closed_at for trade in trades])
        pnl_usd, entry_prices, quantities = (
            _floats([getattr(trade, name) for trade in trades]) for name in ("pnl", "entry_price", "quantity")
        )
        with np.errstate(all="ignore"):
            notional = entry_prices * quantities
            return_percent = 100 * pnl_usd / notional
            good = (entry_prices > 0) & (notional > 0) & np.isfinite(notional)
            good &= np.isfinite(return_percent) & (closed_at >= opened_at)
        order = np.lexsort((opened_at, closed_at))
        equals = (opened_at[order][1:] == opened_at[order][:-1]) & (closed_at[order][1:] == closed_at[order][:-1])
        if equals.any():  # rare, and texts are slow to sort
            order = np.lexsort((pnl_usd, ids, opened_at, closed_at))
        order = order[good[order]]
        last = {identity: place for place, identity in enumerate(ids[order].tolist())}
        kept = order[sorted(last.values())]
        return cls(
            ids=ids[kept],
            symbols=np.array([trade.symbol for trade in trades], dtype=object)[kept],
            opened_at=opened_at[kept],
            closed_at=closed_at[kept],
            pnl=np.array([trade.pnl for trade in trades], dtype=object)[kept],
            pnl_usd=pnl_usd[kept],
            return_percent=return_percent[kept],
            duplicates=len(order) - len(kept),
            rejected=tuple(_rejected(trades[int(i)]) for i in np.flatnonzero(~good)),
        )

    def __len__(self) -> int:
        return len(self.pnl_usd)

    def within(self, window: Window) -> Self:
        """The trades closed in the window, as views: nothing is copied."""
        ends = microseconds([window.since, window.until])
        first, last = np.searchsorted(self.closed_at, ends, side="left")
        return self._taken(slice(first, last))

    def where(self, mask: NDArray[np.bool_]) -> Self:
        """The trades at which `mask` is true, e.g. `columns.where(columns.symbols == "BTCUSDT")`."""
        return self._taken(mask)

    def total(self, mask: NDArray[np.bool_] | None = None) -> Decimal:
        """The exact sum of profits, USDT; of those at which `mask` is true when it is given."""
        return exact_sum(self.pnl if mask is None else self.pnl[mask])

    def _taken(self, which: slice | NDArray[np.bool_]) -> Self:
        return replace(self, **{name: getattr(self, name)[which] for name in COLUMNS})


def exact_sum(amounts: NDArray[np.object_]) -> Decimal:
    """The sum of Decimals without rounding, whatever precision the caller's context has."""
    with localcontext(EXACT):
        return sum(amounts.tolist(), Decimal(0))


def microseconds(moments: Sequence[datetime]) -> NDArray[np.datetime64]:
    """Aware times as `datetime64[us]` in UTC."""
    return np.array([(moment - EPOCH) // timedelta.resolution for moment in moments], dtype="datetime64[us]")


def moment(of: np.datetime64) -> datetime:
    """One entry of a time column as an aware datetime."""
    return EPOCH + int(of.astype(np.int64)) * timedelta.resolution


def _floats(amounts: Sequence[Decimal]) -> NDArray[np.float64]:
    try:
        return np.array(amounts, dtype=np.float64)
    except ValueError:  # a signalling NaN
        return np.array([amount if amount.is_finite() else np.nan for amount in amounts], dtype=np.float64)


def _rejected(trade: ClosedTrade) -> RejectedRecord:
    return RejectedRecord(trade.id, _problem(trade))


def _problem(trade: ClosedTrade) -> str:
    for name in ("pnl", "entry_price", "quantity"):
        if not getattr(trade, name).is_finite():
            return f"{name} is NaN or infinite"
    if trade.entry_price <= 0 or trade.quantity <= 0:
        return "entry price and quantity are not above zero"
    if trade.closed_at < trade.opened_at:
        return "closed before it was opened"
    return "profit and notional are out of proportion"
