"""An engine that can be braked, and the journal of the machine that brakes it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.guard.engines import Bot, client_of, running
from tradeops.adapters.engine.client import EngineClient
from tradeops.jobs.brake.journal import Journal


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with running() as engine:
        yield engine


@pytest.fixture
async def engine(bot: Bot) -> AsyncIterator[EngineClient]:
    async with client_of(bot) as client:
        yield client


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "home")
