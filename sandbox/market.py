"""A seeded market: minute candles of some fifty symbols, for weeks before the start and as long as anybody watches.

The same seed gives the same candles relative to the start, whenever that is; twelve days before it, usual prices hold.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from sandbox.symbols import TRADED, USUAL_PRICES

MINUTE_MS = 60_000
DAY_MINUTES = 1440
HISTORY_DAYS = 75
KEPT_EXTRAS = 8
DAYS_SINCE_USUAL_PRICE = 12
SNAP_MINUTES = 10

Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """How a market behaves.

    Attributes:
        trend_percent: the drift of a day while a trend lasts, one way or the other.
        noise_percent: standard deviation of a day's other moves.
        trend_hours: how long a trend lasts, at least and at most, before it turns.
        snap_percent: how far the price snaps back within minutes when a trend turns so; trend followers lose by it.
        snap_share: how many of the turns do so, 0–1; the others turn quietly.
    """

    trend_percent: float
    noise_percent: float
    trend_hours: tuple[float, float]
    snap_percent: float = 0.0
    snap_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Phase:
    """A shape, and for how long before the start it is in force; the last one has no end."""

    days_before_start: float
    shape: Shape


@dataclass(frozen=True, slots=True)
class Candle:
    """One period of one symbol.

    Attributes:
        opened_ms: epoch milliseconds.
        closed: whether the period is over.
        high: of an open one, so far; volume likewise, in units of the base asset.
    """

    opened_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    closed: bool


class Market:
    """All symbols.

    Args:
        seed: the same one gives the same market.
        start: aware; where history ends and live time begins.
        phases: the earliest first; it covers the whole history.
    """

    def __init__(self, seed: int, start: datetime, phases: Sequence[Phase]) -> None:
        hour = start.replace(minute=0, second=0, microsecond=0)
        self.first_ms = round((hour - timedelta(days=HISTORY_DAYS)).timestamp() * 1000)
        self._seed = seed
        self._phases = tuple(phases)
        self._traded = {symbol: self._generate(symbol) for symbol in TRADED}
        self._extras: OrderedDict[str, _Tape] = OrderedDict()

    @property
    def symbols(self) -> tuple[str, ...]:
        """Those the bot trades first."""
        return tuple(USUAL_PRICES)

    def minute_of(self, now_ms: int) -> int:
        """The minute, counted from the beginning of history, that this moment lies in."""
        return (now_ms - self.first_ms) // MINUTE_MS

    def closed_minutes(self, symbol: str, first: int, end: int) -> tuple[Series, Series, Series, Series, Series]:
        """Opens, highs, lows, closes and volumes of the whole minutes [first, end)."""
        tape = self._tape(symbol)
        tape.reach(end)
        span = slice(first, end)
        return tape.opens[span], tape.highs[span], tape.lows[span], tape.closes[span], tape.volumes[span]

    def price(self, symbol: str, now_ms: int) -> float:
        """The last trade before this moment."""
        minute = self.minute_of(now_ms)
        return self._tape(symbol).within(minute, self._fraction(now_ms)).close

    def candles(self, symbol: str, period_ms: int, first_ms: int, now_ms: int) -> list[Candle]:
        """Ascending candles that opened from `first_ms` on, as seen at `now_ms`: the last one may still be open.

        None is older than the history. Periods begin at whole multiples of their length since the epoch.
        """
        first_ms = max(first_ms, self.first_ms)
        opened = -(-first_ms // period_ms) * period_ms
        if opened > now_ms:
            return []
        tape = self._tape(symbol)
        now_minute = self.minute_of(now_ms)
        tape.reach(now_minute + 1)
        whole = period_ms // MINUTE_MS
        begin = self.minute_of(opened)
        complete = max(0, (now_minute - begin) // whole)
        candles = [
            Candle(opened + i * period_ms, *values, closed=True)
            for i, values in enumerate(tape.folded(begin, complete, whole))
        ]
        rest = begin + complete * whole
        open_now = tape.within(now_minute, self._fraction(now_ms))
        if rest < now_minute:
            open_now = tape.joined(rest, now_minute, open_now)
        opened_ms = opened + complete * period_ms
        return [*candles, Candle(opened_ms, *open_now.values, closed=False)]

    @staticmethod
    def _fraction(now_ms: int) -> float:
        return now_ms % MINUTE_MS / MINUTE_MS

    def _tape(self, symbol: str) -> "_Tape":
        if symbol in self._traded:
            return self._traded[symbol]
        if symbol not in self._extras:
            self._extras[symbol] = self._generate(symbol)
        self._extras.move_to_end(symbol)
        while len(self._extras) > KEPT_EXTRAS:
            self._extras.popitem(last=False)
        return self._extras[symbol]

    def _generate(self, symbol: str) -> "_Tape":
        return _Tape([self._seed, list(USUAL_PRICES).index(symbol)], USUAL_PRICES[symbol], self._phases)


@dataclass(frozen=True, slots=True)
class _Bar:
    values: tuple[float, float, float, float, float]

    @property
    def close(self) -> float:
        return self.values[3]


class _Tape:
    """The minutes of one symbol, grown a day at a time."""

    def __init__(self, seed: Sequence[int], usual_price: float, phases: Sequence[Phase]) -> None:
        self._random = np.random.default_rng(seed)
        self._digits = decimals(usual_price)
        self._phases = phases
        self._trend_left = 0
        self._trend = float(self._random.choice([-1.0, 1.0]))
        moves = [self._day_of_moves(day) for day in range(HISTORY_DAYS + 1)]
        self._noise = np.random.default_rng([*seed, 1])
        path = np.cumsum(np.concatenate(moves))
        self._log_price = math.log(usual_price) - path[(HISTORY_DAYS - DAYS_SINCE_USUAL_PRICE) * DAY_MINUTES - 1]
        self.opens = self.highs = self.lows = self.closes = self.volumes = np.empty(0)
        self._append(path + self._log_price)

    def reach(self, minutes: int) -> None:
        """Have at least so many minutes."""
        while len(self.closes) < minutes:
            last = self._log_price
            self._append(last + np.cumsum(self._day_of_moves(len(self.closes) // DAY_MINUTES)))

    def within(self, minute: int, fraction: float) -> _Bar:
        """The bar of a minute after this share of it: from the open over both extremes to the close."""
        self.reach(minute + 1)
        opened, high, low, close = (float(s[minute]) for s in (self.opens, self.highs, self.lows, self.closes))
        legs = [opened, low, high, close] if close >= opened else [opened, high, low, close]
        leg, along = divmod(fraction * 3, 1)
        here = legs[int(leg)] + (legs[int(leg) + 1] - legs[int(leg)]) * along
        seen = [*legs[: int(leg) + 1], round(here, self._digits)]
        return _Bar((opened, max(seen), min(seen), seen[-1], round(float(self.volumes[minute]) * fraction, 3)))

    def joined(self, first: int, end: int, last: _Bar) -> _Bar:
        """The minutes [first, end) and an open bar after them, as one."""
        _, high, low, close, volume = last.values
        return _Bar(
            (
                float(self.opens[first]),
                max(high, float(self.highs[first:end].max())),
                min(low, float(self.lows[first:end].min())),
                close,
                round(volume + float(self.volumes[first:end].sum()), 3),
            )
        )

    def folded(self, first: int, count: int, whole: int) -> list[tuple[float, float, float, float, float]]:
        """`count` candles of `whole` minutes each, from the minute `first` on."""
        span = slice(first, first + count * whole)
        grid = (count, whole)
        return list(
            zip(
                self.opens[span].reshape(grid)[:, 0].tolist(),
                self.highs[span].reshape(grid).max(axis=1).tolist(),
                self.lows[span].reshape(grid).min(axis=1).tolist(),
                self.closes[span].reshape(grid)[:, -1].tolist(),
                self.volumes[span].reshape(grid).sum(axis=1).round(3).tolist(),
                strict=True,
            )
        )

    def _day_of_moves(self, day: int) -> Series:
        """Logarithmic returns of the minutes of a day, counted from the beginning of history."""
        shape = next(p.shape for p in reversed(self._phases) if p.days_before_start >= HISTORY_DAYS - day)
        moves: Series = self._random.standard_normal(DAY_MINUTES) * shape.noise_percent / DAY_MINUTES**0.5
        filled = 0
        while filled < DAY_MINUTES:
            if self._trend_left == 0:
                self._trend_left = round(self._random.uniform(*shape.trend_hours) * 60)
                self._trend = -math.copysign(self._random.uniform(0.8, 1.2), self._trend)
                if self._random.random() < shape.snap_share:
                    snap = math.copysign(shape.snap_percent, self._trend)
                    moves[filled : filled + SNAP_MINUTES] += snap / SNAP_MINUTES
            take = min(self._trend_left, DAY_MINUTES - filled)
            moves[filled : filled + take] += self._trend * shape.trend_percent / DAY_MINUTES
            filled += take
            self._trend_left -= take
        moves /= 100
        return moves

    def _append(self, logs: Series) -> None:
        closes = np.exp(logs).round(self._digits)
        before = self.closes[-1] if len(self.closes) else closes[0]
        opens = np.concatenate([[before], closes[:-1]])
        wicks = np.abs(self._noise.standard_normal((2, len(logs)))) * 0.0002
        highs = (np.maximum(opens, closes) * (1 + wicks[0])).round(self._digits)
        lows = (np.minimum(opens, closes) * (1 - wicks[1])).round(self._digits)
        turnover = 40_000_000 / DAY_MINUTES * np.exp(self._noise.standard_normal(len(logs)) * 0.5)
        self._log_price = float(logs[-1])
        self.opens = np.concatenate([self.opens, opens])
        self.highs = np.concatenate([self.highs, np.maximum(highs, np.maximum(opens, closes))])
        self.lows = np.concatenate([self.lows, np.minimum(lows, np.minimum(opens, closes))])
        self.closes = np.concatenate([self.closes, closes])
        self.volumes = np.concatenate([self.volumes, (turnover / closes).round(3)])


def decimals(price: float) -> int:
    """How many decimals the prices of a symbol have that usually costs so much: five or six significant digits."""
    return max(2, 5 - math.floor(math.log10(price)) - 1)
