"""What is sent past the outbox reaches every channel that works, whatever the others do."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tradeops.adapters.notify.channel import PermanentDeliveryError, TransientDeliveryError
from tradeops.domain.notices import Level, Notice
from tradeops.jobs.alerts.past_outbox import send_past_outbox

NOTICE = Notice("drill-1", "drill", Level.INFO, "This is a drill", "", datetime(2026, 1, 1, tzinfo=UTC))


@dataclass
class Recording:
    name: str
    error: Exception | None = None
    keys: list[str] = field(default_factory=list)

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        if self.error is not None:
            raise self.error
        self.keys.append(f"{idempotency_key} {notice.title}")


async def test_a_broken_channel_keeps_nothing_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    gone, busy = PermanentDeliveryError("email", "gone"), TransientDeliveryError("x", "busy", may_have_arrived=False)
    broken, works = Recording("slack", KeyError("ours")), Recording("discord")
    channels = {one.name: one for one in (Recording("email", gone), Recording("x", busy), broken, works)}
    with caplog.at_level(logging.ERROR):
        failures = await send_past_outbox(channels, NOTICE)
    assert (failures["email"], failures["x"], failures["discord"]) == (gone, busy, None)
    assert failures["slack"] is not None
    assert failures["slack"].problem == "our own channel broke (KeyError, see the log)"
    assert "the channel slack broke" in caplog.text
    assert works.keys == ["drill-1 This is a drill"]
