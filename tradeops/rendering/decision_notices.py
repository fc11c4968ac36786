"""What people are told of a decision: a warning when a retrain starts, otherwise information, each once."""

from dataclasses import replace

from tradeops.domain.decisions.decision import Analysis, Decision, Kind, Start
from tradeops.domain.notices import Level, Notice
from tradeops.rendering.decision import Link
from tradeops.rendering.notices import report_notice
from tradeops.rendering.page import Page

EVENT = "llm_decision"


def decision_notices(analysis: Analysis, page: Page, link: Link) -> tuple[Notice, ...]:
    """The notices of a run; none of one that was skipped and started nothing.

    Args:
        analysis: what the run came to.
        page: its report.
        link: where a run is to be seen, by its id.
    """
    seen_at = link(analysis.run_id) or None
    earlier = tuple(_of_earlier(one, analysis, seen_at) for one in analysis.left_behind if one.start is Start.STARTED)
    decision = analysis.decision
    if decision is None or analysis.kind is Kind.SKIPPED:
        return earlier
    if decision.start is Start.STARTED:
        key, level = _started(decision), Level.WARNING
    elif analysis.kind is Kind.STORED and not analysis.takes_over:
        return earlier
    else:
        run = f":{analysis.run_id}" if analysis.kind is Kind.UNANSWERED else ""
        key, level = f"decision:{decision.decision_id}{run}", Level.INFO
    notice = report_notice(page, key=key, event=EVENT, occurred_at=analysis.now, link=seen_at)
    return (*earlier, replace(notice, level=level))


def _of_earlier(decision: Decision, analysis: Analysis, link: str | None) -> Notice:
    title = f"The retrain of decision {decision.decision_id} is started, later than decided"
    body = f"Run {decision.retrain_run_id}; decided at {decision.made_at:%Y-%m-%d %H:%M} UTC by a run that was ended."
    return Notice(_started(decision), EVENT, Level.WARNING, title, body, analysis.now, link=link)


def _started(decision: Decision) -> str:
    return f"decision:{decision.decision_id}:started"
