"""The engine's figures are as old as its clock says by moving, not by what it shows: as the guard counts."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx

from tests.unit.adapters.samples import PORTFOLIO
from tests.unit.adapters.services import enveloped
from tests.unit.jobs.engine_wire import ENGINE, PAPER
from tradeops.jobs.window import live
from tradeops.settings import Settings
from tradeops.wiring import open_quick_engine


async def test_a_clock_that_is_wrong_is_no_stale_one_and_one_that_stands_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "ASK_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(live, "TOO_OLD_SECONDS", 0.0)
    began, slow = datetime.now(UTC), datetime.now(UTC) - timedelta(minutes=2)
    stamps = [slow, slow, slow + timedelta(seconds=5)]
    accounts = [httpx.Response(200, json=enveloped(PORTFOLIO, timestamp=at.isoformat())) for at in stamps]
    with respx.mock as wire:
        wire.get(f"{PAPER}/portfolio").mock(side_effect=accounts)
        wire.get(f"{PAPER}/trades/open").respond(json=enveloped([], timestamp=slow.isoformat()))
        wire.get(f"{PAPER}/status").respond(500)
        async with open_quick_engine(Settings(_env_file=None, RUST_API_URL=ENGINE)) as engine:
            looking = live.Live(engine)
            first, again, moved = [(await looking.look()).as_of for _ in stamps]
            await looking.close()
    assert first is not None
    assert moved is not None
    assert began <= first == again < moved
