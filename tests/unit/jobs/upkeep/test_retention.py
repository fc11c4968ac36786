"""Only what the settings name is shortened, once a day, a little at a time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Message, MessageState, Point, Store, open_store
from tradeops.jobs.upkeep.retention import MESSAGES, kept_for, shorten
from tradeops.settings import Settings

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY = timedelta(days=1)
EVER = {"since": datetime(2000, 1, 1, tzinfo=UTC), "until": datetime(2200, 1, 1, tzinfo=UTC)}
AGES = {"health_checks": 90 * DAY}


async def keep(store: Store, *ages_in_days: int, series: str = "health_checks") -> None:
    await store.add_points(series, [Point(f"{age}-days", NOW - age * DAY, {}) for age in ages_in_days])


async def keys(store: Store, series: str = "health_checks") -> list[str]:
    return [point.key for point in await store.points(series, **EVER)]


def test_by_default_only_four_series_and_messages_are_shortened_none_of_them_a_record_of_what_was_done() -> None:
    days = {series: age.days for series, age in kept_for(Settings.model_construct()).items()}
    series = {"health_checks": 90, "equity_minutes": 90, "equity_observations": 800, "api_cost_samples": 800}
    assert days == series | {MESSAGES: 90}


async def test_what_is_older_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path) as store:
        await keep(store, 0, 89, 90, 91, 400)
        await keep(store, 0, 4000, series="trades")
        assert await shorten(store, AGES, now=NOW) == {"health_checks": 2}
        assert await keys(store) == ["90-days", "89-days", "0-days"]
        assert await keys(store, "trades") == ["4000-days", "0-days"]


async def test_an_ended_message_loses_its_text_and_is_not_sent_again_when_its_day_is_reported_again(
    tmp_path: Path,
) -> None:
    ages = (0, 89, 91, 200, 300)
    messages = [Message(f"{n}-days", "email", {"html": "…"}, NOW - n * DAY, NOW - n * DAY) for n in ages]
    async with open_store("sqlite", home=tmp_path) as store:
        for message in messages:
            assert await store.enqueue(message)
        waits, *others = await store.claim("me", now=NOW, lease=DAY)
        for claim in others:
            await store.settle(claim, MessageState.FAILED if claim.message.key == "89-days" else MessageState.DELIVERED)
        rounds = [await shorten(store, {MESSAGES: 90 * DAY}, now=NOW, at_once=1) for _ in range(4)]
        assert rounds == [{MESSAGES: 1}, {MESSAGES: 1}, {}, {}]
        kept = [one.message.key for state in MessageState for one in await store.outbox(state) if one.message.body]
        assert kept == [waits.message.key, "0-days", "89-days"]
        assert [await store.enqueue(message) for message in messages] == [False] * 5


async def test_much_is_deleted_a_little_at_a_time_and_then_not_before_tomorrow(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path) as store:
        await keep(store, 0, *range(100, 105))
        rounds = [await shorten(store, AGES, now=NOW, at_once=2) for _ in range(4)]
        assert rounds == [{"health_checks": 2}, {"health_checks": 2}, {"health_checks": 1}, {}]
        await keep(store, 200)
        assert await shorten(store, AGES, now=NOW + DAY / 2) == {}
        assert await shorten(store, AGES, now=NOW + DAY) == {"health_checks": 1}


@pytest.mark.parametrize(
    ("now", "newest"),
    [pytest.param(NOW + 3650 * DAY, 0, id="our clock is ahead"), pytest.param(NOW, -3650, id="a point lies ahead")],
)
async def test_no_wrong_time_takes_the_history(tmp_path: Path, now: datetime, newest: int) -> None:
    async with open_store("sqlite", home=tmp_path) as store:
        await keep(store, newest, 1, 89)
        assert await shorten(store, AGES, now=now) == {}
