"""Lays out whatever is kept as facts, tables and lines: every record can be read without knowing its shape. Pure.

Nothing is left out: what is nested too deeply for a table stands in its cell as JSON.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from tradeops.domain.window.pages import Fact, Sheet, Table

LONGEST_CELL = 300
MOST_ROWS = 500
A_SENTENCE = 40
SEVERAL_DAYS = 3
REASONS = ("reasons", "unknown")
UNITS = (("_percent", ", %"), ("_pct", ", %"), ("_usd", ", USD"), ("_vnd", ", VND"), ("_ms", ", ms"))
DAY = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
NOISE = re.compile(r"run_id|.*(_hash|sha256)|fingerprint|random_seed|.*_version|status")  # last of the facts


def outline(body: Mapping[str, Any], *, without: Sequence[str] = (), zone: tzinfo = UTC) -> Sheet:
    """The record as a sheet; ids and hashes are its last facts.

    Args:
        body: JSON.
        without: fields that are shown elsewhere. `reasons` and `unknown` say why a fact is n/a, beside it.
        zone: of times.
    """
    reasons: dict[str, Any] = {}
    for name in REASONS:
        if isinstance(body.get(name), Mapping):
            reasons |= body[name]
    facts: dict[str, Fact] = {}
    tables: list[Table] = []
    lines: list[str] = []
    for name, value in body.items():
        if name in without or (name in REASONS and isinstance(value, Mapping)):
            continue
        if value is None and reasons.get(name):
            facts[name] = Fact(titled(name), f"n/a: {reasons[name]}")
        elif _are_sentences(value):
            lines += [f"{titled(name)}: {one}" for one in value]
        elif _is_simple(value):
            facts[name] = Fact(titled(name), text(value, zone))
        elif isinstance(value, Mapping):
            tables += _of_object(titled(name), value, zone)
        else:
            tables.append(_of_rows(titled(name), value, zone))
    ordered = sorted(facts, key=lambda name: NOISE.fullmatch(name) is not None)
    shown = tuple(facts[name] for name in ordered)
    return Sheet(shown, tuple(table for table in tables if table.rows), tuple(lines))


def titled(name: str) -> str:
    """A field's name for people: `win_rate_percent` is `Win rate, %`."""
    for ending, unit in UNITS:
        if name.endswith(ending) and name != ending:
            name = name.removesuffix(ending) + unit
            break
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def text(value: object, zone: tzinfo = UTC) -> str:  # noqa: PLR0911 - one line for each kind of JSON
    """A value for people; `None` is n/a, and so is an object of a value and a reason that has only the reason."""
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
            return _moment(value, zone) if TIME.fullmatch(value) else value
        case Mapping():
            return _object(value, zone)
        case list() | tuple():
            return _list(value, zone)
        case _:
            return _json(value)


def _object(value: Mapping[str, Any], zone: tzinfo) -> str:
    if _is_figure(value):
        known = value.get("value", value.get("usd"))
        return text(known, zone) if known is not None or not value.get("reason") else f"n/a: {value['reason']}"
    if all(_is_scalar(one) for one in value.values()):
        return ", ".join(f"{name.replace('_', ' ')} {text(one, zone)}" for name, one in value.items()) or "none"
    return _json(value)


def _list(value: Sequence[Any], zone: tzinfo) -> str:
    if not value:
        return "none"
    if len(value) >= SEVERAL_DAYS and all(isinstance(one, str) and DAY.fullmatch(one) for one in value):
        return f"{min(value)} to {max(value)}"
    return ", ".join(text(one, zone) for one in value) if all(map(_is_scalar, value)) else _json(value)


def _json(value: object) -> str:
    whole = json.dumps(value, ensure_ascii=False, default=dict)
    return whole if len(whole) <= LONGEST_CELL else f"{whole[:LONGEST_CELL]}…"


def _moment(value: str, zone: tzinfo) -> str:
    try:
        return f"{datetime.fromisoformat(value).astimezone(zone):%Y-%m-%d %H:%M %Z}"
    except (ValueError, OverflowError):
        return value


def _of_object(caption: str, value: Mapping[str, Any], zone: tzinfo) -> list[Table]:
    """A table of its simple fields; objects in it are rows when they all are, else tables of their own."""
    if value and all(isinstance(one, Mapping) and not _is_figure(one) for one in value.values()):
        return [_of_rows(caption, [{"name": titled(name), **one} for name, one in value.items()], zone)]
    plain = {name: one for name, one in value.items() if _is_simple(one)}
    rows = tuple((titled(name), text(one, zone)) for name, one in plain.items())
    own = [Table(caption, ("Name", "Value"), rows, (False, all(map(_is_numeric, plain.values()))))] if rows else []
    for name, one in value.items():
        if name not in plain:
            place = f"{caption}: {titled(name).lower()}"
            own += _of_object(place, one, zone) if isinstance(one, Mapping) else [_of_rows(place, one, zone)]
    return own


def _of_rows(caption: str, rows: Sequence[Any], zone: tzinfo) -> Table:
    records = [row if isinstance(row, Mapping) else {"value": row} for row in rows]
    names = tuple(dict.fromkeys(name for record in records for name in record))
    shown = tuple(
        tuple(text(record[name], zone) if name in record else "" for name in names) for record in records[:MOST_ROWS]
    )
    more = f" (the first {MOST_ROWS} of {len(records)})" if len(records) > MOST_ROWS else ""
    numeric = tuple(all(_is_numeric(record.get(name)) for record in records) for name in names)
    return Table(f"{caption}{more}", tuple(titled(name) for name in names), shown, numeric)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _is_figure(value: object) -> bool:
    """A value with the reason why it may be lacking."""
    return isinstance(value, Mapping) and set(value) in ({"value", "reason"}, {"usd", "vnd", "reason"})


def _is_simple(value: object) -> bool:
    """Fits into one cell."""
    is_list = isinstance(value, list | tuple) and all(map(_is_scalar, value))
    return _is_scalar(value) or is_list or _is_figure(value)


def _are_sentences(value: object) -> bool:
    return isinstance(value, list | tuple) and any(isinstance(one, str) and len(one) > A_SENTENCE for one in value)


def _is_numeric(value: object) -> bool:
    if isinstance(value, Mapping):
        value = value.get("value", value.get("usd")) if _is_figure(value) else ""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
