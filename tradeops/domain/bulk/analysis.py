"""What each of many symbols says at its newest close: two strategies together, computed for all at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.bulk.newest import NEWEST, NewestMacd, newest_macd, newest_rsi
from tradeops.domain.candle_columns import MICROSECOND, CandleColumns, Floats, Integers
from tradeops.domain.candles import EPOCH, period_of
from tradeops.domain.strategies.combination import Combination, combined
from tradeops.domain.strategies.frames import Frames, confirmation_of
from tradeops.domain.strategies.registry import strategy_named
from tradeops.domain.strategies.rules.macd import Lines
from tradeops.domain.strategies.signals import Signals

MODE: Final = Combination.BEST_CONFIDENCE  # of two, an average would hardly ever be more than neutral
LEAST_CONFIDENCE: Final = 0.5  # the bot's setting
VOTERS: Final = ("rsi", "macd")
SCALE_FREE: Final = {"scale": "relative"}
STALE_AFTER: Final = 2  # candles
FELT: Final = 600  # candles: what lies before them changes no bit of an average of 26
DAY: Final = timedelta(days=1)
PERCENT: Final = 100


class Call(StrEnum):
    """What to do with a symbol, as the bot writes it."""

    SELL = "SELL"
    HOLD = "HOLD"
    BUY = "BUY"


CALLS: Final = tuple(Call)


@dataclass(frozen=True, slots=True)
class Vote:
    """What one strategy says; confidence is 0-1."""

    strategy: str
    signal: Call
    confidence: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """One symbol at its newest closed candle.

    Attributes:
        confidence: 0-1; a score, not a probability, and the same whatever a coin costs.
        price: the close.
        rsi: 14 candles, 0-100.
        macd: 12 and 26 candles, in units of price like `macd_signal` (9) and `macd_histogram`.
        change_percent: of the price in the last 24 hours; `None` when the candle of then is missing.
        as_of: when the candle closed.
        votes: of each strategy.
    """

    symbol: str
    signal: Call
    confidence: float
    price: float
    rsi: float
    macd: float
    macd_signal: float
    macd_histogram: float
    change_percent: float | None
    as_of: datetime
    votes: tuple[Vote, ...]

    @property
    def disagrees(self) -> bool:
        """One strategy says BUY and one SELL."""
        return {Call.BUY, Call.SELL} <= {vote.signal for vote in self.votes}


def least_candles(timeframe: str) -> int:
    """How many candles of `timeframe` an analysis takes, so that there are enough of the longer ones too.

    Raises:
        ValueError: an unknown timeframe, or one that nothing confirms.
    """
    return max(strategy_named(name).warm_up_candles(timeframe=timeframe) for name in VOTERS)


def unfit(candles: CandleColumns, now: datetime) -> str:
    """Why a symbol cannot be analysed; empty when it can."""
    needed = least_candles(candles.timeframe)
    if len(candles) < needed:
        return f"{len(candles)} candles of {candles.timeframe}; an analysis takes {needed}"
    closed = EPOCH + int(candles.closed_at[-1]) * MICROSECOND
    if now - closed > STALE_AFTER * period_of(candles.timeframe):
        return f"not traded any more: its last candle closed at {closed.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if not candles.volume.any():
        return "nothing was traded: its volume is zero throughout"
    return ""


def analysed(many: Sequence[CandleColumns]) -> list[Analysis]:
    """One analysis a symbol, in their order; those that are `unfit` must not be among them.

    RSI Strategy and MACD Strategy, the latter with its threshold in percent of the price, combined as the bot combines.

    Raises:
        ValueError: too few candles, or candles of several timeframes.
    """
    if not many:
        return []
    if len({candles.timeframe for candles in many}) > 1:
        raise ValueError("candles of one timeframe are analysed together")
    values = _values_of(many)
    votes = _votes(values, many[0].timeframe)
    together = combined(list(votes.values()), MODE, LEAST_CONFIDENCE)
    return [_analysis(candles, values, votes, together, row) for row, candles in enumerate(many)]


@dataclass(frozen=True, slots=True, eq=False)
class _Values:
    """A row a symbol; two columns each, the one before and the newest."""

    close: Floats
    rsi: Floats
    rsi_longer: Floats
    macd: NewestMacd
    macd_longer: NewestMacd
    close_longer: Floats


def _longer_needed() -> int:
    return max(one.least_candles(one.resolved()) for one in map(strategy_named, VOTERS))


def _values_of(many: Sequence[CandleColumns]) -> _Values:
    """Symbols that share all their times are one matrix; each one with gaps is a matrix by itself."""
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for row, candles in enumerate(many):
        alone = row if candles.missing else -1
        groups[int(candles.opened_at[0]), len(candles), alone].append(row)
    shape = (len(many), NEWEST)
    close, rsi, rsi_longer, close_longer, *macds = (np.empty(shape) for _ in range(8))
    for rows in groups.values():
        first = many[rows[0]]
        longer = first.merged_to(confirmation_of(first.timeframe))
        closes = np.stack([many[row].close[-FELT:] for row in rows])
        if first.missing:
            closes_longer = longer.close[None, :]
        else:
            ends = np.searchsorted(first.closed_at, longer.closed_at)
            closes_longer = np.stack([many[row].close[ends] for row in rows])
        close[rows], close_longer[rows] = closes[:, -NEWEST:], closes_longer[:, -NEWEST:]
        rsi[rows], rsi_longer[rows] = newest_rsi(closes, 14), newest_rsi(closes_longer, 14)
        both = newest_macd(closes, 12, 26, 9), newest_macd(closes_longer, 12, 26, 9)
        for place, found in enumerate((both[0].line, both[0].signal, both[1].line, both[1].signal)):
            macds[place][rows] = found
    return _Values(close, rsi, rsi_longer, NewestMacd(*macds[:2]), NewestMacd(*macds[2:]), close_longer)


class _NewestFrames(Frames):
    """The two newest candles of one symbol behind those of another; the strategies judge them as if they were one.

    Before them stand as many candles as a strategy must have seen. What is judged there, and at each symbol's last but
    one candle, means nothing.
    """

    def seen(self, values: Floats) -> Floats:
        """They stand beside their primary candles already."""
        return values

    @property
    def confirmed(self) -> Integers:
        """All of them, and enough."""
        return np.full(len(self), len(self) + _longer_needed(), dtype=np.int64)


def _votes(values: _Values, timeframe: str) -> dict[str, Signals]:
    ahead = _longer_needed()
    frames = _NewestFrames(_columns(_flat(values.close, ahead, 1.0), timeframe))
    frames._longer.append(_columns(_flat(values.close_longer[:, [-1, -1]], ahead, 1.0), timeframe))  # noqa: SLF001 - its own
    newest = values.rsi_longer[:, [-1, -1]]
    frames.remembered(("rsi", 14), lambda: (_flat(values.rsi, ahead), _flat(newest, ahead)))
    frames.remembered(("macd", 12, 26, 9), lambda: _lines(values, ahead))
    newest_rows = slice(ahead + NEWEST - 1, None, NEWEST)
    votes = {}
    for name, given in zip(VOTERS, ({}, SCALE_FREE), strict=True):
        strategy = strategy_named(name)
        every = strategy.signals(frames, given)
        votes[strategy.title] = Signals(every.direction[newest_rows], every.confidence[newest_rows])
    return votes


def _lines(values: _Values, ahead: int) -> Lines:
    h1, h4 = values.macd.histogram, values.macd_longer.histogram
    rising1, rising4 = (np.repeat(np.diff(h, axis=1), NEWEST, axis=1) for h in (h1, h4))
    line, signal, flat1, flat4 = (
        _flat(each, ahead) for each in (values.macd.line, values.macd.signal, h1, h4[:, [-1, -1]])
    )
    moves1, moves4 = _flat(rising1, ahead), _flat(rising4, ahead)
    return Lines(line, signal, flat1, flat4, moves1 > 0, moves1 < 0, moves4 > 0, moves4 < 0)


def _flat(values: NDArray[np.float64], ahead: int, filler: float = 0.0) -> Floats:
    return np.concatenate([np.full(ahead, filler), values.ravel()])


def _columns(close: Floats, timeframe: str) -> CandleColumns:
    period = period_of(timeframe) // MICROSECOND
    return CandleColumns("", timeframe, np.arange(len(close)) * period, close, close, close, close, np.ones(len(close)))


def _analysis(
    candles: CandleColumns, values: _Values, votes: Mapping[str, Signals], together: Signals, row: int
) -> Analysis:
    line, signal = values.macd.line.item(row, -1), values.macd.signal.item(row, -1)
    return Analysis(
        symbol=candles.symbol,
        signal=CALLS[together.direction.item(row) + 1],
        confidence=together.confidence.item(row),
        price=values.close.item(row, -1),
        rsi=values.rsi.item(row, -1),
        macd=line,
        macd_signal=signal,
        macd_histogram=line - signal,
        change_percent=_change(candles),
        as_of=EPOCH + (candles.opened_at.item(-1) + candles.period) * MICROSECOND,
        votes=tuple(
            Vote(name, CALLS[said.direction.item(row) + 1], said.confidence.item(row)) for name, said in votes.items()
        ),
    )


def _change(candles: CandleColumns) -> float | None:
    then = candles.opened_at[-1] - DAY // MICROSECOND
    place = int(np.searchsorted(candles.opened_at, then))
    if candles.opened_at[place] != then:
        return None
    return float(PERCENT * (candles.close[-1] / candles.close[place] - 1))
