"""The two timeframes that a strategy looks at: nothing of it was unknown when the primary candle closed."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np

from tradeops.domain.candle_columns import CandleColumns, Floats, Integers
from tradeops.domain.candles import TIMEFRAMES, period_of

CONFIRMATION = 4  # the bot confirms signals of 1h by 4h, so 15m by 1h, 4h by 1d
REMEMBERED = 64

Computed = TypeVar("Computed")


def confirmation_of(timeframe: str) -> str:
    """The timeframe that confirms: the shortest one of whole candles that is at least four times as long.

    Raises:
        ValueError: there is none so long, or `timeframe` is unknown.
    """
    period = period_of(timeframe)
    longer = [name for name, other in TIMEFRAMES.items() if other >= CONFIRMATION * period and not other % period]
    if not longer:
        raise ValueError(f"{timeframe} has no longer timeframe that could confirm; the longest that has is 4h")
    return longer[0]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Primary candles, and the confirmation candles made from them when somebody asks for them.

    Raises:
        ValueError: a timeframe without one that confirms.
    """

    primary: CandleColumns
    _memory: OrderedDict[Hashable, object] = field(default_factory=OrderedDict, repr=False)
    _longer: list[CandleColumns] = field(default_factory=list, repr=False)
    _confirmed: list[Integers] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        confirmation_of(self.primary.timeframe)

    @property
    def confirmation(self) -> CandleColumns:
        """The longer candles that were over at some primary close."""
        if not self._longer:
            self._longer.append(self.primary.merged_to(confirmation_of(self.primary.timeframe)))
        return self._longer[0]

    @property
    def confirmed(self) -> Integers:
        """For each primary candle the place of the newest confirmation candle over at its close; -1 when none was."""
        if not self._confirmed:
            over = np.searchsorted(self.confirmation.closed_at, self.primary.closed_at, side="right")
            self._confirmed.append(over.astype(np.int64) - 1)
        return self._confirmed[0]

    def __len__(self) -> int:
        return len(self.primary)

    def seen(self, values: Floats) -> Floats:
        """Values of confirmation candles as known at the close of each primary one; NaN where there was none."""
        if not len(values):
            return np.full(len(self), np.nan)
        return np.where(self.confirmed >= 0, values[self.confirmed], np.nan)

    def remembered(self, key: Hashable, compute: Callable[[], Computed]) -> Computed:
        """What `compute` gives, kept for the next one who asks: a search tries the same indicators many times."""
        if key in self._memory:
            self._memory.move_to_end(key)
            return cast("Computed", self._memory[key])
        value = compute()
        self._memory[key] = value
        if len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        return value
