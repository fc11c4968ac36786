"""A decision that is not as its record has it is named, whatever of it was edited."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.domain.decisions.builders import decision, proposal
from tests.unit.jobs.analysis_ground import Starts, analyse, decided, ground, keep_week
from tradeops.adapters.store.opening import FILE
from tradeops.domain.decisions.decision import Decision, Start
from tradeops.errors import UnavailableError
from tradeops.jobs.decision import decisions
from tradeops.jobs.decision.audit_of_decisions import differences

Body = dict[str, Any]


async def test_what_the_job_keeps_is_as_recorded_before_and_after_the_start(tmp_path: Path) -> None:
    down = UnavailableError("prefect", "down")
    async with ground(tmp_path, TRADEOPS_ANALYSIS_INTERVAL_SECONDS=0.001) as desk:
        assert await differences(desk.store) == ()
        await keep_week(desk)
        await analyse(desk, start=Starts(down, down))
        assert await differences(desk.store) == ()
        await analyse(desk, run_id="run-2")
        await analyse(desk, run_id="request", forced=True)
        assert await differences(desk.store) == ()
        assert len(await decisions.everything(desk.store)) == 2


def full(edit: Callable[[Decision], Decision]) -> Callable[[Body], Body]:
    """Edited throughout, so that the document agrees with itself."""
    return lambda body: dict(decisions.as_body(edit(decisions.decision_of(body))))


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        pytest.param(lambda body: body | {"start_retrain": False}, "does not agree with itself", id="what others read"),
        pytest.param(lambda body: body | {"confidence": 0.99}, "does not agree with itself", id="the confidence"),
        pytest.param(lambda body: body | {"full": {}}, "was changed: ", id="no decision any more"),
        pytest.param(full(lambda one: replace(one, decision_id="x")), "does not agree with itself", id="another id"),
        pytest.param(full(lambda one: replace(one, forced=True)), "is not what record 2 says", id="forced"),
        pytest.param(
            full(lambda one: replace(one, run_id="other")),
            "is not what record 2 says",
            id="the run",
        ),
        pytest.param(
            full(lambda one: replace(one, verdict=decision(proposal("wait"), None, None).verdict)),
            "is not what record 2 says",
            id="the verdict",
        ),
        pytest.param(
            full(lambda one: replace(one, record=1)), "has no record in the trail (it names 1)", id="another record"
        ),
        pytest.param(full(lambda one: replace(one, record=9)), "has no record in the trail", id="a record that is not"),
        pytest.param(full(lambda one: replace(one, record_sha256="0")), "is not what record 2 says", id="another hash"),
        pytest.param(
            full(lambda one: replace(one, retrain_run_id="other")), "names another retrain than record 3", id="retrain"
        ),
    ],
)
async def test_a_decision_that_was_edited_is_named(tmp_path: Path, edit: Callable[[Body], Body], told: str) -> None:
    async with ground(tmp_path) as desk:
        await keep_week(desk)
        made = decided(await analyse(desk))
        assert made.start is Start.STARTED
        kept = await desk.store.get("decisions", made.decision_id)
        assert kept
        await desk.store.put("decisions", made.decision_id, edit(dict(kept.body)), expected_version=kept.version)
        [line] = await differences(desk.store)
    assert line.startswith(f"decision {made.decision_id} ")
    assert told in line


async def test_a_started_decision_that_was_removed_is_named(tmp_path: Path) -> None:
    async with ground(tmp_path) as desk:
        await keep_week(desk)
        made = decided(await analyse(desk))
        with sqlite3.connect(tmp_path / FILE) as connection:
            connection.execute("DELETE FROM documents WHERE collection = 'decisions'")
        assert await differences(desk.store) == (f"decision {made.decision_id} of record 3 is missing",)
