"""What trained models say: loaded on first use, checked before, the last few kept in memory."""

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.models.columns import TrainingCandles
from tradeops.domain.models.dataset import evaluation_part, newest_window
from tradeops.domain.models.measurement import LONG_FROM, SHORT_UNTIL
from tradeops.domain.models.scaling import Scaler
from tradeops.domain.models.training import Predictions
from trainer.durable import read_json
from trainer.foreman import backend
from trainer.registry import MODEL, SCALER, Version

KEPT_IN_MEMORY = 6


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to predict.

    Attributes:
        length: of the windows that it sees, in candles.
    """

    network: Any
    scaler: Scaler
    length: int


class Inference:
    """The models of one process; safe to use from several threads, which take turns.

    Args:
        home: of the service, for what is compiled.
    """

    def __init__(self, home: Path) -> None:
        self._home = home.resolve()
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._turn = threading.Lock()

    def evaluate(self, version: Version, candles: TrainingCandles, *, since_ms: int, until_ms: int) -> Predictions:
        """What it says after each candle that opened in [since, until), and what followed.

        Raises:
            UnfitDataError: no sample there, or features that are not the model's.
            DamagedError: its files are not what was written.
        """
        with self._turn:
            model = self._load(version)
            part = evaluation_part(candles, model.scaler, model.length, since_ms=since_ms, until_ms=until_ms)
            return Predictions(part.opened_ms, self._ask(model, part.windows), part.returns)

    def predict(self, version: Version, candles: TrainingCandles) -> float:
        """How likely the next candle closes above the last one, 0-1.

        Raises:
            UnfitDataError: too few candles, a gap in them, or features that are not the model's.
            DamagedError: its files are not what was written.
        """
        with self._turn:
            model = self._load(version)
            window = newest_window(candles, model.scaler, model.length)
            return float(self._ask(model, window)[0])

    def _load(self, version: Version) -> Loaded:
        key = str(version.folder)
        if key not in self._loaded:
            version.checked()
            os.environ.update({name: os.environ.get(name, value) for name, value in backend(self._home).items()})
            from trainer.networks import load_network  # noqa: PLC0415 - Keras takes seconds and half a gigabyte

            self._loaded[key] = Loaded(
                network=load_network(version.folder / MODEL),
                scaler=Scaler.from_json(read_json(version.folder / SCALER)),
                length=int(version.manifest["plan"]["length"]),
            )
        self._loaded.move_to_end(key)
        while len(self._loaded) > KEPT_IN_MEMORY:
            self._loaded.popitem(last=False)
        return self._loaded[key]

    def _ask(self, model: Loaded, windows: NDArray[np.float32]) -> NDArray[np.float64]:
        from trainer.fitting import predict  # noqa: PLC0415

        return predict(model.network, windows)


def signal_of(probability: float) -> str:
    """What the bot would do: `long` from 0.55, `short` up to 0.45."""
    if probability >= LONG_FROM:
        return "long"
    return "short" if probability <= SHORT_UNTIL else "neutral"
