"""Alerting while our store is a MongoDB that is down, which is when it is needed most.

A local file holds a copy of the board and stands in for the store; when that is back, it takes over what happened.
Several machines that lose their MongoDB at once each tell of it.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from tradeops.adapters.store import Store, open_store
from tradeops.adapters.store.interface import Body, MessageState
from tradeops.domain.incidents.merging import merged
from tradeops.domain.incidents.model import Observation
from tradeops.domain.incidents.records import board_body
from tradeops.domain.incidents.telling import Board
from tradeops.errors import ConflictError, UnavailableError
from tradeops.jobs.alerts import incidents, silences
from tradeops.jobs.alerts.incidents import BOARD, COLLECTION, Ground, Outcome
from tradeops.settings import Settings

FOLDER = "standin"
COPIED = "copied"
PATIENCE = timedelta(seconds=3)
LEASE = timedelta(minutes=1)
AT_ONCE = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A ground whose store is the local file."""

    settings: Settings
    store: Store


@asynccontextmanager
async def open_stand_in(settings: Settings) -> AsyncGenerator[StandIn | None]:
    """The local file, closed at exit; `None` where our store is local already.

    Raises:
        MisconfiguredError: TRADEOPS_HOME cannot be written.
    """
    if settings.store_kind == "sqlite":
        yield None
        return
    async with open_store("sqlite", home=settings.home_folder / FOLDER) as store:
        yield StandIn(settings, store)


async def observe(
    ground: Ground,
    stand_in: StandIn | None,
    observations: Iterable[Observation],
    *,
    source: str,
    run_id: str,
    now: datetime,
) -> Outcome:
    """As `incidents.observe`, by the stand-in while our store does not answer.

    Raises:
        UnavailableError: neither answers.
        ConflictError, ContractError: as `incidents.observe`.
    """
    looks = tuple(observations)
    if stand_in is None:
        return await incidents.observe(ground, looks, source=source, run_id=run_id, now=now)
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            await _take_over(ground.store, stand_in.store, now=now)
            outcome = await incidents.observe(ground, looks, source=source, run_id=run_id, now=now)
            await _copy(ground.store, stand_in.store, now=now)
            return outcome
    except (UnavailableError, TimeoutError) as error:
        log.warning("a local file stands in for the store: %s", str(error) or "it did not answer in time")
    return await incidents.observe(stand_in, looks, source=source, run_id=run_id, now=now)


async def _take_over(ours: Store, local: Store, *, now: datetime) -> None:
    await ours.get(COLLECTION, BOARD)  # a store that is down takes no message out of the hands of the stand-in
    await _move_messages(ours, local, now=now)
    kept, copied = await asyncio.gather(local.get(COLLECTION, BOARD), local.get(COLLECTION, COPIED))
    if kept is None or (copied is not None and copied.body["version"] == kept.version):
        return
    stood_in, _ = await incidents.read_board(local, now=now)
    since = None if copied is None else datetime.fromisoformat(str(copied.body["at"]))

    def with_it(board: Board) -> tuple[Board, None]:
        return merged(board, stood_in, since=since), None

    await incidents.change_board(ours, with_it, now=now)
    await _copy(ours, local, now=now)


async def _move_messages(ours: Store, local: Store, *, now: datetime) -> None:
    claims = list(await local.claim(f"move-{os.getpid()}", now=now, lease=LEASE, limit=AT_ONCE))
    try:
        while claims:
            await ours.enqueue(claims[0].message)
            await local.settle(claims.pop(0), MessageState.DELIVERED, note="moved to the store")
    finally:
        for claim in claims:
            await local.postpone(claim, until=now, note="the store did not take it")


async def _copy(ours: Store, local: Store, *, now: datetime) -> None:
    """Board and silences, so that the stand-in goes on where we are; last the mark that says so."""
    board, _ = await incidents.read_board(ours, now=now)
    try:
        version = await _put(local, COLLECTION, BOARD, board_body(board))
        for document in await ours.documents(silences.COLLECTION):
            await _put(local, silences.COLLECTION, document.key, document.body)
        await _put(local, COLLECTION, COPIED, {"version": version, "at": now.isoformat()})
    except ConflictError:  # another process of this machine is at it
        log.info("the copy of the board is left to another process")


async def _put(local: Store, collection: str, key: str, body: Body) -> int:
    kept = await local.get(collection, key)
    if kept is not None and kept.body == body:
        return kept.version
    return (await local.put(collection, key, body, expected_version=None if kept is None else kept.version)).version
