"""The candle cache on every store."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import respx

from tests.unit.jobs.exchange_wire import EXCHANGE, NOW, Exchange, stop_the_clock
from tradeops.adapters.store import Store
from tradeops.jobs.candles import closed_candles
from tradeops.settings import Settings
from tradeops.wiring import open_desk

SPAN = timedelta(days=60)


async def test_candles_come_back_from_every_store_as_they_came(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_the_clock(monkeypatch)
    values: dict[str, Any] = {
        "RUST_API_URL": "http://engine.test",
        "BINANCE_API_URL": EXCHANGE,
        "TRADEOPS_HOME": str(tmp_path),
    }
    with respx.mock() as wire:
        exchange = Exchange(wire)
        async with open_desk(Settings(_env_file=None, **values)) as opened:
            desk = replace(opened, store=store)
            first = await closed_candles(desk, "BTCUSDT", "1h", NOW - SPAN, NOW)
            asked = len(exchange.asked)
            assert await closed_candles(desk, "BTCUSDT", "1h", NOW - SPAN, NOW) == first
            assert len(exchange.asked) == asked
    assert first.missing == 0
    assert first.remarks == ()
