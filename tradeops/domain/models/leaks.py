"""Finds features that know the future: the past must not change when the future does."""

from collections.abc import Callable, Sequence

import numpy as np

from tradeops.domain.models.columns import Floats, TrainingCandles
from tradeops.domain.models.features import FeatureTable


def leaking_features(
    features: Callable[[TrainingCandles], FeatureTable], candles: TrainingCandles, cuts: Sequence[int], *, seed: int
) -> tuple[str, ...]:
    """Names of the columns of which a row up to a cut changes when the candles after it are shuffled or cut off.

    Args:
        features: what is suspected.
        candles: enough of them before the first cut.
        cuts: the last rows of "the past", one after another.
        seed: of the shuffling.
    """
    random = np.random.default_rng(seed)
    whole = features(candles)
    found: set[str] = set()
    for cut in cuts:
        past = cut + 1
        for other in (_another_future(candles, past, random), candles.head(past)):
            told = features(other)
            after = dict(zip(told.names, told.values.T, strict=True))
            found |= set(told.names) ^ set(whole.names)
            for name, before in zip(whole.names, whole.values.T, strict=True):
                if name in after and not np.array_equal(before[:past], after[name][:past], equal_nan=True):
                    found.add(name)
    return tuple(name for name in dict.fromkeys((*whole.names, *sorted(found))) if name in found)


def _another_future(candles: TrainingCandles, past: int, random: np.random.Generator) -> TrainingCandles:
    order = random.permutation(np.arange(past, len(candles)))
    level = random.uniform(0.5, 2.0)

    def changed(values: Floats, factor: float) -> Floats:
        return np.concatenate([values[:past], values[order] * factor])

    return TrainingCandles(
        timeframe=candles.timeframe,
        opened_ms=candles.opened_ms,
        open=changed(candles.open, level),
        high=changed(candles.high, level),
        low=changed(candles.low, level),
        close=changed(candles.close, level),
        volume=changed(candles.volume, 3.0),
    )
