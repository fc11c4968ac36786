"""What a run of the analysis came to, in one line and as observations; and the board that runs agree on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.domain.decisions.builders import DAY, HOUR, NOW, decision, evidence, proposal
from tradeops.domain.decisions import board as rules
from tradeops.domain.decisions.analyst import advise
from tradeops.domain.decisions.board import Board
from tradeops.domain.decisions.decision import Analysis, Kind, Start
from tradeops.domain.decisions.skipping import Skip
from tradeops.domain.health import Severity
from tradeops.domain.incidents.of_decisions import RETRAIN, SERVICE, of_analysis
from tradeops.domain.notices import Level

STARTED = decision(start=Start.STARTED, retrain_run_id="run-9")
PENDING = decision(start=Start.PENDING, problem="prefect: refused")
GIVEN_UP = decision(start=Start.GIVEN_UP, problem="given up after six hours")
WAIT = decision(*[proposal("wait", "0.8")] * 3)


def came_to(kind: Kind = Kind.DECIDED, **fields: object) -> Analysis:
    return Analysis(kind, "run-1", NOW, evidence=evidence(), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("analysis", "summary", "severity"),
    [
        pytest.param(
            came_to(decision=STARTED),
            "retrain, confidence 0.85; retrain run-9 is started",
            Severity.HEALTHY,
            id="started",
        ),
        pytest.param(
            came_to(Kind.STORED, decision=STARTED),
            "decided already: retrain, confidence 0.85; retrain run-9 is started",
            Severity.HEALTHY,
            id="decided already",
        ),
        pytest.param(
            came_to(decision=PENDING),
            "retrain, confidence 0.85; the retrain is not started: prefect: refused",
            Severity.DEGRADED,
            id="pending",
        ),
        pytest.param(
            came_to(decision=WAIT),
            "wait, confidence 0.8; no retrain (majority, confidence)",
            Severity.HEALTHY,
            id="wait",
        ),
        pytest.param(
            came_to(decision=decision(None, None, None), trouble=("no model: HTTP 404",), critical=True),
            "wait; no retrain (majority, confidence); no model: HTTP 404",
            Severity.DEGRADED,
            id="trouble",
        ),
        pytest.param(
            came_to(Kind.UNANSWERED, decision=decision(None, None, None), advice=advise(evidence()), trouble=("down",)),
            "the language model did not answer, nothing is started; by the rules: retrain; down",
            Severity.DEGRADED,
            id="unanswered",
        ),
        pytest.param(
            came_to(Kind.SKIPPED, skip=Skip("no_key", "no key"), advice=advise(evidence())),
            "no key; by the rules: retrain",
            Severity.HEALTHY,
            id="skipped with advice",
        ),
        pytest.param(
            came_to(Kind.SKIPPED, skip=Skip("few_trades", "3 trades"), left_behind=(STARTED,)),
            "3 trades; the retrain run-9 of the earlier decision 2026-11-25 is started",
            Severity.HEALTHY,
            id="skipped, an earlier one started",
        ),
        pytest.param(
            came_to(Kind.SKIPPED, skip=Skip("few_trades", "3 trades"), left_behind=(PENDING,)),
            "3 trades; the retrain of the earlier decision 2026-11-25 is not started: prefect: refused",
            Severity.DEGRADED,
            id="skipped, an earlier one pending",
        ),
        pytest.param(
            came_to(decision=STARTED, notes=("no worker is up",)),
            "retrain, confidence 0.85; retrain run-9 is started; no worker is up",
            Severity.DEGRADED,
            id="no worker",
        ),
    ],
)
def test_a_run_in_one_line(analysis: Analysis, summary: str, severity: Severity) -> None:
    assert (analysis.summary, analysis.severity) == (summary, severity)


@pytest.mark.parametrize(
    ("analysis", "expected"),
    [
        pytest.param(came_to(decision=STARTED), {SERVICE: None, RETRAIN: None}, id="well"),
        pytest.param(came_to(Kind.STORED, decision=STARTED), {RETRAIN: None}, id="stored"),
        pytest.param(came_to(decision=WAIT), {SERVICE: None}, id="wait"),
        pytest.param(came_to(decision=PENDING), {SERVICE: None, RETRAIN: Level.ERROR}, id="pending"),
        pytest.param(came_to(Kind.STORED, decision=GIVEN_UP), {RETRAIN: Level.CRITICAL}, id="given up"),
        pytest.param(
            came_to(decision=STARTED, notes=("no worker",)), {SERVICE: None, RETRAIN: Level.WARNING}, id="no worker"
        ),
        pytest.param(came_to(Kind.UNANSWERED, trouble=("down",)), {SERVICE: Level.WARNING}, id="failing"),
        pytest.param(
            came_to(Kind.UNANSWERED, trouble=("no money",), critical=True), {SERVICE: Level.CRITICAL}, id="no money"
        ),
        pytest.param(came_to(Kind.SKIPPED, skip=Skip("no_key", "no key")), {}, id="skipped"),
        pytest.param(
            came_to(Kind.STORED, decision=STARTED, left_behind=(GIVEN_UP,)), {RETRAIN: Level.CRITICAL}, id="left behind"
        ),
    ],
)
def test_what_is_observed(analysis: Analysis, expected: dict[str, Level | None]) -> None:
    assert {look.key: look.severity for look in of_analysis(analysis)} == expected


def test_a_service_that_asks_to_wait_is_asked_again_only_where_nothing_was_decided() -> None:
    wait = timedelta(minutes=10)
    assert came_to(Kind.UNANSWERED, retry_after=wait).asks_again_after == wait
    assert came_to(decision=WAIT, retry_after=wait).asks_again_after is None


def test_a_decision_speaks_by_its_most_confident_agreeing_vote_and_adds_its_costs() -> None:
    made = decision(
        proposal(confidence="0.8", reasoning="a"), proposal(confidence="0.9", reasoning="b"), proposal("wait")
    )
    assert made.voice
    assert made.voice.reasoning == "b"
    assert str(made.cost_usd) == "0.001074"
    assert not made.cost_estimated
    assert decision(None, None, None).voice is None


@pytest.mark.parametrize(("hours", "old"), [(6, False), (6.01, True)])
def test_a_retrain_is_started_within_six_hours(hours: float, old: bool) -> None:
    assert decision().is_too_old(NOW + timedelta(hours=hours)) is old


def test_one_run_at_a_time_has_the_claim_until_it_lapses() -> None:
    board = rules.claimed(Board(), "d", "one", now=NOW)
    assert board
    assert rules.claimed(board, "d", "other", now=NOW) is None
    assert rules.claimed(board, "d", "one", now=NOW)
    assert rules.is_owner(board, "one", now=NOW)
    assert not rules.is_owner(board, "other", now=NOW)
    assert not rules.is_owner(board, "one", now=NOW + rules.LEASE)
    taken = rules.claimed(board, "d", "other", now=NOW + rules.LEASE)
    assert taken
    assert rules.released(taken, "one") == taken
    assert rules.released(taken, "other").claim is None
    assert rules.asked(taken, now=NOW).asked_at == NOW


def test_the_board_remembers_retrains_for_eight_days_and_forgets_one_that_was_given_up() -> None:
    board = rules.committed(Board(), "old", {}, start_retrain=True, now=NOW - 32 * DAY)
    board = rules.committed(board, "new", {}, start_retrain=True, now=NOW - HOUR)
    board = rules.committed(board, "wait", {"a": 1}, start_retrain=False, now=NOW)
    assert [one.key for one in board.retrains] == ["new"]
    assert set(board.pending) == {"old", "new", "wait"}
    assert set(rules.finished(board, "old").pending) == {"new", "wait"}
    assert rules.not_started(board, "new").retrains == ()


def test_a_critical_failure_is_worse_than_one_that_passes() -> None:
    worse = of_analysis(came_to(Kind.UNANSWERED, trouble=("a", "b"), critical=True))
    assert [look.summary for look in worse] == ["a; b"]
    assert replace(PENDING).start is Start.PENDING
