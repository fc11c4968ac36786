"""What an analysis left behind, at the distances of time at which something of ours does run: a quarter hour, a day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.jobs.analysis_ground import GOOD, Starts, analyse, decided, ground, keep_week
from tradeops.domain.decisions.decision import Decision, Start
from tradeops.domain.decisions.outcomes import Group
from tradeops.errors import UnavailableError
from tradeops.jobs import audit
from tradeops.jobs.decision import board as decision_board
from tradeops.jobs.decision import decisions, self_analysis
from tradeops.jobs.decision.left_behind import left_behind
from tradeops.jobs.decision.outcomes import _decided as as_outcome
from tradeops.wiring import Desk

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUARTER, NEXT_NIGHT = 15 * MINUTE, 24 * HOUR
DOWN = UnavailableError("prefect", "connection refused")


class Killed(Starts):
    """A Prefect whose caller is killed before it has asked, or once the run is there."""

    def __init__(self, *, after: bool) -> None:
        super().__init__()
        self._after = after

    async def __call__(self, decision: Decision) -> str:
        if self._after:
            await super().__call__(decision)
        raise KeyboardInterrupt


async def killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


async def kept(desk: Desk) -> Decision:
    [only] = await decisions.everything(desk.store)
    return only


async def told(desk: Desk, decision: Decision) -> tuple[list[str], Group | None]:
    """The last word of the trail, and how the table of outcomes files the decision."""
    records, _ = await audit.records(desk.store)
    since, until = decision.made_at - HOUR, decision.made_at + HOUR
    outcomes = [as_outcome(one.body) for one in await desk.store.points(decisions.HISTORY, since=since, until=until)]
    return [one.what for one in records[2:]], next((one.group for one in outcomes if one), None)


@pytest.mark.parametrize("after", [False, True], ids=["before Prefect was asked", "after Prefect made the run"])
async def test_what_a_killed_run_decided_is_started_at_the_next_quarter_of_an_hour(tmp_path: Path, after: bool) -> None:
    prefect, starts = Killed(after=after), Starts()
    async with ground(tmp_path) as desk:
        await keep_week(desk)
        with pytest.raises(KeyboardInterrupt):
            await analyse(desk, start=prefect)
        made = (await kept(desk)).made_at
        assert await left_behind(desk.store, now=made + 4 * MINUTE) == ""  # its own run may be at it still
        assert await left_behind(desk.store, now=made + QUARTER) == (await kept(desk)).decision_id
        await analyse(desk, run_id="run-2", start=starts, now=made + QUARTER)
        done = await kept(desk)
        assert (done.start, starts.asked) == (Start.STARTED, [done.decision_id])
        assert await left_behind(desk.store, now=made + 2 * QUARTER) == ""


@pytest.mark.parametrize(
    ("after", "start", "group", "word"),
    [
        pytest.param(True, Start.STARTED, Group.RETRAINED, "started", id="it ran"),
        pytest.param(False, Start.GIVEN_UP, Group.VETOED, "given_up", id="it did not"),
    ],
)
async def test_a_night_later_the_trail_says_whether_the_retrain_ran(
    tmp_path: Path, after: bool, start: Start, group: Group, word: str
) -> None:
    prefect = Killed(after=after)
    async with ground(tmp_path) as desk:
        await keep_week(desk)
        with pytest.raises(KeyboardInterrupt):
            await analyse(desk, start=prefect)
        asked, night = list(prefect.asked), (await kept(desk)).made_at + NEXT_NIGHT
        await keep_week(desk, now=night, **GOOD)
        late = await analyse(desk, run_id="run-2", start=prefect, now=night)
        done = await kept(desk)
        assert (done.start, done.retrain_run_id != "") == (start, start is Start.STARTED)
        assert prefect.asked == asked  # too old to be started, also once more
        assert await told(desk, done) == ([word], group)
        assert [one.decision_id for one in late.left_behind] == [done.decision_id]
        board, _ = await decision_board.read(desk.store)
        assert (board.pending, len(board.retrains)) == ({}, 1 if start is Start.STARTED else 0)


async def test_while_prefect_does_not_say_whether_it_ran_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefect = Starts(DOWN, DOWN)
    async with ground(tmp_path) as desk:
        await keep_week(desk)
        made = decided(await analyse(desk, start=prefect)).made_at

        async def silent(_: Decision) -> str | None:
            raise DOWN

        with monkeypatch.context() as away:
            away.setattr(prefect, "find", silent)
            await analyse(desk, run_id="run-2", start=prefect, now=made + 7 * HOUR)
        waiting = await kept(desk)
        assert (waiting.start, "whether it was started before is not known" in waiting.problem) == (Start.PENDING, True)
        assert await left_behind(desk.store, now=made + 7 * HOUR) == waiting.decision_id
        await analyse(desk, run_id="run-3", start=prefect, now=made + 7 * HOUR + QUARTER)
        assert (await kept(desk)).start is Start.GIVEN_UP


@pytest.mark.parametrize("forced", [False, True])
async def test_a_decision_that_is_paid_and_in_the_trail_alone_is_left_behind_for_six_hours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forced: bool
) -> None:
    async with ground(tmp_path) as desk:
        await keep_week(desk)
        assert await left_behind(desk.store, now=datetime.now(UTC)) == ""
        with monkeypatch.context() as ends:
            ends.setattr(self_analysis, "_commit", killed)
            with pytest.raises(KeyboardInterrupt):
                await analyse(desk, forced=forced)
        head, _ = await audit.read_head(desk.store)
        assert head
        found = [await left_behind(desk.store, now=head.last.at + after) for after in (MINUTE, QUARTER, 7 * HOUR)]
        today = "" if forced else head.last.at.date().isoformat()  # nobody else bears the id of a forced run
        assert found == ["", today, ""]
        await analyse(desk, run_id="run-2", forced=forced, now=None)
        assert await left_behind(desk.store, now=head.last.at + QUARTER) == ""
