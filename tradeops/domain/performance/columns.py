"""Closed trades as columns: what a million of them are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.performance.windows import Window
from tradeops.domain.portfolio import ClosedTrade
from tradeops.domain.readings import RejectedRecord


@dataclass(frozen=True, slots=True, eq=False)
class TradeColumns:
    """One entry a trade in each column, ascending by close (then open, then id). Not to be written to.

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

    @classmethod
    def of(cls, trades: Sequence[ClosedTrade]) -> Self:
        """From trades in any order.

        A value that is NaN or infinite, a notional not above zero and a close before the open are rejected with the
        reason. Of several trades with one id the one closed last stays.
        """
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.pnl_usd)

    def within(self, window: Window) -> Self:
        """The trades closed in the window, as views: nothing is copied."""
        raise NotImplementedError

    def where(self, mask: NDArray[np.bool_]) -> Self:
        """The trades at which `mask` is true, e.g. `columns.where(columns.symbols == "BTCUSDT")`."""
        raise NotImplementedError
