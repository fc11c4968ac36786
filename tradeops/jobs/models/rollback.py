"""Puts the version before into use again, and says so, as one effect: intent first, then the switch, proof, record."""

from datetime import UTC, datetime, timedelta

from tradeops.adapters.store import AuditEvent, Point, Store
from tradeops.adapters.store.interface import Json
from tradeops.errors import ConflictError, ContractError, RejectedError
from tradeops.jobs.models import retrain_inputs
from tradeops.jobs.models.contest import champion_of
from tradeops.jobs.models.promotion import REMEMBERED
from tradeops.jobs.models.retrain_records import ROLLBACKS
from tradeops.wiring import Desk

INTENDED, ROLLED_BACK = "model_rollback_intended", "model_rolled_back"


async def roll_back(
    desk: Desk, *, model_type: str, symbol: str, version: str, reason: str, actor: str, automatic: bool
) -> tuple[str, str]:
    """Put the version before into use again; returns the one that was in use and the one that is.

    A repetition after an error goes back no further: what took effect then is recorded now.

    Args:
        desk: with the trainer.
        model_type: of `MODEL_TYPES`.
        symbol: of the model.
        version: that is in use and shall not be.
        reason: kept for ever.
        actor: who did it.
        automatic: no person asked for it.

    Raises:
        RejectedError: no version is in use, or there is none before it.
        ConflictError: another version is in use by now.
        ContractError: the trainer said yes, and still answers with the same version.
    """
    trainer = retrain_inputs.trainer_of(desk)
    known = {record.role: record for record in await trainer.models(model_type, symbol)}
    champion, before = known.get("champion"), known.get("previous")
    if champion is None:
        raise RejectedError("trainer", f"no version of {model_type} {symbol} is in use, so there is none before it")
    meant = await intent_behind(desk.store, model_type, symbol, champion.version)
    if meant is not None and version == meant.body["from_version"] and await record(desk.store, meant):
        return str(meant.body["from_version"]), champion.version
    if version != champion.version:
        raise ConflictError("trainer", f"{champion.version} of {model_type} {symbol} is in use, not {version}")
    if before is None:
        raise RejectedError("trainer", f"there is no version of {model_type} {symbol} before {champion.version}")
    name = f"{model_type}:{symbol}:{champion.version}:{champion.promoted_at}"  # once for each time it came into use
    body: dict[str, Json] = {
        "model_type": model_type,
        "symbol": symbol,
        "from_version": champion.version,
        "to_version": before.version,
        "reason": reason,
        "automatic": automatic,
    }
    intent = AuditEvent(f"{INTENDED}:{name}", INTENDED, datetime.now(UTC), actor, body)
    await desk.store.append_event(intent)
    await trainer.rollback(model_type, symbol, expected=champion.version, reason=reason)
    now_in_use = await champion_of(trainer, model_type, symbol)
    if now_in_use is None or now_in_use.version != before.version:
        answered = "no version" if now_in_use is None else now_in_use.version
        raise ContractError("trainer", f"{model_type} {symbol} was rolled back, but it answers with {answered}")
    await record(desk.store, intent)
    return champion.version, before.version


async def intent_behind(store: Store, model_type: str, symbol: str, version: str) -> AuditEvent | None:
    """The last intent to roll that model back, if it was to bring back `version`; recorded or not.

    Raises:
        UnavailableError: the store is down.
    """
    now = datetime.now(UTC)
    intents = await store.events(since=now - REMEMBERED, until=now + timedelta(days=1), kind=INTENDED)
    of_it = [one for one in intents if (one.body["model_type"], one.body["symbol"]) == (model_type, symbol)]
    return of_it[-1] if of_it and of_it[-1].body["to_version"] == version else None


async def record(store: Store, intent: AuditEvent) -> bool:
    """Keep that it was done, the event last: it says that nothing is left to do; `False` when it was kept before.

    Raises:
        UnavailableError: the store is down.
    """
    name, at = intent.event_id.removeprefix(f"{INTENDED}:"), datetime.now(UTC)
    await store.add_point(ROLLBACKS, Point(name, at, intent.body))
    return await store.append_event(AuditEvent(f"{ROLLED_BACK}:{name}", ROLLED_BACK, at, intent.actor, intent.body))
