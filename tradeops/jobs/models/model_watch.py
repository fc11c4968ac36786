"""The days after a promotion: the new model and the one before predict the same live candles; a worse one goes back."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from tradeops.adapters.store import AuditEvent, Document, Point
from tradeops.adapters.store.interface import Json
from tradeops.domain.candles import EPOCH, period_of
from tradeops.domain.model_watch import Looked, watch
from tradeops.domain.models.columns import MILLISECOND
from tradeops.domain.models.training import Predictions
from tradeops.errors import ConflictError, ContractError, RejectedError
from tradeops.jobs.models import retrain_inputs
from tradeops.jobs.models.contest import champion_of
from tradeops.jobs.models.promotion import WATCHES
from tradeops.jobs.models.retrain_records import ROLLBACKS
from tradeops.jobs.models.retrain_rules import watch_rules
from tradeops.wiring import Desk

ROLLED_BACK = "model_rolled_back"
NOTHING = Predictions(np.empty(0, np.int64), np.empty(0), np.empty(0))

__all__ = ["Looked", "look", "payload", "roll_back", "watched_models"]

log = logging.getLogger(__name__)


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
    trainer = await retrain_inputs.trainer_ready(desk)
    champion = await champion_of(trainer, model_type, symbol)
    if champion is None or champion.version != looked.version:
        await _end(desk, document, "another version is in use")
        return replace(looked, problem="another version is in use")
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


async def roll_back(
    desk: Desk, *, model_type: str, symbol: str, version: str | None, reason: str, actor: str, automatic: bool
) -> tuple[str, str]:
    """Put the version before into use again; returns the one that was in use and the one that is.

    Args:
        desk: with the trainer.
        model_type: of `MODEL_TYPES`.
        symbol: of the model.
        version: that must be in use; `None` is whichever is.
        reason: kept for ever.
        actor: who did it.
        automatic: no person asked for it.

    Raises:
        RejectedError: no version is in use, or there is none before it.
        ConflictError: another version is in use by now.
        ContractError: the trainer said yes, and still answers with the same version.
    """
    trainer = await retrain_inputs.trainer_ready(desk)
    champion = await champion_of(trainer, model_type, symbol)
    if champion is None:
        raise RejectedError("trainer", f"no version of {model_type} {symbol} is in use, so there is none before it")
    record = await trainer.rollback(model_type, symbol, expected=version or champion.version, reason=reason)
    now_in_use = await champion_of(trainer, model_type, symbol)
    if now_in_use is None or now_in_use.version != record.version or record.version == champion.version:
        answered = "no version" if now_in_use is None else now_in_use.version
        raise ContractError("trainer", f"{model_type} {symbol} was rolled back, but it answers with {answered}")
    at = datetime.now(UTC)
    body: dict[str, Json] = {
        "model_type": model_type,
        "symbol": symbol,
        "from_version": champion.version,
        "to_version": record.version,
        "reason": reason,
        "automatic": automatic,
    }
    key = f"{model_type}:{symbol}:{champion.version}:{at:%Y%m%dT%H%M%S}"
    await desk.store.append_event(AuditEvent(f"{ROLLED_BACK}:{key}", ROLLED_BACK, at, actor, body))
    await desk.store.add_point(ROLLBACKS, Point(key, at, body))
    return champion.version, record.version


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
    trainer = await retrain_inputs.trainer_ready(desk)
    promoted_at = datetime.fromisoformat(str(body["promoted_at"]))
    data = await retrain_inputs.gather(desk, str(body["symbol"]), days=desk.settings.retrain_days, as_of=now)
    period = period_of(desk.settings.retrain_timeframe)
    since = (promoted_at - EPOCH) // MILLISECOND
    until = (now - EPOCH) // MILLISECOND
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


async def _end(desk: Desk, document: Document, says: str) -> None:
    body = {**document.body, "over": True, "says": says}
    try:
        await desk.store.put(WATCHES, document.key, body, expected_version=document.version)
    except ConflictError:
        log.info("the watch of %s was changed by another run", document.key)
