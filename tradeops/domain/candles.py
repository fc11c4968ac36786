"""Candles in order: ascending, closed, one per period, gaps named."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite

TIMEFRAMES = {
    "1m": timedelta(minutes=1),
    "3m": timedelta(minutes=3),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)  # in which exchanges, the trainer and kept candles count time


@dataclass(frozen=True, slots=True)
class Candle:
    """One period of trading; prices in the quote asset, volume in the base asset."""

    opened_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles that should lie between two neighbours and do not.

    Attributes:
        first: when the first missing one would have opened.
        missing: how many, at least 1.
    """

    first: datetime
    missing: int


@dataclass(frozen=True, slots=True)
class CandleSeries:
    """Closed candles of one symbol, ascending, one per period.

    Attributes:
        requested: how many closed ones were asked for.
        duplicates: how many were merged into a neighbour of the same time.
        open_dropped: how many were left out because their period was not over.
        rejected: how many were left out because their values cannot be true.
        remarks: what an operator should know of where they come from; empty when all went as usual.
    """

    symbol: str
    timeframe: str
    candles: tuple[Candle, ...]
    requested: int
    gaps: tuple[Gap, ...] = ()
    duplicates: int = 0
    open_dropped: int = 0
    rejected: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """How many fewer there are than were asked for; 0 when all are there."""
        return max(self.requested - len(self.candles), 0)


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the epoch."""
    return (moment - EPOCH) // MILLISECOND


def at_milliseconds(since_epoch: int) -> datetime:
    """The moment, in UTC.

    Raises:
        OverflowError: no calendar has it.
    """
    return EPOCH + since_epoch * MILLISECOND


def period_of(timeframe: str) -> timedelta:
    """The length of one candle.

    Raises:
        ValueError: not one of the engine's timeframes; names them.
    """
    if timeframe not in TIMEFRAMES:
        raise ValueError(f"timeframe {timeframe!r} is none of {', '.join(TIMEFRAMES)}")
    return TIMEFRAMES[timeframe]


def openings(start: datetime, end: datetime, period: timedelta) -> int:
    """How many candles open in [start, end); both aware."""
    return max(-((EPOCH - end) // period) + (EPOCH - start) // period, 0)


def implausible(candle: Candle, period: timedelta) -> str:
    """Why this candle cannot be true; empty when it can."""
    prices = {"open": candle.open, "high": candle.high, "low": candle.low, "close": candle.close}
    for name, value in (prices | {"volume": candle.volume}).items():
        if not isfinite(value):
            return f"{name} is NaN or infinite"
    for name, value in prices.items():
        if value <= 0:
            return f"{name} is not above zero"
    if candle.volume < 0:
        return "volume is negative"
    if candle.high < max(prices.values()) or candle.low > min(prices.values()):
        return "high and low do not enclose open and close"
    if (candle.opened_at - EPOCH) % period:
        return "timestamp is not on a boundary of the timeframe"
    return ""


def merged(candles: Iterable[Candle]) -> tuple[Candle, ...]:
    """Ascending, one per time: of several the one with the most volume, because volume only grows within a period."""
    fullest: dict[datetime, Candle] = {}
    for candle in candles:
        kept = fullest.get(candle.opened_at)
        if kept is None or candle.volume > kept.volume:
            fullest[candle.opened_at] = candle
    return tuple(fullest[time] for time in sorted(fullest))


def find_gaps(candles: Sequence[Candle], period: timedelta) -> tuple[Gap, ...]:
    """The holes between ascending candles, in order."""
    return tuple(
        Gap(first=earlier.opened_at + period, missing=missing)
        for earlier, later in pairwise(candles)
        if (missing := (later.opened_at - earlier.opened_at) // period - 1) > 0
    )
