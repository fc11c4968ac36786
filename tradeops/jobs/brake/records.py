"""The journal of this machine and the store, brought together: afterwards, as often as one likes, each thing once.

Two machines that braked for the same reason without knowing of each other meet here: what the store knows first names
the incident, and what the other one did becomes part of it.
"""

import contextlib
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tradeops.adapters.store import AuditEvent, Point, Store
from tradeops.adapters.store.interface import Body, Document, Json
from tradeops.domain.brakes import Kind, Record, united
from tradeops.domain.texts import whole
from tradeops.errors import ConflictError
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.races import until_first

log = logging.getLogger(__name__)

SERIES = "emergency_events"
COLLECTION = "brakes"
NAMES = "brake_names"
ACTOR = "tradeops"
NOT_TOLD = (Kind.ADOPTED, Kind.EMITTED)
ENDS = (Kind.RELEASE, Kind.VOID)
LONGEST_TARGET = 100
LONGEST_INTENT = timedelta(seconds=30)
NO_NAME = re.compile(r"[.\0]|^\$")
UNSAFE = re.compile(r"[^A-Za-z0-9_.:@/+-]+")


async def replay(journal: Journal, store: Store) -> int:
    """Give the store what it lacks, and the journal what only the store knows; returns how many records were new there.

    What the store would not take of one disable holds up no other.

    Raises:
        UnavailableError: one of the two cannot be read or written; what was done so far stays done.
        ConflictError: others wrote again and again.
    """
    known = {document.key: document for document in await store.documents(COLLECTION)}
    names = {document.key: document for document in await store.documents(NAMES)}
    told = 0
    for incident_id, records in _by_incident(journal.records()).items():
        there = names.get(key_of_target(incident_id))
        over = there is not None and bool(there.body["over"])
        if over or (there is None and _may_mean_nothing(records, datetime.now(UTC))):
            continue
        try:
            told += await _keep(store, known, incident_id, [_storable(record) for record in records], there)
        except (ValueError, KeyError, TypeError):
            log.exception("the store does not take what the journal says of %s", incident_id)
    _learn(journal, known)
    return told


async def _keep(
    store: Store, known: dict[str, Document], incident_id: str, records: Sequence[Record], there: Document | None
) -> int:
    told, numbers = 0, Counter[Kind]()
    name = str(there.body["name"]) if there is not None else await _name(store, known, records)
    for record in records:
        numbers[record.kind] += 1
        told += await _tell(store, known, record, name, numbers[record.kind])
    body: Body = {"name": name, "over": any(record.kind in ENDS for record in records)}
    if there is None or body != there.body:
        with contextlib.suppress(ConflictError):  # another process told the same
            version = None if there is None else there.version
            await store.put(NAMES, key_of_target(incident_id), body, expected_version=version)
    return told


def _storable(record: Record) -> Record:
    """Words and names of figures come from anywhere; the store takes no half characters, and no dots in names."""
    return replace(record, target=whole(record.target), body=_clean(record.body))


