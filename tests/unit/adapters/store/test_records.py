"""What may be stored: the rules that no server checks for us."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.adapters.store.interface import Json
from tradeops.adapters.store.records import checked_body, dumps, micros, moment_of

offsets = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=offsets | st.just(UTC))  # noqa: DTZ001 - the zone is drawn


@given(moments)
def test_a_time_survives_to_the_microsecond_in_utc(moment: datetime) -> None:
    assert moment_of(micros(moment)) == moment
    assert moment_of(micros(moment)).tzinfo is UTC


@given(moments, moments)
def test_stored_times_order_as_the_times_do(first: datetime, second: datetime) -> None:
    assert (micros(first) < micros(second)) == (first < second)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(Decimal("1.5"), r"body\.costs\[1\]\.usd is a Decimal, .*write it as text", id="money"),
        pytest.param(datetime(2026, 1, 1, tzinfo=UTC), r"usd is a datetime, .*write it as text", id="time"),
        pytest.param(float("nan"), r"usd is nan; a missing value is null", id="NaN"),
        pytest.param(float("-inf"), r"usd is -inf", id="infinity"),
        pytest.param(-(2**63), r"usd is larger than 64 bits; write it as text", id="65 bits"),
        pytest.param("\udfff", r"usd has half a character", id="half a character"),
        pytest.param({"$set": 1}, r"usd has the key '\$set'", id="a dollar"),
        pytest.param({1: 1}, r"usd has the key 1", id="a key that is no text"),
        pytest.param(b"x", r"usd is a bytes", id="bytes"),
    ],
)
def test_what_is_no_json_is_named_by_its_path(value: Json, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        checked_body({"costs": [{}, {"usd": value}]})


def nested(depth: int) -> Json:
    value: Json = "deep"
    for _ in range(depth):
        value = [value]
    return value


def test_a_body_may_be_nested_thirty_one_deep_and_no_deeper() -> None:
    checked_body({"x": nested(31)})
    with pytest.raises(ValueError, match="nested too deeply"):
        checked_body({"x": nested(32)})


def test_a_body_comes_back_as_a_copy_in_its_order_with_lists_for_tuples() -> None:
    body: dict[str, Json] = {"b": (1, 2), "a": {"ü": None}}
    copy = checked_body(body)
    assert copy == {"b": [1, 2], "a": {"ü": None}}
    assert list(copy) == ["b", "a"]
    assert dumps(body) == '{"b":[1,2],"a":{"ü":null}}'
