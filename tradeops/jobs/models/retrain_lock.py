"""One retrain at a time: a lock in the store with an owner and an expiry.

An owner that dies leaves the lock to expire, and with it what the next one needs to go on: up to which moment its
candles went, so that the same candles give the same training again.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.store import Document, Store
from tradeops.adapters.store.interface import Json
from tradeops.errors import ConflictError, ContractError, RejectedError, TradeOpsError, UnavailableError

COLLECTION, KEY = "retrain_lock", "lock"
LEASE = timedelta(minutes=3)
RENEW = timedelta(seconds=30)
STILL_OF_USE = timedelta(hours=2)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Held:
    """The lock in our hands.

    Attributes:
        as_of: the moment up to which candles are taken: ours, or that of the interrupted run we go on from.
        resumes: the runs that were interrupted since then, one after the other.
    """

    as_of: datetime
    resumes: tuple[str, ...] = ()


async def at_work(store: Store, now: datetime) -> str:
    """The run of the retrain that is at work; empty when none is.

    Raises:
        UnavailableError: the store is down.
        ContractError: what is kept of the lock has another shape.
    """
    found = await store.get(COLLECTION, KEY)
    if found is None:
        return ""
    try:
        return (str(found.body.get("run_id") or "") or "without a name") if _until(found) > now else ""
    except (KeyError, ValueError, TypeError) as error:
        raise ContractError("retrain", f"{COLLECTION}/{KEY} has no time in `until`") from error


@asynccontextmanager
async def held(
    store: Store, *, run_id: str, lease: timedelta = LEASE, renew: timedelta = RENEW
) -> AsyncGenerator[Held]:
    """Hold the lock for the block, renewed while it lasts; released at its end, however it ends.

    A run that takes the lock again, after its own crash, gets it at once. After a block that was cancelled the next one
    goes on from it, as after a crash; one that fails leaves what it would have gone on from.

    Raises:
        RejectedError: another retrain is at work; names it and how long its lock lasts.
        ConflictError: two asked at once, and the other one has it; or it was lost, since we were not heard of for long.
        UnavailableError: the store is down.
    """
    now = datetime.now(UTC)
    found = await store.get(COLLECTION, KEY)
    if found is not None and _until(found) > now and found.body.get("run_id") != run_id:
        problem = f"the run {found.body.get('run_id')} is at work"
        raise RejectedError("retrain", problem, remedy=f"wait for it; its lock ends {_until(found):%H:%M:%S} UTC")
    ours = _inherited(found, now)
    taken = await _write(store, found, run_id, ours, now + lease)
    owner = asyncio.current_task()
    renewing = asyncio.create_task(_renew(store, taken, run_id, ours, lease, renew, owner))
    ended = True
    try:
        yield ours
    except asyncio.CancelledError:
        ended = False
        if renewing.done() and not renewing.cancelled() and renewing.exception() is not None:
            raise ConflictError("retrain", "its lock was lost to another run") from renewing.exception()
        raise
    except Exception:
        ended = not ours.resumes  # an order that makes no sense must not hide what was interrupted before it
        raise
    finally:
        renewing.cancel()
        with contextlib.suppress(asyncio.CancelledError, TradeOpsError):
            await renewing
        await _release(store, run_id, ended=ended)


async def let_go(store: Store, run_id: str) -> None:
    """Release the lock of a run that has lost its process, so that the next one goes on from it at once.

    A run that lives all the same finds its lock lost when it renews it, and stops.

    Raises:
        UnavailableError: the store is down; the lock expires.
    """
    while True:
        found = await store.get(COLLECTION, KEY)
        if found is None or found.body.get("run_id") != run_id or _until(found) <= datetime.now(UTC):
            return
        try:
            body = {**found.body, "until": datetime.now(UTC).isoformat()}
            await store.put(COLLECTION, KEY, body, expected_version=found.version)
        except ConflictError:
            continue
        return


async def _renew(
    store: Store,
    taken: Document,
    run_id: str,
    ours: Held,
    lease: timedelta,
    pause: timedelta,
    owner: "asyncio.Task[object] | None",
) -> None:
    kept = taken
    while True:
        await asyncio.sleep(pause.total_seconds())
        try:
            try:
                kept = await _write(store, kept, run_id, ours, datetime.now(UTC) + lease)
            except ConflictError:
                kept = await _ours(store, run_id)
        except UnavailableError as error:
            log.warning("the lock of the retrain is not renewed: %s", error)
        except ConflictError:
            if owner is not None:
                owner.cancel()
            raise


async def _ours(store: Store, run_id: str) -> Document:
    """The lock as a renewal of ours has left it whose answer was lost; a conflict where it is not ours any more."""
    found = await store.get(COLLECTION, KEY)
    if found is None or found.body.get("run_id") != run_id or _until(found) <= datetime.now(UTC):
        raise ConflictError("retrain", "another run has its lock, or it was let go")
    return found


async def _write(store: Store, seen: Document | None, run_id: str, ours: Held, until: datetime) -> Document:
    body: dict[str, Json] = {
        "owner": "adaptive-retrain",
        "run_id": run_id,
        "until": until.isoformat(),
        "as_of": ours.as_of.isoformat(),
        "resumes": list(ours.resumes),
    }
    return await store.put(COLLECTION, KEY, body, expected_version=None if seen is None else seen.version)


async def _release(store: Store, run_id: str, *, ended: bool) -> None:
    """A lock that cannot be released expires by itself."""
    try:
        found = await store.get(COLLECTION, KEY)
        if found is not None and found.body.get("run_id") == run_id:
            body = {**found.body, "until": datetime.now(UTC).isoformat()} | ({"as_of": None} if ended else {})
            await store.put(COLLECTION, KEY, body, expected_version=found.version)
    except TradeOpsError as error:
        log.warning("the lock of the retrain is not released, it expires: %s", error)


def _inherited(found: Document | None, now: datetime) -> Held:
    as_of = None if found is None else found.body.get("as_of")
    if found is not None and isinstance(as_of, str) and now - (moment := datetime.fromisoformat(as_of)) < STILL_OF_USE:
        before: Any = found.body.get("resumes") or []
        return Held(moment, resumes=(*map(str, before), str(found.body.get("run_id"))))
    return Held(now)


def _until(document: Document) -> datetime:
    return datetime.fromisoformat(str(document.body["until"]))
