"""Candles that trainings learn from and are judged on, kept once under their digest."""

import io
import re
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tradeops.domain.models.columns import PRICES, TrainingCandles
from trainer.durable import write_bytes
from trainer.errors import DamagedError, TrainerError, UnknownError

DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Datasets:
    """A folder of data sets."""

    folder: Path

    def keep(self, candles: TrainingCandles) -> str:
        """Keep them and return their digest; the same ones a second time change nothing."""
        digest = candles.digest()
        path = self._path(digest)
        if self._holds(digest):
            path.touch()  # as if it were new: see `forget`
        else:
            arrays = {name: getattr(candles, name) for name in ("opened_ms", *PRICES)}
            packed = io.BytesIO()
            np.savez_compressed(packed, timeframe=np.array(candles.timeframe), **arrays)
            write_bytes(path, packed.getvalue())
        return digest

    def load(self, digest: str) -> TrainingCandles:
        """The candles of that digest.

        Raises:
            UnknownError: there are none.
            DamagedError: the file holds others.
        """
        path = self._path(digest)
        if not DIGEST.fullmatch(digest) or not path.exists():
            raise UnknownError(f"there is no data set {digest[:64]!r}; upload it to /ai/datasets first")
        try:
            with np.load(path, allow_pickle=False) as kept:
                candles = TrainingCandles(str(kept["timeframe"]), kept["opened_ms"], *(kept[name] for name in PRICES))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
            raise DamagedError(f"the data set {digest} cannot be read; upload it again") from error
        if candles.digest() != digest:
            raise DamagedError(f"the data set {digest} has changed on the disk; upload it again")
        return candles

    def forget(self, *, kept_before: datetime, needed: Collection[str]) -> list[str]:
        """Delete those that were last kept before and that nobody needs; returns their digests."""
        old = [
            path
            for path in self.folder.glob("*.npz")
            if path.stat().st_mtime < kept_before.timestamp() and path.stem not in needed
        ]
        for path in old:
            path.unlink()
        return [path.stem for path in old]

    def _holds(self, digest: str) -> bool:
        try:
            self.load(digest)
        except TrainerError:
            return False
        return True

    def _path(self, digest: str) -> Path:
        return self.folder / f"{digest}.npz"
