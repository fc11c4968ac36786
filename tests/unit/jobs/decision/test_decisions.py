"""How decisions are kept, read back, replayed and joined with what became of them."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.domain.decisions.builders import ballot, decision, proposal
from tests.unit.jobs.analysis_ground import analyse, decided, ground, keep_week
from tests.unit.jobs.llm_wire import answer_text, responses
from tradeops.adapters.store import Point, open_store
from tradeops.domain.decisions.decision import Analysis, Ballot, Kind, Start
from tradeops.domain.decisions.outcomes import Group
from tradeops.errors import ConflictError, ContractError, RejectedError
from tradeops.jobs import races
from tradeops.jobs.decision import decisions
from tradeops.jobs.decision.outcomes import outcomes, read_reliability

DAY = timedelta(days=1)


async def test_what_was_decided_first_stays_and_a_start_never_goes_back(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        first = await decisions.keep(store, decision())
        other = replace(decision(), made_at=first.made_at + timedelta(hours=1), run_id="other")
        assert await decisions.keep(store, other) == first
        started = await decisions.keep(store, replace(first, start=Start.STARTED, retrain_run_id="r"))
        assert (started.start, started.run_id) == (Start.STARTED, "run-1")
        assert await decisions.keep(store, replace(first, start=Start.GIVEN_UP, problem="x")) == started
        assert await decisions.keep(store, first) == started
        assert await decisions.everything(store) == [started]


async def test_a_pending_start_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        await decisions.keep(store, decision())
        await decisions.keep(store, decision())
        kept = await store.get("decisions", decision().decision_id)
        assert kept
        assert kept.version == 1


async def test_a_decision_that_others_change_again_and_again_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:

        async def late(*_: object, **__: object) -> None:
            raise ConflictError("store", "somebody was first")

        monkeypatch.setattr(store, "put", late)
        monkeypatch.setattr(races, "LONGEST_PAUSE_SECONDS", 0)
        with pytest.raises(ConflictError, match="40 times in a row"):
            await decisions.keep(store, decision())


async def test_a_decision_that_is_not_there_and_one_that_is_none_are_told(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        with pytest.raises(RejectedError, match="tradeops decision list"):
            await decisions.read(store, "2026-11-25")
        await store.put("decisions", "x", {"full": {"decision_id": 5}}, expected_version=None)
        with pytest.raises(ContractError, match="newer release"):
            await decisions.read(store, "x")


async def test_a_replay_decides_by_the_raw_answers_as_it_was_decided(tmp_path: Path) -> None:
    async with ground(tmp_path) as desk:
        await keep_week(desk)
        made = decided(await analyse(desk))
        kept = await decisions.read(desk.store, made.decision_id)
    assert kept.verdict == made.verdict
    assert decisions.replayed(kept) == kept.verdict
    assert all(one.body for one in kept.ballots)


def raw(number: int, text: str) -> Ballot:
    body = json.dumps(responses(text))
    return ballot(number, None, body=body, body_sha256=hashlib.sha256(body.encode()).hexdigest())


def test_a_replay_believes_the_answers_and_not_what_was_read_from_them() -> None:
    answers = tuple(raw(n, answer_text(confidence=0.9)) for n in (1, 2, 3))
    forged = replace(decision(None, None, None), ballots=answers)
    assert not forged.verdict.start_retrain
    assert decisions.replayed(forged).start_retrain


def test_a_replay_of_an_answer_that_is_not_whole_goes_by_what_was_read_at_the_time() -> None:
    shortened = ballot(1, proposal(), body="{", body_sha256="0" * 64)
    assert decisions.replayed(replace(decision(), ballots=(shortened,) * 3)).start_retrain
    unanswered = replace(shortened, status=None)
    assert not decisions.replayed(replace(decision(), ballots=(unanswered,) * 3)).start_retrain


async def test_a_pending_decision_enters_the_history_once_it_is_started(tmp_path: Path) -> None:
    async with open_store("sqlite", home=tmp_path, mongodb_url=None) as store:
        made = decision(made_at=datetime.now(UTC))
        pending = Analysis(Kind.DECIDED, "run-1", made.made_at, decision=made)
        await decisions.remember(store, pending, week=None)
        assert await store.newest_point(decisions.HISTORY) is None
        started = replace(made, start=Start.STARTED, retrain_run_id="r")
        for _ in range(2):
            await decisions.remember(store, replace(pending, decision=started), week=None)
        [point] = await store.points(decisions.HISTORY, since=made.made_at - DAY, until=made.made_at + DAY)
        body = point.body
        assert (body["retrain_triggered"], body["retrain_run_id"], body["source"]) == (True, "r", "llm")


@pytest.mark.parametrize(
    ("kind", "starts"),
    [
        pytest.param("text/html", False, id="a web page"),
        pytest.param("application/json", True, id="JSON"),
        pytest.param("", True, id="not said"),
        pytest.param(None, False, id="not kept, in an old record"),
    ],
)
def test_a_replay_judges_an_answer_by_its_content_type_too(kind: str | None, starts: bool) -> None:
    answers = tuple(replace(raw(n, answer_text()), failure="foreign", content_type=kind) for n in (1, 2, 3))
    assert decisions.replayed(replace(decision(None, None, None), ballots=answers)).start_retrain is starts


async def test_decisions_are_joined_with_the_weeks_after_them(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    async with ground(tmp_path) as desk:
        for n in range(40):
            await keep_week(desk, day=now.date() - n * DAY, win_rate=50.0 + n % 3)
        assert await read_reliability(desk, now) is None
        for n in range(10, 22):
            day = now.date() - n * DAY
            start = {"start": Start.STARTED, "retrain_run_id": "r"} if n % 2 else {"start": Start.NONE}
            made = decision(decision_id=day.isoformat(), date=day, made_at=now - n * DAY, **start)
            await decisions.remember(desk.store, Analysis(Kind.DECIDED, "r", now, decision=made), week=None)
        bad = {"kind": "decided", "decision_id": "x", "date": "never"}
        await desk.store.add_point(decisions.HISTORY, Point("bad", now - DAY, bad))
        await desk.store.add_point(
            decisions.HISTORY, Point("none", now - DAY, {"kind": "unanswered", "decision_id": "y"})
        )
        odd = {"kind": "decided", "decision_id": "z", "date": (now.date() - 9 * DAY).isoformat(), "confidence": "much"}
        await desk.store.add_point(decisions.HISTORY, Point("odd", now - DAY, odd))
        found = await outcomes(desk, now)
        table = await read_reliability(desk, now)
    assert len(found) == 13
    assert {one.decided.group for one in found} == {Group.RETRAINED, Group.VETOED, Group.LEFT}
    assert table
    assert table.outcomes == 13
    assert table.brier.value is not None
