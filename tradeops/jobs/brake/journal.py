"""What the brake did, on the local disk: written before it acts, so that no crash and no dead store loses it.

One JSON object a line behind its checksum, only ever appended, each line on the disk before anything follows from it.
A last line that a crash tore is left out; so is any line that does not match its checksum, and the log says so. Any
number of processes may read and write; `lock` gives one of them the turn at a target, and `undisturbed` keeps brakes
and releases of it apart.
"""

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import time
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tradeops.domain.brakes import Disabled, Kind, Record, is_over, not_emitted, standing_after
from tradeops.errors import UnavailableError

NAME = "brake.journal"
TURN = timedelta(seconds=8)
PAUSE_SECONDS = 0.01
MOST_SHOWN = 5

log = logging.getLogger(__name__)


class Journal:
    """The file in one home.

    Args:
        home: TRADEOPS_HOME; made when something is written.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / NAME
        self._seen: tuple[int, int] | None = None
        self._records: tuple[Record, ...] = ()
        self._spoilt: tuple[int, ...] = ()

    def append(self, record: Record) -> None:
        """Keep a line; it is on the disk when this returns.

        Raises:
            UnavailableError: it could not be written: the disk is full, the home is not ours.
        """
        payload = json.dumps(
            {
                "kind": record.kind,
                "target": record.target,
                "incident_id": record.incident_id,
                "at": record.at.isoformat(),
                "body": record.body,
            }
        )
        line = f"{zlib.crc32(payload.encode()):08x} {payload}\n".encode()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            with self.path.open("ab+") as file:
                if _is_torn(file.fileno()):
                    line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            remedy = "free some disk space and see that TRADEOPS_HOME is yours"
            raise UnavailableError(
                "brake", f"{self.path} cannot be written: {error.strerror}", remedy=remedy
            ) from error

    def records(self) -> tuple[Record, ...]:
        """All whole lines, in order; read again only when the file has changed.

        Raises:
            UnavailableError: it is there and cannot be read.
        """
        try:
            there = self.path.stat()
            seen = (there.st_mtime_ns, there.st_size)
            if seen != self._seen:
                self._records, spoilt = _whole(self.path.read_bytes())
                self._seen = seen
                if spoilt and spoilt != self._spoilt:  # once, and not at each look
                    log.warning("%s: left out, since they are not what was written: %s", self.path, _lines(spoilt))
                self._spoilt = spoilt
        except FileNotFoundError:
            self._records, self._seen = (), None
        except OSError as error:
            raise UnavailableError("brake", f"{self.path} cannot be read: {error.strerror}") from error
        return self._records

    def standing(self) -> dict[str, Disabled]:
        """What must be off now, by target; also what was asked for and never confirmed.

        Raises:
            UnavailableError: as `records`.
        """
        return standing_after(self.records())

    def releases(self) -> dict[str, datetime]:
        """When each target was last released by a person.

        Raises:
            UnavailableError: as `records`.
        """
        return {record.target: record.at for record in self.records() if record.kind is Kind.RELEASE}

    def not_emitted(self) -> frozenset[str]:
        """The incidents that began here and of which Prefect has not been told.

        Raises:
            UnavailableError: as `records`.
        """
        return not_emitted(self.records())

    def is_over(self, target: str, incident_id: str) -> bool:
        """Whether that disable was written down here and stands no longer.

        Raises:
            UnavailableError: as `records`.
        """
        return is_over(self.records(), target, incident_id)

    @asynccontextmanager
    async def lock(self, target: str, *, patience: timedelta = TURN) -> AsyncGenerator[bool]:
        """Whether this caller alone has the turn at the target; `False` after `patience`, or when there can be no lock.

        A brake that does not get it acts all the same: what it does may be done twice, and must not be left undone.
        """
        async with self._locked("lock", target, fcntl.LOCK_EX, patience) as mine:
            yield mine

    @asynccontextmanager
    async def at_work(self, target: str) -> AsyncGenerator[bool]:
        """Keep releases of the target away; any number of brakes may be at work, each of them with or without its turn.

        Waits for a release that is at work, as `lock` does: until `TURN`, and who does not get it acts all the same.
        """
        async with self._locked("work", target, fcntl.LOCK_SH, TURN) as mine:
            yield mine

    @asynccontextmanager
    async def undisturbed(self, target: str, *, patience: timedelta) -> AsyncGenerator[bool]:
        """Whether no brake of the target is at work, and none begins; `False` as for `lock`."""
        async with self._locked("work", target, fcntl.LOCK_EX, patience) as mine:
            yield mine

    @asynccontextmanager
    async def _locked(self, ending: str, target: str, how: int, patience: timedelta) -> AsyncGenerator[bool]:
        name = f"brake-{hashlib.sha256(target.encode()).hexdigest()[:12]}.{ending}"
        path, deadline = self.path.with_name(name), time.monotonic() + patience.total_seconds()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            file = path.open("a")
        except OSError as error:
            log.warning("%s cannot be made: %s", path, error)
            yield False
            return
        with file:
            while not (mine := _is_mine(file.fileno(), how)) and time.monotonic() < deadline:  # noqa: ASYNC110 - processes
                await asyncio.sleep(PAUSE_SECONDS)
            yield mine


def merge(home: Path, other: bytes) -> None:
    """Let the journal of this home hold what another one of the same installation holds, too; replaced whole.

    No line of ours is lost. Where both have gone on by themselves the lines are ordered by what they tell of, so that
    the later word counts.

    Raises:
        UnavailableError: it cannot be read or written.
    """
    path = home / NAME
    if not _good_lines(other):
        return
    unfinished = path.with_name(f".{NAME}.{os.getpid()}.part")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        ours = b""
        while (now := path.read_bytes() if path.exists() else b"") != ours or not unfinished.exists():
            ours = now
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.writelines(line + b"\n" for line in _merged(_good_lines(other), _good_lines(ours)))
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise UnavailableError("brake", f"{path} cannot be written: {error.strerror}") from error


def _merged(others: list[bytes], ours: list[bytes]) -> list[bytes]:
    lines = list(dict.fromkeys([*others, *ours]))
    return lines if lines in (others, ours) else sorted(lines, key=_at_of)


def _good_lines(content: bytes) -> list[bytes]:
    _, spoilt = _whole(content)
    return [line for number, line in enumerate(content.split(b"\n"), 1) if line.strip() and number not in spoilt]


def _at_of(line: bytes) -> datetime:
    return datetime.fromisoformat(json.loads(line.partition(b" ")[2])["at"])


def _whole(content: bytes) -> tuple[tuple[Record, ...], tuple[int, ...]]:
    """The records, and the numbers of the lines that are none."""
    records: list[Record] = []
    spoilt: list[int] = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        checksum, _, payload = line.partition(b" ")
        try:
            if checksum != f"{zlib.crc32(payload):08x}".encode():
                raise ValueError("the checksum differs")  # noqa: TRY301 - one way out for all that is wrong with a line
            fields = json.loads(payload)
            at = datetime.fromisoformat(fields["at"])
            records.append(Record(Kind(fields["kind"]), fields["target"], fields["incident_id"], at, fields["body"]))
        except (ValueError, KeyError, TypeError):
            spoilt.append(number)
    return tuple(records), tuple(spoilt)


def _lines(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:MOST_SHOWN]))
    more = f" and {len(numbers) - MOST_SHOWN} more" if len(numbers) > MOST_SHOWN else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"


def _is_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _is_mine(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
