"""Puts a model into use, and says so, as one effect: intent first, then the switch, proof, watch, record."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.store import AuditEvent, Store
from tradeops.adapters.store.interface import Json
from tradeops.adapters.trainer.interface import Trainer
from tradeops.domain.promotion import Verdict
from tradeops.errors import ConflictError, ContractError, RejectedError, TradeOpsError, TransientError
from tradeops.jobs.models.contest import champion_of
from tradeops.jobs.models.retrain_records import verdict_fields
from tradeops.jobs.models.training import OUTAGE

INTENDED, PROMOTED = "model_promotion_intended", "model_promoted"
WATCHES = "model_watches"
REMEMBERED = timedelta(days=90)

News = Callable[[Mapping[str, Json]], None]

log = logging.getLogger(__name__)


def unheard(_: Mapping[str, Json]) -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a silent trainer or store is asked again.

    Attributes:
        total: from its first silence on.
        pause_seconds: between two tries.
        hurry: set by whoever cannot wait any longer: the try that is under way is the last one.
    """

    total: timedelta = OUTAGE
    pause_seconds: float = 2.0
    hurry: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Switched:
    """What is known of a switch that the trainer did not refuse.

    Attributes:
        in_use: the trainer was seen to answer with the new version; `None` when it was not heard of since.
        problem: why that is not known, or could not be recorded; empty when all is done.
    """

    in_use: bool | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What is to come into use.

    Attributes:
        before: the version that is in use; `None` when none is.
        verdict: of the gate.
        run_id: whose effect it is.
    """

    model_type: str
    symbol: str
    version: str
    before: str | None
    verdict: Verdict
    run_id: str


async def promote(
    store: Store, trainer: Trainer, wanted: Promotion, *, news: News = unheard, patience: Patience | None = None
) -> Switched:
    """Make it the one in use, if the one before still is, and see that the trainer answers with it.

    However often it is repeated, or killed in between, the switch and each record happen once. A trainer or a store
    that falls silent after the intent was kept is asked again for a while: asked twice it switches once. What is left
    undone then, `settle` finishes.

    Args:
        store: of the records.
        trainer: see there.
        wanted: see there.
        news: hears what came into use as soon as it is recorded; at least once.
        patience: see there.

    Raises:
        ConflictError: somebody else changed the model in use; the champion stays.
        RejectedError: the trainer has no such version; the champion stays.
        ContractError: the trainer said yes, and still answers with another version.
        UnavailableError: the store was silent before the trainer was asked: nothing has changed.
    """
    patience = patience or Patience()
    name = f"{wanted.model_type}:{wanted.symbol}:{wanted.version}"
    body: dict[str, Json] = {
        "model_type": wanted.model_type,
        "symbol": wanted.symbol,
        "version": wanted.version,
        "before": wanted.before,
        "run_id": wanted.run_id,
        "reason": wanted.verdict.reason,
        **verdict_fields(wanted.verdict),
    }
    await _tell(store, INTENDED, name, body)
    in_use, silent_since, answered = None, None, ""
    while True:
        accepted = False
        try:
            if not in_use:
                await _switch(trainer, wanted)
                accepted = True
                champion = await champion_of(trainer, wanted.model_type, wanted.symbol)
                answered = "no version" if champion is None else champion.version
                if answered != wanted.version:
                    break
                in_use, silent_since = True, None
            await _finish(store, name, body)
            news(promotion_news(body))
            return Switched(in_use)
        except TransientError as error:
            silent_since = silent_since or datetime.now(UTC)
            log.warning("whether %s is in use and recorded is not known yet: %s", name, error)
            if patience.hurry.is_set() or datetime.now(UTC) - silent_since > patience.total:
                return Switched(in_use, str(error))
        except TradeOpsError as error:
            if not (accepted or in_use) and isinstance(error, ConflictError | RejectedError):
                raise
            return Switched(in_use, str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(patience.hurry.wait(), patience.pause_seconds)
    problem = f"{wanted.model_type} {wanted.symbol} was switched to {wanted.version}, but it answers with {answered}"
    raise ContractError("trainer", problem, remedy="look at the trainer before you rely on either")


async def settle(
    store: Store, trainer: Trainer, *, news: News = unheard, within: timedelta = REMEMBERED
) -> tuple[str, ...]:
    """Watch and record each switch that its run has made and not recorded; returns them, `lstm BTCUSDT`.

    Args:
        store: of the records.
        trainer: see there; it is asked only where something is left to be found out.
        news: hears of each.
        within: how long ago it was intended at most.

    Raises:
        TradeOpsError: the trainer or the store does not answer.
    """
    now = datetime.now(UTC)
    since, until = now - within, now + timedelta(days=1)
    told = {_name(event) for event in await store.events(since=since, until=until, kind=PROMOTED)}
    found: list[str] = []
    for intent in await store.events(since=since, until=until, kind=INTENDED):
        body: Mapping[str, Any] = intent.body
        model_type, symbol, version = str(body["model_type"]), str(body["symbol"]), str(body["version"])
        if _name(intent) in told:
            continue
        champion = await champion_of(trainer, model_type, symbol)
        if champion is not None and champion.version == version:
            log.warning("%s of %s came into use, and its run ended before it said so", version, model_type)
            if await _finish(store, _name(intent), body):
                news(promotion_news(body))
                found.append(f"{model_type} {symbol}")
    return tuple(found)


def promotion_news(body: Mapping[str, Any]) -> dict[str, Json]:
    """What the event `tradeops.model.promoted` says, from what is kept of the promotion."""
    scores: Mapping[str, Any] = body["scores"]
    old, new = scores.get("champion"), scores["challenger"]
    return {
        "model_type": body["model_type"],
        "symbol": body["symbol"],
        "version": body["version"],
        "before": body["before"],
        "old_accuracy": None if old is None else old["accuracy"],
        "new_accuracy": new["accuracy"],
        "unproven": body["unproven"],
        "reason": body.get("reason", ""),
    }


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


async def _switch(trainer: Trainer, wanted: Promotion) -> None:
    unproven = wanted.verdict.unproven
    await trainer.promote(wanted.model_type, wanted.symbol, wanted.version, expected=wanted.before, unproven=unproven)


async def _finish(store: Store, name: str, body: Mapping[str, Any]) -> bool:
    """The record last: it says that nothing is left to do; `False` when it was there."""
    await _begin_watch(store, str(body["model_type"]), str(body["symbol"]), str(body["version"]), body["before"])
    return await _tell(store, PROMOTED, name, body)


async def _tell(store: Store, kind: str, name: str, body: Mapping[str, Json]) -> bool:
    return await store.append_event(AuditEvent(f"{kind}:{name}", kind, datetime.now(UTC), "adaptive-retrain", body))


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
