"""The hash-chained trail: each record carries the hash of the one before, so that none can be changed unseen. Pure.

A person who can write everything can write it all anew; so each decision's hash stands in its artifact and its message.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

KIND = "chain_record"
GENESIS = "0" * 64
DIGITS = 12


@dataclass(frozen=True, slots=True)
class Record:
    """One link.

    Attributes:
        number: from 1 on, without gaps.
        previous: hash of the record before; of the first one zeros.
        at: aware.
        actor: who wrote it.
        what: happened: `asked`, `decided`, `started` …
        content: JSON.
        sha256: of all of this but itself.
    """

    number: int
    previous: str
    at: datetime
    actor: str
    what: str
    content: Mapping[str, object]
    sha256: str

    @property
    def event_id(self) -> str:
        """Under which it is stored, unique by its number, in order by its text."""
        return event_id(self.number)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: its last record, whole, so that whoever comes next can store it if it is not yet."""

    last: Record


@dataclass(frozen=True, slots=True)
class Verified:
    """What an examination found.

    Attributes:
        records: how many there are.
        last_sha256: of the last; zeros of an empty trail.
        problems: each names a record; none is a whole chain.
    """

    records: int
    last_sha256: str
    problems: tuple[str, ...]


def event_id(number: int) -> str:
    """Under which the record of that number is stored."""
    return f"chain-{number:0{DIGITS}}"


def canonical(content: object) -> str:
    """The one text of a JSON value: keys in order, no spaces, finite numbers.

    Raises:
        ValueError: NaN or infinite.
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=dict)


def linked(head: Head | None, *, at: datetime, actor: str, what: str, content: Mapping[str, object]) -> Record:
    """The record that follows the head."""
    number = head.last.number + 1 if head else 1
    previous = head.last.sha256 if head else GENESIS
    return Record(number, previous, at, actor, what, content, _digest(number, previous, at, actor, what, content))


def verify(records: Iterable[Record], head: Head | None) -> Verified:
    """Examine the whole chain: every record's own hash, its link, and that none is missing up to the head.

    Args:
        records: as stored, by number.
        head: the end as it is kept beside them; its own record need not be stored yet.
    """
    found = {record.number: record for record in records}
    if head is not None:
        found.setdefault(head.last.number, head.last)
    problems = []
    previous: Record | None = None
    for number in range(1, max(found, default=0) + 1):
        record = found.get(number)
        if record is None:
            problems.append(f"record {number} is missing")
        else:
            problems += _examined(record, previous)
            previous = record
    last = found[max(found)] if found else None
    if last and head is None:
        problems.append("the head of the chain is missing")
    if last and head and last.number > head.last.number:
        problems.append(f"record {last.number} lies behind the head, which is record {head.last.number}")
    if head and found[head.last.number].sha256 != head.last.sha256:
        problems.append(f"record {head.last.number} is not the one that the head names")
    return Verified(len(found), last.sha256 if last else GENESIS, tuple(problems))


def _examined(record: Record, previous: Record | None) -> list[str]:
    problems = []
    own = _digest(record.number, record.previous, record.at, record.actor, record.what, record.content)
    if own != record.sha256:
        problems.append(f"record {record.number} ({record.what}, {record.at.isoformat()}) was changed")
    expected = previous.sha256 if previous else GENESIS
    is_next = previous is None if record.number == 1 else previous is not None and previous.number == record.number - 1
    if is_next and record.previous != expected:
        problems.append(f"record {record.number} does not follow record {record.number - 1}")
    return problems


def _digest(number: int, previous: str, at: datetime, actor: str, what: str, content: Mapping[str, object]) -> str:
    whole = [number, previous, at.isoformat(), actor, what, content]
    return hashlib.sha256(canonical(whole).encode()).hexdigest()
