"""What a strategy is: a name, parameters, the candles it needs, and a pure function from candles to signals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tradeops.domain.candles import period_of
from tradeops.domain.strategies.frames import Frames, confirmation_of
from tradeops.domain.strategies.parameters import Parameter, Value, Values, resolved
from tradeops.domain.strategies.signals import Mask, Signals


def anything_goes(_: Values) -> str:
    """No two parameters depend on one another."""
    return ""


@dataclass(frozen=True, slots=True)
class Strategy:
    """Candles in, signals out.

    Attributes:
        name: short, as in `rsi`.
        title: as the bot shows it, as in "RSI Strategy".
        version: changes with the rules; results name it.
        parameters: in the order in which they are shown.
        least_candles: how many of each timeframe a signal needs.
        judge: the signals, by values that are complete and checked.
        confirms: whether it looks at the confirmation timeframe too.
        conflict: why these values do not go together; empty when they do.
    """

    name: str
    title: str
    version: str
    parameters: tuple[Parameter, ...]
    least_candles: Callable[[Values], int]
    judge: Callable[[Frames, Values], Signals]
    confirms: bool = True
    conflict: Callable[[Values], str] = anything_goes

    def resolved(self, given: Mapping[str, object] | None = None) -> dict[str, Value]:
        """Every parameter with its value: the given one, or the bot's.

        Raises:
            ValueError: an unknown name, a value out of bounds, or values that do not go together.
        """
        values = resolved(self.parameters, given or {})
        if problem := self.conflict(values):
            raise ValueError(problem)
        return values

    def signals(self, frames: Frames, given: Mapping[str, object] | None = None) -> Signals:
        """One signal a primary candle, decided at its close from what was closed then.

        Raises:
            ValueError: like `resolved`.
        """
        return self.judge(frames, self.resolved(given))

    def warm_up_candles(self, given: Mapping[str, object] | None = None, timeframe: str = "1h") -> int:
        """How many primary candles it takes at most until there are signals.

        Raises:
            ValueError: like `resolved`, or a timeframe that nothing confirms.
        """
        least = self.least_candles(self.resolved(given))
        if not self.confirms:
            return least
        longer = period_of(confirmation_of(timeframe)) // period_of(timeframe)
        return longer * least + longer - 1


def enough(frames: Frames, least: int, *, confirms: bool = True) -> Mask:
    """Where at least `least` candles are closed, of both timeframes when the strategy confirms."""
    there = np.arange(len(frames)) + 1 >= least
    return there & (frames.confirmed + 1 >= least) if confirms else there