def _clean(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case str():
            return whole(value)
        case Mapping():
            return {NO_NAME.sub("_", whole(str(name))) or "_": _clean(one) for name, one in value.items()}
        case list() | tuple():
            return [_clean(one) for one in value]
        case _:
            return value


def _by_incident(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Without those that came from the store or tell it nothing."""
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.kind not in NOT_TOLD:
            found.setdefault(record.incident_id, []).append(record)
    return found


def _may_mean_nothing(records: Sequence[Record], now: datetime) -> bool:
    """It was taken back, or is so new that it may be: the engine has not yet said whether there is such a target."""
    kinds = {record.kind for record in records}
    return Kind.VOID in kinds or (kinds == {Kind.INTENT} and now - records[0].at < LONGEST_INTENT)


def key_of_target(target: str) -> str:
    """The target as a key of the store; another one for every target."""
    key = UNSAFE.sub("_", target)
    if key == target.replace(" ", "_") and len(key) <= LONGEST_TARGET:
        return key
    return f"{key[:LONGEST_TARGET]}+{hashlib.sha256(target.encode(errors='surrogatepass')).hexdigest()[:12]}"


async def _name(store: Store, known: dict[str, Document], records: Sequence[Record]) -> str:
    """The incident's name in the store: the one that stood for this target at that time, else our own, from now on."""
    record = records[0]
    key = key_of_target(record.target)
    ended = next((one.at for one in records if one.kind in ENDS), None)

    async def attempt() -> str:
        there = known.get(key)
        if there is not None and ended is not None and ended <= _moment(there, "since"):
            return record.incident_id
        if there is not None and (there.body["released_at"] is None or record.at <= _moment(there, "released_at")):
            return str(there.body["incident_id"])
        body: Body = {
            "target": record.target,
            "incident_id": record.incident_id,
            "since": record.at.isoformat(),
            "released_at": None,
            "reason": str(record.body.get("reason", "")),
            "actor": str(record.body.get("actor", "")),
            "figures": dict(record.body.get("figures") or {}),
        }
        await _put(store, known, key, body)
        return record.incident_id

    return await until_first(attempt, system="brake", what=f"what stands for {record.target}")


async def _tell(store: Store, known: dict[str, Document], record: Record, name: str, number: int) -> bool:
    again = "" if number == 1 else f":{number}"
    body: dict[str, Json] = {**record.body, "target": record.target, "incident_id": name, "phase": record.kind.value}
    match record.kind:
        case Kind.INTENT:
            await store.add_point(SERIES, Point(f"{name}:before", record.at, body))
            return await _audit(store, f"{name}:intent", "strategy_disable_ordered", record, body)
        case Kind.PLAN:
            await _add(store, known, record, ("symbols", "switched_off"))
            return False
        case Kind.RESULT:
            confirmed = bool(record.body["confirmed"])
            kind = "strategy_disabled" if confirmed else "disable_not_confirmed"
            await store.add_point(SERIES, Point(f"{name}:after:{kind}{again}", record.at, body))
            await _amend(store, known, record, {"confirmed": confirmed, "method": body["method"]})
            return await _audit(store, f"{name}:{kind}{again}", kind, record, body)
        case Kind.VOID:
            await _amend(store, known, record, {"released_at": record.at.isoformat()})
            return await _audit(store, f"{name}:void", "strategy_disable_void", record, body)
        case _:
            await store.add_point(SERIES, Point(f"{name}:released", record.at, body))
            await _amend(store, known, record, {"released_at": record.at.isoformat()})
            return await _audit(store, f"{name}:released", "strategy_released", record, body)


async def _audit(store: Store, event_id: str, kind: str, record: Record, body: Body) -> bool:
    actor = UNSAFE.sub("_", str(record.body.get("operator") or record.body.get("actor") or ACTOR))[:80]
    return await store.append_event(AuditEvent(event_id, kind, record.at, actor, body))


async def _add(store: Store, known: dict[str, Document], record: Record, names: Sequence[str]) -> None:
    """Keep of these lists what is there and what was learnt: nothing that must be off is forgotten."""

    def change(there: Mapping[str, Any]) -> Mapping[str, Json]:
        return {name: list(united(there.get(name) or (), record.body.get(name) or ())) for name in names}

    await _change(store, known, record, change)


async def _amend(store: Store, known: dict[str, Document], record: Record, change: Mapping[str, Json]) -> None:
    await _change(store, known, record, lambda _: change)


async def _change(
    store: Store,
    known: dict[str, Document],
    record: Record,
    change: Callable[[Mapping[str, Any]], Mapping[str, Json]],
) -> None:
    """Keep what was learnt of the disable that stands; one that was released since is left as it is."""
    key = key_of_target(record.target)

    async def attempt() -> None:
        there = known.get(key)
        if there is None or there.body["released_at"] is not None or record.at < _moment(there, "since"):
            return
        body = {**there.body, **change(there.body)}
        if body != there.body:
            await _put(store, known, key, body)

    await until_first(attempt, system="brake", what=f"what stands for {record.target}")


async def _put(store: Store, known: dict[str, Document], key: str, body: Body) -> None:
    """Write over what is known; whose write comes second knows what is there now."""
    there = known.get(key)
    try:
        known[key] = await store.put(COLLECTION, key, body, expected_version=None if there is None else there.version)
    except ConflictError:
        if (now := await store.get(COLLECTION, key)) is not None:
            known[key] = now
        raise


def _learn(journal: Journal, known: Mapping[str, Document]) -> None:
    """Take over what other machines disabled and released, so that this one holds it off, or lets it go, too."""
    standing, released = journal.standing(), journal.releases()
    for document in known.values():
        body: Mapping[str, Any] = document.body
        target, incident = str(body["target"]), str(body["incident_id"])
        ours = standing.get(target)
        if body["released_at"] is None:
            since = _moment(document, "since")
            if ours is None and (target not in released or released[target] < since):
                journal.append(Record(Kind.ADOPTED, target, incident, since, dict(body)))
        elif ours is not None and ours.since <= _moment(document, "released_at"):
            at = _moment(document, "released_at")
            journal.append(Record(Kind.RELEASE, target, incident, at, {"reason": "released elsewhere"}))


def _moment(document: Document, name: str) -> datetime:
    return datetime.fromisoformat(str(document.body[name]))
