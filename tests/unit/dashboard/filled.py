"""Any read model with the same text in every place that takes one, made from the types alone: none is forgotten."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tradeops.domain.figures import Amount, Figure
from tradeops.domain.window.values import Panel

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
PLAIN: dict[type, object] = {
    bool: True,
    int: 3,
    float: 12.5,
    Decimal: Decimal("1.5"),
    date: AT.date(),
    datetime: AT,
    timedelta: timedelta(minutes=5),
}


def filled(model: Any, text: str, *, bare: bool = False) -> Any:  # noqa: ANN401 - of whatever type is asked for
    """An instance of a type.

    Args:
        model: a dataclass or an annotation.
        text: stands in every place for text.
        bare: leave out all that may be missing: optional values are `None`, lists empty, figures unknown.
    """
    return _made(model, {}, text, bare)


def _made(model: Any, known: Mapping[Any, Any], text: str, bare: bool) -> Any:  # noqa: ANN401, PLR0911
    origin, inner = get_origin(model), get_args(model)
    if isinstance(model, TypeVar):
        return _made(known[model], {}, text, bare)
    if origin is Panel:
        content = None if bare else _made(inner[0], known, text, bare)
        return Panel(content, text if bare else "", None if bare else AT, stale=not bare)
    if origin in {Union, types.UnionType}:
        rest = [one for one in inner if one is not types.NoneType]
        return None if bare and len(rest) < len(inner) else _made(rest[0], known, text, bare)
    if origin is tuple:
        if inner[-1] is Ellipsis:
            return () if bare else (_made(inner[0], known, text, bare),)
        return tuple(_made(one, known, text, bare) for one in inner)
    if origin is Mapping:
        return {} if bare else {text: text}
    if model in {Figure, Amount}:
        return model(None, text) if bare else model(Decimal("12.5") if model is Amount else 12.5)
    if is_dataclass(model):
        hints = get_type_hints(model)
        return model(**{one.name: _made(hints[one.name], known, text, bare) for one in fields(model)})  # type: ignore[operator]
    if issubclass(model, Enum):
        return next(iter(model))
    return text if model is str else PLAIN[model]
