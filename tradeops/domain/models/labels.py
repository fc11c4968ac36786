"""What a model is asked: whether the next candle closes higher. The horizon is one candle."""

import numpy as np
from numpy.typing import NDArray

from tradeops.domain.models.columns import Floats

SURELY = 0.005
SOFT_SLOPE = 50.0


def next_returns(close: Floats) -> Floats:
    """Row t: the relative change from close t to close t + 1; the last one is not known yet and NaN."""
    return np.append(close[1:] / close[:-1] - 1, np.nan)


def went_up(returns: Floats) -> NDArray[np.bool_]:
    """The truth that every model is measured by, whatever label it was trained on; unchanged is not up."""
    return returns > 0


def hard_labels(returns: Floats) -> Floats:
    """1 for up, 0 for the rest."""
    return went_up(returns).astype(np.float64)


def soft_labels(returns: Floats) -> Floats:
    """1 above +0.5 %, 0 below -0.5 %, else 0.5 + 50 r, within 0-1: small moves say little.

    The bot's label. Its metric is the accuracy of the sign (`went_up` against a probability above 0.5): comparing these
    labels with 0 and 1 would give a perfect model 20 %.
    """
    labels = np.clip(0.5 + SOFT_SLOPE * returns, 0.0, 1.0)
    return np.where(returns > SURELY, 1.0, np.where(returns < -SURELY, 0.0, labels))
