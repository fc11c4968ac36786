"""The trail of decisions and the decisions themselves in every store, and while a MongoDB goes down between writes."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.store.stores import HASTY, MongoServer
from tests.unit.domain.decisions.builders import decision
from tradeops.adapters.store import AuditEvent, Store
from tradeops.adapters.store.mongodb import MongoStore
from tradeops.adapters.store.spool import Spool
from tradeops.adapters.store.spooling import SpoolingStore
from tradeops.domain.decisions import board as rules
from tradeops.domain.decisions.decision import Start
from tradeops.errors import UnavailableError
from tradeops.jobs import audit
from tradeops.jobs.decision import board as decision_board
from tradeops.jobs.decision import decisions

AT = datetime(2026, 11, 25, 3, tzinfo=UTC)


async def add(store: Store, number: int) -> None:
    await audit.append(store, at=AT, actor="job", what="decided", content={"n": number, "share": 0.1, "none": None})


async def test_writers_at_once_make_one_whole_chain(store: Store) -> None:
    await asyncio.gather(*(add(store, number) for number in range(6)))
    found = await audit.verify(store)
    assert (found.records, found.problems) == (6, ())


async def test_a_decision_and_its_board_come_back_as_they_were(store: Store) -> None:
    made = decision()
    kept = await decisions.keep(store, made)
    assert kept == await decisions.find(store, made.decision_id) == made
    started = await decisions.keep(store, replace(kept, start=Start.STARTED))
    assert (await decisions.read(store, made.decision_id)).start is started.start is Start.STARTED

    def commit(board: rules.Board) -> tuple[rules.Board, None]:
        body = decisions.as_body(made)
        return rules.committed(board, made.decision_id, body, start_retrain=True, now=AT), None

    await decision_board.change(store, commit)
    board, _ = await decision_board.read(store)
    assert decisions.decision_of(board.pending[made.decision_id]) == made


async def test_a_record_that_waits_in_a_spool_is_no_gap(own_server: MongoServer, tmp_path: Path) -> None:
    own_server.start()
    mongodb, elsewhere = MongoStore(own_server.url), MongoStore(own_server.url)
    spool = Spool(tmp_path / "spool.sqlite")
    store = SpoolingStore(mongodb, spool, patience=HASTY)
    try:
        await add(store, 1)

        async def down(_event: AuditEvent) -> bool:
            raise UnavailableError("mongodb", "down")

        with pytest.MonkeyPatch.context() as patch:
            real = mongodb.append_event
            patch.setattr(mongodb, "append_event", lambda e: down(e) if e.event_id.endswith("2") else real(e))
            await add(store, 2)
        assert (await spool.pending()).waiting == 1
        assert (await audit.verify(elsewhere)).problems == ()
        await add(elsewhere, 3)  # another machine, which has no such spool
        there, damaged = await audit.records(elsewhere)
        assert ([record.number for record in there], damaged) == ([1, 2, 3], [])
        await store.replay(within=timedelta(seconds=30))
        assert (await spool.pending()).waiting == 0
        assert (await audit.verify(elsewhere)).problems == ()
    finally:
        await mongodb.close()
        await elsewhere.close()
        spool.close()
