"""History in columns is what its records are, whichever order they come in."""

import math
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.window.columns import Columns, micros, moment

RECORDS = st.lists(st.tuples(st.integers(-(10**15), 10**15), st.floats(-1e9, 1e9)), unique_by=lambda one: one[0])


def doubles(_: str) -> str:
    return "d"


@given(RECORDS, st.integers(0, 20))
def test_any_order_of_arrival_gives_the_same_columns(records: list[tuple[int, float]], split: int) -> None:
    ordered = sorted(records)
    late, early = ordered[split:], ordered[:split]
    columns = Columns(doubles)
    for at, value in sorted(late, key=lambda one: one[1]):
        columns.insert(at, {"x": value})
    columns.prepend([(at, {"x": value}) for at, value in early])
    assert list(columns.at) == [at for at, _ in ordered]
    assert list(columns.column("x", (0, len(columns)))) == [value for _, value in ordered]


def test_a_field_that_comes_later_or_is_lacking_is_told_from_zero() -> None:
    columns = Columns(lambda name: "b" if name == "up" else "d")
    columns.insert(1, {"equity": 5.0})
    columns.insert(2, {"up": 1})
    columns.prepend([(0, {"other": 3.0})])
    assert columns.column("up", (0, 3)).tolist() == [-1, -1, 1]
    assert math.isnan(columns.column("equity", (0, 3))[0])
    assert columns.column("equity", (0, 3))[1] == 5.0
    assert columns.column("other", (0, 3))[0] == 3.0
    assert len(columns.column("never heard of", (0, 3))) == 0


def test_what_is_forgotten_is_gone_from_every_field() -> None:
    columns = Columns(doubles)
    for at in range(5):
        columns.insert(at, {"x": float(at)})
    columns.forget(3)
    assert list(columns.at) == [3, 4]
    assert columns.column("x", columns.between(0, 9)).tolist() == [3.0, 4.0]
    assert columns.between(4, 4) == (1, 1)


def test_a_moment_comes_back_to_the_microsecond() -> None:
    at = datetime(2026, 11, 25, 8, 1, 2, 345678, tzinfo=UTC)
    assert moment(micros(at)) == at
