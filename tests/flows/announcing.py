"""What reports leave besides their artifact: messages at a real webhook, incidents, signs of life."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.notify.sinks import HttpSink, http_sink
from tests.contract.servers.misbehaving import Behaviour, answer
from tradeops.adapters.store.interface import MessageState
from tradeops.domain.notices import Level
from tradeops.jobs.alerts import incidents
from tradeops.jobs.monitoring import heartbeats
from tradeops.wiring import open_desk

TAKES = answer(b"", status="202 Accepted")
REFUSES = answer(b"", status="400 Bad Request")


@asynccontextmanager
async def webhook(monkeypatch: pytest.MonkeyPatch, behaviour: Behaviour = TAKES) -> AsyncIterator[HttpSink]:
    """The only channel."""
    async with http_sink(behaviour) as sink:
        monkeypatch.setenv("TRADEOPS_WEBHOOK_URL", f"{sink.url}/hook")
        monkeypatch.setenv("TRADEOPS_WEBHOOK_SECRET", "hush")
        yield sink


def arrived(sink: HttpSink) -> list[dict[str, Any]]:
    return [json.loads(post.body) for post in sink.posts]


def events(sink: HttpSink) -> list[str]:
    return [one["event"] for one in arrived(sink)]


async def sent() -> list[str]:
    """The keys of all messages that the outbox ever held."""
    async with open_desk() as desk:
        return [one.message.key for state in MessageState for one in await desk.store.outbox(state)]


async def broken() -> dict[str, Level]:
    """The open incidents."""
    async with open_desk() as desk:
        there = await incidents.open_incidents(desk.store, now=datetime.now(UTC))
    return {one.key: one.severity for one in there}


async def heard_of() -> set[str]:
    """The jobs that left a sign of life."""
    async with open_desk() as desk:
        return set(await heartbeats.beats(desk.store))
