"""Candles under conditions: everything of a simulation that does not depend on the signals, computed once for many."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.backtest.compiling import simulator
from tradeops.domain.backtest.rules import BacktestRules, Sizing, Slippage
from tradeops.domain.candle_columns import CandleColumns, Floats, Integers
from tradeops.domain.strategies.signals import Directions, Signals

FUNDING_PERIOD: Final = 8 * 3_600_000_000  # microseconds: 00, 08 and 16 UTC
HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
PERCENT: Final = 100
DRAWS_A_STEP: Final = 4  # of Philox: it is advanced in steps


class Reason(StrEnum):
    """Why a position ended; the order is that of the numbers in `loop`."""

    SIGNAL = "opposite signal"
    STOP = "stop loss"
    TARGET = "take profit"
    LIQUIDATION = "liquidation"
    END = "end of the data"
    STILL_OPEN = "still open"


REASONS: Final = tuple(Reason)


@dataclass(frozen=True, slots=True, eq=False)
class TradeTable:
    """One entry a trade in each column, ascending by exit.

    Attributes:
        entry_place: of the candle in whose open it was entered, counted in all candles, like `exit_place`.
        side: 1 long, -1 short.
        reason: place in `REASONS`.
        inside: 1 when it ended inside the exit candle or at its close, 0 at its open.
        fees_usd: of both sides.
        funding_usd: paid; negative when received.
        pnl_usd: profit after fees and funding.
    """

    entry_place: Integers
    exit_place: Integers
    side: Integers
    reason: Integers
    inside: Integers
    entry_price: Floats
    exit_price: Floats
    quantity: Floats
    fees_usd: Floats
    funding_usd: Floats
    pnl_usd: Floats

    def __len__(self) -> int:
        return len(self.pnl_usd)

    @property
    def return_percent(self) -> Floats:
        """Profit on the notional at entry."""
        percent: Floats = PERCENT * self.pnl_usd / (self.entry_price * self.quantity)
        return percent

    @property
    def closed(self) -> NDArray[np.bool_]:
        """All but one that is still open."""
        closed: NDArray[np.bool_] = self.reason != REASONS.index(Reason.STILL_OPEN)
        return closed


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What came of one stretch of candles.

    Attributes:
        start: place of its first candle in all candles, like `stop`, the place after its last.
        equity_usd: at each close, open positions valued there.
        deepest_drawdown_fraction: of equity at the closes from its highest point so far, the balance included.
    """

    start: int
    stop: int
    equity_usd: Floats
    trades: TradeTable
    deepest_drawdown_fraction: float


