"""A notice as the messages that carry it: the same for all services, only their room differs."""

from dataclasses import dataclass

from tradeops.adapters.notify.escaping import cleaned, one_line
from tradeops.adapters.notify.splitting import Measure, longest_prefix, split, utf16_units
from tradeops.domain.notices import Notice

SIGNATURE = "TradeOps"
FOOTER_ROOM = len(f"{SIGNATURE} · part 9999 of 9999")
LONGEST_LINK = 1000
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Room:
    """What one message of a service holds, counted as it is sent.

    Attributes:
        title: of the title.
        text: of the text.
        fields: how many.
        field_name: of the name of a field.
        field_value: of its value.
        total: of all these and the footer together.
    """

    title: int
    text: int
    total: int
    fields: int = 0
    field_name: int = 0
    field_value: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One message, not escaped yet."""

    title: str
    text: str
    fields: tuple[tuple[str, str], ...]
    footer: str


def lay_out(notice: Notice, room: Room, *, measure: Measure = utf16_units) -> tuple[Part, ...]:
    """The messages of one notice, in order; nothing is left out.

    A title that is too long is shortened and stands in full above the text; fields that do not fit become lines of the
    text. Several messages say which of how many they are.

    Args:
        notice: what to say.
        room: of one message.
        measure: the size of a text once it is escaped.
    """
    title = heading(notice)
    lines = []
    if measure(title) > room.title:
        lines.append(title)
        title = longest_prefix(title, room.title - len("…"), measure=measure) + "…"
    lines.append(cleaned(notice.body).strip("\n"))
    if notice.link and not safe_link(notice):
        lines.append(one_line(notice.link))
    fields = [(one_line(name) or NOTHING, cleaned(value).strip() or NOTHING) for name, value in notice.fields]
    budget = room.total - measure(title) - FOOTER_ROOM
    text = "\n".join(line for line in lines if line)
    kept, spilled = _fitting(fields, room, budget - min(measure(text), room.text), measure)
    text = "\n".join([text, *(f"{name}: {value}" for name, value in spilled)]).strip("\n")
    taken = sum(measure(name) + measure(value) for name, value in kept)
    pieces = split(text, min(room.text, budget), first_room=min(room.text, budget - taken), measure=measure)
    return tuple(
        Part(title, piece, kept if number == 1 else (), _footer(number, len(pieces)))
        for number, piece in enumerate(pieces, 1)
    )


def heading(notice: Notice) -> str:
    """`[LEVEL] title`, on one line."""
    return f"[{notice.level.name}] {one_line(notice.title)}"


def safe_link(notice: Notice) -> str | None:
    """The link, where it is one of the web and of a length that services take; `None` otherwise."""
    link = notice.link or ""
    well_made = link.startswith(("http://", "https://")) and link.isascii() and link.isprintable() and " " not in link
    return link if well_made and len(link) <= LONGEST_LINK else None


def _fitting(
    fields: list[tuple[str, str]], room: Room, budget: int, measure: Measure
) -> tuple[tuple[tuple[str, str], ...], list[tuple[str, str]]]:
    kept: list[tuple[str, str]] = []
    spilled: list[tuple[str, str]] = []
    for name, value in fields:
        size = measure(name) + measure(value)
        fits = measure(name) <= room.field_name and measure(value) <= room.field_value and size <= budget
        if fits and len(kept) < room.fields:
            kept.append((name, value))
            budget -= size
        else:
            spilled.append((name, value))
    return tuple(kept), spilled


def _footer(number: int, count: int) -> str:
    return f"{SIGNATURE} · part {number} of {count}" if count > 1 else SIGNATURE
