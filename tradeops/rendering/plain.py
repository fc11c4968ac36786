"""Text from outside, tamed before any format sees it: one line, printable, not endless, and of known width."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from tradeops.rendering.page import Column, Line, Strong, Table, spans

LONGEST_CELL = 400
LONGEST_LINE = 1000
BREAK = re.compile(r"\s+(?!%(?:\s|$))")  # a number and its percent sign stay together
NARROWEST = 12  # a column of words, before numbers are broken too
MOST_ROWS = 100
MOST_CHARACTERS = 12_000  # of one table; mail programs clip a page of more than about 100 KB


def one_line(text: str, longest: int = LONGEST_CELL) -> str:
    """`text` without line breaks, control and direction characters; beyond `longest` its end becomes "…"."""
    beginning = text[: 4 * longest]
    line = " ".join("".join(c if c.isprintable() else " " for c in beginning).split())
    whole = len(line) <= longest and len(beginning) == len(text)
    return line if whole else line[: longest - 1] + "…"


def pieces(line: Line) -> Iterator[tuple[str, bool]]:
    """Each piece of a line, tamed, and whether it stands out; blanks at their ends are kept, empty ones are not."""
    for span in spans(line):
        text = span.text if isinstance(span, Strong) else span
        tamed = one_line(text, LONGEST_LINE)
        if isinstance(span, Strong):
            if tamed:
                yield tamed, True
        elif text:
            before, after = " " if text[0].isspace() else "", " " if text[-1].isspace() else ""
            yield f"{before}{tamed}{after}" if tamed else " ", False


def shown_rows(table: Table) -> tuple[list[tuple[str, ...]], str]:
    """The rows that a page has room for, tamed, and what to say about those left out; empty when none is."""
    rows: list[tuple[str, ...]] = []
    characters = 0
    for row in table.rows[:MOST_ROWS]:
        tamed = tuple(one_line(cell) for cell in row)
        characters += sum(map(len, tamed))
        if rows and characters > MOST_CHARACTERS:
            break
        rows.append(tamed)
    left_out = len(table.rows) - len(rows)
    return rows, f"{left_out:,} more rows are not shown." if left_out else ""


def width_of(text: str) -> int:
    """Columns that `text` takes in a terminal: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def wrapped(text: str, width: int | None) -> list[str]:
    """`text` in lines of at most `width` columns, broken at blanks where there are any; no text is one empty line."""
    if width is None or width_of(text) <= width:
        return [text]
    lines = [""]
    for word in BREAK.split(text):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width_of(longer) <= width:
            lines[-1] = longer
        else:
            broken = _broken(word, width)
            lines = [*lines, *broken] if lines[-1] else broken if len(lines) == 1 else [*lines[:-1], *broken]
    return lines


def fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """How wide each column is, so that together they take no more than `room`.

    None is wider than its text needs or its column allows. Where that is too much the widest give way, words (which
    stand left) before numbers.
    """
    widths = [max(1, *(width_of(row[i]) for row in rows)) for i in range(len(columns))]
    widths = [min(width, column.width or width) for width, column in zip(widths, columns, strict=True)]
    while sum(widths) > room and max(widths) > 1:
        words = [i for i, column in enumerate(columns) if column.align == "left" and widths[i] > NARROWEST]
        widths[max(words or range(len(columns)), key=lambda i: widths[i])] -= 1
    return widths


def _broken(word: str, width: int) -> list[str]:
    parts = [""]
    for character in word:
        if parts[-1] and width_of(parts[-1] + character) > width:
            parts.append("")
        parts[-1] += character
    return parts


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
