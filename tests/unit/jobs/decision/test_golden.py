"""The golden cases on the sandbox's stand-in, and what `tradeops eval` does with them on a live endpoint."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.analyst import judge as stand_in
from tests.unit.jobs.analysis_ground import bills, ground
from tradeops.domain.decisions.codec import decoded, encoded
from tradeops.domain.decisions.evidence import Evidence
from tradeops.domain.decisions.figures import figures
from tradeops.domain.decisions.gate import Policy, judge
from tradeops.domain.llm import Proposal, Recommendation, Urgency, parse_proposal, render
from tradeops.errors import UnavailableError
from tradeops.jobs.decision.evaluation import Answer, evaluate
from tradeops.jobs.decision.golden import Case, cases
from tradeops.jobs.decision.prompts import load_prompt

CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_on_the_stand_in_has_the_expected_verdict(case: Case) -> None:
    prompt = render(load_prompt(), figures(case.evidence))
    proposal = parse_proposal(json.dumps(stand_in(prompt.text)))
    verdict = judge([proposal] * 3, case.evidence, Policy())
    assert verdict.recommendation in case.expected.recommendations
    assert verdict.start_retrain is case.expected.start_retrain


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_best_answer_to_a_case_starts_a_retrain_where_it_should(case: Case) -> None:
    best = Proposal(case.expected.recommendations[0], Decimal("0.9"), "", Urgency.LOW, (), "")
    assert judge([best] * 3, case.evidence, Policy()).start_retrain is case.expected.start_retrain


def test_there_are_at_least_twenty_and_each_is_another() -> None:
    assert len(CASES) >= 20
    assert len({case.about for case in CASES}) == len(CASES)
    assert {case.expected.start_retrain for case in CASES} == {True, False}
    assert all(decoded(Evidence, encoded(case.evidence)) == case.evidence for case in CASES)


async def test_an_evaluation_tells_agreement_cost_and_latency(tmp_path: Path) -> None:
    heard: list[Answer] = []
    async with ground(tmp_path) as desk:
        found = await evaluate(desk, CASES, heard=heard.append)
        assert await bills(desk) == len(CASES)
    assert tuple(heard) == found.answers
    assert [one.case.name for one in found.answers if not one.agrees] == []
    assert found.agreement_percent == 100
    assert 0 < found.cost_usd < 1
    assert 0 < found.median_seconds <= found.longest_seconds
    assert not any(one.problem for one in found.answers)
    assert found.answers[0].recommendation is Recommendation.RETRAIN


async def test_an_evaluation_that_uses_its_budget_up_tells_of_the_cases_before(tmp_path: Path) -> None:
    async with ground(tmp_path, TRADEOPS_LLM_ANALYSIS_LIMIT_USD="0.003") as desk:
        found = await evaluate(desk, CASES, heard=lambda _: None)
    assert 0 < len(found.answers) < len(CASES)
    assert "this analysis took" in found.stopped
    assert found.cost_usd <= Decimal("0.003")


async def test_an_evaluation_without_a_budget_is_refused(tmp_path: Path) -> None:
    async with ground(tmp_path, TRADEOPS_LLM_ANALYSIS_LIMIT_USD="0.000001") as desk:
        with pytest.raises(UnavailableError, match="tradeops llm budget"):
            await evaluate(desk, CASES[:1], heard=lambda _: None)
