"""The journal and the store meet afterwards: each thing once, and what two machines did is one incident."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.brake.steps import let_go, pull
from tests.contract.guard.engines import Bot
from tradeops.adapters.engine.client import EngineClient
from tradeops.adapters.store import Store, open_store
from tradeops.domain.brakes import Kind, Order, Record
from tradeops.jobs.brake.brake import brake
from tradeops.jobs.brake.journal import Journal
from tradeops.jobs.brake.records import COLLECTION, SERIES, replay

HOUR = timedelta(hours=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store("sqlite", home=tmp_path / "store") as one:
        yield one


async def audit(store: Store) -> list[str]:
    now = datetime.now(UTC)
    return [event.kind for event in await store.events(since=now - HOUR, until=now + HOUR)]


async def points(store: Store) -> list[str]:
    now = datetime.now(UTC)
    found = await store.points(SERIES, since=now - HOUR, until=now + HOUR)
    return [str(point.body["phase"]) for point in found]


async def test_what_was_done_without_the_store_is_told_to_it_once(
    engine: EngineClient, store: Store, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "a")
    await pull(engine, journal)
    for new in (2, 0, 0):
        assert await replay(Journal(tmp_path / "a"), store) == new
    assert await audit(store) == ["strategy_disable_ordered", "strategy_disabled"]
    assert await points(store) == ["intent", "result"]


async def test_two_machines_that_braked_unknown_to_each_other_are_one_incident_at_replay(
    engine: EngineClient, store: Store, tmp_path: Path
) -> None:
    ours, theirs = Journal(tmp_path / "a"), Journal(tmp_path / "b")
    first, second = await pull(engine, ours), await pull(engine, theirs)
    assert first.incident_id != second.incident_id
    for _ in range(2):
        await replay(theirs, store)
        await replay(ours, store)
    assert await audit(store) == ["strategy_disable_ordered", "strategy_disabled"]


async def test_a_machine_learns_from_the_store_what_is_off_and_what_was_released(
    bot: Bot, engine: EngineClient, store: Store, tmp_path: Path
) -> None:
    ours, theirs = Journal(tmp_path / "a"), Journal(tmp_path / "b")
    await pull(engine, ours)
    await replay(ours, store)
    await replay(theirs, store)
    assert theirs.standing()["symbol:ETHUSDT"].symbols == ("ETHUSDT",)
    await let_go(engine, theirs)
    await replay(theirs, store)
    await replay(ours, store)
    assert ours.standing() == theirs.standing() == {}
    assert bot.on() == ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT")
    assert (await audit(store))[-1] == "strategy_released"


async def test_a_second_disable_after_a_release_is_another_incident(
    engine: EngineClient, store: Store, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "a")
    first = await pull(engine, journal)
    await let_go(engine, journal)
    second = await pull(engine, journal)
    assert first.incident_id != second.incident_id
    for _ in range(2):
        await replay(journal, store)
    once = ["strategy_disable_ordered", "strategy_disabled"]
    assert await audit(store) == [*once, "strategy_released", *once]


async def test_a_torn_and_a_spoilt_line_are_left_out_and_what_follows_is_kept(
    engine: EngineClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path / "a")
    await pull(engine, journal)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b'00000000 {"kind": "release"}\n' + whole[:40])
    assert journal.standing()["symbol:ETHUSDT"].confirmed
    await pull(engine, journal, "symbol:BTCUSDT")
    assert list(journal.standing()) == ["symbol:ETHUSDT", "symbol:BTCUSDT"]
    assert caplog.text.count("left out, since they are not what was written: lines 4, 5") == 1
    journal.path.write_bytes(b"\0\n" * 9)
    assert journal.standing() == {}
    assert "lines 1, 2, 3, 4, 5 and 4 more" in caplog.text


async def test_what_a_spoilt_journal_has_forgotten_the_store_still_knows(
    engine: EngineClient, store: Store, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "here")
    first = await pull(engine, journal)
    await replay(journal, store)
    journal.path.write_bytes(b"X" + journal.path.read_bytes()[1:])  # its intent
    assert journal.standing() == {}
    await replay(journal, store)
    assert journal.standing()["symbol:ETHUSDT"].incident_id == first.incident_id
    await replay(journal, store)
    assert (await audit(store)).count("strategy_disabled") == 1


async def test_what_the_store_would_not_take_is_told_as_it_can_be_and_holds_up_nothing_else(
    engine: EngineClient, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path / "here")
    odd = {"reason": "bad \udcff byte", "actor": "ann", "figures": {"loss.usd": "1", "$": "2", "": "3"}}
    now = datetime.now(UTC) - timedelta(minutes=1)
    journal.append(Record(Kind.INTENT, "RSI Strategy", "brake:RSI_Strategy@1", now, odd))
    journal.append(Record(Kind.INTENT, "MACD Strategy", "brake:MACD_Strategy@1", now, {"figures": {"usd": 2**70}}))
    await pull(engine, journal)
    await replay(journal, store)
    assert "the store does not take what the journal says of brake:MACD_Strategy@1" in caplog.text
    assert await audit(store) == ["strategy_disable_ordered", "strategy_disable_ordered", "strategy_disabled"]
    kept = await store.get(COLLECTION, "RSI_Strategy")
    assert kept is not None
    assert (kept.body["reason"], kept.body["figures"]) == ("bad ? byte", {"loss_usd": "1", "_": "3"})


async def test_targets_that_look_alike_to_the_store_are_kept_apart(
    engine: EngineClient, store: Store, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "here")
    for name in ("Scalper ∆", "Scalper π", "S" * 300):
        await brake(engine, journal, Order(name, "lost", "guard"), mapped={}, known=(name,))
    await replay(journal, store)
    kept = await store.documents(COLLECTION)
    assert {str(one.body["target"]) for one in kept} == {"Scalper ∆", "Scalper π", "S" * 300}
    assert (await audit(store)).count("strategy_disabled") == 3


async def test_an_order_for_what_is_not_there_is_not_told_before_it_is_known_to_mean_something(
    store: Store, tmp_path: Path
) -> None:
    journal, now = Journal(tmp_path / "here"), datetime.now(UTC)
    fresh = Record(Kind.INTENT, "symbol:NOSUCH", "brake:NOSUCH@1", now, {"reason": "typed wrongly"})
    journal.append(fresh)
    await replay(journal, store)
    assert await audit(store) == []
    journal.append(Record(Kind.VOID, fresh.target, fresh.incident_id, now))
    old = replace(fresh, target="symbol:GONE", incident_id="brake:GONE@1", at=now - timedelta(seconds=31))
    journal.append(old)
    await replay(journal, store)
    assert await audit(store) == ["strategy_disable_ordered"], "whoever asked for it was killed"
    journal.append(Record(Kind.VOID, old.target, old.incident_id, now))
    await replay(journal, store)
    await replay(journal, store)
    assert await audit(store) == ["strategy_disable_ordered", "strategy_disable_void"]
    assert journal.standing() == {}
