"""Rows of a backup, checked before a store takes them: a file may have been made by hand."""

from typing import Any

from tradeops.adapters.store.backup import SHAPES, Part, Row
from tradeops.adapters.store.interface import MessageState
from tradeops.adapters.store.records import (
    LARGEST_INTEGER,
    checked_collection,
    checked_key,
    checked_name,
    checked_point_body,
    dumps,
)

KINDS_OF_WRITES = ("event", "point", "message")


def checked_row(part: str, row: Row) -> dict[str, Any]:
    """The fields of a row in their order, its nested JSON as text.

    Raises:
        ValueError: it has not the fields of its part, or one with a value that no store would keep.
    """
    shape = SHAPES[part]
    if row.keys() != set(shape.fields):
        raise ValueError(f"a row has the fields {', '.join(sorted(row))}, not {', '.join(shape.fields)}")
    for name in ("at", "version", "created_at", "due_at", "tries", "spooled_at"):
        if name in row and (type(row[name]) is not int or abs(row[name]) > LARGEST_INTEGER):
            raise ValueError(f"{name} is {row[name]!r}, no number that counts")
    match part:
        case Part.DOCUMENTS:
            checked_collection(row["collection"]), checked_key(row["key"])
        case Part.EVENTS:
            checked_key(row["event_id"]), checked_name(row["kind"]), checked_key(row["actor"])
        case Part.POINTS:
            checked_collection(row["series"]), checked_key(row["key"]), checked_point_body(row["body"])
        case Part.OUTBOX:
            checked_key(row["key"]), checked_key(row["target"]), MessageState(row["state"])
        case _ if row["kind"] not in KINDS_OF_WRITES or not isinstance(row["record"], list):
            raise ValueError(f"a write of the kind {row['kind']!r} is not known")
    return {name: dumps(row[name]) if name == shape.nested else row[name] for name in shape.fields}


def written(row: Row) -> tuple[Part, Row]:
    """What a write of the spool becomes in a store: its part and its row.

    Raises:
        ValueError: it is none that the spool writes.
    """
    checked_row("spool", row)
    record = row["record"]
    try:
        match row["kind"]:
            case "event":
                key, kind, at, actor, body = record
                return Part.EVENTS, {"event_id": key, "kind": kind, "at": at, "actor": actor, "body": body}
            case "point":
                key, at, body = record
                return Part.POINTS, {"series": row["series"], "key": key, "at": at, "body": body}
            case _:
                key, target, body, created_at, due_at = record
    except (TypeError, ValueError):
        raise ValueError("it is no write that waited in a spool") from None
    waiting = {"state": MessageState.WAITING.value, "owner": None, "leased_until": None, "tries": 0, "note": ""}
    message = {"key": key, "target": target, "body": body, "created_at": created_at, "due_at": due_at}
    return Part.OUTBOX, message | waiting
