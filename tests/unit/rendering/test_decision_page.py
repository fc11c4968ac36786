"""The page of the nightly decision, and what is sent of it."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from tests.unit.domain.decisions.builders import NOW, ballot, decision, evidence, market, proposal, week
from tradeops.domain.decisions.analyst import advise
from tradeops.domain.decisions.decision import Analysis, Decision, Kind, Start
from tradeops.domain.decisions.evidence import Accuracy, Evidence, Missing, Models
from tradeops.domain.decisions.outcomes import Band, Group, Reliability
from tradeops.domain.decisions.skipping import Skip
from tradeops.domain.figures import known, unknown
from tradeops.domain.notices import Level
from tradeops.rendering.decision import decision_page
from tradeops.rendering.decision_notices import decision_notices
from tradeops.rendering.text import to_text

STARTED = decision(start=Start.STARTED, retrain_run_id="run-9")
BARE = Evidence(NOW, *[Missing("not there")] * 6)


def link(run_id: str) -> str:
    return f"http://ui/runs/{run_id}"


def came_to(kind: Kind = Kind.DECIDED, **fields: Any) -> Analysis:  # noqa: ANN401 - fields of an analysis
    return Analysis(kind, "run-1", NOW, **({"evidence": evidence()} | fields))


def shown(analysis: Analysis, reliability: Reliability | Missing | None = None) -> str:
    return to_text(decision_page(analysis, reliability, UTC, link))


def test_a_retrain_shows_verdict_evidence_votes_rules_cost_and_link() -> None:
    text = shown(came_to(decision=STARTED))
    assert text.startswith("✓ Self-analysis of 2026-11-25: retrain, a retrain is started\n")
    for part in (
        "Retrain: http://ui/runs/run-9",
        "performance ✓ fresh 2.0 h",
        "Seven days before 2026-11-25: 40 trades, win rate 41.50 % (95 %: 27.0 to 57.0 %)",
        "Sharpe ratio −1.20; critical: win_rate, avg_profit_per_trade, sharpe_ratio",
        "BTCUSDT: volatility 62.0 % a year, usually 50.0 % (ratio 1.24)",
        "lstm on BTCUSDT: accuracy 0.521, change −0.012, of 4 measurements",
        "$0.001074 in all.",
        "2 of 3 votes are for a retrain",
        "the median of the retrain votes, 0.85, is above 0.7",
        "record 7 of the audit trail",
        "tradeops decision replay 2026-11-25",
    ):
        assert part in " ".join(text.split()), part


@pytest.mark.parametrize(
    ("analysis", "title", "told"),
    [
        pytest.param(
            came_to(decision=decision(start=Start.PENDING, problem="prefect: refused")),
            "▲ Self-analysis of 2026-11-25: retrain, not started yet",
            "The retrain is not started: prefect: refused",
            id="pending",
        ),
        pytest.param(
            came_to(decision=decision(start=Start.PENDING)),
            "▲ Self-analysis of 2026-11-25: retrain, not started yet",
            "The retrain is not started: nobody has tried yet",
            id="not tried",
        ),
        pytest.param(
            came_to(decision=decision(start=Start.GIVEN_UP, problem="too old")),
            "▲ Self-analysis of 2026-11-25: retrain, never started",
            "The retrain is not started: too old",
            id="given up",
        ),
        pytest.param(
            came_to(decision=decision(*[proposal("wait", "0.8")] * 3)),
            "✓ Self-analysis of 2026-11-25: wait",
            "No retrain: forbidden by majority, confidence",
            id="wait",
        ),
        pytest.param(
            came_to(decision=decision(evidence=evidence(performance=week(total_trades=9)))),
            "✓ Self-analysis of 2026-11-25: retrain, not allowed",
            "forbidden by trades",
            id="vetoed",
        ),
        pytest.param(
            came_to(decision=decision(*[proposal("optimize_parameters", "0.8")] * 3)),
            "✓ Self-analysis of 2026-11-25: optimize parameters",
            "This is a suggestion; nothing is started",
            id="parameters",
        ),
        pytest.param(
            came_to(Kind.SKIPPED, evidence=None, skip=Skip("few_trades", "3 trades")),
            "○ Self-analysis: skipped",
            "3 trades.",
            id="skipped",
        ),
        pytest.param(
            came_to(Kind.SKIPPED, skip=Skip("no_key", "no key"), advice=advise(evidence())),
            "○ Self-analysis: skipped",
            "retrain, urgency high; the rules never start a retrain.",
            id="the rules",
        ),
        pytest.param(
            came_to(Kind.UNANSWERED, decision=decision(None, None, None), trouble=("HTTP 500",)),
            "▲ Self-analysis: the language model did not answer",
            "HTTP 500",
            id="unanswered",
        ),
    ],
)
def test_each_end_has_its_title_and_its_reason(analysis: Analysis, title: str, told: str) -> None:
    text = shown(analysis)
    assert text.splitlines()[0] == title
    assert told in " ".join(text.split())


def test_what_is_missing_is_said_so_with_its_reason() -> None:
    text = shown(came_to(Kind.SKIPPED, skip=Skip("no_key", "no key"), evidence=BARE, advice=advise(BARE)))
    assert text.count("✗ missing") == 6
    assert text.count("not there") >= 6


def test_unknown_figures_read_na() -> None:
    models = Models("registry", (Accuracy("gru", "BTCUSDT", NOW, 0.5, None, 1),))
    rests_on = evidence(
        performance=week(sharpe_ratio=None, win_rate_low_percent=None, critical=()),
        market=market(trend=None, volatility_ratio=unknown("few days")),
        models=models,
    )
    text = " ".join(shown(came_to(decision=decision(), evidence=rests_on)).split())
    for part in ("Sharpe ratio n/a", "critical: none", "n/a: few days", "trend n/a", "change n/a"):
        assert part in text


def test_a_missing_vote_says_why_and_an_estimate_is_marked() -> None:
    given = (ballot(1, None, cost_estimated=True), ballot(2, proposal("wait")), ballot(3, None))
    made = replace(decision(None, proposal("wait"), None), ballots=given)
    text = " ".join(shown(came_to(decision=made)).split())
    assert "counts as wait" in text
    assert "not_json: the answer" in text
    assert "≤ $0.000358" in text
    assert "$0.001074 at most in all" in text


def test_reliability_is_shown_once_it_teaches_something() -> None:
    table = Reliability(12, (Band(Group.RETRAINED, 0.8, 0.9, 4, 0.75),), known(0.18))
    text = " ".join(shown(came_to(decision=STARTED), table).split())
    assert "above 0.8 to 0.9" in text
    assert "75 %" in text
    assert "Brier score of the retrained: 0.18" in text
    assert "What a confidence was worth" not in shown(came_to(decision=STARTED))
    assert "earlier confidences were worth is not known: down" in shown(came_to(decision=STARTED), Missing("down"))


def notices(analysis: Analysis) -> list[tuple[str, Level]]:
    page = decision_page(analysis, None, UTC, link)
    made = decision_notices(analysis, page, link)
    assert {one.event for one in made} <= {"llm_decision"}
    assert all(one.link == "http://ui/runs/run-1" for one in made)
    return [(one.key, one.level) for one in made]


@pytest.mark.parametrize(
    ("analysis", "expected"),
    [
        pytest.param(came_to(decision=STARTED), [("decision:2026-11-25:started", Level.WARNING)], id="started"),
        pytest.param(
            came_to(Kind.STORED, decision=STARTED),
            [("decision:2026-11-25:started", Level.WARNING)],
            id="stored, started",
        ),
        pytest.param(came_to(decision=decision()), [("decision:2026-11-25", Level.INFO)], id="pending"),
        pytest.param(came_to(Kind.STORED, decision=decision()), [], id="stored, pending"),
        pytest.param(
            came_to(Kind.STORED, decision=decision(None, None, None), takes_over=True),
            [("decision:2026-11-25", Level.INFO)],
            id="of a killed run",
        ),
        pytest.param(
            came_to(Kind.UNANSWERED, decision=decision(None, None, None)),
            [("decision:2026-11-25:run-1", Level.INFO)],
            id="unanswered",
        ),
        pytest.param(came_to(Kind.SKIPPED, skip=Skip("x", "y")), [], id="skipped"),
        pytest.param(
            came_to(Kind.SKIPPED, skip=Skip("x", "y"), left_behind=(STARTED, decision())),
            [("decision:2026-11-25:started", Level.WARNING)],
            id="left behind",
        ),
    ],
)
def test_a_start_warns_and_all_else_is_information_once(analysis: Analysis, expected: list[tuple[str, Level]]) -> None:
    assert notices(analysis) == expected


def test_a_message_of_a_language_model_is_text_and_no_markup() -> None:
    hostile: Decision = decision(*[proposal("wait", "0.8", reasoning="<b>x</b> | [a](http://evil)")] * 3)
    [notice] = decision_notices(
        came_to(decision=hostile), decision_page(came_to(decision=hostile), None, UTC, link), link
    )
    assert "<b>x</b>" not in (notice.html or "")
    assert "<b>x</b>" in notice.body
