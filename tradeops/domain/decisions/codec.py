"""Domain objects as JSON and back by their type hints: money and times as text, nothing lost or guessed. Pure."""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

T = TypeVar("T")


def encoded(value: object) -> Json:  # noqa: PLR0911 - one for each kind of value
    """The value as JSON: a dataclass is an object of its fields, a duration its seconds, a StrEnum its text.

    Raises:
        TypeError: a type that has no place here.
    """
    match value:
        case StrEnum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Mapping():
            return {str(name): encoded(member) for name, member in value.items()}
        case list() | tuple():
            return [encoded(member) for member in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encoded(getattr(value, f.name)) for f in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} cannot be kept")


def decoded(kind: type[T], body: object) -> T:
    """The inverse of `encoded`; fields with a default may be absent.

    Raises:
        ValueError: the body is no such thing; names the place.
    """
    return cast("T", _read(kind, body, kind.__name__))


def _read(kind: Any, body: Any, place: str) -> Any:  # noqa: ANN401, C901, PLR0911 - a case for each kind of type
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _read_one_of(get_args(kind), body, place)
    if origin is tuple:
        return tuple(_read(get_args(kind)[0], one, f"{place}[{n}]") for n, one in enumerate(_of(list, body, place)))
    if origin is not None:
        member = get_args(kind)[1]
        return {name: _read(member, one, f"{place}.{name}") for name, one in _of(Mapping, body, place).items()}
    if kind is object:
        return body
    if kind is type(None):
        return None if body is None else _wrong(place, body)
    if dataclasses.is_dataclass(kind):
        return _read_object(kind, _of(Mapping, body, place), place)
    try:
        if kind is Decimal or issubclass(kind, StrEnum):
            return kind(_of(str, body, place))
        if kind is datetime or kind is date:
            return kind.fromisoformat(_of(str, body, place))
        if kind is timedelta:
            return timedelta(seconds=_of((int, float), body, place))
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"{place} is {body!r}, no {kind.__name__}"[:200]) from error
    if kind is float:
        return float(_of((int, float), body, place))
    return _of(kind, body, place)


def _read_one_of(kinds: Sequence[Any], body: Any, place: str) -> Any:  # noqa: ANN401 - whatever the union holds
    """The first that fits; an object must have all of its fields and no other, so that none is taken for another."""
    problems = []
    for kind in kinds:
        if dataclasses.is_dataclass(kind) and isinstance(body, Mapping) and not _names(kind).issuperset(body):
            continue
        try:
            return _read(kind, body, place)
        except ValueError as error:
            problems.append(str(error))
    raise ValueError(problems[0] if problems else f"{place} is none of what it may be")


def _read_object(kind: Any, body: Mapping[str, Any], place: str) -> Any:  # noqa: ANN401 - any dataclass
    hints = _hints(kind)
    if strange := sorted(set(body) - set(hints)):
        raise ValueError(f"{place} has the unknown field {strange[0]!r}")
    found = {name: _read(hint, body[name], f"{place}.{name}") for name, hint in hints.items() if name in body}
    try:
        return kind(**found)
    except TypeError as error:
        lacking = next(name for name in hints if name not in body)
        raise ValueError(f"{place} has no {lacking}") from error


@cache
def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    return get_type_hints(kind)


def _names(kind: Any) -> set[str]:  # noqa: ANN401 - any dataclass
    return set(_hints(kind))


def _of(kinds: Any, body: Any, place: str) -> Any:  # noqa: ANN401 - as isinstance takes them
    fits = isinstance(body, kinds) and (kinds is bool or not isinstance(body, bool))
    return body if fits else _wrong(place, body)


def _wrong(place: str, body: object) -> Any:  # noqa: ANN401 - it never returns
    raise ValueError(f"{place} is {body!r}"[:200] + ", which it cannot be")
