"""The two timeframes that a strategy looks at: nothing of it was unknown when the primary candle closed."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self, TypeVar, cast

import numpy as np

from tradeops.domain.candle_columns import CandleColumns, Floats, Integers
from tradeops.domain.candles import TIMEFRAMES, period_of

CONFIRMATION = 4  # the bot confirms signals of one hour by candles of four
REMEMBERED = 64

Computed = TypeVar("Computed")


def confirmation_of(timeframe: str) -> str:
    """The timeframe that confirms: four times as long.

    Raises:
        ValueError: there is none so long, or `timeframe` is unknown.
    """
    wanted = CONFIRMATION * period_of(timeframe)
    found = [name for name, period in TIMEFRAMES.items() if period == wanted]
    if not found:
        usable = [name for name, period in TIMEFRAMES.items() if CONFIRMATION * period in TIMEFRAMES.values()]
        raise ValueError(f"{timeframe} has no candles four times as long; {', '.join(usable)} have")
    return found[0]


def supports(timeframe: str) -> bool:
    """Whether strategies can run on it."""
    return CONFIRMATION * TIMEFRAMES.get(timeframe, timedelta(0)) in TIMEFRAMES.values()


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Primary candles with the confirmation candles made from them.

    Attributes:
        confirmed: for each primary candle the place of the newest confirmation candle that was over when it closed;
            -1 when there was none yet.
    """

    primary: CandleColumns
    confirmation: CandleColumns
    confirmed: Integers
    _memory: OrderedDict[Hashable, object] = field(default_factory=OrderedDict, repr=False)

    @classmethod
    def of(cls, primary: CandleColumns) -> Self:
        """From primary candles alone.

        Raises:
            ValueError: a timeframe without one four times as long.
        """
        confirmation = primary.merged_to(confirmation_of(primary.timeframe))
        confirmed = np.searchsorted(confirmation.closed_at, primary.closed_at, side="right") - 1
        return cls(primary, confirmation, confirmed.astype(np.int64))

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
