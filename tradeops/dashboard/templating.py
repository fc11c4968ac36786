"""How pages are written: Jinja with escaping always on, figures and times worded as in reports."""

import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tradeops.dashboard import assets
from tradeops.domain.figures import Amount, Figure
from tradeops.domain.window.conditions import Cell
from tradeops.domain.window.values import State
from tradeops.rendering import wording
from tradeops.rendering.plain import one_line

MARKS = {
    State.HEALTHY: "✓",
    State.DEGRADED: "▲",
    State.CRITICAL: "✗",
    State.NOT_CONFIGURED: "–",
    State.UNKNOWN: "○",
}
HEIGHTS = {State.HEALTHY: 4, State.DEGRADED: 7, State.CRITICAL: 10, State.NOT_CONFIGURED: 1, State.UNKNOWN: 1}
SMALL = Decimal("0.01")
STEPS = ((timedelta(minutes=1), timedelta(seconds=1), "s"), (timedelta(hours=1), timedelta(minutes=1), "min"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def word(text: object) -> str:
    """`not_configured` as people write it."""
    return str(text).replace("_", " ")


def clock(at: datetime, zone: tzinfo) -> str:
    """`25 Nov 15:00`, for lists; the zone stands in the page's head."""
    return f"{at.astimezone(zone):%d %b %H:%M}"


def lasted(duration: timedelta | float) -> str:
    """`45 s`, `12 min`, `5 h`, `3 d`: how `static/ages.js` says it, too."""
    span = duration if isinstance(duration, timedelta) else timedelta(seconds=duration)
    span = max(span, timedelta())
    for below, unit, name in STEPS:
        if span < below:
            return f"{span // unit} {name}"
    return f"{span // HOUR} h" if span < 2 * DAY else f"{span // DAY} d"


def uptime(figure: Figure) -> str:
    """`99.7`, and `100` only when nothing failed; `n/a` is left to the template, with its reason."""
    value = figure.value
    if value is None:
        return "n/a"
    return "100" if value == 100 else f"{min(value, 99.99):.2f}" if value >= 99.95 else f"{value:.1f}"  # noqa: PLR2004


def cost(amount: Amount | Decimal) -> str:
    """Dollars; below a cent with as many digits as it needs, since a vote costs less."""
    value = amount.value if isinstance(amount, Amount) else amount
    if value is None or value == 0 or abs(value) >= SMALL:
        return wording.usd(amount)
    return f"{'−' if value < 0 else ''}${abs(value):.4f}"


def bars(cells: Sequence[Cell]) -> list[tuple[State, str]]:
    """A history strip as one path a state: bars three wide, one apart, the higher the worse."""
    drawn: dict[State, str] = {}
    for place, cell in enumerate(cells):
        height = HEIGHTS[cell.state]
        drawn[cell.state] = f"{drawn.get(cell.state, '')}M{4 * place} {10 - height}h3v{height}h-3z"
    return list(drawn.items())


def href(address: str) -> str:
    """The address if a browser may follow it from here: a path of ours, or http; empty otherwise."""
    parts = urlsplit(address)
    if parts.scheme in {"http", "https"} and parts.netloc:
        return address
    return address if not parts.scheme and not parts.netloc and address.startswith("/") else ""


def mark_of(content: object) -> str:
    """Changes when the content does: what is unchanged stays as it is on an open page."""
    return f"{zlib.crc32(repr(content).encode()):08x}"


def as_json(data: object) -> Markup:
    """For a `<script type="application/json">`, which no browser executes; nothing in it can end the element."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for character, escaped in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(character, escaped)
    return Markup(text)  # noqa: S704 - the three characters that markup begins with are escaped above


def ticks(text: object) -> Markup:
    """`` `a command` `` in the words of a report as code; all else stays text."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece)
        for place, piece in enumerate(str(text).split("`"))
    )


def query(**given: object) -> str:
    """`?a=b` of what is given; empty without."""
    kept = {name: str(value) for name, value in given.items() if value not in {None, ""}}
    return f"?{urlencode(kept)}" if kept else ""


def environment() -> Environment:
    """The templates of this package; an unknown name in one is an error, never an empty string."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "word": word,
        "clock": clock,
        "moment": wording.moment,
        "lasted": lasted,
        "uptime": uptime,
        "cost": cost,
        "usd": wording.usd,
        "percent": wording.percent,
        "number": wording.number,
        "one_line": one_line,
        "bars": bars,
        "href": href,
        "ticks": ticks,
        "data": as_json,
        "segment": lambda text: quote(str(text), safe=""),
        "iso": lambda at: at.astimezone(UTC).isoformat(timespec="seconds"),
    }
    known: dict[str, Any] = {
        "static": assets.address,
        "style_marks": assets.style_marks,
        "MARKS": MARKS,
        "State": State,
        "mark_of": mark_of,
        "query": query,
        "timedelta": timedelta,
    }
    made.globals.update(known)
    return made
