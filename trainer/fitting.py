"""Fits one network, epoch by epoch, so that a killed process goes on where it was and ends with the same weights.

Keras's own BackupAndRestore forgets the patience of early stopping and the state of drop-out. Here the order of samples
and the seeds of drop-out follow from the seed and the number of the epoch, and all else is in the checkpoint.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tradeops.domain.models.dataset import Part
from tradeops.domain.models.training import Epoch
from trainer.durable import publish_folder, read_json, write_json
from trainer.jobs import SMALLEST_BATCH
from trainer.networks import build_network, load_network

LOWEST_RATE = 1e-7
DIVERGED = 10.0
NO_MEMORY = "RESOURCE_EXHAUSTED"  # how XLA begins the message
PREDICTION_BATCH = 256


class DivergedError(Exception):
    """The loss grew tenfold or is no number: the data or the learning rate are wrong."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to stop and when to learn more slowly, in epochs without a better validation loss."""

    stop_after: int
    slow_after: int
    slow_by: float


SCHEDULES = {
    "lstm": Schedule(stop_after=10, slow_after=5, slow_by=0.5),
    "gru": Schedule(stop_after=10, slow_after=5, slow_by=0.5),
    "transformer": Schedule(stop_after=15, slow_after=7, slow_by=0.2),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """What a checkpoint knows beside the weights.

    Attributes:
        history: of all epochs so far.
        best: the lowest validation loss, and `best_epoch` when that was.
        slowed_at: the epoch after which patience with the learning rate began anew.
    """

    history: tuple[Epoch, ...] = ()
    best: float = math.inf
    best_epoch: int = 0
    slowed_at: int = 0
    learning_rate: float = 0.001
    batch_size: int = 32


@dataclass(frozen=True, slots=True)
class Fit:
    """One training: what it learns from and where it keeps its checkpoints.

    Attributes:
        counts_hits: accuracy is measured too: not for soft labels.
        most_batch: a bound that was learnt from processes that died for want of memory.
    """

    model_type: str
    train: Part
    validation: Part
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    folder: Path
    counts_hits: bool = True
    most_batch: int = 4096

    def run(self, report: Callable[[tuple[Epoch, ...]], None]) -> tuple[keras.Model, Progress]:
        """Go on from the newest checkpoint until the end or the early stop; returns the best epoch's network.

        Args:
            report: told of all epochs so far, after each.

        Raises:
            DivergedError: see there.
            MemoryError: even batches of 8 do not fit.
        """
        network, progress = self._resumed()
        report(progress.history)
        while len(progress.history) < self.epochs and not self._has_stopped(progress):
            progress = replace(progress, batch_size=min(progress.batch_size, self.most_batch))
            try:
                progress = self._epoch(network, progress)
            except Exception as error:
                if not (isinstance(error, MemoryError) or NO_MEMORY in str(error)):
                    raise
                if progress.batch_size <= SMALLEST_BATCH:
                    raise MemoryError(f"not even batches of {SMALLEST_BATCH} fit into memory") from error
                progress = replace(progress, batch_size=max(progress.batch_size // 2, SMALLEST_BATCH))
                continue
            self._keep(network, progress)
            report(progress.history)
        return load_network(self._newest() / "best.keras"), progress

    def _resumed(self) -> tuple[keras.Model, Progress]:
        for leftover in self.folder.glob("epoch-*.part"):
            rmtree(leftover)
        kept = self._checkpoint
        if kept is None:
            _, length, features = self.train.windows.shape
            network = build_network(
                self.model_type,
                length=length,
                features=features,
                learning_rate=self.learning_rate,
                seed=self.seed,
                counts_hits=self.counts_hits,
            )
            return network, Progress(learning_rate=self.learning_rate, batch_size=self.batch_size)
        body = read_json(kept / "progress.json")
        history = tuple(Epoch(**one) for one in body.pop("history"))
        return load_network(kept / "newest.keras"), Progress(history=history, **body)

    def _epoch(self, network: keras.Model, progress: Progress) -> Progress:
        number = len(progress.history) + 1
        order = np.random.default_rng((self.seed, number)).permutation(len(self.train))
        _seed_dropout(network, self.seed, number)
        network.optimizer.learning_rate.assign(progress.learning_rate)
        seen = network.fit(
            self.train.windows[order],
            self.train.labels[order],
            batch_size=progress.batch_size,
            validation_data=(self.validation.windows, self.validation.labels),
            validation_batch_size=PREDICTION_BATCH,
            shuffle=False,
            verbose=0,
        ).history
        last = {name: float(values[-1]) for name, values in seen.items()}
        epoch = Epoch(number, last["loss"], last["val_loss"], last.get("accuracy"), last.get("val_accuracy"))
        return self._judged(replace(progress, history=(*progress.history, epoch)))

    def _judged(self, progress: Progress) -> Progress:
        first, last = progress.history[0], progress.history[-1]
        if not (math.isfinite(last.loss) and math.isfinite(last.validation_loss)):
            raise DivergedError(f"the loss of epoch {last.number} is not a number")
        if last.loss > DIVERGED * first.loss:
            raise DivergedError(f"the loss of epoch {last.number} is {last.loss:.3g}, {first.loss:.3g} at the start")
        if last.validation_loss < progress.best:
            return replace(progress, best=last.validation_loss, best_epoch=last.number, slowed_at=last.number)
        schedule = SCHEDULES[self.model_type]
        if last.number - progress.slowed_at < schedule.slow_after:
            return progress
        rate = max(progress.learning_rate * schedule.slow_by, LOWEST_RATE)
        return replace(progress, learning_rate=rate, slowed_at=last.number)

    def _has_stopped(self, progress: Progress) -> bool:
        return len(progress.history) - progress.best_epoch >= SCHEDULES[self.model_type].stop_after

    @property
    def _checkpoint(self) -> Path | None:
        """The newest whole one."""
        return max(self.folder.glob("epoch-[0-9][0-9][0-9][0-9]"), default=None)

    def _newest(self) -> Path:
        if (newest := self._checkpoint) is None:
            raise ValueError("there is no epoch to train")
        return newest

    def _keep(self, network: keras.Model, progress: Progress) -> None:
        before = self._checkpoint
        final = self.folder / f"epoch-{len(progress.history):04}"
        unfinished = final.with_suffix(".part")
        unfinished.mkdir(parents=True)
        network.save(unfinished / "newest.keras")
        is_best = progress.best_epoch == len(progress.history)
        best = unfinished / "newest.keras" if is_best or before is None else before / "best.keras"
        (unfinished / "best.keras").hardlink_to(best)
        write_json(unfinished / "progress.json", asdict(progress))
        publish_folder(unfinished, final)
        if before is not None:
            rmtree(before)


def predict(network: keras.Model, windows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probability of a rise after each window, 0-1."""
    said: NDArray[np.float64] = np.asarray(
        network.predict(windows, batch_size=PREDICTION_BATCH, verbose=0), dtype=np.float64
    )
    return said.reshape(-1)


def _seed_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Give each source of randomness a state that depends on nothing but its place, the seed and the epoch."""
    for place, generator in enumerate(_generators(network)):
        generator.state.assign(np.random.default_rng((seed, epoch, place)).integers(0, 2**32, 2, dtype=np.uint32))


def _generators(layer: Any) -> list[Any]:  # noqa: ANN401 - Keras comes without types
    found = list(getattr(layer, "_seed_generators", []))
    for part in getattr(layer, "_layers", []):
        found += _generators(part)
    return found
