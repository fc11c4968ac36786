"""What somebody asks the laboratory for, checked before any work."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, Self

from tradeops.domain.candles import period_of
from tradeops.domain.performance import Window
from tradeops.domain.strategies.parameters import Value
from tradeops.domain.strategies.registry import strategy_named
from tradeops.domain.strategies.strategy import Strategy

SYMBOL: Final = re.compile(r"[A-Z0-9]{5,20}")
LARGEST_SEED: Final = 2**63 - 1
LEAST_VARIATIONS: Final = 10
MOST_VARIATIONS: Final = 500
FIRST_MARKETS: Final = date(2010, 1, 1)
SETTLED_WARM_UPS: Final = 8  # recursive averages never forget; `warm_up_drift` shows that nobody can tell from here on


@dataclass(frozen=True, slots=True)
class BacktestOrder:
    """One backtest to make; everything in it is possible, as far as can be told without the exchange.

    Attributes:
        window: from 00:00 UTC of the start date to 00:00 UTC of the end date, which is not in it.
        parameters: all of them, defaults included.
    """

    strategy: Strategy
    symbol: str
    window: Window
    parameters: Mapping[str, Value]
    seed: int

    @classmethod
    def of(
        cls,
        strategy_name: str,
        symbol: str,
        start_date: str | date,
        end_date: str | date,
        parameters: Mapping[str, object] | None = None,
        seed: int = 0,
        *,
        now: datetime,
    ) -> Self:
        """From what people write; `now` is what is future to them.

        Raises:
            ValueError: unknown strategy, foreign or impossible parameters, something that is no symbol, dates that are
                none, equal, reversed or in the future, a seed out of range. Says what would do.
        """
        strategy = strategy_named(strategy_name)
        return cls(
            strategy,
            checked_symbol(symbol),
            checked_window(start_date, end_date, now=now),
            strategy.resolved(parameters),
            _checked_seed(seed),
        )

    def history_from(self, timeframe: str) -> datetime:
        """From when on candles are wanted: as long before the window as earlier ones still change a signal in it.

        Raises:
            ValueError: a timeframe that nothing confirms, or unknown.
        """
        warm_up = self.strategy.warm_up_candles(self.parameters, timeframe)
        return self.window.since - SETTLED_WARM_UPS * warm_up * period_of(timeframe)


def checked_symbol(symbol: str) -> str:
    """As the exchange writes it; whether it is traded there only the exchange knows.

    Raises:
        ValueError: not like a symbol.
    """
    written = symbol.strip().upper()
    if not SYMBOL.fullmatch(written):
        raise ValueError(f"{symbol!r} is no symbol; one looks like BTCUSDT")
    return written


def checked_window(start_date: str | date, end_date: str | date, *, now: datetime) -> Window:
    """From 00:00 UTC of the first date to 00:00 UTC of the second; the latest end is today.

    Raises:
        ValueError: not dates, equal, reversed, in the future, or before 2010, when no exchange had candles.
    """
    start, end = _checked_date("start_date", start_date), _checked_date("end_date", end_date)
    if start >= end:
        raise ValueError(f"start_date {start} lies before end_date, not {'on' if start == end else 'after'} {end}")
    if start < FIRST_MARKETS:
        raise ValueError(f"start_date {start} is before {FIRST_MARKETS}, and no exchange has candles of then")
    today = now.astimezone(UTC).date()
    if end > today:
        raise ValueError(f"end_date {end} is in the future; the latest is {today}, which is not included")
    return Window(*(datetime.combine(day, time(), tzinfo=UTC) for day in (start, end)))


def checked_variations(count: object) -> int:
    """How many points a search tries.

    Raises:
        ValueError: not a whole number from 10 to 500.
    """
    if isinstance(count, bool) or not isinstance(count, int) or not LEAST_VARIATIONS <= count <= MOST_VARIATIONS:
        raise ValueError(
            f"parameter_variations is a whole number from {LEAST_VARIATIONS} to {MOST_VARIATIONS}, not {count!r}"
        )
    return count


def _checked_date(name: str, written: str | date) -> date:
    if isinstance(written, datetime):
        raise ValueError(f"{name} is a date without a time, like 2026-11-25")  # noqa: TRY004 - an impossible value
    if isinstance(written, date):
        return written
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", written):
            raise ValueError(written)  # noqa: TRY301 - told below
        return date.fromisoformat(written)
    except ValueError:
        raise ValueError(f"{name} is a date like 2026-11-25, not {written!r}") from None


def _checked_seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"random_seed is a whole number from 0 on, not {seed!r}")
    return seed