class Raw(NamedTuple):
    """The arrays that `loop.simulate` filled; places are counted in the stretch."""

    equity_usd: Floats
    places: Integers
    amounts: Floats
    deepest_drawdown_fraction: float


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """The UTC days of a stretch of candles, those without candles included.

    Attributes:
        days: `datetime64[D]`.
        last_candle: of each day, or of the newest day before it that has one; counted in the stretch.
        day_of: of each candle, counted from the first day.
    """

    days: NDArray[np.datetime64]
    last_candle: Integers
    day_of: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Candles under rules.

    Attributes:
        slips: from 0 to 1, one for each candle from the seed; empty when slippage is always the worst.
        funding: how many funding instants each open has since the close before.
    """

    candles: CandleColumns
    rules: BacktestRules
    seed: int
    slips: Floats
    funding: NDArray[np.int16]
    _days: dict[tuple[int, int], Days] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, candles: CandleColumns, rules: BacktestRules, seed: int) -> Self:
        """A candle's draw depends on the seed and its time alone, not on how many candles lie before or follow.

        Raises:
            ValueError: candles of more than 8 hours, or a negative seed.
        """
        if candles.period > FUNDING_PERIOD:
            raise ValueError(f"candles of {candles.timeframe} are too long: funding falls inside them")
        random = rules.slippage is Slippage.RANDOM and rules.slippage_percent > 0
        slips = _slips(candles if random else candles.first(0), seed)
        funding = _funding_instants(candles) if rules.funding_percent else np.empty(0, dtype=np.int16)
        return cls(candles, rules, seed, slips, funding)

    def run(self, signals: Signals, start: int = 0, stop: int | None = None, *, compiled: bool = True) -> Run:
        """Trade the candles from `start` to `stop`, excluded; a signal at the close before `start` is filled in it.

        Raises:
            ValueError: signals of other candles, or a stretch without candles.
        """
        raw = self.simulated(signals, start, stop, compiled=compiled)
        placed, amounted = raw.places.T.copy(), raw.amounts.T.copy()
        placed[:2] += start
        stop = start + len(raw.equity_usd)
        return Run(start, stop, raw.equity_usd, TradeTable(*placed, *amounted), raw.deepest_drawdown_fraction)

    def simulated(self, signals: Signals, start: int, stop: int | None, *, compiled: bool = True) -> Raw:
        """What `run` makes its tables of, for searches that need no tables.

        Raises:
            ValueError: like `run`.
        """
        if len(signals) != len(self.candles):
            raise ValueError(f"{len(signals)} signals do not belong to {len(self.candles)} candles")
        stop = len(self.candles) if stop is None else stop
        if not 0 <= start < stop <= len(self.candles):
            raise ValueError(f"no candles from {start} to {stop} of {len(self.candles)}")
        due = self._due(signals, start, stop)
        rows = int(np.count_nonzero(due))
        equity, totals = np.empty(stop - start), np.zeros(1)
        places, amounts = np.empty((rows, 5), dtype=np.int64), np.empty((rows, 6))
        r, c, span = self.rules, self.candles, slice(start, stop)
        count = simulator(compiled=compiled)(
            *(c.open[span], c.high[span], c.low[span], c.close[span], due, self.slips[span], self.funding[span]),
            *(equity, places, amounts, totals),
            *(r.balance_usd, r.fee_percent / PERCENT, r.slippage_percent / PERCENT, r.funding_percent / PERCENT),
            *((percent or 0.0) / PERCENT for percent in (r.stop_loss_percent, r.take_profit_percent)),
            *((r.trailing_percent or 0.0) / PERCENT, float(r.leverage), r.sizing is Sizing.PAPER),
            *(r.size_percent / PERCENT, r.shorts, r.close_at_end),
        )
        return Raw(equity, places[:count], amounts[:count], float(totals[0]))

    def days(self, start: int, stop: int) -> Days:
        """Of the candles from `start` to `stop`, excluded; kept for the next run over them."""
        if (start, stop) not in self._days:
            day = self.candles.opened_at[start:stop] // DAY
            ends = np.append(np.flatnonzero(np.diff(day)), len(day) - 1)
            days = np.arange(day[0], day[-1] + 1)
            last = ends[np.searchsorted(day[ends], days, side="right") - 1]
            self._days[start, stop] = Days(days.astype("datetime64[D]"), last, day - day[0])
        return self._days[start, stop]

    def _due(self, signals: Signals, start: int, stop: int) -> Directions:
        due = np.zeros(stop - start, dtype=np.int8)
        first = max(start, 1)
        decided = slice(first - 1, stop - 1)
        heard = signals.confidence[decided] >= self.rules.least_confidence
        due[first - start :] = signals.direction[decided] * heard
        return due


def _slips(candles: CandleColumns, seed: int) -> Floats:
    """The draws of one endless row, of which each candle has the place of its time."""
    row = np.random.Philox(key=seed)
    if not len(candles):
        return np.empty(0)
    places = candles.opened_at // candles.period
    begin = int(places[0]) // DRAWS_A_STEP
    row.advance(begin)
    places = places - begin * DRAWS_A_STEP
    drawn: Floats = np.random.Generator(row).random(int(places[-1]) + 1)[places]
    return drawn


def _funding_instants(candles: CandleColumns) -> NDArray[np.int16]:
    """Whole multiples of eight hours from the close before, included, to the open, included."""
    since = np.concatenate([candles.opened_at[:1], candles.closed_at[:-1]])
    counted: Integers = candles.opened_at // FUNDING_PERIOD + -since // FUNDING_PERIOD + 1
    return counted.astype(np.int16)
