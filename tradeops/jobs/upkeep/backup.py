"""Writes all that we know into one file: the store, what waits in the spool, and the brake's journal.

The settings, and with them every secret, are not in it; neither are the trainer's models, which are files already.
"""

import asyncio
import importlib.metadata
from datetime import datetime
from pathlib import Path
from typing import Final

from tradeops.adapters.store.backup import Part, open_spool_snapshot
from tradeops.adapters.store.opening import FILE
from tradeops.errors import MisconfiguredError, UnavailableError
from tradeops.jobs import audit
from tradeops.jobs.brake.journal import NAME as JOURNAL
from tradeops.jobs.upkeep.backup_file import Manifest, new_backup
from tradeops.settings import Settings
from tradeops.wiring import our_snapshot, our_store

SPOOL: Final = "spool.jsonl"
TRIES = 3


def name_of(part: Part) -> str:
    """Of a part of the store, in the file."""
    return f"store/{part}.jsonl"


async def write_backup(settings: Settings, path: Path, *, now: datetime) -> Manifest:
    """Write a new file and return what it holds; the store may be in use meanwhile.

    Raises:
        UnavailableError: the store is down, the disk is full, or the audit trail grew again and again meanwhile.
        MisconfiguredError: the store's or the file's folder cannot be used, or nothing is in the store.
        RejectedError: the file is there already.
    """
    if settings.store_kind == "sqlite" and not (settings.home_folder / FILE).exists():
        raise _nothing(settings)  # before looking makes an empty one
    for _ in range(TRIES):
        manifest, whole = await _written(settings, path, now)
        if whole:
            return manifest
        await asyncio.to_thread(path.unlink)
    raise UnavailableError("backup", f"the audit trail grew meanwhile, {TRIES} times", remedy="try again later")


async def _written(settings: Settings, path: Path, now: datetime) -> tuple[Manifest, bool]:
    home = settings.home_folder
    with new_backup(path) as writer:
        # first what waits for the store: what gets there meanwhile is then in both, which harms nothing
        if settings.store_kind == "mongodb":
            async with open_spool_snapshot(home) as spool:
                await writer.add(SPOOL, spool.rows("spool"))
        async with our_snapshot(settings) as snapshot:
            # what is not of one moment could have a trail whose end is not where its head says
            before = None if snapshot.is_of_one_moment else await _head(settings)
            for part in Part:
                await writer.add(name_of(part), snapshot.rows(part))
            whole = before is None or before == await _head(settings)
        # last what must be off: the newest word on it counts
        journal = home / JOURNAL
        writer.add_text(JOURNAL, journal.read_bytes() if journal.exists() else b"")
        if not any(facts.rows for facts in writer.parts.values()):
            raise _nothing(settings)
        manifest = Manifest(
            made_at=now,
            made_by=f"tradeops {importlib.metadata.version('tradeops')}",
            store=settings.store_kind,
            is_of_one_moment=snapshot.is_of_one_moment,
            parts=writer.parts,
        )
        writer.end(manifest)
    return manifest, whole


def _nothing(settings: Settings) -> MisconfiguredError:
    problem = f"nothing is known in the {settings.store_kind} store of {settings.home_folder}"
    return MisconfiguredError("backup", problem, remedy="check TRADEOPS_HOME, TRADEOPS_STORE and MONGODB_URL")


async def _head(settings: Settings) -> int:
    async with our_store(settings) as store:
        return (await audit.read_head(store))[1] or 0
