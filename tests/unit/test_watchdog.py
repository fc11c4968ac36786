"""Rounds of the watchdog when clocks jump and when what is kept cannot be read."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops import watchdog
from tradeops.adapters.store import Point, Store, open_store
from tradeops.domain.notices import Notice
from tradeops.jobs.alerts import incidents
from tradeops.jobs.monitoring.watch import Post
from tradeops.settings import Settings
from tradeops.watchdog import COLLECTION, DOCUMENT, Watch


@dataclass
class Outside:
    """Counts how often somebody outside hears that we are alive."""

    pings: int = 0

    async def ping(self) -> None:
        self.pings += 1


@dataclass
class Channel:
    """Records what it is told."""

    name: str = "webhook"
    told: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        del idempotency_key
        self.told.append((notice.level.word, notice.title))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("last", "pings"),
    [
        pytest.param(None, 1, id="never yet"),
        pytest.param(timedelta(seconds=-30), 0, id="less than a period ago"),
        pytest.param(timedelta(seconds=-61), 1, id="a period ago"),
        pytest.param(timedelta(hours=1), 1, id="by a clock that was an hour ahead"),
    ],
)
async def test_outside_hears_of_us_once_a_period_whatever_our_clock_did(
    store: Store, last: timedelta | None, pings: int
) -> None:
    outside = Outside()
    settings = Settings(_env_file=None, NOTIFICATIONS_ENABLED=False)
    at_work = Watch(settings, store, Post(store, None, ()), {}, outside)  # type: ignore[arg-type]
    at_work.pinged_at = None if last is None else datetime.now(UTC) + last
    assert await at_work.round()
    assert outside.pings == pings


@pytest.mark.parametrize(
    ("collection", "key"),
    [
        pytest.param(incidents.COLLECTION, incidents.BOARD, id="the board of a newer release"),
        pytest.param(COLLECTION, DOCUMENT, id="its own presence"),
    ],
)
async def test_what_cannot_be_read_is_told_once_and_so_is_its_end(store: Store, collection: str, key: str) -> None:
    outside, channel = Outside(), Channel()
    settings = Settings(_env_file=None, NOTIFICATIONS_ENABLED=False)
    at_work = Watch(settings, store, Post(store, None, ()), {"webhook": channel}, outside)  # type: ignore[arg-type]
    assert await at_work.round()
    kept = await store.get(collection, key)
    assert kept is not None
    odd = await store.put(collection, key, {"odd": 1}, expected_version=kept.version)
    assert [await at_work.round() for _ in range(3)] == [False, False, False]
    assert channel.told == [("critical", "the watchdog is mute")]
    assert outside.pings == 1, "who watches the watchdog must notice too"
    await store.put(collection, key, kept.body, expected_version=odd.version)
    assert await at_work.round()
    assert channel.told[1:] == [("info", "the watchdog speaks again")]


async def test_a_round_deletes_what_is_too_old_and_a_store_that_takes_too_long_costs_no_round(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    await store.add_points("health_checks", [Point(f"{age}", now - timedelta(days=age), {}) for age in (0, 89, 91)])
    settings = Settings(_env_file=None, NOTIFICATIONS_ENABLED=False)
    at_work = Watch(settings, store, Post(store, None, ()), {}, None)
    monkeypatch.setattr(watchdog, "UPKEEP_SECONDS", 0)
    assert await at_work.round()
    assert "nothing old was deleted: the store took too long" in caplog.text
    monkeypatch.undo()
    assert await at_work.round()
    kept = await store.points("health_checks", since=now - timedelta(days=999), until=now + timedelta(days=1))
    assert [point.key for point in kept] == ["89", "0"]
