"""A page as Markdown that the Prefect UI shows: GitHub's tables, pictures as data URIs."""

import base64
import html
import re

from tradeops.rendering.page import Block, Bullets, Column, Heading, Line, Page, Picture, Table, Text
from tradeops.rendering.plain import one_line, pieces, shown_rows, wrapped

MARKUP = re.compile(r"([\\`*\[\]~|#]|(?<![^\W_])_|_(?![^\W_]))")  # an underscore within a word is no markup
LEADING = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)]))")  # what makes a list, a rule or a heading of the line
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
    return [
        f"| {' | '.join(_escaped(one_line(column.name)) for column in table.columns)} |",
        f"|{'|'.join(ALIGNMENT[column.align] for column in table.columns)}|",
        *(f"| {' | '.join(map(_cell, row, table.columns))} |" for row in rows),
        *(["", left_out] if left_out else []),
    ]


def _cell(text: str, column: Column) -> str:
    return "<br>".join(_escaped(line) for line in wrapped(text, column.width))


def _escaped(text: str) -> str:
    return MARKUP.sub(r"\\\1", html.escape(text, quote=False))
