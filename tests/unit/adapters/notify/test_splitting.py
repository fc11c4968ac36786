"""Nothing is lost and nothing is too long, whatever the text."""

import html

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.adapters.notify.notices import EMOJI
from tradeops.adapters.notify.splitting import longest_prefix, split, utf16_units


def escaped_units(text: str) -> int:
    return utf16_units(html.escape(text))


def visible(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("length", "pieces"), [(9, 1), (10, 1), (11, 2)], ids=["one below", "at the limit", "one above"]
)
@pytest.mark.parametrize("line", ["x", EMOJI], ids=["letters", "emoji"])
def test_a_text_is_split_only_above_the_limit(length: int, pieces: int, line: str) -> None:
    room = 10 * utf16_units(line)
    assert len(split(line * length, room)) == pieces


def test_lines_stay_whole_where_they_fit() -> None:
    assert split("aaaa\nbbbb\ncccc", 9) == ["aaaa\nbbbb", "cccc"]


def test_a_long_line_is_cut_at_a_blank() -> None:
    assert split("one two three", 9) == ["one two", "three"]


def test_a_blank_just_after_the_limit_is_the_cut() -> None:
    assert split("abcd efgh", 4) == ["abcd", "efgh"]


def test_a_long_word_is_cut_anywhere() -> None:
    assert split("abcdefgh", 3) == ["abc", "def", "gh"]


def test_the_first_piece_may_have_less_room() -> None:
    assert split("aa\nbb\ncc", 5, first_room=2) == ["aa", "bb\ncc"]


@pytest.mark.parametrize("text", ["", "\n\n", "  \n "], ids=repr)
def test_a_text_without_a_visible_character_is_one_empty_piece(text: str) -> None:
    assert split(text, 1) == [""]


def test_an_entity_is_never_cut() -> None:
    pieces = split("<" * 10, 9, measure=escaped_units)
    assert pieces == ["<<"] * 5
    assert {escaped_units(piece) for piece in pieces} == {8}


def test_an_emoji_counts_as_two_and_is_never_cut() -> None:
    assert utf16_units(EMOJI) == 2
    assert split(EMOJI * 3, 3) == [EMOJI] * 3


@pytest.mark.parametrize(("room", "expected"), [(0, "a"), (1, "a"), (2, "ab"), (9, "abc")])
def test_the_longest_prefix_is_the_longest_but_never_empty(room: int, expected: str) -> None:
    assert longest_prefix("abc", room) == expected


LINES = st.text(st.sampled_from(f"ab <&\n\t{EMOJI}"), max_size=200)


@settings(deadline=None)
@given(text=LINES, room=st.integers(10, 40), first=st.integers(10, 40))
def test_every_piece_fits_and_all_that_is_visible_arrives_in_order(text: str, room: int, first: int) -> None:
    pieces = split(text, room, first_room=first, measure=escaped_units)
    assert escaped_units(pieces[0]) <= first
    assert all(escaped_units(piece) <= room for piece in pieces[1:])
    assert visible("".join(pieces)) == visible(text)
    assert all(piece.strip() for piece in pieces) or pieces == [""]
