"""A page as Markdown that the Prefect UI shows: GitHub's tables, pictures as data URIs."""

import base64
import html
import re
from collections.abc import Sequence

from tradeops.rendering.page import Block, Bullets, Heading, Line, Page, Picture, Table, Text
from tradeops.rendering.plain import fitting, one_line, pieces, shown_rows, wrapped

MARKUP = re.compile(r"([\\`*\[\]~|#]|(?<![^\W_])_|_(?![^\W_]))")  # an underscore within a word is no markup
LEADING = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)]))")  # what makes a list, a rule or a heading of the line
ROOM, EDGES = 98, 3.3  # characters in all, and those that each column's edges take: Prefect cuts off what is wider
ALIGNMENT = {"left": ":--", "right": "--:"}


def to_markdown(page: Page) -> str:
    """The page as one Markdown document; text in it stays text, whatever it contains."""
    lines = [f"# {_escaped(one_line(page.headline))}", ""]
    for block in page.blocks:
        lines += [*_block(block), ""]
    return "\n".join(lines)


def _block(block: Block) -> list[str]:
    match block:
        case Heading(text):
            return [f"## {_escaped(one_line(text))}"]
        case Text(line):
            return [_line(line)]
        case Bullets(lines):
            return [f"- {_line(line)}" for line in lines]
        case Table():
            return _table(block)
        case Picture(data, media_type, alt):
            return [f"![{_escaped(one_line(alt))}](data:{media_type};base64,{base64.b64encode(data).decode()})"]


def _line(line: Line) -> str:
    text = "".join(f"**{_escaped(piece)}**" if strong else _escaped(piece) for piece, strong in pieces(line))
    return LEADING.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", text)


def _table(table: Table) -> list[str]:
    rows, left_out = shown_rows(table)
    names = [one_line(column.name) for column in table.columns]
    widths = fitting(table.columns, [names, *rows], round(ROOM - EDGES * len(names)))
    return [
        _row(names, widths),
        f"|{'|'.join(ALIGNMENT[column.align] for column in table.columns)}|",
        *(_row(row, widths) for row in rows),
        *(["", left_out] if left_out else []),
    ]


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = ("<br>".join(map(_escaped, wrapped(cell, width))) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(shown)} |"


def _escaped(text: str) -> str:
    return MARKUP.sub(r"\\\1", html.escape(text, quote=False))
