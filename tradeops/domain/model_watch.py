"""The days after a promotion: whether the new model does worse on live candles than the one before would have.

Looked at again and again, so that an equal model is sent back a little more often than alpha says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.domain.models.columns import Floats
from tradeops.domain.models.measurement import hits
from tradeops.domain.promotion import mcnemar_p


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How long, and from how many candles on a verdict is given.

    Attributes:
        window: after the promotion; what comes later is not watched.
        most_candles: ends the watch as well.
        fewest_candles: before that nothing is said.
        alpha: of the exact one-sided test that the one before is better.
    """

    window: timedelta = timedelta(hours=48)
    most_candles: int = 200
    fewest_candles: int = 20
    alpha: float = 0.05


@dataclass(frozen=True, slots=True)
class Watched:
    """What the live candles say.

    Attributes:
        over: the watch has ended, one way or the other.
        worse: roll it back.
        candles: that both have predicted.
        says: the figures, in words.
    """

    over: bool
    worse: bool
    candles: int
    says: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at one watched model found.

    Attributes:
        version: the one that is watched.
        previous: the one before.
        watched: what the live candles say; `None` when they were not asked.
        rolled_back: the one before is in use again.
        problem: why there is nothing to watch any more; empty otherwise.
    """

    model_type: str
    symbol: str
    version: str
    previous: str
    watched: Watched | None = None
    rolled_back: bool = False
    problem: str = ""

    @property
    def figures(self) -> str:
        """Why, in words."""
        return self.problem or ("" if self.watched is None else self.watched.says)

    @property
    def says(self) -> str:
        """One line."""
        done = f"rolled back to {self.previous}: " if self.rolled_back else ""
        return f"{self.model_type} {self.symbol} {self.version}: {done}{self.figures}"


def watch(
    champion: Floats, previous: Floats, returns: Floats, *, promoted_at: datetime, now: datetime, rules: WatchRules
) -> Watched:
    """Compare both on the closed candles since the promotion.

    Args:
        champion: probabilities of a rise by the model that was promoted.
        previous: by the one before, of the same candles.
        returns: what followed.
        promoted_at: aware.
        now: aware.
        rules: see there.
    """
    candles = len(returns)
    over = now - promoted_at >= rules.window or candles >= rules.most_candles
    if candles < rules.fewest_candles:
        return Watched(over, worse=False, candles=candles, says=f"{candles} live candles are too few to tell")
    new, old = hits(champion, returns), hits(previous, returns)
    p = mcnemar_p(old, new)
    says = f"right in {int(new.sum())} of {candles} live candles, the one before in {int(old.sum())} (p = {p:.4f})"
    worse = p < rules.alpha
    return Watched(over or worse, worse, candles, says)
