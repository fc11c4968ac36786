"""Windows are half-open and UTC, one sentence a test."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.performance.samples import DAY, START, measured, trade, unhurried
from tradeops.domain.performance import TradeColumns, Window

MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("closed", "counted"),
    [
        pytest.param(START - timedelta.resolution, 0, id="just before it begins"),
        pytest.param(START, 1, id="as it begins"),
        pytest.param(START + DAY - timedelta.resolution, 1, id="just before it ends"),
        pytest.param(START + DAY, 0, id="as it ends"),
    ],
)
def test_a_trade_counts_when_it_was_closed_from_the_start_up_to_but_not_at_the_end(
    closed: datetime, counted: int
) -> None:
    assert measured([trade("1", closed=closed)], window=Window(START, START + DAY)).trades == counted


def test_a_trade_opened_before_the_window_and_closed_in_it_counts() -> None:
    assert measured([trade("1", closed=START + DAY, held=5 * DAY)]).trades == 1


def test_a_day_is_midnight_to_midnight_utc() -> None:
    assert Window.of_day(date(2026, 3, 29)) == Window(
        datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC)
    )


def test_the_days_before_a_date_do_not_include_it() -> None:
    week = Window.before(date(2026, 11, 8), days=7)
    assert (week.since, week.until) == (START, START + 7 * DAY)
    assert week.dates() == tuple(date(2026, 11, day) for day in range(1, 8))


@pytest.mark.parametrize("until", [START, START - DAY])
def test_an_empty_or_reversed_window_is_refused(until: datetime) -> None:
    with pytest.raises(ValueError, match="ends after it"):
        Window(START, until)


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=7))])
def test_times_of_another_zone_are_refused(zone: timezone | None) -> None:
    with pytest.raises(ValueError, match="UTC"):
        Window(datetime(2026, 11, 1, tzinfo=zone), START + DAY)


@unhurried
@given(MOMENTS, st.timedeltas(timedelta.resolution, timedelta(days=20)))
def test_the_days_of_a_window_join_without_gap_or_overlap(since: datetime, length: timedelta) -> None:
    window = Window(since, since + length)
    days = window.days()
    assert (days[0].since, days[-1].until) == (window.since, window.until)
    assert all(earlier.until == later.since for earlier, later in pairwise(days))
    assert tuple(day.since.date() for day in days) == window.dates()
    assert all(len(day.dates()) == 1 for day in days)


@unhurried
@given(st.lists(MOMENTS, max_size=30), MOMENTS, st.timedeltas(timedelta.resolution, DAY), st.timedeltas(DAY, 9 * DAY))
def test_neighbouring_windows_share_no_trade_and_lose_none(
    moments: list[datetime], since: datetime, first: timedelta, both: timedelta
) -> None:
    columns = TradeColumns.of([trade("1", closed=at, identity=str(n)) for n, at in enumerate(moments)])
    left, right, whole = (
        set(columns.within(Window(start, end)).ids)
        for start, end in [(since, since + first), (since + first, since + both + first), (since, since + both + first)]
    )
    assert not left & right
    assert left | right == whole
