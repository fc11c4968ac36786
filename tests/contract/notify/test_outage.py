"""An outage from the first bad look to the last message: a real store, a real webhook, a clock of its own."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.contract.notify.sinks import HttpSink, http_sink
from tests.contract.servers.misbehaving import Behaviour, answer
from tradeops.adapters.notify.channel import Channel
from tradeops.adapters.store import Store, open_store
from tradeops.domain.incidents.model import Observation
from tradeops.domain.notices import Level
from tradeops.jobs.alerts import incidents
from tradeops.jobs.alerts.outbox import Delivered, deliver
from tradeops.settings import Settings
from tradeops.wiring import open_channels

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SECOND = timedelta(seconds=1)
TAKEN = answer(b"", status="202 Accepted")
BUSY = answer(b"", status="429 Too Many Requests", headers=("retry-after: 30",))
BROKEN = answer(b"", status="500 Internal Server Error")


@dataclass
class Desk:
    """What a run uses to tell people.

    Attributes:
        titles: what arrived, with the minutes since noon.
    """

    settings: Settings
    store: Store
    channels: dict[str, Channel]
    sink: HttpSink
    titles: list[tuple[int, str]] = field(default_factory=list)

    async def see(self, severity: Level | None, at: datetime) -> None:
        look = Observation("engine", severity, "refused", at)
        await incidents.observe(self, [look], source="health", run_id=f"run-{at:%d%H%M}", now=at)

    async def hand_over(self, at: datetime) -> Delivered:
        before = len(self.sink.posts)
        told = await deliver(self.store, self.channels, owner="run", now=lambda: at)
        minutes = (at - NOON) // timedelta(minutes=1)
        self.titles += [(minutes, json.loads(post.body)["title"]) for post in self.sink.posts[before:]]
        return told


@asynccontextmanager
async def desk(home: Path, *behaviours: Behaviour) -> AsyncIterator[Desk]:
    async with http_sink(*behaviours) as sink:
        values = {"TRADEOPS_WEBHOOK_URL": f"{sink.url}/hook", "TRADEOPS_WEBHOOK_SECRET": "key"}
        settings = Settings(_env_file=None, TRADEOPS_STARTUP_GRACE_SECONDS=0, **values)
        async with open_channels(settings) as channels, open_store("sqlite", home=home) as store:
            yield Desk(settings, store, channels, sink)


async def test_six_hours_of_outage_arrive_as_one_alert_one_reminder_and_one_recovery(tmp_path: Path) -> None:
    async with desk(tmp_path, TAKEN) as one:
        for number in range(34):  # broken from the second look, a quarter past, until a quarter past six
            at = NOON + number * QUARTER
            await one.see(Level.CRITICAL if 1 <= number < 25 else None, at)
            await one.hand_over(at)
            await one.hand_over(at + SECOND)  # the watchdog, which finds nothing left to do
    assert one.titles == [
        (30, "engine is critical"),
        (270, "engine is still critical"),
        (390, "engine recovered after 6 h 0 min"),
    ]
    assert len({post.headers["idempotency-key"] for post in one.sink.posts}) == 3


async def test_one_blip_arrives_as_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, TAKEN) as one:
        for number in range(8):
            await one.see(Level.CRITICAL if number == 3 else None, NOON + number * QUARTER)
            await one.hand_over(NOON + number * QUARTER)
    assert one.sink.posts == []


async def test_a_busy_then_broken_receiver_is_asked_no_sooner_than_it_wished_and_takes_it_once(tmp_path: Path) -> None:
    async with desk(tmp_path, BUSY, BROKEN, TAKEN) as one:
        await one.see(Level.CRITICAL, NOON)
        await one.see(Level.CRITICAL, NOON + QUARTER)
        rounds = [await one.hand_over(NOON + QUARTER + second * SECOND) for second in range(60)]
        asked = [second for second, told in enumerate(rounds) if told != Delivered()]
    first, after_429, after_500 = asked
    assert (first, len(one.sink.posts)) == (0, 3)
    assert 30 <= after_429 <= 32
    assert 5 <= after_500 - after_429 <= 11
    assert len({post.headers["idempotency-key"] for post in one.sink.posts}) == 1
    assert len({post.body for post in one.sink.posts}) == 1
