"""HTML as a real parser reads it: self-contained, text stays text, small enough for mail."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.rendering.pages import HOSTILE, PICTURE, everything, page
from tradeops.domain.health import Severity
from tradeops.rendering.html import COLOURS, to_html
from tradeops.rendering.page import Bullets, Column, Heading, Strong, Table, Text
from tradeops.rendering.plain import LONGEST_LINE, one_line

VOID = {"meta", "img"}
ALLOWED = VOID | {
    *("html", "head", "title", "style", "body", "div", "h1", "h2", "p", "b", "ul", "li"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


class Reader(HTMLParser):
    """What a browser would build: texts by element; anything that does not nest is an error."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
            self.texts.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data != "\n":
            self.texts.append((self.open[-1], data))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def of(self, tag: str) -> list[str]:
        return [text for where, text in self.texts if where == tag and text]


def test_each_block_becomes_its_element() -> None:
    read = Reader(
        to_html(
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
    )
    assert read.of("title") == read.of("h1") == ["▲ Degraded: disk"]
    assert (read.of("h2"), read.of("p"), read.of("b"), read.of("li")) == (
        ["All parts"],
        [", 3 parts"],
        ["Now", "two"],
        ["one", ": 2"],
    )
    assert (read.of("th"), read.of("td")) == (["part", "number"], ["engine", "1"])
    assert ("td", "align", "right") in read.attributes
    assert ("img", "alt", PICTURE.alt) in read.attributes


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_read_letter_by_letter_wherever_it_stands(text: str) -> None:
    read = Reader(to_html(everything(text)))
    line = one_line(text)
    assert read.of("h1") == [f"✓ {line}"]
    assert read.of("h2") == [line]
    assert read.of("p") == [line, f" and {line}"]
    assert read.of("li") == [line, f": {line}"]
    assert read.of("b") == [line, line]
    assert read.of("th") == [line, "number", "narrow"]
    assert read.of("td") == [line, "1", line]
    assert ("img", "alt", line) in read.attributes


@given(st.text())
def test_no_text_adds_an_element_or_an_attribute(text: str) -> None:
    with_it, without = Reader(to_html(everything(text or " "))), Reader(to_html(everything("harmless")))
    assert [(tag, name) for tag, name, _ in with_it.attributes] == [(tag, name) for tag, name, _ in without.attributes]


def test_nothing_is_fetched_from_outside_and_nothing_runs() -> None:
    read = Reader(to_html(everything("http://evil.test/x")))
    assert {tag for tag, *_ in read.attributes} <= ALLOWED - {"script", "link"}
    sources = [value for _, name, value in read.attributes if name in {"src", "href", "action", "background"}]
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert not [value for _, name, value in read.attributes if name == "style" and "url(" in value]


def test_colours_are_left_to_the_theme_of_the_reader() -> None:
    document = to_html(everything("x"))
    assert '<meta name="color-scheme" content="light dark">' in document
    assert "background" not in document
    assert not [
        v for _, n, v in Reader(document).attributes if n == "style" and v.replace(" ", "").startswith("color:")
    ]


@pytest.mark.parametrize("severity", list(COLOURS), ids=str)
def test_the_verdict_has_its_colour(severity: Severity | None) -> None:
    assert COLOURS[severity] in to_html(page(severity=severity))
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_a_large_page_stays_below_what_mail_programs_clip() -> None:
    columns = tuple(Column(f"column {i}") for i in range(8))
    rows = tuple(tuple(f"value {row} {i} <&>" for i in range(8)) for row in range(5_000))
    lines = ("x" * 10 * LONGEST_LINE,) * 10
    document = to_html(page(Text("summary"), Bullets(lines), Table(columns, rows)))
    assert len(document.encode()) < 100_000
    assert Reader(document).of("p")[-1] == "4,900 more rows are not shown."


def test_a_table_of_nothing_but_hostile_cells_stays_small_too() -> None:
    table = Table((Column("a"),) * 8, (("<&>" * 1_000,) * 8,) * 1_000)
    assert len(to_html(page(table)).encode()) < 100_000


def test_an_empty_list_shows_nothing() -> None:
    assert "<ul" not in to_html(page(Bullets(())))
