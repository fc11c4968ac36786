"""The analyst without a language model: the same figures, by rules. It may recommend, never start. Pure."""

from dataclasses import dataclass

from tradeops.domain.decisions.evidence import Evidence, Missing, Week
from tradeops.domain.llm import Recommendation, Urgency

SOURCE = "rules"
UNUSUAL = 1.5  # so many times its usual volatility, a market explains bad trades by itself
LABELS = {
    "win_rate": "win rate",
    "avg_profit_per_trade": "average profit per trade",
    "sharpe_ratio": "Sharpe ratio",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rules make of the evidence.

    Attributes:
        reasoning: one sentence for each thing that was found.
    """

    recommendation: Recommendation
    urgency: Urgency
    reasoning: tuple[str, ...]
    suggested_actions: tuple[str, ...]


def advise(evidence: Evidence) -> Advice:
    """A retrain for two or more critical metrics, other parameters for one, otherwise patience."""
    week = evidence.performance
    if isinstance(week, Missing):
        reason = f"Nothing can be said without an analysis of performance: {week.reason}."
        return Advice(Recommendation.WAIT, Urgency.LOW, (reason,), ("find out why there is no analysis",))
    reasoning = (*_on_metrics(week), *_on_market(evidence), *_on_models(evidence))
    match len(week.critical):
        case 0:
            return Advice(Recommendation.WAIT, Urgency.LOW, reasoning, ())
        case 1:
            actions = ("look at the parameters of the strategies", "wait a day and look again")
            return Advice(Recommendation.OPTIMIZE_PARAMETERS, Urgency.MEDIUM, reasoning, actions)
        case _:
            action = "retrain the models: `prefect deployment run adaptive-retrain/adaptive-retrain`"
            return Advice(Recommendation.RETRAIN, Urgency.HIGH, reasoning, (action,))


def _on_metrics(week: Week) -> tuple[str, ...]:
    if not week.critical:
        return ("No metric is critical.",)
    named = ", ".join(LABELS.get(name, name) for name in week.critical)
    return (f"Critical over {week.total_trades} trades: {named}.",)


def _on_market(evidence: Evidence) -> tuple[str, ...]:
    market = evidence.market
    if isinstance(market, Missing):
        return ("The market is not known.",)
    ratio = market.volatility_ratio.value
    if ratio is None:
        return ("Whether the market is unusual is not known.",)
    if ratio > UNUSUAL:
        return (f"The market moves {ratio:.1f} times as much as usual, which by itself explains bad trades.",)
    return (f"The market moves {ratio:.1f} times as much as usual, which explains nothing.",)


def _on_models(evidence: Evidence) -> tuple[str, ...]:
    models = evidence.models
    if isinstance(models, Missing):
        return ("How accurate the models are is not known.",)
    worse = [one for one in models.trends if one.change_fraction is not None and one.change_fraction < 0]
    if not worse:
        return ("No model has become less accurate.",)
    return tuple(
        f"{one.model_type} on {one.symbol} lost {-100 * (one.change_fraction or 0):.1f} points of accuracy."
        for one in worse
    )
