"""Whether this machine can talk to itself."""

import asyncio
from datetime import timedelta

import pytest

from tradeops.adapters.probes import loopback


async def test_a_byte_comes_back_on_a_machine_that_works() -> None:
    assert await loopback.works(within=timedelta(seconds=2))


async def test_a_machine_that_lets_nobody_listen_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(asyncio, "start_server", refuse)
    assert not await loopback.works(within=timedelta(seconds=2))


async def test_a_machine_that_swallows_connections_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", hang)
    assert not await loopback.works(within=timedelta(seconds=0.05))
