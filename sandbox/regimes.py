"""How the market of each regime behaves, as data: the rule that trades it is always the same."""

from collections.abc import Mapping, Sequence
from typing import Literal

from sandbox.market import HISTORY_DAYS, Phase, Shape

Regime = Literal["healthy", "degrading"]

ORDINARY = Shape(trend_percent=3, noise_percent=3, trend_hours=(20, 60))
TRENDING = Shape(trend_percent=8, noise_percent=1.7, trend_hours=(80, 140))
CHOPPY = Shape(trend_percent=4.6, noise_percent=0.55, trend_hours=(7.7, 10), snap_percent=4, snap_share=0.4)

_GOOD_DAYS = (Phase(HISTORY_DAYS, ORDINARY), Phase(12, TRENDING))

PHASES: Mapping[Regime, Sequence[Phase]] = {
    "healthy": _GOOD_DAYS,
    # nine days: the seven whole UTC days before today begin up to eight days ago, with trades of the day before in them
    "degrading": (*_GOOD_DAYS, Phase(9, CHOPPY)),
}
