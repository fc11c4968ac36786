"""Whether a good point lies on a plateau or is a lonely spike, and which parameter matters."""

import math

import numpy as np

from tradeops.domain.candle_columns import Floats
from tradeops.domain.optimise.space import Place, Space

NEAR = 0.1
LEAST_NEIGHBOURS = 2
GROUPS = 8
LEAST_FOR_IMPORTANCE = 10
SLACK = 1.001


def radius(space: Space) -> float:
    """How far neighbours are apart at most: a tenth of the space, or one step where steps are longer."""
    steps = [1 / (len(axis.values) - 1) for axis in space.axes if axis.ordered and len(axis.values) > 1]
    return max([NEAR, *(SLACK * step / math.sqrt(len(space.axes)) for step in steps)])


def smoothed(scores: Floats, distances: Floats, near: float) -> Floats:
    """Each score with those around it, the nearer the more: a plateau keeps its height, a spike loses it.

    A point without neighbours is drawn half the way to the median of all. NaN stays NaN and counts for nobody.
    """
    there = ~np.isnan(scores)
    if not there.any():
        return scores.copy()
    weights = np.exp(-2 * (distances / near) ** 2) * (distances <= near) * there
    level = np.median(scores[there])
    raised = (weights @ np.where(there, scores, 0.0) + level) / (weights.sum(axis=1) + 1)
    return np.where(there, raised, np.nan)


def stability(scores: Floats, distances: Floats, near: float) -> Floats:
    """How much of its score a point's neighbours keep on average, 0-1; 1 where they are as good or better.

    NaN without a score above zero, or with fewer than 2 neighbours that have one.
    """
    neighbours = (distances <= near) & ~np.isnan(scores) & ~np.eye(len(scores), dtype=bool)
    kept = np.full(len(scores), np.nan)
    for place in np.flatnonzero(scores > 0):
        others = scores[neighbours[place]]
        if len(others) >= LEAST_NEIGHBOURS:
            kept[place] = np.clip(others / scores[place], 0.0, 1.0).mean()
    return kept


def importance(space: Space, places: list[Place], scores: Floats) -> dict[str, float]:
    """The share of the variation of scores that each parameter explains alone, 0-1.

    Omega squared over up to 8 groups of values, so that chance explains nothing on average. Empty with fewer than 10
    scores, or when all are equal.
    """
    there = ~np.isnan(scores)
    if there.sum() < LEAST_FOR_IMPORTANCE or np.ptp(scores[there]) == 0:
        return {}
    at, known = np.array(places)[there], scores[there]
    return {axis.name: _explained(at[:, n], known) for n, axis in enumerate(space.axes)}


def _explained(values: np.ndarray[tuple[int, ...], np.dtype[np.int64]], scores: Floats) -> float:
    group = values
    if len(np.unique(values)) > GROUPS:
        edges = np.quantile(values, np.linspace(0, 1, GROUPS + 1)[1:-1])
        group = np.searchsorted(edges, values, side="right")
    _, group = np.unique(group, return_inverse=True)
    counts = np.bincount(group)
    if not 1 < len(counts) < len(scores):
        return 0.0
    means = np.bincount(group, weights=scores) / counts
    total = float(((scores - scores.mean()) ** 2).sum())
    between = float((counts * (means - scores.mean()) ** 2).sum())
    noise = (total - between) / (len(scores) - len(counts))
    return max(0.0, (between - (len(counts) - 1) * noise) / (total + noise))
