"""Markdown as a real parser reads it: text stays text, tables stay tables."""

import base64
import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.unit.rendering.pages import HOSTILE, PICTURE, everything, page
from tradeops.domain.health import Severity
from tradeops.rendering.markdown import EDGES, ROOM, to_markdown
from tradeops.rendering.page import Bullets, Column, Heading, Picture, Strong, Table, Text
from tradeops.rendering.plain import one_line

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
STRUCTURE = [
    *("heading_open", "heading_open", "paragraph_open", "paragraph_open", "bullet_list_open"),
    *("list_item_open", "paragraph_open", "list_item_open", "paragraph_open", "table_open"),
]


def parsed(markdown: str) -> list[Token]:
    return PARSER.parse(markdown)


def shape(tokens: list[Token]) -> list[str]:
    """The blocks that were opened, up to the first table's inside."""
    opened = [token.type for token in tokens if token.nesting == 1 or token.type in {"hr", "html_block", "fence"}]
    return opened[: opened.index("table_open") + 1] if "table_open" in opened else opened


def inlines(tokens: list[Token]) -> list[str]:
    """What a reader reads in each heading, paragraph, item and cell."""
    return [shown(token) for token in tokens if token.type == "inline"]


def shown(token: Token) -> str:
    allowed = {"text", "text_special", "strong_open", "strong_close", "html_inline", "image"}
    assert {child.type for child in token.children or []} <= allowed, token
    read = ""
    for child in token.children or []:
        if child.type == "html_inline":
            assert child.content == "<br>"
        read += shown(child) if child.type == "image" else child.content
    return read


def test_each_block_becomes_its_markdown() -> None:
    text = to_markdown(
        page(
            Heading("All parts"),
            Text((Strong("Now"), ", 3 parts")),
            Bullets(("one", (Strong("two"), ": 2"))),
            Table((Column("part"), Column("number", "right")), (("engine", "1"),)),
            PICTURE,
            title="Degraded: disk",
            severity=Severity.DEGRADED,
        )
    )
    assert text.splitlines() == [
        "# ▲ Degraded: disk",
        "",
        "## All parts",
        "",
        "**Now**, 3 parts",
        "",
        "- one",
        "- **two**: 2",
        "",
        "| part | number |",
        "|:--|--:|",
        "| engine | 1 |",
        "",
        f"![{PICTURE.alt}](data:image/png;base64,{base64.b64encode(PICTURE.data).decode()})",
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_read_letter_by_letter_wherever_it_stands(text: str) -> None:
    tokens = parsed(to_markdown(everything(text)))
    assert shape(tokens) == STRUCTURE
    line = one_line(text)
    title, heading, alone, strong, item, second_item, *cells, image = inlines(tokens)
    assert title == f"✓ {line}"
    assert (heading, alone, item) == (line, line, line)
    assert strong == f"{line} and {line}"
    assert second_item == f"{line}: {line}"
    header, number, narrow, cell, one, wrapped_cell = cells
    assert (header, number, narrow, cell, one) == (line, "number", "narrow", line, "1")
    assert wrapped_cell.replace("<br>", "").replace(" ", "") == line.replace(" ", "")
    assert image == line


@given(st.text(alphabet=st.sampled_from("\\`*[]~|#_<>&!-+=.)(1a \n\"'$:/@"), max_size=40))
def test_no_mixture_of_markup_characters_becomes_markup(text: str) -> None:
    line = one_line(text)
    read = inlines(parsed(to_markdown(page(Text(text), Table((Column("a"), Column("b")), ((text, "end"),))))))
    paragraphs = read[1:-4]
    assert paragraphs == ([line] if line else [])
    assert read[-2:] == [line, "end"]


@given(st.text(max_size=60))
def test_any_text_keeps_the_table_together(text: str) -> None:
    table = Table((Column("a", width=10), Column("b", "right"), Column("c")), ((text, text, "end"), ("1", "2", "3")))
    read = inlines(parsed(to_markdown(page(table))))
    assert len(read) == 1 + 3 * 3
    assert read[6:] == ["end", "1", "2", "3"]


def test_a_long_cell_breaks_where_its_column_says() -> None:
    text = to_markdown(page(Table((Column("finding", width=12),), (("a connection was refused",),))))
    assert "| a connection<br>was refused |" in text


def test_left_out_rows_are_counted_below_the_table() -> None:
    tokens = parsed(to_markdown(page(Table((Column("a"),), (("1",),) * 130))))
    assert inlines(tokens)[-1] == "30 more rows are not shown."
    assert tokens[-2].level == 1
    assert sum(token.type == "tr_open" for token in tokens) == 101


def test_a_picture_travels_inside() -> None:
    found = re.search(r"!\[(.*)\]\(data:image/png;base64,(.*)\)", to_markdown(page(PICTURE)))
    assert found is not None
    assert base64.b64decode(found[2]) == PICTURE.data


def test_an_svg_says_that_it_is_one() -> None:
    assert "](data:image/svg+xml;base64," in to_markdown(page(Picture(b"<svg/>", "image/svg+xml", "")))


def test_an_empty_list_shows_nothing() -> None:
    assert to_markdown(page(Bullets(()))).split() == ["#", "✓", "Healthy"]


def test_escaping_is_for_markup_alone() -> None:
    assert "ai_service at http://127.0.0.1:8000/health: 5 % > 4 %" in html.unescape(
        to_markdown(page(Text("ai_service at http://127.0.0.1:8000/health: 5 % > 4 %")))
    )


@pytest.mark.parametrize(
    "texts", [["engine", "✗ down", "12 ms", "3", "x" * 300 + " word" * 15], ["w" * 200] * 5, ["a"] * 5]
)
def test_a_table_is_never_wider_than_the_page_of_prefect(texts: list[str]) -> None:
    columns = (
        Column("Part"),
        Column("State"),
        Column("Latency", "right"),
        Column("Attempts", "right"),
        Column("Finding"),
    )
    lines = to_markdown(page(Table(columns, (tuple(texts),)))).splitlines()
    cells = [[part.strip() for part in cell.split("<br>")] for cell in lines[4].strip("| ").split(" | ")]
    widest = [max(map(len, parts)) for parts in cells]
    assert sum(widest) + EDGES * len(columns) <= ROOM + 1
    assert [" ".join(parts).replace(" ", "") for parts in cells] == [text.replace(" ", "") for text in texts]


def test_numbers_stay_whole_while_there_are_words_to_break() -> None:
    text = to_markdown(page(Table((Column("why"), Column("profit", "right")), (("word " * 60, "−$1,234,567,890.12"),))))
    assert "| −$1,234,567,890.12 |" in text
