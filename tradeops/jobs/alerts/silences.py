"""Silences as they are kept: begun, lifted, and which of them last."""

from dataclasses import replace
from datetime import datetime

from tradeops.adapters.store import AuditEvent, ReadableStore, Store
from tradeops.domain.incidents.model import Silence
from tradeops.domain.incidents.records import silence_body, silence_from
from tradeops.errors import ConflictError, RejectedError
from tradeops.jobs.races import until_first

COLLECTION = "silences"
ACTOR = "tradeops"


async def begin(store: Store, silence: Silence) -> None:
    """Keep a silence; a second one of its id changes nothing.

    Raises:
        RejectedError: it ends before it begins, or says no pattern or no reason.
        UnavailableError: the store is down.
    """
    if silence.until <= silence.since:
        raise RejectedError("incidents", "the silence ends before it begins")
    if not silence.pattern.strip() or not silence.reason.strip():
        raise RejectedError("incidents", "a silence needs a pattern and a reason")
    body = silence_body(silence)
    try:
        await store.put(COLLECTION, silence.silence_id, body, expected_version=None)
    except ConflictError:
        return
    kept = AuditEvent(f"silence:{silence.silence_id}", "silence_begun", silence.since, ACTOR, body)
    await store.append_event(kept)


async def lift(store: Store, silence_id: str, *, by: str, now: datetime) -> Silence:
    """End a silence now; what is broken then is told by the next round.

    Raises:
        RejectedError: no silence of that id lasts.
        UnavailableError: the store is down.
        ConflictError: others wrote again and again.
    """

    async def attempt() -> Silence:
        kept = await store.get(COLLECTION, silence_id)
        found = None if kept is None else silence_from(silence_id, kept.body)
        if kept is None or found is None or found.until <= now:
            raise RejectedError("incidents", f"no silence {silence_id!r} lasts", remedy="see `tradeops silence --list`")
        body = silence_body(replace(found, until=now))
        await store.put(COLLECTION, silence_id, body, expected_version=kept.version)
        return found

    lifted = await until_first(attempt, system="incidents", what=f"the silence {silence_id!r}")
    await store.append_event(AuditEvent(f"silence:{silence_id}:lifted", "silence_lifted", now, ACTOR, {"by": by}))
    return lifted


async def lasting(store: ReadableStore, *, now: datetime) -> tuple[Silence, ...]:
    """Silences that last or are planned, the first to end first.

    Raises:
        UnavailableError: the store is down.
    """
    kept = (silence_from(one.key, one.body) for one in await store.documents(COLLECTION))
    return tuple(sorted((one for one in kept if one.until > now), key=lambda one: one.until))
