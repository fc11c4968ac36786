"""The days after a promotion: the new model and the one before predict the same live candles; a worse one goes back."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from tradeops.adapters.store import Document
from tradeops.adapters.store.interface import Json
from tradeops.domain.candles import milliseconds, period_of
from tradeops.domain.model_watch import Looked, watch
from tradeops.domain.models.training import Predictions
from tradeops.errors import ConflictError, ContractError
from tradeops.jobs.models import retrain_inputs
from tradeops.jobs.models.contest import champion_of
from tradeops.jobs.models.promotion import WATCHES, News, settle, unheard
from tradeops.jobs.models.retrain_rules import watch_rules
from tradeops.jobs.models.rollback import intent_behind, record, roll_back
from tradeops.wiring import Desk

NOTHING = Predictions(np.empty(0, np.int64), np.empty(0), np.empty(0))

__all__ = ["Looked", "catch_up", "look", "payload", "watched_models"]

log = logging.getLogger(__name__)


async def catch_up(desk: Desk, *, news: News = unheard) -> tuple[str, ...]:
    """Record, and watch from now on, what came into use while its run could not say so; returns the models.

    As far back as a model is watched: what is older waits for the next retrain, so that a trainer that is seldom
    started is not asked each hour for ever.

    Args:
        desk: of the run; without a trainer nothing can have come into use.
        news: hears of each.

    Raises:
        TradeOpsError: the store does not answer, or the trainer, where something is left to be found out.
    """
    if desk.trainer is None:
        return ()
    window = timedelta(hours=desk.settings.model_watch_hours)
    return await settle(desk.store, desk.trainer, news=news, within=window)


async def watched_models(desk: Desk) -> list[Document]:
    """The promotions whose watch is not over.

    Raises:
        UnavailableError: the store is down.
    """
    return [found for found in await desk.store.documents(WATCHES) if found.body.get("over") is not True]


async def look(desk: Desk, document: Document, *, now: datetime) -> Looked:
    """Compare both on the live candles since the promotion, and roll back what is clearly worse, once.

    Raises:
        TradeOpsError: the exchange, the trainer or the store does not answer.
    """
    body: Mapping[str, Any] = document.body
    model_type, symbol = str(body["model_type"]), str(body["symbol"])
    looked = Looked(model_type, symbol, str(body["version"]), str(body["previous"]))
    trainer = retrain_inputs.trainer_of(desk)
    champion = await champion_of(trainer, model_type, symbol)
    if champion is None or champion.version != looked.version:
        return await _replaced(desk, document, looked, "" if champion is None else champion.version)
    new, old = await _live(desk, body, now=now)
    found = watch(
        new.probabilities,
        old.probabilities,
        new.returns,
        promoted_at=datetime.fromisoformat(str(body["promoted_at"])),
        now=now,
        rules=watch_rules(desk.settings),
    )
    looked = replace(looked, watched=found)
    if found.worse:
        await roll_back(
            desk,
            model_type=model_type,
            symbol=symbol,
            version=looked.version,
            reason=found.says,
            actor="model-watch",
            automatic=True,
        )
        looked = replace(looked, rolled_back=True)
    if found.over:
        await _end(desk, document, found.says)
    return looked


def payload(one: Looked) -> dict[str, Json]:
    """What the event `tradeops.model.rolled-back` says."""
    return {
        "model_type": one.model_type,
        "symbol": one.symbol,
        "from_version": one.version,
        "to_version": one.previous,
        "reason": one.figures,
    }


async def _live(desk: Desk, body: Mapping[str, Any], *, now: datetime) -> tuple[Predictions, Predictions]:
    """What both predict of the candles that closed after the promotion."""
    trainer = retrain_inputs.trainer_of(desk)
    promoted_at = datetime.fromisoformat(str(body["promoted_at"]))
    data = await retrain_inputs.gather(desk, str(body["symbol"]), days=desk.settings.retrain_days, as_of=now)
    period = period_of(desk.settings.retrain_timeframe)
    since = milliseconds(promoted_at)
    until = milliseconds(now)
    if data.as_of - 2 * period < promoted_at:  # none whose next one is closed too
        return NOTHING, NOTHING
    new, old = [
        await trainer.evaluate(
            str(body["model_type"]), str(body["symbol"]), version, data.dataset_id, since_ms=since, until_ms=until
        )
        for version in (str(body["version"]), str(body["previous"]))
    ]
    if not np.array_equal(new.opened_ms, old.opened_ms):
        raise ContractError("trainer", "both versions were evaluated on other candles than asked for")
    return new, old


async def _replaced(desk: Desk, document: Document, looked: Looked, in_use: str) -> Looked:
    """End the watch of a version that is not in use; was it rolled back by a run that could not say so, say it."""
    intent = await intent_behind(desk.store, looked.model_type, looked.symbol, in_use)
    if in_use != looked.previous or intent is None or intent.body["from_version"] != looked.version:
        await _end(desk, document, "another version is in use")
        return replace(looked, problem="another version is in use")
    news, reason = await record(desk.store, intent), str(intent.body["reason"])
    ended = await _end(desk, document, reason)  # who ends the watch tells people; a person who went back knows
    return replace(looked, problem=reason, rolled_back=ended and (news or intent.body["automatic"] is True))


async def _end(desk: Desk, document: Document, says: str) -> bool:
    body = {**document.body, "over": True, "says": says}
    try:
        await desk.store.put(WATCHES, document.key, body, expected_version=document.version)
    except ConflictError:
        log.info("the watch of %s was changed by another run", document.key)
        return False
    return True
