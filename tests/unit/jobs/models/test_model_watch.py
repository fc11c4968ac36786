"""The watch: live candles alone count, once, and what is not watched any more ends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import respx

from tests.unit.jobs.exchange_wire import NOW, Exchange
from tests.unit.jobs.models.test_retrain import SYMBOL, desk
from tests.unit.jobs.trainers import FakeTrainer
from tradeops.adapters.store import Document, Store
from tradeops.errors import ConflictError, UnavailableError
from tradeops.jobs.models.model_watch import catch_up, look, watched_models
from tradeops.jobs.models.promotion import WATCHES
from tradeops.jobs.models.retrain_inputs import SETTLED
from tradeops.jobs.models.rollback import ROLLED_BACK

KEY = f"lstm:{SYMBOL}"
EVER = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}


@pytest.fixture(autouse=True)
def exchange() -> object:
    with respx.mock(assert_all_called=False) as wire:
        yield Exchange(wire)


async def begin(store: Store, *, hours: float) -> Document:
    body = {
        "model_type": "lstm",
        "symbol": SYMBOL,
        "version": "new",
        "previous": "old",
        "promoted_at": (NOW - timedelta(hours=hours)).isoformat(),
        "over": False,
        "says": "",
    }
    return await store.put(WATCHES, KEY, body, expected_version=None)


def watched(new: float, old: float) -> FakeTrainer:
    trainer = FakeTrainer()
    trainer.put_in_use("lstm", SYMBOL, "old", old)
    trainer.put_in_use("lstm", SYMBOL, "new", new)
    return trainer


async def test_a_model_that_is_not_clearly_worse_stays_and_stays_watched(tmp_path: Path) -> None:
    trainer = watched(0.5, 0.55)
    async with desk(tmp_path, trainer) as opened:
        found = await look(opened, await begin(opened.store, hours=40), now=NOW)
        assert [one.key for one in await watched_models(opened)] == [KEY]
    assert found.watched is not None
    closed = 38 if (NOW - SETTLED).hour == NOW.hour else 37  # the one that closed a moment ago does not count yet
    assert (found.rolled_back, found.watched.over, found.watched.candles) == (False, False, closed)
    assert trainer.in_use["lstm", SYMBOL] == ["old", "new"]


async def test_the_watch_is_over_after_its_window(tmp_path: Path) -> None:
    async with desk(tmp_path, watched(0.5, 0.5)) as opened:
        found = await look(opened, await begin(opened.store, hours=49), now=NOW)
        assert await watched_models(opened) == []
    assert not found.rolled_back


@pytest.mark.parametrize("hours", [0.01, 1.2])
async def test_before_a_live_candle_has_closed_there_is_nothing_to_tell(tmp_path: Path, hours: float) -> None:
    async with desk(tmp_path, watched(0.0, 1.0)) as opened:
        found = await look(opened, await begin(opened.store, hours=hours), now=NOW)
    assert found.figures in {"0 live candles are too few to tell", "1 live candles are too few to tell"}


async def test_a_model_that_somebody_has_replaced_is_watched_no_more(tmp_path: Path) -> None:
    trainer = watched(0.0, 1.0)
    trainer.put_in_use("lstm", SYMBOL, "newest", 0.5)
    async with desk(tmp_path, trainer) as opened:
        found = await look(opened, await begin(opened.store, hours=40), now=NOW)
        assert await watched_models(opened) == []
    assert found.says == f"lstm {SYMBOL} new: another version is in use"
    assert trainer.in_use["lstm", SYMBOL][-1] == "newest"


async def test_a_worse_model_is_rolled_back_also_where_the_disk_has_no_room_for_another_training(
    tmp_path: Path,
) -> None:
    trainer = watched(0.1, 0.9)
    trainer.free_disk_gib = 9.9
    async with desk(tmp_path, trainer) as opened:
        assert (await look(opened, await begin(opened.store, hours=40), now=NOW)).rolled_back
    assert trainer.in_use["lstm", SYMBOL] == ["old"]


async def test_without_a_trainer_nothing_can_have_come_into_use(tmp_path: Path) -> None:
    async with desk(tmp_path) as opened:
        assert await catch_up(opened) == ()


async def test_two_looks_at_once_roll_back_once(tmp_path: Path) -> None:
    trainer = watched(0.1, 0.9)
    async with desk(tmp_path, trainer) as opened:
        document = await begin(opened.store, hours=40)
        first = await look(opened, document, now=NOW)
        second = await look(opened, document, now=NOW)  # it saw the watch as it was before
        assert (first.rolled_back, second.rolled_back) == (True, False)
        [point] = await opened.store.points("model_rollbacks", **EVER)
    assert point.body["automatic"] is True
    assert trainer.in_use["lstm", SYMBOL] == ["old"]


async def test_a_roll_back_whose_answer_was_lost_is_recorded_and_told_by_the_next_look(tmp_path: Path) -> None:
    trainer = watched(0.1, 0.9)
    trainer.lose_the_answer()
    async with desk(tmp_path, trainer) as opened:
        document = await begin(opened.store, hours=40)
        with pytest.raises(UnavailableError):
            await look(opened, document, now=NOW)
        looks = [await look(opened, document, now=NOW) for _ in range(2)]
        assert [one.rolled_back for one in looks] == [True, False]
        assert "rolled back to old: right in" in looks[0].says
        [event] = await opened.store.events(**EVER, kind=ROLLED_BACK)
        [point] = await opened.store.points("model_rollbacks", **EVER)
        assert await watched_models(opened) == []
    assert point.body == event.body
    assert point.body.items() >= {"from_version": "new", "to_version": "old", "automatic": True}.items()


async def test_a_roll_back_that_the_trainer_does_not_do_is_an_error_and_the_watch_goes_on(tmp_path: Path) -> None:
    trainer = watched(0.1, 0.9)

    async def taken(*_: object, **__: object) -> object:
        raise ConflictError("trainer", "another version is in use")

    trainer.rollback = taken  # type: ignore[method-assign, assignment]
    async with desk(tmp_path, trainer) as opened:
        document = await begin(opened.store, hours=40)
        with pytest.raises(ConflictError):
            await look(opened, document, now=NOW)
        assert [one.key for one in await watched_models(opened)] == [KEY]
