"""What `tradeops.domain.notices` promises: a notice survives the outbox, and nothing else passes for one."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.domain.notices import Delivery, Level, Notice, from_body

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def notice(event: str = "health_critical") -> Notice:
    return Notice("engine-1-opened", event, Level.CRITICAL, "engine is down", "refused", NOON, (("part", "engine"),))


@given(
    st.builds(
        Notice,
        key=TEXTS,
        event=TEXTS,
        level=st.sampled_from(Level),
        title=TEXTS,
        body=TEXTS,
        occurred_at=st.datetimes(timezones=st.just(UTC)),
        fields=st.lists(st.tuples(TEXTS, TEXTS)).map(tuple),
        link=st.none() | TEXTS,
        html=st.none() | TEXTS,
        picture_png=st.none() | st.binary(),
    )
)
def test_a_notice_survives_json(sent: Notice) -> None:
    assert from_body(json.loads(json.dumps(sent.as_body()))) == sent


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("title", None, "title is a text"),
        ("key", 3, "key is a text"),
        ("link", 3, "link is a text"),
        ("level", "fatal", "no level 'fatal'"),
        ("fields", "engine", "pairs of texts"),
        ("fields", [["one"]], "pairs of texts"),
        ("fields", [["one", 2]], "pairs of texts"),
        ("occurred_at", "yesterday", "yesterday"),
        ("occurred_at", "2026-11-25T12:00:00", "no time zone"),
        ("picture_png", "*", "no base64"),
    ],
)
def test_what_is_no_notice_is_refused_by_the_name_of_its_field(field: str, value: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_body(notice().as_body() | {field: value})


def test_a_missed_alert_is_worse_than_a_double_one_and_a_double_report_worse_than_a_missed_one() -> None:
    assert notice("health_critical").delivery is Delivery.AT_LEAST_ONCE
    assert notice("portfolio_report").delivery is Delivery.AT_MOST_ONCE
