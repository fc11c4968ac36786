"""What may be stored: names and keys that are safe everywhere, bodies that are JSON, times to the microsecond."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tradeops.adapters.store.interface import Body

KEY = re.compile(r"[A-Za-z0-9_.:@/+-]{1,200}")
FIELD = re.compile(r"(?!\$)[^.\0]+")
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST_INTEGER = 2**63 - 1


def checked_name(name: str) -> str:
    """The name of a series or collection.

    Raises:
        ValueError: anything but lower-case letters, digits and underscores, up to 64.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a series or collection")
    return name


def checked_key(key: str) -> str:
    """A key, an id or a target.

    Raises:
        ValueError: empty, longer than 200, or with characters other than letters, digits and `_.:@/+-`.
    """
    if not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key")
    return key


def checked_body(body: Body) -> Body:
    """The body, if it is JSON with finite numbers.

    Raises:
        ValueError: names the field that is not; money and times are written as text.
    """
    _check(body, "body")
    return body


def dumps(body: Body) -> str:
    """A checked body as text, keys in the caller's order."""
    return json.dumps(checked_body(body), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


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


def _check(value: object, where: str) -> None:  # noqa: C901 - one case for each kind of JSON
    match value:
        case None | bool() | str():
            return
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
                _check(member, f"{where}.{key}")
        case list() | tuple():
            for place, member in enumerate(value):
                _check(member, f"{where}[{place}]")
        case _:
            raise ValueError(f"{where} is a {type(value).__name__}, which is no JSON; write it as text")
