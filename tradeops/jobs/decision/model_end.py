"""When a language model that is gone was announced to end: by its endpoint's list, otherwise by the price table."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from tradeops.domain.llm import Failure, PriceTable, Vote
from tradeops.errors import TradeOpsError
from tradeops.wiring import Desk

WITHIN = timedelta(seconds=3)

log = logging.getLogger(__name__)


async def told(desk: Desk, votes: Sequence[Vote], *, model: str, table: PriceTable) -> tuple[Vote, ...]:
    """The votes; those that failed since the model is gone tell its announced end too, where it is known."""
    if all(vote.failure is not Failure.MODEL_GONE for vote in votes):
        return tuple(votes)
    ended = await _listed(desk, model) or table.shutdown(model)
    said = "" if ended is None else f"; its end was announced for {ended}"
    return tuple(
        replace(one, problem=one.problem + said) if one.failure is Failure.MODEL_GONE else one for one in votes
    )


async def _listed(desk: Desk, model: str) -> date | None:
    if desk.llm is None:
        return None
    try:
        offered = (await desk.llm.offer(within=WITHIN)).value
    except TradeOpsError as error:
        log.info("the endpoint does not list its models: %s", error)
        return None
    return next((one.shutdown for one in offered if one.name == model), None)
