"""Plain text: aligned, at most 100 columns, and nothing in it moves the cursor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.rendering.pages import HOSTILE, PICTURE, everything, page
from tradeops.domain.health import Severity
from tradeops.rendering.page import Bullets, Column, Heading, Strong, Table, Text
from tradeops.rendering.plain import one_line, width_of
from tradeops.rendering.text import WIDTH, to_text


def test_each_block_becomes_plain_text() -> None:
    text = to_text(
        page(
            Heading("All parts"),
            Text((Strong("Now"), ", 3 parts")),
            Bullets(("one", (Strong("two"), ": 2"))),
            Bullets(()),
            Table((Column("part"), Column("number", "right")), (("engine", "1"), ("ai", "12.50"))),
            PICTURE,
            title="Degraded: disk",
            severity=Severity.DEGRADED,
        )
    )
    assert text.splitlines() == [
        "▲ Degraded: disk",
        "================",
        "",
        "All parts",
        "---------",
        "",
        "Now, 3 parts",
        "",
        "- one",
        "- two: 2",
        "",
        "part    number",
        "------  ------",
        "engine       1",
        "ai       12.50",
        "",
        "[picture: Equity from $1.00 to $2.00]",
    ]


def test_a_wide_table_breaks_its_words_and_leaves_its_numbers_whole() -> None:
    columns = (Column("strategy"), Column("reason"), Column("profit", "right"))
    text = to_text(page(Table(columns, (("rsi", "word " * 40, "$1,234,567.89"),))))
    lines = text.splitlines()[3:]
    assert max(map(width_of, lines)) <= WIDTH
    assert lines[2].startswith("rsi       word")
    assert lines[2].endswith("$1,234,567.89")
    assert sum(line.count("word") for line in lines) == 40


def test_a_table_of_many_numbers_still_fits() -> None:
    columns = tuple(Column(f"column {i}", "right") for i in range(12))
    text = to_text(page(Table(columns, (tuple(f"{i}123456.78" for i in range(12)),))))
    assert max(map(width_of, text.splitlines())) <= WIDTH
    assert text.replace("\n", "").count("6.78") >= 1


def test_wide_letters_keep_the_columns_straight() -> None:
    text = to_text(page(Table((Column("name"), Column("n", "right")), (("币安", "1"), ("abcdef", "22")))))
    assert text.splitlines()[-2:] == ["币安     1", "abcdef  22"]


def test_a_long_bullet_hangs_behind_its_dash() -> None:
    lines = to_text(page(Bullets(("word " * 30,)))).splitlines()[3:]
    assert lines[0].startswith("- word")
    assert lines[1].startswith("  word")


def test_left_out_rows_are_counted() -> None:
    assert to_text(page(Table((Column("a"),), (("1",),) * 130))).splitlines()[-1] == "30 more rows are not shown."


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    assert to_text(everything(text)).splitlines()[0] == f"✓ {one_line(text)}"


@given(st.text())
def test_every_line_fits_and_holds_printable_characters_alone(text: str) -> None:
    for line in to_text(everything(text)).split("\n"):
        assert width_of(line) <= WIDTH
        assert line.isprintable()


def test_an_enormous_name_breaks_into_lines() -> None:
    assert max(map(width_of, to_text(everything("x" * 10_000)).splitlines())) <= WIDTH
