"""How long SQLite keeps the points of a series."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tradeops.adapters.store import Point, Store, open_store
from tradeops.adapters.store.series import RETENTION

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


async def keys(store: Store, series: str) -> list[str]:
    return [p.key for p in await store.points(series, since=LONG_AGO, until=FAR_AHEAD + timedelta(days=1))]


async def test_health_checks_are_kept_for_ninety_days() -> None:
    assert RETENTION["health_checks"] == timedelta(days=90)


async def test_readings_of_cost_are_kept_for_more_than_two_years() -> None:
    assert RETENTION["api_cost_samples"] == timedelta(days=800)


async def test_the_next_point_sweeps_away_what_is_older_than_the_retention(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    async with open_store("sqlite", home=tmp_path) as store:
        for name, age in (("too old", 91), ("old enough", 89)):
            await store.add_point("health_checks", Point(name.replace(" ", "-"), now - timedelta(days=age), {}))
        await store.add_point("health_checks", Point("today", now, {}))
        assert await keys(store, "health_checks") == ["old-enough", "today"]


async def test_a_point_of_a_wrong_future_time_sweeps_nothing_away(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    async with open_store("sqlite", home=tmp_path) as store:
        await store.add_point("health_checks", Point("today", now, {}))
        await store.add_point("health_checks", Point("future", FAR_AHEAD, {}))
        assert await keys(store, "health_checks") == ["today", "future"]


async def test_a_series_without_a_retention_is_kept_for_ever(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path) as store:
        await store.add_point("marks", Point("old", LONG_AGO, {}))
        await store.add_point("marks", Point("new", datetime.now(UTC), {}))
        assert await keys(store, "marks") == ["old", "new"]
