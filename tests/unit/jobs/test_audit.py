"""The trail in a real store: neither fork nor gap, whoever writes at once or is killed; what was changed is named."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tradeops.adapters.store import AuditEvent, open_store
from tradeops.adapters.store.opening import FILE
from tradeops.errors import ConflictError, ContractError
from tradeops.jobs import audit, races

AT = datetime(2026, 11, 25, 3, tzinfo=UTC)


async def add(store: Any, number: int, *, at: datetime = AT) -> None:  # noqa: ANN401 - any store
    await audit.append(store, at=at, actor="job", what="decided", content={"n": number})


async def test_records_follow_each_other_across_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 3)
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        assert (await audit.verify(store)).records == 0
        for number in range(8):
            await add(store, number, at=AT + timedelta(seconds=number // 2))
        found = await audit.verify(store)
        assert (found.records, found.problems) == (8, ())


async def test_writers_at_once_make_one_chain(tmp_path: Path) -> None:
    async with (
        open_store("sqlite", home=tmp_path, mongodb_url=None) as one,
        open_store("sqlite", home=tmp_path, mongodb_url=None) as other,
    ):
        # each its own: the same one twice in a row would be there once
        await asyncio.gather(*(add(store, place + 2 * n) for n in range(8) for place, store in enumerate((one, other))))
        there, damaged = await audit.records(one)
        assert ([record.number for record in there], damaged) == (list(range(1, 17)), [])
        assert (await audit.verify(other)).problems == ()


async def test_a_record_of_a_writer_that_was_killed_is_stored_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        await add(store, 1)

        async def killed(event: AuditEvent) -> None:
            if event.event_id.endswith("2"):
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(store, "append_event", killed)
            with pytest.raises(KeyboardInterrupt):
                await add(store, 2)
        assert (await audit.verify(store)).problems == ()
        await add(store, 3)
        there, _ = await audit.records(store)
        assert [record.number for record in there] == [1, 2, 3]
        assert (await audit.verify(store)).problems == ()


def tampered(home: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(home / FILE) as connection:
        assert connection.execute(sql, values).rowcount == 1


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        pytest.param("DELETE FROM events WHERE event_id = 'chain-000000000002'", "record 2 is missing", id="deleted"),
        pytest.param(
            "UPDATE events SET body = replace(body, '\"n\":1', '\"n\":5') WHERE event_id = 'chain-000000000002'",
            "record 2 (decided, 2026-11-25T03:00:00+00:00) was changed",
            id="changed",
        ),
        pytest.param(
            "UPDATE events SET body = '{}' WHERE event_id = 'chain-000000000002'",
            "chain-000000000002 is no record: Record has no number",
            id="damaged",
        ),
        pytest.param(
            "UPDATE events SET event_id = 'chain-000000000009' WHERE event_id = 'chain-000000000002'",
            "chain-000000000009 holds record 2",
            id="renamed",
        ),
        pytest.param(
            "DELETE FROM documents WHERE collection = 'audit_chain'", "the head of the chain is missing", id="no head"
        ),
    ],
)
async def test_what_was_changed_in_the_file_is_named(tmp_path: Path, sql: str, problem: str) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        for number in range(4):
            await add(store, number)
    tampered(tmp_path, sql)
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        assert problem in (await audit.verify(store)).problems


async def test_a_head_of_something_else_is_told(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        await store.put("audit_chain", "head", {"number": 1}, expected_version=None)
        with pytest.raises(ContractError, match="was it changed by hand"):
            await add(store, 1)


async def test_a_writer_that_never_gets_its_turn_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(races, "LONGEST_PAUSE_SECONDS", 0)
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:

        async def late(*_: object, **__: object) -> None:
            raise ConflictError("store", "somebody was first")

        monkeypatch.setattr(store, "put", late)
        with pytest.raises(ConflictError, match="40 times in a row"):
            await add(store, 1)


async def test_what_was_appended_is_json_in_the_store(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        await add(store, 1)
        [event] = await store.events(since=AT, until=AT + timedelta(hours=1), kind="chain_record")
        assert json.loads(json.dumps(dict(event.body)))["content"] == {"n": 1}
