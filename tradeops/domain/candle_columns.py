"""Candles as columns: what strategies and backtests compute on. 48 bytes a candle."""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candles import CandleSeries, period_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PRICES = ("open", "high", "low", "close")
COLUMNS = ("opened_at", *PRICES, "volume")
MICROSECOND = timedelta.resolution


@dataclass(frozen=True, slots=True, eq=False)
class CandleColumns:
    """Closed candles of one symbol, ascending, one entry a candle in each column. Columns are read-only.

    Attributes:
        opened_at: microseconds since 1970 UTC, on boundaries of the timeframe; gaps are allowed.
        open: above zero, quote asset, like `high`, `low` and `close`, which lie within each other as they must.
        volume: not below zero, base asset.

    Raises:
        ValueError: columns of different lengths, or a candle that cannot be true; names the first one.
    """

    symbol: str
    timeframe: str
    opened_at: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __post_init__(self) -> None:
        for name in COLUMNS:
            kind = np.int64 if name == "opened_at" else np.float64
            column = np.ascontiguousarray(getattr(self, name), dtype=kind).view()
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of one length, not {lengths}")
        self._check()

    @classmethod
    def of(cls, series: CandleSeries) -> Self:
        """The closed candles of a series."""
        candles = series.candles
        return cls(
            series.symbol,
            series.timeframe,
            np.array([(candle.opened_at - EPOCH) // MICROSECOND for candle in candles], dtype=np.int64),
            *(np.array([getattr(candle, name) for candle in candles], dtype=np.float64) for name in COLUMNS[1:]),
        )

    def __len__(self) -> int:
        return len(self.close)

    @property
    def period(self) -> int:
        """Microseconds of one candle."""
        return period_of(self.timeframe) // MICROSECOND

    @property
    def closed_at(self) -> Integers:
        """Microseconds since 1970 UTC."""
        return self.opened_at + self.period

    @property
    def missing(self) -> int:
        """How many candles lie in the gaps between the first and the last; 0 when there are none."""
        if not len(self):
            return 0
        return int((self.opened_at[-1] - self.opened_at[0]) // self.period) + 1 - len(self)

    @property
    def data_hash(self) -> str:
        """SHA-256 of symbol, timeframe and every value to the bit: equal hashes are equal inputs."""
        digest = hashlib.sha256(f"{self.symbol} {self.timeframe} {len(self)}\n".encode())
        for name in COLUMNS:
            column = getattr(self, name)
            digest.update(column.astype(column.dtype.newbyteorder("<"), copy=False).tobytes())
        return digest.hexdigest()

    def time(self, place: int) -> datetime:
        """When the candle at this place opened."""
        return EPOCH + int(self.opened_at[place]) * MICROSECOND

    def place_of(self, moment: datetime) -> int:
        """Place of the first candle opened at `moment` or later; their number when there is none."""
        return int(np.searchsorted(self.opened_at, (moment - EPOCH) // MICROSECOND, side="left"))

    def first(self, count: int) -> Self:
        """The first `count` candles: what was known then."""
        return self._taken(slice(0, count))

    def last(self, count: int) -> Self:
        """The last `count` candles."""
        return self._taken(slice(max(len(self) - count, 0), len(self)))

    def between(self, since: datetime, until: datetime) -> Self:
        """Those opened from `since`, included, to `until`, excluded."""
        return self._taken(slice(self.place_of(since), self.place_of(until)))

    def closed_by(self, moment: datetime) -> Self:
        """Those whose period is over at `moment`: a candle in the making never enters a computation."""
        return self.first(int(np.searchsorted(self.closed_at, (moment - EPOCH) // MICROSECOND, side="right")))

    def merged_to(self, timeframe: str) -> Self:
        """Longer candles of the same market, from those of each period that are there.

        The first period is left out when its beginning is missing, the last when it is not over: both would be
        candles that nobody ever saw. A gap inside a period leaves a candle of the rest.

        Raises:
            ValueError: not a multiple of this timeframe, or unknown.
        """
        period = period_of(timeframe) // MICROSECOND
        if period % self.period:
            raise ValueError(f"candles of {timeframe} cannot be made from those of {self.timeframe}")
        if not len(self):
            return replace(self, timeframe=timeframe)
        whole = slice(
            int(np.searchsorted(self.opened_at, -(-self.opened_at[0] // period) * period)),
            int(np.searchsorted(self.opened_at, self.closed_at[-1] // period * period)),
        )
        group = self.opened_at[whole] // period
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        ends = np.append(starts[1:], len(group)) - 1
        if not len(starts):
            return replace(self.first(0), timeframe=timeframe)
        return type(self)(
            self.symbol,
            timeframe,
            group[starts] * period,
            self.open[whole][starts],
            np.maximum.reduceat(self.high[whole], starts),
            np.minimum.reduceat(self.low[whole], starts),
            self.close[whole][ends],
            np.add.reduceat(self.volume[whole], starts),
        )

    def _taken(self, which: slice) -> Self:
        return replace(self, **{name: getattr(self, name)[which] for name in COLUMNS})

    def _check(self) -> None:
        for name in (*PRICES, "volume"):
            column = getattr(self, name)
            self._refuse(~np.isfinite(column), f"{name} is NaN or infinite")
            if name != "volume":
                self._refuse(column <= 0, f"{name} is not above zero")
        self._refuse(self.volume < 0, "volume is negative")
        body = (np.maximum(self.open, self.close), np.minimum(self.open, self.close))
        self._refuse((self.high < body[0]) | (self.low > body[1]), "high and low do not enclose open and close")
        self._refuse(self.opened_at % self.period != 0, "timestamp is not on a boundary of the timeframe")
        self._refuse(np.diff(self.opened_at, prepend=self.opened_at[:1] - 1) <= 0, "it does not ascend")

    def _refuse(self, bad: NDArray[np.bool_], problem: str) -> None:
        if bad.any():
            place = int(bad.argmax())
            raise ValueError(f"candle {place} of {self.symbol} {self.timeframe}: {problem}")
