"""Text from outside is one line, printable, not endless, and of known width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.rendering.page import Column, Strong, Table
from tradeops.rendering.plain import (
    LONGEST_CELL,
    LONGEST_LINE,
    MOST_CHARACTERS,
    MOST_ROWS,
    one_line,
    pieces,
    shown_rows,
    width_of,
    wrapped,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\r\nb\tc", "a b c", id="line breaks"),
        pytest.param("a\x1b[31mred\x00", "a [31mred", id="terminal codes"),
        pytest.param("user\u202egpj.exe", "user gpj.exe", id="direction override"),
        pytest.param("a\u200bb\ufeffc\u2066d", "a b c d", id="invisible characters"),
        pytest.param("\ud800x\ue000", "x", id="surrogates and private use"),
        pytest.param("מטבע ريال 币 é 🚀", "מטבע ريال 币 é 🚀", id="letters of the world"),
        pytest.param("  ", "", id="only blanks"),
    ],
)
def test_a_text_becomes_one_printable_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize("length", [LONGEST_CELL - 1, LONGEST_CELL, LONGEST_CELL + 1, 10_000])
def test_a_long_text_ends_in_an_ellipsis(length: int) -> None:
    shown = one_line("x" * length)
    assert shown == "x" * length if length <= LONGEST_CELL else shown == "x" * (LONGEST_CELL - 1) + "…"


def test_blanks_that_hide_the_end_of_a_long_text_do_not_hide_that_it_is_cut() -> None:
    assert one_line("a" + " " * 10_000 + "b") == "a…"


def test_pieces_keep_the_blanks_between_them_and_drop_what_is_empty() -> None:
    line = (Strong("a"), ": b ", Strong("\n"), "", " ", "\tc" + "x" * 2 * LONGEST_LINE)
    shown = list(pieces(line))
    assert shown[:3] == [("a", True), (": b ", False), (" ", False)]
    assert shown[3][0].startswith(" cx")
    assert len(shown[3][0]) == LONGEST_LINE + 1


def test_a_table_shows_as_many_rows_as_a_page_has_room_for_and_counts_the_others() -> None:
    short = Table((Column("a"),), tuple((str(i),) for i in range(MOST_ROWS + 1_234)))
    rows, note = shown_rows(short)
    assert (len(rows), note) == (MOST_ROWS, "1,234 more rows are not shown.")
    long = Table((Column("a"),), (("x" * LONGEST_CELL,),) * MOST_ROWS)
    rows, note = shown_rows(long)
    assert len(rows) == MOST_CHARACTERS // LONGEST_CELL
    assert note == f"{MOST_ROWS - len(rows)} more rows are not shown."
    assert shown_rows(Table((Column("a"),), (("1",),) * MOST_ROWS))[1] == ""


def test_one_enormous_row_is_still_shown() -> None:
    columns = 40
    rows, note = shown_rows(Table((Column("a"),) * columns, (("x" * 1_000,) * columns,) * 2))
    assert (len(rows), note) == (1, "1 more rows are not shown.")


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("币安", 4), ("e\u0301", 1), ("\uff41", 2), ("🚀", 2), ("", 0)]
)
def test_width_is_what_a_terminal_needs(text: str, width: int) -> None:
    assert width_of(text) == width


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("oneoneoneone", ["oneoneon", "eone"]),
        ("a oneoneoneone b", ["a", "oneoneon", "eone b"]),
        ("币币币币币 a", ["币币币币", "币 a"]),
        ("", [""]),
        ("12345678", ["12345678"]),
        ("below 55 %", ["below", "55 %"]),
        ("a %b c %", ["a %b c %"]),
        ("abcdef %bc", ["abcdef", "%bc"]),
    ],
)
def test_lines_break_at_blanks_or_where_they_must(text: str, lines: list[str]) -> None:
    assert wrapped(text, 8) == lines


def test_without_a_width_nothing_breaks() -> None:
    assert wrapped("x " * 200, None) == ["x " * 200]


@given(st.text(), st.integers(2, 40))
def test_wrapping_loses_no_letter_and_keeps_the_width(text: str, width: int) -> None:
    line = one_line(text)
    lines = wrapped(line, width)
    assert "".join(lines).replace(" ", "") == line.replace(" ", "")
    assert all(width_of(part) <= width for part in lines)
