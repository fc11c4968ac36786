"""Fills a store from the file of a backup, of whichever kind of store that was made; all of it or nothing.

What is off stays off: brakes that stand here and now outlive a restore of older records, in the journal and in the
store.
"""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tradeops.adapters.store.backup import Part, Restoration, Row, open_spool_restoration
from tradeops.adapters.store.backup_rows import written
from tradeops.errors import RejectedError, UnavailableError
from tradeops.jobs.brake.journal import NAME as JOURNAL
from tradeops.jobs.brake.journal import merge
from tradeops.jobs.brake.records import COLLECTION as BRAKES
from tradeops.jobs.only_one import is_held
from tradeops.jobs.upkeep.backup import SPOOL, name_of
from tradeops.jobs.upkeep.backup_file import Manifest, Tally, read_manifest, rows_of, text_of
from tradeops.settings import Settings
from tradeops.wiring import our_restoration


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought.

    Attributes:
        manifest: of the file.
        kept_off: targets that are off here and that the file does not know as off; they still are.
    """

    manifest: Manifest
    kept_off: tuple[str, ...]


async def restore(settings: Settings, path: Path, *, replace: bool) -> Restored:
    """Put what the file holds into the store that the settings choose, and read it back before it counts.

    Args:
        settings: of the store and its home.
        path: of the backup.
        replace: whether what is in the store may be lost.

    Raises:
        RejectedError: the file is none or damaged (names the part), or something is there and may not be replaced.
        UnavailableError: the watchdog or `tradeops up` still runs, the store is down, or what is read back differs.
        MisconfiguredError: the store cannot be used.
    """
    manifest = await asyncio.to_thread(read_manifest, path)
    home = settings.home_folder
    for what in ("watchdog", "up"):
        if is_held(home, what):
            problem = f"`tradeops {what}` of {home} runs"
            raise UnavailableError("restore", problem, remedy="end it and all workers first")
    async with AsyncExitStack() as stack:
        into: Restoration = await stack.enter_async_context(our_restoration(settings))
        spool: Restoration | None = None
        if settings.store_kind == "mongodb":
            spool = await stack.enter_async_context(open_spool_restoration(home))
        standing: list[Row] = []
        if await _is_filled(into, spool, home):
            if not replace:
                problem = "there are records already: in the store, the spool or the brake's journal"
                raise RejectedError("restore", problem, remedy="add --replace to lose them, or set another home")
            standing = [row for row in await _brakes(into) if row["body"].get("released_at") is None]
            await into.clear()
            if spool is not None:
                await spool.clear()
        await asyncio.to_thread(merge, home, text_of(path, JOURNAL))
        for part in Part:
            await _fill(into, part, path, name_of(part), manifest)
        kept_off = await _keep_off(into, standing)
        if SPOOL in manifest.parts:
            await _fill_spool(spool, into, path, manifest)
        if spool is not None:
            await spool.keep()
        await into.keep()
    return Restored(manifest, kept_off)


async def _is_filled(into: Restoration, spool: Restoration | None, home: Path) -> bool:
    journal = home / JOURNAL
    if journal.exists() and journal.stat().st_size:
        return True
    return await into.holds_something() or (spool is not None and await spool.holds_something())


async def _fill(into: Restoration, part: Part | str, path: Path, name: str, manifest: Manifest) -> None:
    with _by_hand(path, name):
        for batch in rows_of(path, name):
            await into.write(part, batch)
    tally = Tally()
    async for rows in into.rows(part):
        await asyncio.to_thread(tally.lines, rows)
    if tally.facts != manifest.parts[name]:
        there, expected = tally.facts.rows, manifest.parts[name].rows
        problem = f"{name} reads back differently from what was written: {there} records, expected {expected}"
        raise UnavailableError("restore", problem, remedy="look at the store's disk, then try again with --replace")


@contextmanager
def _by_hand(path: Path, name: str) -> Generator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError) as error:
        raise RejectedError("restore", f"{path}: {name} has a record that no store keeps: {error}") from error


async def _fill_spool(spool: Restoration | None, into: Restoration, path: Path, manifest: Manifest) -> None:
    """Into the spool of a MongoDB; a store in SQLite has none, and takes at once what waited."""
    if spool is not None:
        await _fill(spool, "spool", path, SPOOL, manifest)
        return
    with _by_hand(path, SPOOL):
        for rows in rows_of(path, SPOOL):
            for row in rows:
                part, record = written(row)
                await into.write(part, [record])


async def _brakes(into: Restoration) -> list[Row]:
    return [row async for rows in into.rows(Part.DOCUMENTS) for row in rows if row["collection"] == BRAKES]


async def _keep_off(into: Restoration, standing: Sequence[Row]) -> tuple[str, ...]:
    known = {row["key"]: row for row in await _brakes(into)} if standing else {}
    lost = [row for row in standing if row["key"] not in known or known[row["key"]]["body"].get("released_at")]
    await into.write(Part.DOCUMENTS, lost)
    return tuple(str(row["body"].get("target", row["key"])) for row in lost)
