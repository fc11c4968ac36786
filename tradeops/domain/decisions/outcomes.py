"""What became of decisions: did the win rate improve in the seven days after, and what was a confidence worth? Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from tradeops.domain.figures import Figure, known, unknown

AFTER = timedelta(days=7)
FEWEST = 10  # decisions with an outcome, before a table says anything
BANDS = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0))


class Group(StrEnum):
    """What was done about a decision; without the others to compare with, an improvement means nothing."""

    RETRAINED = "retrained"
    VETOED = "a retrain proposed, not started"
    LEFT = "left alone"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of the past, as far as its outcome goes.

    Attributes:
        date: of the analysed window, which ends where this day begins.
        confidence: 0-1; `None` when no vote was for what was recommended.
    """

    decision_id: str
    date: date
    group: Group
    confidence: Decimal | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision and the two windows around it.

    Attributes:
        before_percent: the win rate of the seven days before its date.
        after_percent: that of the seven days from its date on.
    """

    decided: Decided
    before_percent: float
    after_percent: float

    @property
    def improved(self) -> bool:
        """Whether the win rate rose."""
        return self.after_percent > self.before_percent


@dataclass(frozen=True, slots=True)
class Band:
    """Decisions of one group with a confidence in (above, up_to]; the lowest band includes its lower end.

    Attributes:
        improved_fraction: of them, 0-1.
    """

    group: Group
    above: float
    up_to: float
    decisions: int
    improved_fraction: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """How confidences compare with outcomes.

    Attributes:
        outcomes: how many decisions have one.
        bands: of those with a confidence, empty bands left out.
        brier: mean squared difference of confidence and outcome (improved is 1, otherwise 0) of the retrained;
            0 is perfect, 0.25 is what saying 0.5 each time earns.
    """

    outcomes: int
    bands: tuple[Band, ...]
    brier: Figure


def joined(decisions: Iterable[Decided], win_rates: Mapping[date, float]) -> tuple[Outcome, ...]:
    """The decisions whose outcome is known.

    Args:
        decisions: in any order, which is kept.
        win_rates: percent, of the seven days before each date of an analysis.
    """
    return tuple(
        Outcome(one, win_rates[one.date], win_rates[one.date + AFTER])
        for one in decisions
        if one.date in win_rates and one.date + AFTER in win_rates
    )


def reliability(outcomes: Iterable[Outcome]) -> Reliability | None:
    """The table; `None` for fewer than ten outcomes, which would teach nothing."""
    found = tuple(outcomes)
    if len(found) < FEWEST:
        return None
    bands = tuple(band for group in Group for low, high in BANDS if (band := _band(found, group, low, high)))
    squares = [
        (float(one.decided.confidence) - one.improved) ** 2
        for one in found
        if one.decided.group is Group.RETRAINED and one.decided.confidence is not None
    ]
    brier = known(sum(squares) / len(squares)) if squares else unknown("no retrain has an outcome yet")
    return Reliability(len(found), bands, brier)


def _band(outcomes: tuple[Outcome, ...], group: Group, low: float, high: float) -> Band | None:
    within = [
        one.improved
        for one in outcomes
        if one.decided.group is group
        and one.decided.confidence is not None
        and (Decimal(str(low)) < one.decided.confidence <= Decimal(str(high)) or one.decided.confidence == low == 0)
    ]
    return Band(group, low, high, len(within), sum(within) / len(within)) if within else None
