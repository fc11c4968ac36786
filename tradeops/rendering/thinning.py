"""Fewer points for the same picture."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def thinned(x: Floats, y: Floats, buckets: int = 300) -> tuple[Floats, Floats]:
    """The points that make the picture: of each stretch of x its first, lowest, highest and last, and each gap.

    No peak and no valley is lost, and nothing is averaged.

    Args:
        x: ascending.
        y: as long as x; NaN is a gap.
        buckets: equal stretches of x; at most five points of each are kept.
    """
    if len(x) <= 5 * buckets:
        return x, y
    edges = np.linspace(x[0], x[-1], buckets + 1)[1:-1]
    keep: set[int] = set()
    for stretch in np.split(np.arange(len(x)), np.searchsorted(x, edges)):
        if len(stretch) == 0:
            continue
        known = stretch[np.isfinite(y[stretch])]
        gaps = stretch[~np.isfinite(y[stretch])]
        keep.update(int(i) for i in gaps[:1])
        if len(known):
            values = y[known]
            keep.update(int(known[i]) for i in (0, values.argmin(), values.argmax(), -1))
    chosen = np.array(sorted(keep))
    return x[chosen], y[chosen]


def alone(y: Floats) -> NDArray[np.bool_]:
    """Which known points have a gap, or the end, on both sides: no line leads to them."""
    known = np.concatenate(([False], np.isfinite(y), [False]))
    return known[1:-1] & ~known[:-2] & ~known[2:]
