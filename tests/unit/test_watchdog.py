"""Rounds of the watchdog when clocks jump."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.store import Store, open_store
from tradeops.jobs.watch import Post
from tradeops.settings import Settings
from tradeops.watchdog import Watch


@dataclass
class Outside:
    """Counts how often somebody outside hears that we are alive."""

    pings: int = 0

    async def ping(self) -> None:
        self.pings += 1


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
