"""Candles as columns: what features are computed from, and what goes to the trainer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candles import MILLISECOND, Candle, at_milliseconds, implausible, milliseconds, period_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LATEST_MS = 2**43  # in the year 2248
PRICES = ("open", "high", "low", "close", "volume")


class UnfitDataError(ValueError):
    """These data cannot train or measure a model; names the column or the count."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCandles:
    """Closed candles, ascending, one per time; gaps are allowed and seen in `opened_ms`.

    Attributes:
        timeframe: `1m` … `1d`.
        opened_ms: epoch milliseconds.
        volume: in the base asset.
    """

    timeframe: str
    opened_ms: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        """How many candles."""
        return len(self.opened_ms)

    @property
    def period_ms(self) -> int:
        """The length of one candle."""
        return period_of(self.timeframe) // MILLISECOND

    @classmethod
    def of(cls, candles: Sequence[Candle], timeframe: str) -> "TrainingCandles":
        """The columns of ascending candles.

        Raises:
            ValueError: an unknown timeframe.
        """
        period_of(timeframe)
        opened = np.array([milliseconds(c.opened_at) for c in candles], dtype=np.int64)
        prices = {name: np.array([getattr(c, name) for c in candles], dtype=np.float64) for name in PRICES}
        return cls(timeframe=timeframe, opened_ms=opened, **prices)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "TrainingCandles":
        """The inverse of `to_json`, for bytes from outside: every candle is checked.

        Raises:
            UnfitDataError: names the field, or the candle that cannot be true.
        """
        try:
            timeframe = str(body["timeframe"])
            period = period_of(timeframe)
            columns = {name: [float(value) for value in body[name]] for name in PRICES}
            opened = [int(value) for value in body["opened_ms"]]
            rows = list(zip(opened, *columns.values(), strict=True))
        except KeyError as error:
            raise UnfitDataError(f"the candles have no {error}") from None
        except (TypeError, ValueError, OverflowError) as error:
            raise UnfitDataError(f"the candles are no columns of numbers of one length: {error}") from None
        if any(not 0 <= at <= LATEST_MS for at in opened):
            raise UnfitDataError("opened_ms has a time that no candle can have")
        candles = [Candle(at_milliseconds(at), *prices) for at, *prices in rows]
        for candle in candles:
            if problem := implausible(candle, period):
                raise UnfitDataError(f"the candle of {candle.opened_at:%Y-%m-%d %H:%M}: {problem}")
        if any(later <= earlier for earlier, later in pairwise(opened)):
            raise UnfitDataError("the candles are not ascending, one per time")
        return cls.of(candles, timeframe)

    def to_json(self) -> dict[str, Any]:
        """As it goes over the wire."""
        columns = {name: getattr(self, name).tolist() for name in ("opened_ms", *PRICES)}
        return {"timeframe": self.timeframe, **columns}

    def digest(self) -> str:
        """SHA-256 of all values: the same data have the same, whoever sends them."""
        summed = hashlib.sha256(self.timeframe.encode())
        for name in ("opened_ms", *PRICES):
            summed.update(
                np.ascontiguousarray(getattr(self, name)).astype(">f8" if name in PRICES else ">i8").tobytes()
            )
        return summed.hexdigest()

    def head(self, count: int) -> "TrainingCandles":
        """The first `count` candles."""
        return TrainingCandles(
            self.timeframe, self.opened_ms[:count], *(getattr(self, name)[:count] for name in PRICES)
        )

    def opened_at(self, row: int) -> datetime:
        """When that candle opened, aware UTC."""
        return at_milliseconds(int(self.opened_ms[row]))
