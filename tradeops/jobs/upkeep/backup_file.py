"""The file of a backup: a zip of parts, each one JSON object a line, and a manifest that knows what each must be.

It is there whole, verified by reading it back, or not at all; for its owner alone. Nothing in it is ever executed or
unpacked to the disk.
"""

import asyncio
import hashlib
import json
import os
import zipfile
import zlib
from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tradeops.errors import MisconfiguredError, RejectedError, UnavailableError

FORMAT = 1
MANIFEST = "manifest.json"
LEVEL = 6
LARGEST_MANIFEST = 2**20
LONGEST_LINE = 2**25  # twice what the largest record takes
CHUNK = 2**20
LINES_AT_ONCE = 1000
OF_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
OF_CONTENT = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What a part must be, uncompressed."""

    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        made_at: when it was begun, aware.
        made_by: the release that wrote it.
        store: the kind it was made of.
        is_of_one_moment: all of the store is as of one moment.
        parts: by name, in the order of writing.
    """

    made_at: datetime
    made_by: str
    store: str
    is_of_one_moment: bool
    parts: Mapping[str, PartFacts]


class Tally:
    """Counts and hashes the lines of a part, as they pass."""

    def __init__(self) -> None:
        self._rows, self._bytes, self._sha = 0, 0, hashlib.sha256()

    def lines(self, rows: Sequence[Mapping[str, Any]]) -> bytes:
        """The rows as they stand in the file."""
        text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
        return self.add(text.encode(), len(rows))

    def add(self, content: bytes, rows: int) -> bytes:
        """Lines that are text already."""
        self._rows += rows
        self._bytes += len(content)
        self._sha.update(content)
        return content

    @property
    def facts(self) -> PartFacts:
        """Of all so far."""
        return PartFacts(self._rows, self._bytes, self._sha.hexdigest())


class BackupWriter:
    """Writes the parts of a new file, one after the other; see `new_backup`."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.parts: dict[str, PartFacts] = {}

    async def add(self, name: str, batches: AsyncIterator[Sequence[Mapping[str, Any]]]) -> None:
        """A part of rows."""
        tally = Tally()
        with self._archive.open(name, "w", force_zip64=True) as file:
            async for rows in batches:
                await asyncio.to_thread(lambda some: file.write(tally.lines(some)), rows)
        self.parts[name] = tally.facts

    def add_text(self, name: str, content: bytes) -> None:
        """A part of lines that are text already."""
        tally = Tally()
        self._archive.writestr(name, tally.add(content, content.count(b"\n")))
        self.parts[name] = tally.facts

    def end(self, manifest: Manifest) -> None:
        """The manifest, last."""
        body = {"format": FORMAT, **asdict(manifest), "made_at": manifest.made_at.isoformat()}
        self._archive.writestr(MANIFEST, json.dumps(body, indent=1))


@contextmanager
def new_backup(path: Path) -> Generator[BackupWriter]:
    """A file that gets its name when the block has ended well and what is on the disk has been read back.

    Raises:
        RejectedError: something of that name is there already, or what is read back is not what was written.
        MisconfiguredError: the folder cannot be written.
        UnavailableError: the disk is full.
    """
    if path.exists():
        raise RejectedError("backup", f"{path} is there already", remedy="name a new file; none is overwritten")
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
                yield BackupWriter(archive)
            file.flush()
            os.fsync(file.fileno())
        read_manifest(unfinished)
        unfinished.rename(path)
        _sync(path.parent)
    except OSError as error:
        remedy = "name a file in a folder that you may write and that has room"
        problem = f"{path} cannot be written: {error.strerror or error}"
        kind = MisconfiguredError if isinstance(error, PermissionError | FileNotFoundError) else UnavailableError
        raise kind("backup", problem, remedy=remedy) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def read_manifest(path: Path) -> Manifest:
    """What the file holds, after all of it was read and found to be what was written.

    Raises:
        RejectedError: it is none of ours, of a newer release, or damaged; names the part.
    """
    with _archive(path) as archive:
        manifest = _manifest(path, archive)
        names = {*archive.namelist()} - {MANIFEST}
        if names != manifest.parts.keys():
            wrong = min(names.symmetric_difference(manifest.parts))
            state = "is missing" if wrong in manifest.parts else "is not in its manifest"
            raise _bad(path, f"the part {wrong} {state}")
        for name, expected in manifest.parts.items():
            tally = Tally()
            with _named(path, name), archive.open(name) as part:
                while chunk := part.read(CHUNK):
                    tally.add(chunk, chunk.count(b"\n"))
                    if tally.facts.bytes > expected.bytes:
                        break
            if tally.facts != expected:
                raise _bad(path, f"the part {name} is not what was written")
    return manifest


def rows_of(path: Path, name: str) -> Iterator[list[dict[str, Any]]]:
    """The rows of a part, some at a time.

    Raises:
        RejectedError: the part is damaged.
    """
    with _archive(path) as archive, _named(path, name), archive.open(name) as part:
        batch: list[dict[str, Any]] = []
        while line := part.readline(LONGEST_LINE):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise TypeError("a line is no object")
            batch.append(row)
            if len(batch) == LINES_AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch


def text_of(path: Path, name: str) -> bytes:
    """All of a small part.

    Raises:
        RejectedError: the part is damaged.
    """
    with _archive(path) as archive, _named(path, name):
        return archive.read(name)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    with _named(path, MANIFEST), archive.open(MANIFEST) as part:
        body = json.loads(part.read(LARGEST_MANIFEST))
    if isinstance(body, dict) and body.get("format") != FORMAT:
        remedy = "use the release that wrote it, or a newer one"
        raise RejectedError(
            "restore", f"{path} has format {body.get('format')}, this release knows {FORMAT}", remedy=remedy
        )
    with _named(path, MANIFEST):
        return Manifest(
            made_at=datetime.fromisoformat(body["made_at"]),
            made_by=str(body["made_by"]),
            store=str(body["store"]),
            is_of_one_moment=bool(body["is_of_one_moment"]),
            parts={str(name): PartFacts(**facts) for name, facts in body["parts"].items()},
        )


@contextmanager
def _archive(path: Path) -> Generator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError) as error:
        raise _bad(path, "it is cut off, or no backup at all") from error
    except OSError as error:
        raise RejectedError("backup", f"{path} cannot be read: {error.strerror}", remedy="name a backup") from error
    with archive:
        yield archive


@contextmanager
def _named(path: Path, name: str) -> Generator[None]:
    try:
        yield
    except (*OF_ZIP, *OF_CONTENT) as error:
        raise _bad(path, f"the part {name} is damaged ({type(error).__name__})") from error


def _bad(path: Path, problem: str) -> RejectedError:
    return RejectedError("backup", f"{path}: {problem}", remedy="use another backup")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
