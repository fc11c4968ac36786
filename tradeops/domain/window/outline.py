"""Lays out whatever is kept as facts, tables and lines: every record can be read without knowing its shape. Pure.

Nothing is left out: what is nested too deeply for a table stands in its cell as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tradeops.domain.window.pages import Fact, Sheet, Table

LONGEST_CELL = 300
MOST_ROWS = 500
REASONS = ("reasons", "unknown")


def outline(body: Mapping[str, Any], *, without: Sequence[str] = ()) -> Sheet:
    """The record as a sheet.

    Args:
        body: JSON.
        without: fields that are shown elsewhere. `reasons` and `unknown` say why a fact is n/a, beside it.
    """
    reasons: dict[str, Any] = {}
    for name in REASONS:
        if isinstance(body.get(name), Mapping):
            reasons |= body[name]
    facts: list[Fact] = []
    tables: list[Table] = []
    lines: list[str] = []
    for name, value in body.items():
        if name in without or (name in REASONS and isinstance(value, Mapping)):
            continue
        if _is_scalar(value):
            facts.append(Fact(titled(name), _fact(value, reasons.get(name))))
        elif isinstance(value, Mapping):
            tables += _of_object(titled(name), value)
        elif all(_is_scalar(one) for one in value):
            lines += [f"{titled(name)}: {text(one)}" for one in value]
        else:
            tables.append(_of_rows(titled(name), value))
    return Sheet(tuple(facts), tuple(table for table in tables if table.rows), tuple(lines))


def titled(name: str) -> str:
    """A field's name for people."""
    return name.replace("_", " ").replace(" pct", " %").replace(" percent", " %").replace(" usd", " USD")


def text(value: object) -> str:
    """A value for people; `None` is n/a, numbers have at most six significant digits more than they need."""
    match value:
        case None:
            return "n/a"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:,.6g}"
        case int():
            return f"{value:,}"
        case str():
            return value
        case _:
            whole = json.dumps(value, ensure_ascii=False, default=dict)
            return whole if len(whole) <= LONGEST_CELL else f"{whole[:LONGEST_CELL]}…"


def _fact(value: object, reason: object) -> str:
    return f"n/a: {reason}" if value is None and reason else text(value)


def _of_object(caption: str, value: Mapping[str, Any]) -> list[Table]:
    """A table of its fields; objects in it are rows when they all are, else tables of their own."""
    if value and all(isinstance(one, Mapping) for one in value.values()):
        rows = [{"name": name, **one} for name, one in value.items()]
        return [_of_rows(caption, rows)]
    plain = {name: one for name, one in value.items() if not isinstance(one, Mapping)}
    nested = {name: one for name, one in value.items() if isinstance(one, Mapping)}
    rows_of = tuple((titled(name), text(one)) for name, one in plain.items())
    numeric = all(_is_number(one) or one is None for one in plain.values())
    own = [Table(caption, ("name", "value"), rows_of, (False, numeric))] if rows_of else []
    return own + [table for name, one in nested.items() for table in _of_object(f"{caption}: {titled(name)}", one)]


def _of_rows(caption: str, rows: Sequence[Any]) -> Table:
    records = [row if isinstance(row, Mapping) else {"value": row} for row in rows]
    names = tuple(dict.fromkeys(name for record in records for name in record))
    shown = tuple(
        tuple(text(record[name]) if name in record else "" for name in names) for record in records[:MOST_ROWS]
    )
    more = f" (the first {MOST_ROWS} of {len(records)})" if len(records) > MOST_ROWS else ""
    numeric = tuple(
        all(_is_number(record.get(name)) or record.get(name) is None for record in records) for name in names
    )
    return Table(f"{caption}{more}", tuple(titled(name) for name in names), shown, numeric)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
