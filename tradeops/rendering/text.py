"""A page as plain text of at most 100 columns: for the terminal, and the twin of an HTML mail."""

from tradeops.rendering.page import Block, Bullets, Column, Heading, Line, Page, Picture, Table, Text
from tradeops.rendering.plain import fitting, one_line, pieces, shown_rows, width_of, wrapped

WIDTH = 100
GAP = "  "


def to_text(page: Page) -> str:
    """The page in words, its tables aligned; a picture is told by its alternative text."""
    headline = wrapped(one_line(page.headline), WIDTH)
    lines = [*headline, "=" * max(map(width_of, headline))]
    for block in page.blocks:
        if shown := _block(block):
            lines += ["", *shown]
    return "\n".join([*lines, ""])


def _block(block: Block) -> list[str]:
    match block:
        case Heading(text):
            lines = wrapped(one_line(text), WIDTH)
            return [*lines, "-" * max(map(width_of, lines))]
        case Text(line):
            return wrapped(_line(line), WIDTH)
        case Bullets(lines):
            return [text for line in lines for text in _bullet(line)]
        case Table():
            return _table(block)
        case Picture(alt=alt):
            return wrapped(f"[picture: {one_line(alt)}]", WIDTH)


def _line(line: Line) -> str:
    return "".join(piece for piece, _ in pieces(line)).strip()


def _bullet(line: Line) -> list[str]:
    first, *others = wrapped(_line(line), WIDTH - 2)
    return [f"- {first}", *(f"  {other}" for other in others)]


def _table(table: Table) -> list[str]:
    rows, left_out = shown_rows(table)
    names = tuple(one_line(column.name) for column in table.columns)
    room = WIDTH - len(GAP) * (len(names) - 1)
    widths = fitting(table.columns, [names, *rows], room)
    shown = [_row(names, table.columns, widths), [GAP.join("-" * width for width in widths)]]
    shown += [_row(row, table.columns, widths) for row in rows]
    lines = [line for row in shown for line in row]
    return [*lines, left_out] if left_out else lines


def _row(cells: tuple[str, ...], columns: tuple[Column, ...], widths: list[int]) -> list[str]:
    parts = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for number in range(max(map(len, parts), default=0)):
        pieces_of_line = (
            _aligned(part[number] if number < len(part) else "", column, width)
            for part, column, width in zip(parts, columns, widths, strict=True)
        )
        lines.append(GAP.join(pieces_of_line).rstrip())
    return lines


def _aligned(text: str, column: Column, width: int) -> str:
    blanks = " " * (width - width_of(text))
    return blanks + text if column.align == "right" else text + blanks
