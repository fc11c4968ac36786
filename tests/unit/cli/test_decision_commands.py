"""`tradeops decision`, `audit` and `eval` in the terminal, on a real store and the sandbox's language model."""

import asyncio
import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Invoke
from tests.unit.domain.decisions.builders import decision, evidence, training
from tests.unit.jobs.analysis_ground import KEY, analyse, decided, ground, keep_week, language_model
from tests.unit.jobs.llm_wire import GOOD
from tradeops.adapters.store.opening import FILE
from tradeops.errors import RejectedError
from tradeops.jobs import audit
from tradeops.jobs.decision import decisions

EAGER = GOOD | {"confidence": 0.9}


@pytest.fixture
def decision_id(home: Path) -> str:
    """Of one that was made for this home."""

    async def make() -> str:
        async with ground(home) as desk:
            await keep_week(desk)
            old = decision(decision_id="2026-01-01", evidence=evidence(training=training(5)))
            content = decisions.as_body(old)
            record = await audit.append(desk.store, at=old.made_at, actor="x", what="decided", content=content)
            await decisions.keep(desk.store, replace(old, record=record.number, record_sha256=record.sha256))
            return decided(await analyse(desk)).decision_id

    return asyncio.run(make())


def test_decisions_are_listed_the_newest_first(invoke: Invoke, decision_id: str) -> None:
    done = invoke("decision", "list")
    lines = done.output.splitlines()
    assert done.exit_code == 0
    assert [line.split()[0] for line in lines[1:3]] == [decision_id, "2026-01-01"]
    assert f"started run-of-{decision_id}" in lines[1]
    assert "no: cooldown" in lines[2]
    assert lines[-1] == "2 shown"
    [one] = json.loads(invoke("decision", "list", "--limit", "1", "--format", "json").output)
    assert (one["decision_id"], one["recommendation"]) == (decision_id, "retrain")


def test_an_empty_list_says_so(invoke: Invoke) -> None:
    assert invoke("decision", "list").output == "0 shown\n"


def test_a_decision_is_shown_with_all_it_rests_on(invoke: Invoke, decision_id: str) -> None:
    text = invoke("decision", "show", decision_id).output
    for part in ("a retrain is started", "Evidence", "Votes", "Rules", "majority"):
        assert part in text
    body = json.loads(invoke("decision", "show", decision_id, "--format", "json").output)
    assert (body["decision_id"], len(body["ballots"])) == (decision_id, 3)


def test_a_replay_gives_the_same_verdict_without_a_language_model(invoke: Invoke, decision_id: str) -> None:
    done = invoke("decision", "replay", decision_id)
    assert (done.exit_code, done.output.startswith("the same verdict: retrain, a retrain, confidence 0.95")) == (
        0,
        True,
    )


def test_a_replay_that_differs_is_told(invoke: Invoke, decision_id: str, home: Path) -> None:
    async def forge() -> None:
        async with ground(home) as desk:
            made = await decisions.read(desk.store, decision_id)
            forged = replace(made, verdict=replace(made.verdict, rules=made.verdict.rules[1:]))
            document = await desk.store.get("decisions", decision_id)
            assert document
            body = decisions.as_body(forged)
            await desk.store.put("decisions", decision_id, body, expected_version=document.version)

    asyncio.run(forge())
    done = invoke("decision", "replay", decision_id)
    assert (done.exit_code, "another verdict" in done.output) == (1, True)


@pytest.mark.parametrize("command", ["show", "replay"])
def test_a_decision_that_is_not_there_is_told(invoke: Invoke, command: str) -> None:
    done = invoke("decision", command, "2020-01-01")
    assert isinstance(done.exception, RejectedError)


def test_a_whole_trail_is_said_to_be_whole_and_a_changed_record_is_named(
    invoke: Invoke, decision_id: str, home: Path
) -> None:
    del decision_id
    done = invoke("audit", "verify")
    assert (done.exit_code, done.output.startswith("the trail is whole: 4 records, the last hash is ")) == (0, True)
    with sqlite3.connect(home / FILE) as connection:
        connection.execute("UPDATE events SET body = replace(body, '41.5', '91.5') WHERE event_id LIKE 'chain-%3'")
    done = invoke("audit", "verify")
    assert done.exit_code == 1
    assert done.output.startswith("record 3 (decided, ")


def test_a_decision_that_was_edited_by_hand_is_named(invoke: Invoke, decision_id: str, home: Path) -> None:
    with sqlite3.connect(home / FILE) as connection:
        connection.execute(
            "UPDATE documents SET body = replace(body, '41.5', '61.5') WHERE collection = 'decisions' AND key = ?",
            (decision_id,),
        )
    done = invoke("audit", "verify")
    assert (done.exit_code, done.output) == (1, f"decision {decision_id} is not what record 3 says\n")


def test_an_evaluation_tells_agreement_and_exits_by_it(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[tuple[int, str]]:
        async with language_model() as llm:
            monkeypatch.setenv("OPENAI_BASE_URL", llm)
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            monkeypatch.setenv("RUST_API_URL", "http://127.0.0.1:9")
            few = await asyncio.to_thread(invoke, "eval", "--cases", "2")
            whole = await asyncio.to_thread(invoke, "eval")
            monkeypatch.setattr("sandbox.llm.judge", lambda _: EAGER)
            eager = await asyncio.to_thread(invoke, "eval")
            monkeypatch.setenv("TRADEOPS_LLM_ANALYSIS_LIMIT_USD", "0.003")
            poor = await asyncio.to_thread(invoke, "eval")
        return [(done.exit_code, done.output) for done in (few, whole, eager, poor)]

    (few_code, few), (code, whole), (eager_code, eager), (poor_code, poor) = asyncio.run(run())
    assert few_code == 0
    assert "100 % of 2 as expected" in few
    assert "✓ 01-all-critical" in few
    assert (code, "100 % of 24 as expected" in whole) == (0, True)
    assert "✗ 12-unusual-market" in eager
    assert "unexpected: 07-all-good" in eager
    assert (eager_code, "58 % of 24 as expected" in eager) == (3, True)
    assert (poor_code, "stopped before the end, what follows is of the first " in poor) == (3, True)
