"""From candles to what a model is trained, stopped and judged on: three stretches of time, kept apart by an embargo.

A sample is the window of `length` candles that ends with candle t, and what followed at t + 1. A window over a gap is
none.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tradeops.domain.models.columns import Floats, Integers, TrainingCandles, UnfitDataError
from tradeops.domain.models.features import FeatureTable, feature_table
from tradeops.domain.models.labels import hard_labels, next_returns, soft_labels
from tradeops.domain.models.scaling import Scaler

Label = Literal["hard", "soft"]
LENGTH = 60
VALIDATION_FRACTION, HOLDOUT_FRACTION = 0.15, 0.20
FEWEST_TRAINING_SAMPLES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Samples in order of time.

    Attributes:
        opened_ms: of the last candle of each window; its close is the moment of the prediction.
        windows: samples × length × features, scaled.
        labels: 0-1, what a model is trained on.
        returns: from that close to the next one: what a model is judged by.
        last_returns: into that close from the one before, known then.
    """

    opened_ms: Integers
    windows: NDArray[np.float32]
    labels: NDArray[np.float32]
    returns: Floats
    last_returns: Floats

    def __len__(self) -> int:
        """How many samples."""
        return len(self.opened_ms)


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """All that one training gets.

    Attributes:
        dropped: windows left out because of a gap.
        digest: of the candles.
    """

    train: Part
    validation: Part
    holdout: Part
    scaler: Scaler
    names: tuple[str, ...]
    length: int
    dropped: int
    digest: str


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of the candles is for early stopping and how much for judgement, 0-1 each."""

    validation: float = VALIDATION_FRACTION
    holdout: float = HOLDOUT_FRACTION


SHARES = Shares()


def make_dataset(
    candles: TrainingCandles, *, length: int = LENGTH, shares: Shares = SHARES, label: Label = "hard"
) -> Dataset:
    """Train, validation and holdout in this order of time, `length` samples left out between two of them.

    So no window of one part has a candle whose outcome another part was trained on. The scaler knows the training
    part alone.

    Raises:
        UnfitDataError: too few candles, or a feature that cannot be used; names it.
    """
    table = feature_table(candles)
    ends, dropped = sample_ends(candles, table.first, length)
    train, validation, holdout = split(ends, len(candles), length, shares)
    rows = table.values[train[0] - length + 1 : train[-1] + 1]
    scaler = Scaler.fit(table.names, rows)
    return Dataset(
        train=_part(candles, table, scaler, train, length, label),
        validation=_part(candles, table, scaler, validation, length, label),
        holdout=_part(candles, table, scaler, holdout, length, label),
        scaler=scaler,
        names=table.names,
        length=length,
        dropped=dropped,
        digest=candles.digest(),
    )


def sample_ends(candles: TrainingCandles, first: int, length: int) -> tuple[Integers, int]:
    """The rows at which whole windows end whose next candle is known, and how many were left out for a gap."""
    ends = np.arange(first + length - 1, len(candles) - 1)
    span = candles.opened_ms[ends + 1] - candles.opened_ms[ends - length + 1]
    whole = span == length * candles.period_ms
    return ends[whole], int((~whole).sum())


def split(ends: Integers, candles: int, length: int, shares: Shares) -> tuple[Integers, Integers, Integers]:
    """The ends of training, validation and holdout.

    Raises:
        UnfitDataError: too little is left for training.
    """
    if not (0 < shares.validation < 0.5 and 0 < shares.holdout < 0.5):  # noqa: PLR2004 - half of the data
        raise UnfitDataError("validation and holdout are shares between 0 and 0.5")
    holdout = ends[len(ends) - holdout_size(candles, shares) :] if len(ends) else ends
    validation = ends[ends < holdout[0] - length] if len(holdout) else ends
    validation = validation[max(len(validation) - round(shares.validation * candles), 0) :]
    train = ends[ends < validation[0] - length] if len(validation) else validation
    if len(train) < FEWEST_TRAINING_SAMPLES:
        problem = f"{candles} candles leave {len(train)} samples for training, at least {FEWEST_TRAINING_SAMPLES}"
        raise UnfitDataError(f"{problem} are needed")
    return train, validation, holdout


def holdout_size(candles: int, shares: Shares = SHARES) -> int:
    """How many of so many candles are for judgement; gaps can leave fewer."""
    return round(shares.holdout * candles)


def evaluation_part(
    candles: TrainingCandles, scaler: Scaler, length: int, *, since_ms: int | None = None, until_ms: int | None = None
) -> Part:
    """Samples whose last candle opened in [since, until), seen with the scaler of the model that is judged.

    Raises:
        UnfitDataError: there is none, or the features are not those of the model.
    """
    table = feature_table(candles)
    ends, _ = sample_ends(candles, table.first, length)
    opened = candles.opened_ms[ends]
    within = (opened >= (since_ms or 0)) & (opened < (np.inf if until_ms is None else until_ms))
    if not within.any():
        raise UnfitDataError(f"{len(candles)} candles have no sample of {length} candles in that stretch")
    return _part(candles, table, scaler, ends[within], length, "hard")


def newest_window(candles: TrainingCandles, scaler: Scaler, length: int) -> NDArray[np.float32]:
    """The window that ends with the last candle, 1 × length × features: what is predicted from it is the future.

    Raises:
        UnfitDataError: too few candles, a gap in it, or features that are not those of the model.
    """
    table = feature_table(candles)
    start = len(candles) - length
    if start < table.first:
        raise UnfitDataError(f"{len(candles)} candles are too few for a window of {length}")
    if candles.opened_ms[-1] - candles.opened_ms[start] != (length - 1) * candles.period_ms:
        raise UnfitDataError("the newest window has a gap in it")
    return scaler.transform(table.names, table.values[start:]).astype(np.float32)[None]


def _part(
    candles: TrainingCandles, table: FeatureTable, scaler: Scaler, ends: Integers, length: int, label: Label
) -> Part:
    begin = ends[0] - length + 1
    scaled = scaler.transform(table.names, table.values[begin : ends[-1] + 1]).astype(np.float32)
    windows = sliding_window_view(scaled, length, axis=0).transpose(0, 2, 1)[ends - ends[0]]
    returns = next_returns(candles.close)
    labels = hard_labels(returns[ends]) if label == "hard" else soft_labels(returns[ends])
    return Part(
        opened_ms=candles.opened_ms[ends],
        windows=windows,
        labels=labels.astype(np.float32),
        returns=returns[ends],
        last_returns=returns[ends - 1],
    )
