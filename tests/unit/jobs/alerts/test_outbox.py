"""Delivery from a real outbox to channels that record, refuse, hang or break."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tradeops.adapters.notify.channel import PermanentDeliveryError, TransientDeliveryError
from tradeops.adapters.store import Store, open_store
from tradeops.adapters.store.interface import Claim, Message, MessageState
from tradeops.domain.notices import Level, Notice
from tradeops.errors import UnavailableError
from tradeops.jobs.alerts.outbox import LEASE, Delivered, deliver

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALERT = Notice("incident-1/opened", "health_critical", Level.CRITICAL, "engine is down", "refused", NOON)
WARNING = replace(ALERT, event="health_degraded", level=Level.WARNING)
REPORT = replace(ALERT, event="portfolio_report", level=Level.INFO)


@dataclass
class RecordingChannel:
    """Records what it is given; `behaves` may raise or wait first."""

    name: str = "slack"
    behaves: Callable[[], object] = lambda: None
    sent: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        outcome = self.behaves()
        if isinstance(outcome, Exception):
            raise outcome
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
        self.sent.append((idempotency_key, notice.title))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path) as opened:
        yield opened


async def enqueued(store: Store, notice: Notice, key: str = "m", *, target: str = "slack", age: float = 0) -> None:
    at = NOON - timedelta(hours=age)
    assert await store.enqueue(Message(key, target, notice.as_body(), created_at=at, due_at=at))


async def round_of(store: Store, *channels: RecordingChannel, at: datetime = NOON, seconds: float = 5) -> Delivered:
    by_name = {channel.name: channel for channel in channels}
    return await deliver(store, by_name, owner="me", bound=timedelta(seconds=seconds), now=lambda: at)


def busy(*, retry_after: float | None = None, may_have_arrived: bool = False) -> TransientDeliveryError:
    wish = None if retry_after is None else timedelta(seconds=retry_after)
    return TransientDeliveryError("slack", "HTTP 429", retry_after=wish, may_have_arrived=may_have_arrived)


async def test_what_is_due_is_handed_over_once_the_oldest_first(store: Store) -> None:
    channel = RecordingChannel()
    await enqueued(store, ALERT, "newer")
    await enqueued(store, ALERT, "older", age=1)
    assert (await round_of(store, channel)).handed_over == ["older", "newer"]
    assert channel.sent == [("older", "engine is down"), ("newer", "engine is down")]
    assert await round_of(store, channel) == Delivered()
    assert [one.tries for one in await store.outbox(MessageState.DELIVERED)] == [1, 1]


async def test_a_busy_channel_gets_it_when_it_asked_for_it(store: Store) -> None:
    channel = RecordingChannel(behaves=lambda: busy(retry_after=30))
    await enqueued(store, ALERT)
    assert (await round_of(store, channel)).waiting == ["m"]
    [waiting] = await store.outbox()
    assert waiting.note == "HTTP 429"
    assert timedelta(seconds=30) <= waiting.message.due_at - NOON <= timedelta(seconds=31)
    channel.behaves = lambda: None
    assert await round_of(store, channel, at=NOON + timedelta(seconds=29)) == Delivered()
    assert (await round_of(store, channel, at=NOON + timedelta(seconds=31))).handed_over == ["m"]


async def test_a_channel_that_cannot_be_reached_is_asked_once_a_round(store: Store) -> None:
    calls: list[int] = []
    channel = RecordingChannel(behaves=lambda: calls.append(1) or busy())
    for number in range(4):
        await enqueued(store, ALERT, f"m-{number}")
    assert sorted((await round_of(store, channel)).waiting) == ["m-0", "m-1", "m-2", "m-3"]
    assert len(calls) == 1
    assert {one.note for one in await store.outbox()} == {"HTTP 429", "behind another message: HTTP 429"}


async def test_what_can_never_succeed_is_told_once(store: Store) -> None:
    gone = PermanentDeliveryError("slack", "HTTP 404, no such hook", remedy="check SLACK_WEBHOOK_URL")
    channel = RecordingChannel(behaves=lambda: gone)
    await enqueued(store, ALERT)
    [line] = (await round_of(store, channel)).given_up
    assert line == "slack: m was not delivered: HTTP 404, no such hook; check SLACK_WEBHOOK_URL"
    assert await round_of(store, channel, at=NOON + timedelta(days=1)) == Delivered()
    [failed] = await store.outbox(MessageState.FAILED)
    assert failed.note == "HTTP 404, no such hook; check SLACK_WEBHOOK_URL"


async def test_a_dead_channel_does_not_keep_another_waiting(store: Store) -> None:
    dead, alive = RecordingChannel("slack", behaves=asyncio.Event), RecordingChannel("email")
    await enqueued(store, ALERT, "to-dead")
    await enqueued(store, ALERT, "to-alive", target="email")
    started = asyncio.get_running_loop().time()
    told = await round_of(store, dead, alive, seconds=2)
    assert asyncio.get_running_loop().time() - started < 10
    assert (told.handed_over, told.waiting) == (["to-alive"], ["to-dead"])


async def test_a_report_that_hangs_may_have_arrived_and_is_not_sent_twice(store: Store) -> None:
    channel = RecordingChannel(behaves=asyncio.Event)
    await enqueued(store, REPORT)
    [line] = (await round_of(store, channel, seconds=1)).given_up
    assert "it may have arrived, and is not sent twice" in line


async def test_a_report_whose_turn_did_not_come_is_sent_in_the_next_round(store: Store) -> None:
    channel = RecordingChannel()
    await enqueued(store, REPORT)
    assert (await round_of(store, channel, seconds=0)).waiting == ["m"]
    assert (await round_of(store, channel)).handed_over == ["m"]


@pytest.mark.parametrize(
    ("notice", "arrives"), [pytest.param(ALERT, True, id="alert"), pytest.param(REPORT, False, id="report")]
)
async def test_of_what_its_sender_died_over_only_alerts_are_sent_again(
    store: Store, notice: Notice, *, arrives: bool
) -> None:
    channel = RecordingChannel()
    await enqueued(store, notice)
    [claim] = await store.claim("the-dead", now=NOON, lease=LEASE)
    assert await store.begin(claim)
    assert await round_of(store, channel, at=NOON + LEASE / 2) == Delivered()
    told = await round_of(store, channel, at=NOON + LEASE)
    assert bool(channel.sent) is arrives
    assert bool(told.given_up) is not arrives


async def test_a_sender_that_ends_over_one_report_gives_up_none_that_it_had_not_begun(store: Store) -> None:
    reached = asyncio.Event()
    slow = RecordingChannel(behaves=lambda: reached.set() or asyncio.Event())
    for number in range(3):
        await enqueued(store, REPORT, f"m-{number}")
    sender = asyncio.create_task(round_of(store, slow))
    await reached.wait()
    sender.cancel()
    await asyncio.wait({sender})
    channel = RecordingChannel()
    told = await round_of(store, channel, at=NOON + LEASE)
    assert (told.handed_over, len(told.given_up)) == (["m-1", "m-2"], 1)


async def test_a_report_that_has_passed_to_another_sender_is_left_to_him(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, channel = store.begin, RecordingChannel()

    async def late(claim: Claim) -> bool:
        assert await store.claim("other", now=NOON + LEASE, lease=LEASE)
        return await begin(claim)

    monkeypatch.setattr(store, "begin", late)
    await enqueued(store, REPORT)
    assert await round_of(store, channel) == Delivered()
    assert channel.sent == []


async def test_a_report_whose_time_runs_out_before_it_was_sent_waits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, channel = store.begin, RecordingChannel()

    async def slowly(claim: Claim) -> bool:
        await asyncio.sleep(0.2)
        return await begin(claim)

    monkeypatch.setattr(store, "begin", slowly)
    await enqueued(store, REPORT)
    assert (await round_of(store, channel, seconds=0.1)).waiting == ["m"]
    assert channel.sent == []


async def test_only_what_is_critical_is_tried_longer_than_a_day(store: Store) -> None:
    channel = RecordingChannel(behaves=busy)
    await enqueued(store, ALERT, "critical", age=48)
    assert (await round_of(store, channel)).waiting == ["critical"]
    await enqueued(store, WARNING, "warning", age=48)
    [line] = (await round_of(store, channel)).given_up
    assert "warning was not delivered: HTTP 429; given up after 24 h" in line


async def test_a_message_to_a_channel_that_is_gone_is_given_up(store: Store) -> None:
    await enqueued(store, ALERT, target="discord")
    [line] = (await round_of(store, RecordingChannel())).given_up
    assert "discord is not configured any more" in line


async def test_a_message_that_cannot_be_read_is_given_up(store: Store) -> None:
    assert await store.enqueue(Message("m", "slack", {"title": 1}, created_at=NOON, due_at=NOON))
    [line] = (await round_of(store, RecordingChannel())).given_up
    assert "not readable" in line


async def test_a_defect_of_a_channel_is_logged_and_the_message_waits(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    channel = RecordingChannel(behaves=lambda: KeyError("ours"))
    await enqueued(store, ALERT)
    with caplog.at_level(logging.ERROR):
        assert (await round_of(store, channel)).waiting == ["m"]
    assert "the channel slack broke" in caplog.text


async def test_two_that_deliver_at_once_send_each_message_once(store: Store) -> None:
    one, other = RecordingChannel(), RecordingChannel()
    for number in range(30):
        await enqueued(store, ALERT, f"m-{number}")
    await asyncio.gather(
        *(deliver(store, {"slack": c}, owner=o, now=lambda: NOON) for c, o in ((one, "a"), (other, "b")))
    )
    assert sorted(key for key, _ in one.sent + other.sent) == sorted(f"m-{n}" for n in range(30))


async def test_a_slow_store_loses_no_report_that_was_not_tried(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    give_back = store.postpone

    async def slowly(claim: Claim, *, until: datetime, note: str = "") -> bool:
        await asyncio.sleep(0.1)
        return await give_back(claim, until=until, note=note)

    monkeypatch.setattr(store, "postpone", slowly)
    monkeypatch.setattr("tradeops.jobs.alerts.outbox.SETTLING", timedelta(seconds=60))  # forty writes of a busy disk
    for number in range(40):
        await enqueued(store, REPORT, f"m-{number}")
    told = await round_of(store, RecordingChannel(behaves=asyncio.Event), seconds=1)
    assert (len(told.given_up), len(told.waiting), told.store_problem) == (1, 39, "")
    channel = RecordingChannel()
    await round_of(store, channel, at=NOON + LEASE)
    assert len(channel.sent) == 39


class DeadStore:
    """Is down, or hangs."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def claim(self, owner: str, **_: object) -> list[object]:
        if self._hangs:
            await asyncio.Event().wait()
        raise UnavailableError("store", f"nothing for {owner}")


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
async def test_a_dead_store_ends_the_round_and_raises_nothing(monkeypatch: pytest.MonkeyPatch, *, hangs: bool) -> None:
    monkeypatch.setattr("tradeops.jobs.alerts.outbox.SETTLING", timedelta(seconds=0.1))
    told = await deliver(DeadStore(hangs=hangs), {}, owner="me", bound=timedelta(0))  # type: ignore[arg-type]
    assert told.store_problem
