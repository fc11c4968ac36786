"""Whether a strategy could have said then what it says now: it must not know the future, nor depend on a lost past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.candle_columns import CandleColumns
from tradeops.domain.strategies.frames import Frames
from tradeops.domain.strategies.signals import Mask, Signals
from tradeops.domain.strategies.strategy import Strategy

CUTS = 50
JUDGED_CANDLES = 200
HISTORIES = (1, 2, 4, 8)


@dataclass(frozen=True, slots=True)
class Leak:
    """A signal that the future changed.

    Attributes:
        place: of the candle at whose close it was decided.
        known_candles: how many candles there were in the history that says otherwise, this one included.
        then: direction and confidence from that history; `now` from all candles.
    """

    place: int
    known_candles: int
    then: tuple[int, float]
    now: tuple[int, float]


@dataclass(frozen=True, slots=True)
class Drift:
    """How much a shorter past changes.

    Attributes:
        history_candles: before the candles judged.
        differing_percent: of the signals judged.
    """

    history_candles: int
    differing_percent: float


def look_ahead(
    strategy: Strategy, candles: CandleColumns, parameters: Mapping[str, object] | None = None, *, seed: int = 0
) -> tuple[Leak, ...]:
    """Signals of truncated histories that are not those of the whole one; none is the proof asked for.

    Histories end at 25 evenly spread candles and at up to 25 seeded ones that carry a signal, so that a cheat that
    fires seldom is caught too. All signals of each history are compared; the first that differs is named.
    """
    whole = strategy.signals(Frames(candles), parameters)
    leaks = []
    for known in _cuts(whole, seed):
        then = strategy.signals(Frames(candles.first(known)), parameters)
        differs = _differs(then, _part(whole, slice(0, known)))
        if differs.any():
            place = int(differs.argmax())
            leaks.append(Leak(place, known, _at(then, place), _at(whole, place)))
    return tuple(leaks)


def warm_up_drift(
    strategy: Strategy,
    candles: CandleColumns,
    parameters: Mapping[str, object] | None = None,
    *,
    multiples: Sequence[int] = HISTORIES,
) -> tuple[Drift, ...]:
    """Share of the last 200 signals that change when the past before them is cut to multiples of the warm-up.

    Recursive averages never forget: this says how much history it takes until nobody can tell. Multiples for which
    there are too few candles are left out.
    """
    judged = min(JUDGED_CANDLES, len(candles) // 2)
    warm_up = strategy.warm_up_candles(parameters, candles.timeframe)
    last = slice(len(candles) - judged, len(candles))
    whole = _part(strategy.signals(Frames(candles), parameters), last)
    drifts = []
    for history in (multiple * warm_up for multiple in multiples):
        if judged and history + judged < len(candles):
            part = strategy.signals(Frames(candles.last(history + judged)), parameters)
            differing = _differs(_part(part, slice(history, None)), whole)
            drifts.append(Drift(history, float(100 * differing.mean())))
    return tuple(drifts)


def _cuts(whole: Signals, seed: int) -> list[int]:
    fired = np.flatnonzero(whole.direction)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(fired, min(len(fired), CUTS // 2), replace=False) if len(fired) else fired
    even: NDArray[np.int64] = np.linspace(1, len(whole) - 1, CUTS // 2).astype(np.int64)
    return sorted({int(cut) for cut in (*even, *(chosen + 1)) if 0 < cut < len(whole)})


def _part(signals: Signals, which: slice) -> Signals:
    return Signals(signals.direction[which], signals.confidence[which])


def _differs(one: Signals, other: Signals) -> Mask:
    unequal = (one.confidence != other.confidence) & (one.ready | other.ready)
    differs: Mask = unequal | (one.direction != other.direction)
    return differs


def _at(signals: Signals, place: int) -> tuple[int, float]:
    return int(signals.direction[place]), float(signals.confidence[place])
