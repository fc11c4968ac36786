"""The rules of `tradeops.domain.audit`, one sentence a test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tradeops.domain.audit import GENESIS, Head, Record, canonical, event_id, linked, verify
from tradeops.domain.decisions.codec import decoded, encoded

AT = datetime(2026, 11, 25, 3, tzinfo=UTC)


def chain(length: int) -> list[Record]:
    records: list[Record] = []
    for number in range(length):
        head = Head(records[-1]) if records else None
        at = AT + timedelta(minutes=number)
        records.append(linked(head, at=at, actor="job", what="decided", content={"n": number, "money": "0.1"}))
    return records


def test_a_whole_chain_has_no_problem_and_tells_its_last_hash() -> None:
    records = chain(5)
    found = verify(records[::-1], Head(records[-1]))
    assert (found.records, found.last_sha256, found.problems) == (5, records[-1].sha256, ())


def test_an_empty_trail_is_whole() -> None:
    assert verify([], None).problems == ()
    assert verify([], None).last_sha256 == GENESIS


def test_the_last_record_need_not_be_stored_beside_the_head() -> None:
    records = chain(3)
    assert verify(records[:2], Head(records[-1])).problems == ()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        pytest.param(
            {"content": {"n": 1, "money": "9"}},
            "record 2 (decided, 2026-11-25T03:01:00+00:00) was changed",
            id="content",
        ),
        pytest.param({"actor": "x"}, "record 2 (decided, 2026-11-25T03:01:00+00:00) was changed", id="actor"),
        pytest.param({"what": "x"}, "record 2 (x, 2026-11-25T03:01:00+00:00) was changed", id="kind"),
        pytest.param({"at": AT}, "record 2 (decided, 2026-11-25T03:00:00+00:00) was changed", id="time"),
    ],
)
def test_a_changed_record_is_named(changed: dict[str, object], problem: str) -> None:
    records = chain(4)
    records[1] = replace(records[1], **changed)  # type: ignore[arg-type]
    assert verify(records, Head(records[-1])).problems == (problem,)


def test_a_record_that_was_changed_with_its_hash_breaks_the_link_of_the_next() -> None:
    records = chain(4)
    records[1] = linked(Head(records[0]), at=AT, actor="job", what="decided", content={"n": "forged"})
    assert verify(records, Head(records[-1])).problems == ("record 3 does not follow record 2",)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_record_is_named(number: int) -> None:
    records = chain(4)
    left = [record for record in records if record.number != number]
    assert verify(left, Head(records[-1])).problems == (f"record {number} is missing",)


def test_the_last_records_cannot_be_cut_off_unseen() -> None:
    records = chain(4)
    assert verify(records[:2], Head(records[-1])).problems == ("record 3 is missing",)


def test_a_head_that_was_set_back_is_seen() -> None:
    records = chain(4)
    assert verify(records, Head(records[1])).problems == ("record 4 lies behind the head, which is record 2",)
    assert verify(records, None).problems == ("the head of the chain is missing",)


def test_a_last_record_that_is_not_the_heads_is_seen() -> None:
    records = chain(2)
    other = linked(Head(records[0]), at=AT, actor="job", what="decided", content={"n": "other"})
    assert verify([records[0], other], Head(records[1])).problems == ("record 2 is not the one that the head names",)


def test_a_chain_that_begins_anew_is_seen() -> None:
    [first, *_] = chain(1)
    forged = replace(first, previous="f" * 64)
    assert verify([forged], Head(forged)).problems == (
        "record 1 (decided, 2026-11-25T03:00:00+00:00) was changed",
        "record 1 does not follow record 0",
    )


def test_the_text_of_a_value_does_not_depend_on_the_order_of_its_fields() -> None:
    assert canonical({"b": [1, None], "a": "ü"}) == canonical({"a": "ü", "b": (1, None)}) == '{"a":"ü","b":[1,null]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})


def test_a_record_is_kept_as_json_and_its_id_sorts_by_number() -> None:
    [record] = chain(1)
    assert decoded(Record, encoded(record)) == record
    assert sorted([event_id(10), event_id(9)]) == [event_id(9), event_id(10)]
