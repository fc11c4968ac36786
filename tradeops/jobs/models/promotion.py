"""Puts a model into use, and says so, as one effect: intent first, then the switch, then the record, then the proof."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.store import AuditEvent, Store
from tradeops.adapters.store.interface import Json
from tradeops.adapters.trainer.interface import Trainer
from tradeops.domain.promotion import Verdict
from tradeops.errors import ConflictError, ContractError
from tradeops.jobs.models.contest import champion_of
from tradeops.jobs.models.retrain_records import verdict_fields

INTENDED, PROMOTED = "model_promotion_intended", "model_promoted"
WATCHES = "model_watches"
REMEMBERED = timedelta(days=90)

log = logging.getLogger(__name__)


async def promote(
    store: Store,
    trainer: Trainer,
    *,
    model_type: str,
    symbol: str,
    version: str,
    before: str | None,
    verdict: Verdict,
    run_id: str,
) -> None:
    """Make `version` the one in use, if `before` still is, and see that the trainer answers with it.

    However often it is repeated, or killed in between, the switch and each record happen once.

    Raises:
        ConflictError: somebody else changed the model in use; the champion stays.
        ContractError: the trainer said yes, and still answers with another version.
        TradeOpsError: the trainer or the store does not answer; a repetition goes on from there.
    """
    name = f"{model_type}:{symbol}:{version}"
    body: dict[str, Json] = {
        "model_type": model_type,
        "symbol": symbol,
        "version": version,
        "before": before,
        "run_id": run_id,
        **verdict_fields(verdict),
    }
    await _tell(store, INTENDED, name, body)
    record = await trainer.promote(model_type, symbol, version, expected=before, unproven=verdict.unproven)
    now = await champion_of(trainer, model_type, symbol)
    if record.version != version or now is None or now.version != version:
        answered = "no version" if now is None else now.version
        problem = f"{model_type} {symbol} was switched to {version}, but it answers with {answered}"
        raise ContractError("trainer", problem, remedy="look at the trainer before you rely on either")
    await _tell(store, PROMOTED, name, body)
    await _begin_watch(store, model_type, symbol, version, before)


async def settle(store: Store, trainer: Trainer) -> None:
    """Record each switch that a killed run has made and not recorded, however long ago within 90 days.

    Raises:
        TradeOpsError: the trainer or the store does not answer.
    """
    now = datetime.now(UTC)
    since, until = now - REMEMBERED, now + timedelta(days=1)
    told = {_name(event) for event in await store.events(since=since, until=until, kind=PROMOTED)}
    for intent in await store.events(since=since, until=until, kind=INTENDED):
        body: Mapping[str, Any] = intent.body
        model_type, symbol, version = str(body["model_type"]), str(body["symbol"]), str(body["version"])
        if _name(intent) in told:
            continue
        champion = await champion_of(trainer, model_type, symbol)
        if champion is not None and champion.version == version:
            log.warning("%s of %s came into use, and its run was killed before it said so", version, model_type)
            await _tell(store, PROMOTED, _name(intent), body)
            await _begin_watch(store, model_type, symbol, version, body["before"])


async def promoted_by(store: Store, *, model_type: str, symbol: str, version: str) -> str | None:
    """The run that has put that version into use; `None` when none has said so in the last 90 days.

    Raises:
        UnavailableError: the store is down.
    """
    now = datetime.now(UTC)
    event_id = f"{PROMOTED}:{model_type}:{symbol}:{version}"
    events = await store.events(since=now - REMEMBERED, until=now + timedelta(days=1), kind=PROMOTED)
    return next((str(event.body["run_id"]) for event in events if event.event_id == event_id), None)


def _name(event: AuditEvent) -> str:
    return event.event_id.removeprefix(f"{event.kind}:")


async def _tell(store: Store, kind: str, name: str, body: Mapping[str, Json]) -> None:
    await store.append_event(AuditEvent(f"{kind}:{name}", kind, datetime.now(UTC), "adaptive-retrain", body))


async def _begin_watch(store: Store, model_type: str, symbol: str, version: str, before: str | None) -> None:
    """From now on the new one is compared with the one before; without one before there is nothing to go back to."""
    if before is None or before == version:
        return
    key = f"{model_type}:{symbol}"
    found = await store.get(WATCHES, key)
    if found is not None and found.body.get("version") == version:
        return
    body: dict[str, Json] = {
        "model_type": model_type,
        "symbol": symbol,
        "version": version,
        "previous": before,
        "promoted_at": datetime.now(UTC).isoformat(),
        "over": False,
        "says": "",
    }
    try:
        await store.put(WATCHES, key, body, expected_version=None if found is None else found.version)
    except ConflictError:
        log.info("the watch of %s has just been begun by another run", key)
