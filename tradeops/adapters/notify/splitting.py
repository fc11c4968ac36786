"""Long text in pieces that a service takes: nothing is left out, and lines stay whole wherever they fit."""

from collections.abc import Callable

Measure = Callable[[str], int]


def utf16_units(text: str) -> int:
    """The length as Telegram and JavaScript count it: an emoji is two. Never less than the number of characters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, room: int, *, first_room: int | None = None, measure: Measure = utf16_units) -> list[str]:
    """The text in pieces, in order; cut between lines, in a line that is too long at blanks, in a long word anywhere.

    Only blanks and line ends at the cuts are dropped. Text without a visible character is one empty piece.

    Args:
        text: what to split.
        room: the largest piece, as `measure` counts.
        first_room: the largest first piece; `None` is `room`.
        measure: the size of a text as it will be sent, escaped: at least its number of characters, and for several
            lines the sum of theirs and of the line ends.
    """
    pieces: list[str] = []
    lines: list[str] = []
    size = 0
    line_end = measure("\n")

    def room_now() -> int:
        return room if pieces or first_room is None else first_room

    def close() -> None:
        nonlocal size
        pieces.extend(filter(str.strip, ["\n".join(lines).strip("\n")]))
        lines.clear()
        size = 0

    for line in text.split("\n"):
        rest = line
        added = (line_end if lines else 0) + measure(rest)
        if size + added > room_now():
            close()
            while len(rest) > room_now() or measure(rest) > room_now():
                head = _head(rest, room_now(), measure)
                pieces.append(head.rstrip())
                rest = rest[len(head) :].lstrip()
            added = measure(rest)
        lines.append(rest)
        size += added
    close()
    return [piece for piece in pieces if piece] or [""]


def longest_prefix(text: str, room: int, *, measure: Measure = utf16_units) -> str:
    """As much of the beginning as fits into `room`, at least one character."""
    fits, too_long = 1, min(len(text), max(room, 1)) + 1
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        fits, too_long = (middle, too_long) if measure(text[:middle]) <= room else (fits, middle)
    return text[:fits]


def _head(line: str, room: int, measure: Measure) -> str:
    prefix = longest_prefix(line, room, measure=measure)
    if line[len(prefix) : len(prefix) + 1].isspace():
        return prefix
    blank = max(prefix.rfind(" "), prefix.rfind("\t"))
    return prefix[: blank + 1] if prefix[: blank + 1].strip() else prefix
