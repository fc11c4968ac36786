"""How the market of each regime behaves, as data: the rule that trades it is always the same."""

from collections.abc import Mapping, Sequence
from typing import Literal

from sandbox.market import HISTORY_DAYS, Phase, Shape

Regime = Literal["healthy", "degrading"]

ORDINARY = Shape(trend_percent=3, noise_percent=3, trend_hours=(20, 60))
TRENDING = Shape(trend_percent=8, noise_percent=2, trend_hours=(80, 140))
CHOPPY = Shape(trend_percent=2, noise_percent=4, trend_hours=(4, 9))

_GOOD_WEEKS = (Phase(HISTORY_DAYS, ORDINARY), Phase(11, TRENDING))

PHASES: Mapping[Regime, Sequence[Phase]] = {
    "healthy": _GOOD_WEEKS,
    "degrading": (*_GOOD_WEEKS, Phase(8, CHOPPY)),
}
