"""Features to one scale, by what was known in training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradeops.domain.models.columns import Floats, UnfitDataError

FARTHEST = 10.0  # deviations; farther is an outlier that shall not drown the others
EPSILON = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """Mean and standard deviation of each feature, by name."""

    names: tuple[str, ...]
    mean: Floats
    scale: Floats

    @classmethod
    def fit(cls, names: tuple[str, ...], rows: Floats) -> "Scaler":
        """Learn from these rows alone; they must be of the training part.

        Raises:
            UnfitDataError: names a column that is not finite or constant, so that it could teach nothing.
        """
        for name, column in zip(names, rows.T, strict=True):
            if not np.isfinite(column).all():
                raise UnfitDataError(f"the feature {name} is not finite in training")
        mean, scale = rows.mean(axis=0), rows.std(axis=0)
        for name, centre, spread in zip(names, mean, scale, strict=True):
            if spread <= EPSILON * max(1.0, abs(centre)):
                raise UnfitDataError(f"the feature {name} is constant in training ({centre:g})")
        return cls(names, mean, scale)

    def transform(self, names: tuple[str, ...], rows: Floats) -> Floats:
        """The rows in standard deviations from the mean of training, at most 10.

        Raises:
            UnfitDataError: the columns are not those that the scaler knows; names the first that differs.
        """
        if names != self.names:
            odd = sorted(set(self.names) ^ set(names)) or ["their order"]
            raise UnfitDataError(f"the features differ from those of training: {', '.join(odd[:5])}")
        return np.clip((rows - self.mean) / self.scale, -FARTHEST, FARTHEST)

    def to_json(self) -> dict[str, Any]:
        """As it is kept beside a model."""
        return {"names": list(self.names), "mean": self.mean.tolist(), "scale": self.scale.tolist()}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Scaler":
        """The inverse of `to_json`.

        Raises:
            UnfitDataError: it is none.
        """
        try:
            names = tuple(str(name) for name in body["names"])
            mean, scale = (np.array(body[key], dtype=np.float64) for key in ("mean", "scale"))
        except (KeyError, TypeError, ValueError) as error:
            raise UnfitDataError(f"this is no scaler: {error}") from None
        if not (len(names) == len(mean) == len(scale) and np.isfinite(mean).all() and (scale > 0).all()):
            raise UnfitDataError("this is no scaler: a name without a mean and a scale above zero")
        return cls(names, mean, scale)
