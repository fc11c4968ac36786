"""What an analysis left undone when its run was killed or Prefect did not take the retrain: looked for between runs.

A retrain must start within six hours and the schedule comes once a day, so somebody else has to call the next run.
"""

from datetime import datetime, timedelta

from tradeops.adapters.store import Store
from tradeops.domain.decisions.decision import LONGEST_WAIT
from tradeops.jobs import audit
from tradeops.jobs.decision import board as decision_board
from tradeops.jobs.decision import decisions

ITS_RUN = timedelta(minutes=5)  # the deadline of the flow: whoever made the decision is gone by then


async def left_behind(store: Store, *, now: datetime) -> str:
    """The id of a decision that the next analysis would finish and nobody is at any more; empty when there is none.

    Raises:
        UnavailableError: the store is down.
        ContractError: board, decision or trail were written by something else.
    """
    board, _ = await decision_board.read(store)
    for decision in map(decisions.decision_of, board.pending.values()):
        if now - decision.made_at > ITS_RUN:
            return decision.decision_id
    return await _uncommitted(store, now)


async def _uncommitted(store: Store, now: datetime) -> str:
    """A paid decision that is in the trail alone; a forced one bears the id of its run, so no other takes it up."""
    head, _ = await audit.read_head(store)
    if head is None or head.last.what != decisions.DECIDED or not ITS_RUN < now - head.last.at < LONGEST_WAIT:
        return ""
    decision = decisions.decision_of(head.last.content)
    there = decision.forced or await decisions.find(store, decision.decision_id)
    return "" if there else decision.decision_id
