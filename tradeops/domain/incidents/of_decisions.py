"""What the nightly decision finds as observations: its language model's service, and retrains that do not start."""

from tradeops.domain.decisions.decision import Analysis, Kind, Start
from tradeops.domain.incidents.model import CERTAIN, Observation
from tradeops.domain.notices import Level

ORDER = (Start.NONE, Start.STARTED, Start.PENDING, Start.GIVEN_UP)
SERVICE, RETRAIN = "decision:llm", "decision:retrain-start"


def of_analysis(analysis: Analysis) -> tuple[Observation, ...]:
    """At most one of each; a run that did not ask neither opens nor ends an incident of the service."""
    return (*_of_service(analysis), *_of_retrain(analysis))


def _of_service(analysis: Analysis) -> tuple[Observation, ...]:
    if analysis.kind not in {Kind.DECIDED, Kind.UNANSWERED}:
        return ()
    level = Level.CRITICAL if analysis.critical else Level.WARNING if analysis.trouble else None
    return (Observation(SERVICE, level, "; ".join(analysis.trouble), analysis.now, CERTAIN),)


def _of_retrain(analysis: Analysis) -> tuple[Observation, ...]:
    """The worst of this run's decision and of those that a killed run left behind."""
    mine = () if analysis.decision is None else (analysis.decision,)
    wanted = [one for one in (*analysis.left_behind, *mine) if one.start is not Start.NONE]
    if not wanted:
        return ()
    worst = max(wanted, key=lambda one: ORDER.index(one.start))
    summary = f"{worst.decision_id}: {worst.problem}"
    match worst.start:
        case Start.STARTED:
            level, summary = (Level.WARNING if analysis.notes else None), "; ".join(analysis.notes)
        case Start.PENDING:
            level, summary = Level.ERROR, f"{summary}; the next run tries again"
        case _:
            level = Level.CRITICAL
    return (Observation(RETRAIN, level, summary, analysis.now, CERTAIN),)
