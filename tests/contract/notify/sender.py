"""Stores one notice, hands it over and dies by SIGKILL at a chosen step: `sender.py HOME SINK EVENT STEP`."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from tradeops.adapters.store import Store, open_store
from tradeops.adapters.store.interface import Message
from tradeops.domain.notices import Level, Notice
from tradeops.jobs.alerts.outbox import LEASE, deliver

STEPS = ("before store", "after store", "after claim", "after begin", "after send", "after confirm")


class SinkChannel:
    name = "sink"

    def __init__(self, url: str, dies_at: str) -> None:
        self._url, self._dies_at = url, dies_at

    async def send(self, notice: Notice, *, idempotency_key: str) -> None:
        if self._dies_at == "after begin":
            die()
        async with httpx.AsyncClient() as client:
            answer = await client.post(self._url, json=notice.as_body(), headers={"x-key": idempotency_key})
            answer.raise_for_status()
        if self._dies_at == "after send":
            die()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def run(home: Path, url: str, event: str, dies_at: str, now: datetime) -> None:
    async with open_store("sqlite", home=home) as store:
        if dies_at == "before store":
            die()
        await enqueue(store, event, now)
        if dies_at == "after store":
            die()
        if dies_at == "after claim" and await store.claim("sender", now=now, lease=LEASE):
            die()
        channels: dict[str, Any] = {"sink": SinkChannel(url, dies_at)}
        await deliver(store, channels, owner=f"sender-{os.getpid()}", now=lambda: now)
        if dies_at == "after confirm":
            die()


async def enqueue(store: Store, event: str, now: datetime) -> None:
    notice = Notice("run-1", event, Level.CRITICAL if "critical" in event else Level.INFO, "title", "body", now)
    await store.enqueue(Message("run-1/sink", "sink", notice.as_body(), created_at=now, due_at=now))


if __name__ == "__main__":
    folder, address, kind, step, moment = sys.argv[1:]
    asyncio.run(run(Path(folder), address, kind, step, datetime.fromisoformat(moment).astimezone(UTC)))
