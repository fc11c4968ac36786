"""The trade archive: each trade once, whatever the engine forgets, and no report lost for a store that fails."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
import respx

from tests.unit.adapters.services import enveloped
from tests.unit.domain.portfolios import NOW, closed
from tests.unit.jobs.engine_wire import ENGINE, PAPER, on_the_wire, serve
from tradeops.adapters.store import Point
from tradeops.domain.portfolio.portfolio import Side
from tradeops.errors import RejectedError, TransientError, UnavailableError
from tradeops.jobs.reports import trades
from tradeops.settings import Settings
from tradeops.wiring import Desk, open_desk

MANY = 25_000  # more than a page of the archive; the 100,000 of the job's own test are read once
SEVERAL = tuple(closed(n - 2, hours_ago=9 - n, key=f"t{n}") for n in range(5))


@asynccontextmanager
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    values = {"RUST_API_URL": ENGINE, "TRADEOPS_HOME": tmp_path, "TRADEOPS_STORE": "sqlite"}
    async with open_desk(Settings(_env_file=None, **values)) as opened:
        yield opened


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


async def test_every_trade_is_kept_once_and_comes_back_as_it_was(tmp_path: Path, wire: respx.MockRouter) -> None:
    odd = closed(
        "1.000000000000000001",
        hours_ago=1,
        key="odd",
        side=Side.SHORT,
        duration=None,
        strategy="RSI Strategy",
        symbol="ETHUSDT",
        entry_price=Decimal("1e-05"),
    )
    serve(wire, SEVERAL)
    async with desk(tmp_path) as opened:
        await opened.store.add_points(trades.SERIES, [trades._point(odd)])
        assert [(await trades.collect(opened)).added for _ in range(3)] == [5, 0, 0]
        kept = await trades.archive(opened.store)
    assert kept["odd"] == odd
    assert {t.id for t in kept.values()} == {"odd", *(t.id for t in SEVERAL)}
    assert kept["t1"].pnl == SEVERAL[1].pnl
    assert kept["t1"].closed_at == SEVERAL[1].closed_at


async def test_what_the_engine_forgets_stays(tmp_path: Path, wire: respx.MockRouter) -> None:
    listed = serve(wire, SEVERAL)
    async with desk(tmp_path) as opened:
        await trades.collect(opened)
        listed.respond(json=enveloped([on_the_wire(SEVERAL[4])]))
        collected = await trades.collect(opened)
    assert [t.id for t in collected.history.trades] == [t.id for t in SEVERAL]
    assert [t.id for t in collected.history.forgotten] == ["t0", "t1", "t2", "t3"]
    assert collected.trouble == ""


async def test_unordered_and_repeated_trades_are_each_counted_once_by_closing_time(
    tmp_path: Path, wire: respx.MockRouter
) -> None:
    serve(wire, [SEVERAL[n] for n in (3, 1, 4, 1, 0, 2, 3)])
    async with desk(tmp_path) as opened:
        collected = await trades.collect(opened)
        assert len(await trades.archive(opened.store)) == 5
    assert [t.id for t in collected.history.trades] == [t.id for t in SEVERAL]
    assert [r.problem for r in collected.listed.rejected] == ["id is listed twice"] * 2


async def test_a_trade_that_changes_is_told_and_the_archive_keeps_what_it_saw(
    tmp_path: Path, wire: respx.MockRouter
) -> None:
    listed = serve(wire, SEVERAL)
    async with desk(tmp_path) as opened:
        await trades.collect(opened)
        listed.respond(json=enveloped([on_the_wire(replace(t, pnl=Decimal(99))) for t in SEVERAL[:1]]))
        collected = await trades.collect(opened)
        assert collected.history.changed == ("t0",)
        assert (await trades.archive(opened.store))["t0"].pnl == SEVERAL[0].pnl


@pytest.mark.parametrize("key", ["a b", "x" * 300, "<script>", "ünïcode", "a.b$c\0", ""])
async def test_an_id_that_can_be_no_key_is_kept_all_the_same(tmp_path: Path, wire: respx.MockRouter, key: str) -> None:
    hostile = on_the_wire(SEVERAL[0]) | {"id": key, "symbol": "$.", "strategy": "a.b"}
    serve(wire, [hostile, SEVERAL[1]])
    async with desk(tmp_path) as opened:
        first = await trades.collect(opened)
        again = await trades.collect(opened)
    assert first.trouble == again.trouble == ""
    assert len(first.history.trades) == len(again.history.trades) == 2
    assert first.history.changed == again.history.changed == ()


async def test_the_archive_is_read_whole_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trades, "PAGE", 3)
    at_once = [closed(1, hours_ago=5, key=f"same{n}") for n in range(8)]
    several = [*SEVERAL, *at_once, *(closed(1, hours_ago=4 - n / 100, key=f"later{n}") for n in range(10))]
    async with desk(tmp_path) as opened:
        await opened.store.add_points(trades.SERIES, [trades._point(t) for t in several])
        assert (await trades.archive(opened.store)).keys() == {t.id for t in several}


async def test_an_archive_that_cannot_be_read_costs_no_trade_of_the_engine(
    tmp_path: Path, wire: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(wire, SEVERAL)
    monkeypatch.setattr(trades, "archive", AsyncMock(side_effect=UnavailableError("store", "it is down")))
    async with desk(tmp_path) as opened:
        collected = await trades.collect(opened)
    assert len(collected.history.trades) == 5
    assert collected.trouble.endswith("trades that the engine forgot are missing: it is down")


async def test_an_archive_that_cannot_be_written_is_told(tmp_path: Path, wire: respx.MockRouter) -> None:
    class Full:
        def __getattr__(self, name: str) -> object:
            return getattr(self.store, name)

        def __init__(self, store: object) -> None:
            self.store = store

        async def add_points(self, _: str, __: list[Point]) -> None:
            raise RejectedError("store", "the disk is full")

    serve(wire, SEVERAL)
    async with desk(tmp_path) as opened:
        collected = await trades.collect(replace(opened, store=Full(opened.store)))
    assert collected.trouble == "5 trades could not be kept: the disk is full"
    assert len(collected.history.trades) == 5


async def test_an_engine_that_does_not_answer_is_an_error(tmp_path: Path, wire: respx.MockRouter) -> None:
    wire.get(f"{PAPER}/trades/closed").respond(503)
    async with desk(tmp_path) as opened:
        with pytest.raises(TransientError):
            await trades.collect(opened)


@pytest.mark.usefixtures("untraced")
async def test_more_trades_than_any_page_are_kept_and_none_is_cut_off(tmp_path: Path, wire: respx.MockRouter) -> None:
    start = NOW - timedelta(days=600)
    listed = [
        on_the_wire(SEVERAL[0])
        | {
            "id": f"t{n}",
            "pnl": float(n % 7 - 3),
            "open_time": (start + n * timedelta(minutes=8)).isoformat(),
            "close_time": (start + (n + 1) * timedelta(minutes=8)).isoformat(),
        }
        for n in range(MANY)
    ]
    serve(wire, listed[::-1])
    async with desk(tmp_path) as opened:
        first = await trades.collect(opened)
        again = await trades.collect(opened)
    assert (first.added, again.added) == (MANY, 0)
    assert [t.id for t in again.history.trades] == [f"t{n}" for n in range(MANY)]
    assert sum(t.pnl for t in again.history.trades) == sum(n % 7 - 3 for n in range(MANY))
