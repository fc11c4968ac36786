"""Whether a retrain is started: votes are counted, then every rule must allow it. No vote can remove a rule. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from statistics import median

from tradeops.domain.decisions.evidence import Evidence, Missing, Training, unreliable
from tradeops.domain.llm import Proposal, Recommendation

THRESHOLD = Decimal("0.7")  # the median must be above it; 0.70 is not
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)
NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the rules ask for.

    Attributes:
        fewest_trades: in the seven days.
        cooldown: since the last retrain, and since the last rollback.
        most_retrains: in any seven days.
    """

    fewest_trades: int = 10
    cooldown: timedelta = timedelta(hours=24)
    most_retrains: int = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """How one rule came out.

    Attributes:
        name: `majority`, `confidence`, `trades`, `evidence`, `cooldown`, `rollback`, `weekly`, `running`, `budget`.
        passed: it allows the retrain.
        detail: in words.
        numbers: what it compared; money, confidence and times as text.
    """

    name: str
    passed: bool
    detail: str
    numbers: Mapping[str, int | float | str | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided.

    Attributes:
        recommendation: of the majority of all votes that were asked for; `wait` without one.
        confidence: the median of the retrain votes when the majority is for it, otherwise of the votes for the
            recommendation; `None` when no valid vote is for it.
        rules: all of them, whatever the earlier ones said.
    """

    recommendation: Recommendation
    confidence: Decimal | None
    rules: tuple[Rule, ...]

    @property
    def start_retrain(self) -> bool:
        """Whether every rule allows it."""
        return all(rule.passed for rule in self.rules)

    @property
    def vetoes(self) -> tuple[Rule, ...]:
        """The rules that forbid it."""
        return tuple(rule for rule in self.rules if not rule.passed)


def judge(proposals: Sequence[Proposal | None], evidence: Evidence, policy: Policy) -> Verdict:
    """Count the votes, then ask every rule.

    Args:
        proposals: one for each vote that was asked for; `None`, a missing or invalid one, counts as `wait`.
        evidence: what the rules go by.
        policy: what they ask for.

    Raises:
        ValueError: an even number of votes, or none: there could be a tie.
    """
    if len(proposals) % 2 == 0:
        raise ValueError(f"an odd number of votes is needed, not {len(proposals)}")
    return Verdict(
        recommendation=_winner(proposals),
        confidence=_median(proposals, _winner(proposals)),
        rules=(
            _majority(proposals),
            _confidence(proposals),
            _trades(evidence, policy),
            _evidence(evidence),
            _cooldown(evidence, policy),
            _rollback(evidence, policy),
            _weekly(evidence, policy),
            _running(evidence),
            _budget(evidence),
        ),
    )


def _votes_for(proposals: Sequence[Proposal | None], what: Recommendation) -> int:
    return sum((one.recommendation if one else Recommendation.WAIT) is what for one in proposals)


def _winner(proposals: Sequence[Proposal | None]) -> Recommendation:
    for what in (Recommendation.RETRAIN, Recommendation.OPTIMIZE_PARAMETERS):
        if 2 * _votes_for(proposals, what) > len(proposals):
            return what
    return Recommendation.WAIT


def _median(proposals: Sequence[Proposal | None], what: Recommendation) -> Decimal | None:
    """Exact: of an even number of votes the mean of the middle two, without a rounding in between."""
    found = [one.confidence for one in proposals if one and one.recommendation is what]
    return median(found) if found else None


def _majority(proposals: Sequence[Proposal | None]) -> Rule:
    count, asked = _votes_for(proposals, Recommendation.RETRAIN), len(proposals)
    invalid = sum(one is None for one in proposals)
    detail = f"{count} of {asked} votes are for a retrain"
    if invalid:
        detail += f"; {invalid} missing or invalid, counted as wait"
    return Rule("majority", 2 * count > asked, detail, {"retrain": count, "asked": asked, "invalid": invalid})


def _confidence(proposals: Sequence[Proposal | None]) -> Rule:
    middle = _median(proposals, Recommendation.RETRAIN)
    numbers: dict[str, str | None] = {"median": None if middle is None else str(middle), "above": str(THRESHOLD)}
    if middle is None:
        return Rule("confidence", passed=False, detail="no vote is for a retrain", numbers=numbers)
    passed = middle > THRESHOLD
    relation = "is above" if passed else "is not above"
    return Rule("confidence", passed, f"the median of the retrain votes, {middle}, {relation} {THRESHOLD}", numbers)


def _trades(evidence: Evidence, policy: Policy) -> Rule:
    week = evidence.performance
    trades = None if isinstance(week, Missing) else week.total_trades
    numbers = {"trades": trades, "at_least": policy.fewest_trades}
    if trades is None:
        return Rule("trades", passed=False, detail=f"the trades of the week are {NOT_KNOWN}", numbers=numbers)
    passed = trades >= policy.fewest_trades
    return Rule("trades", passed, f"{trades} trades in seven days, at least {policy.fewest_trades} are needed", numbers)


def _evidence(evidence: Evidence) -> Rule:
    lacking = unreliable(evidence)
    told = ", ".join(f"{one.name} is {one.state}" for one in lacking)
    detail = told or "all that is needed is fresh"
    return Rule("evidence", not lacking, detail, {one.name: one.state.value for one in lacking})


def _cooldown(evidence: Evidence, policy: Policy) -> Rule:
    training = evidence.training
    last = None if isinstance(training, Missing) else training.last_retrain_at
    return _rest("cooldown", "retrain", training, last, evidence.gathered_at, policy)


def _rollback(evidence: Evidence, policy: Policy) -> Rule:
    training = evidence.training
    last = None if isinstance(training, Missing) else training.last_rollback_at
    return _rest("rollback", "rollback", training, last, evidence.gathered_at, policy)


def _rest(
    name: str, what: str, training: Training | Missing, last: datetime | None, now: datetime, policy: Policy
) -> Rule:
    at_least = policy.cooldown / HOUR
    if isinstance(training, Missing):
        return Rule(name, passed=False, detail=f"the last {what} is {NOT_KNOWN}", numbers={"hours_at_least": at_least})
    if last is None:
        return Rule(name, passed=True, detail=f"no {what} lately", numbers={"hours_at_least": at_least})
    passed = now - last >= policy.cooldown
    hours = (now - last) / HOUR
    detail = f"the last {what} was {_hours(hours, at_least, enough=passed)} h ago, {at_least:g} h must pass"
    return Rule(name, passed, detail, {"last": last.isoformat(), "hours": hours, "hours_at_least": at_least})


def _hours(hours: float, at_least: float, *, enough: bool) -> str:
    """With as many decimals as it takes not to contradict the rule."""
    for decimals in (1, 4):
        text = f"{hours:.{decimals}f}"
        if (float(text) >= at_least) is enough:
            return text
    return repr(hours)


def _weekly(evidence: Evidence, policy: Policy) -> Rule:
    training = evidence.training
    if isinstance(training, Missing):
        detail = f"the retrains of the week are {NOT_KNOWN}"
        return Rule("weekly", passed=False, detail=detail, numbers={"below": policy.most_retrains})
    count = training.retrains_since(evidence.gathered_at - WEEK)
    detail = f"{count} retrains in seven days, at most {policy.most_retrains} are allowed"
    return Rule("weekly", count < policy.most_retrains, detail, {"retrains": count, "below": policy.most_retrains})


def _running(evidence: Evidence) -> Rule:
    training = evidence.training
    if isinstance(training, Missing):
        return Rule("running", passed=False, detail=f"whether a retrain is at work is {NOT_KNOWN}", numbers={})
    detail = f"the retrain {training.running} is at work" if training.running else "no retrain is at work"
    return Rule("running", not training.running, detail, {"running": training.running or None})


def _budget(evidence: Evidence) -> Rule:
    spent = evidence.spending
    if isinstance(spent, Missing):
        return Rule("budget", passed=False, detail=f"what was spent is {NOT_KNOWN}", numbers={})
    numbers = {
        "day_usd": str(spent.day_usd),
        "day_limit_usd": str(spent.day_limit_usd),
        "month_usd": str(spent.month_usd),
        "month_limit_usd": str(spent.month_limit_usd),
    }
    return Rule("budget", not spent.refusal, spent.refusal or "within its limits", numbers)
