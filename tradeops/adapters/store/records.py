"""What may be stored: names and keys that are safe everywhere, bodies that are JSON, times to the microsecond."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tradeops.adapters.store.interface import Body, Json, Point

KEY = re.compile(r"[A-Za-z0-9_.:@/+-]{1,200}")
FIELD = re.compile(r"(?!\$)[^.\0\ud800-\udfff]+")
SURROGATE = re.compile(r"[\ud800-\udfff]")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
AUDIT_EVENTS = "audit_events"
OUTBOX = "outbox"
SCHEMA = "schema"
RESERVED = frozenset({AUDIT_EVENTS, OUTBOX, SCHEMA})
OURS = frozenset({"_id", "timestamp", "at_us", "write_id"})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST_INTEGER = 2**63 - 1
LARGEST_BODY = 8 * 1024 * 1024
DEEPEST_BODY = 32
BATCH = 1000


def checked_name(name: str) -> str:
    """A kind, or the name of a series or collection.

    Raises:
        ValueError: anything but lower-case letters, digits and underscores, up to 64.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name: write a-z, 0-9 and _")
    return name


def checked_collection(name: str) -> str:
    """The name of a series or of a collection of documents.

    Raises:
        ValueError: as `checked_name`, and for the names under which the rest is kept.
    """
    if name in RESERVED:
        raise ValueError(f"the name {name!r} is taken by the store itself")
    return checked_name(name)


def checked_key(key: str) -> str:
    """A key, an id or a target.

    Raises:
        ValueError: empty, longer than 200, or with characters other than letters, digits and `_.:@/+-`.
    """
    if not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key")
    return key


def checked_body(body: Body) -> dict[str, Json]:
    """A copy of the body, as every store gives it back: tuples are lists.

    Raises:
        ValueError: names the field that is no JSON with finite numbers (money and times are written as text), or
            says that the whole is above 8 MiB.
    """
    copy: dict[str, Json] = json.loads(dumps(body))
    return copy


def checked_point_body(body: Body) -> dict[str, Json]:
    """The body of a point, whose fields share a namespace with those that are ours.

    Raises:
        ValueError: as `checked_body`, and for a field with the name of one of ours.
    """
    if taken := OURS & body.keys():
        raise ValueError(f"the body has the field {min(taken)!r}, which is ours")
    return checked_body(body)


def batched(points: Sequence[Point]) -> Iterator[Sequence[Point]]:
    """The points in batches that a store takes well within its time-outs."""
    return (points[first : first + BATCH] for first in range(0, len(points), BATCH))


def checked_path(path: str) -> str:
    """The dotted path of a field within a body.

    Raises:
        ValueError: a part of it cannot be the name of a field.
    """
    if not all(FIELD.fullmatch(part) for part in path.split(".")):
        raise ValueError(f"{path!r} is no path")
    return path


def checked_limit(limit: int) -> int:
    """How many records to give at most.

    Raises:
        ValueError: below 1.
    """
    if limit < 1:
        raise ValueError(f"a limit of {limit} asks for nothing")
    return limit


def checked_lease(lease: timedelta) -> timedelta:
    """How long a claim lasts.

    Raises:
        ValueError: not positive, so that two owners could hold one message.
    """
    if lease <= timedelta(0):
        raise ValueError(f"a lease of {lease} protects nothing")
    return lease


def dumps(body: Body) -> str:
    """A body as text, fields in the caller's order.

    Raises:
        ValueError: as `checked_body`.
    """
    _check(body, "body", DEEPEST_BODY)
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=dict)
    if len(text.encode()) > LARGEST_BODY:
        raise ValueError("the body is larger than 8 MiB")
    return text


def micros(moment: datetime) -> int:
    """Microseconds since 1970, UTC.

    Raises:
        ValueError: a naive time.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    return (moment - EPOCH) // MICROSECOND


def moment_of(stored: int) -> datetime:
    """The inverse of `micros`, aware UTC."""
    return EPOCH + stored * MICROSECOND


def _check(value: object, where: str, depth: int) -> None:  # noqa: C901, PLR0912 - one case for each kind of JSON
    if depth < 0:
        raise ValueError(f"{where} is nested too deeply")
    match value:
        case None | bool():
            return
        case str():
            if SURROGATE.search(value):
                raise ValueError(f"{where} has half a character, which is no Unicode text")
        case int():
            if abs(value) > LARGEST_INTEGER:
                raise ValueError(f"{where} is larger than 64 bits; write it as text")
        case float():
            if not math.isfinite(value):
                raise ValueError(f"{where} is {value}; a missing value is null")
        case Mapping():
            for key, member in value.items():
                if not isinstance(key, str) or not FIELD.fullmatch(key):
                    raise ValueError(f"{where} has the key {key!r}, which not every store can keep")
                _check(member, f"{where}.{key}", depth - 1)
        case list() | tuple():
            for place, member in enumerate(value):
                _check(member, f"{where}[{place}]", depth - 1)
        case _:
            raise ValueError(f"{where} is a {type(value).__name__}, which is no JSON; write it as text")
