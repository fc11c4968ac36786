"""Writes and examines the hash-chained trail in the store.

The head is one document with the last record whole, written by compare-and-set: of writers that race one is next, and
the others follow it. A record is in the head before it is among the events; a process killed in between leaves it
there, and the next writer stores it first. So the chain has neither fork nor gap, also when its events wait in a spool.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from tradeops.adapters.store import AuditEvent, ReadableStore, Store
from tradeops.adapters.store.interface import Body
from tradeops.domain.audit import KIND, Head, Record, Verified, canonical, linked
from tradeops.domain.audit import verify as examine
from tradeops.domain.decisions.codec import decoded, encoded
from tradeops.errors import ContractError
from tradeops.jobs.races import until_first

COLLECTION, DOCUMENT = "audit_chain", "head"
PAGE = 500
SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


async def append(store: Store, *, at: datetime, actor: str, what: str, content: Mapping[str, object]) -> Record:
    """Add a record to the end of the chain; it is durable when this returns. Added twice in a row it is there once.

    Raises:
        UnavailableError: the store is down; nothing was added, or the next writer stores what was.
        ConflictError: others wrote again and again; nothing was added.
        ContractError: the head was written by something else.
        ValueError: the content is no JSON that the store can keep.
    """

    async def attempt() -> Record:
        head, version = await read_head(store)
        if head is not None:
            await _store(store, head.last)
        if head is not None and _says(head.last, at, actor, what, content):
            return head.last
        record = linked(head, at=at.astimezone(UTC), actor=actor, what=what, content=content)
        await store.put(COLLECTION, DOCUMENT, _body(record), expected_version=version)
        return record

    record = await until_first(attempt, system="audit trail", what="its head")
    await _store(store, record)
    return record


async def read_head(store: ReadableStore) -> tuple[Head | None, int | None]:
    """The end of the chain and the version of its document; `None` for both before the first record.

    Raises:
        UnavailableError: the store is down.
        ContractError: it was written by something else.
    """
    kept = await store.get(COLLECTION, DOCUMENT)
    return (None, None) if kept is None else (Head(_record(kept.body, "the head")), kept.version)


async def records(store: Store, *, since: datetime = SINCE) -> tuple[list[Record], list[str]]:
    """All records from that time on that can be read, in order, and a line for each that cannot.

    Raises:
        UnavailableError: the store is down.
    """
    found: dict[str, Record | str] = {}
    while True:
        page = await store.events(since=since, until=UNTIL, kind=KIND, limit=PAGE)
        new = [event for event in page if event.event_id not in found]
        found |= {event.event_id: _record_or_problem(event) for event in new}
        if len(page) < PAGE or not new:
            break
        since = page[-1].occurred_at
    ordered = [found[key] for key in sorted(found)]
    return [one for one in ordered if isinstance(one, Record)], [one for one in ordered if isinstance(one, str)]


async def verify(store: Store) -> Verified:
    """Examine the whole trail, while others may write; see `tradeops.domain.audit.verify`.

    Raises:
        UnavailableError: the store is down.
        ContractError: the head was written by something else.
    """
    head, _ = await read_head(store)
    there, damaged = await records(store)
    later, _ = await read_head(store)
    reached, known = (one.last.number if one else 0 for one in (head, later))
    verified = examine([one for one in there if one.number <= reached or one.number > known], head)
    return replace(verified, problems=(*damaged, *verified.problems))


def _says(record: Record, at: datetime, actor: str, what: str, content: Mapping[str, object]) -> bool:
    there = (record.at, record.actor, record.what, canonical(record.content))
    return there == (at, actor, what, canonical(content))


async def _store(store: Store, record: Record) -> None:
    await store.append_event(AuditEvent(record.event_id, KIND, record.at, record.actor, _body(record)))


def _body(record: Record) -> Body:
    body = encoded(record)
    assert isinstance(body, dict)  # noqa: S101 - a dataclass is an object
    return body


def _record_or_problem(event: AuditEvent) -> Record | str:
    try:
        record = _record(event.body, event.event_id)
    except ContractError as error:
        return error.problem
    if record.event_id != event.event_id:
        return f"{event.event_id} holds record {record.number}"
    return record


def _record(body: object, name: str) -> Record:
    try:
        return decoded(Record, body)
    except ValueError as error:
        raise ContractError("audit trail", f"{name} is no record: {error}", remedy="was it changed by hand?") from error
