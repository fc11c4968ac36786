"""The rules of `tradeops.domain.decisions.gate`, one sentence a test."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.decisions.builders import DAY, HOUR, NOW, evidence, proposal, spending, training, week
from tradeops.domain.decisions.evidence import Evidence, Missing
from tradeops.domain.decisions.gate import Policy, Verdict, judge
from tradeops.domain.llm import Proposal, Recommendation

POLICY = Policy()
RETRAIN = (proposal(), proposal(), proposal())
MOMENT = timedelta(microseconds=1)


def voted(*votes: str | None) -> Verdict:
    """The verdict on votes such as `retrain 0.9`; `None` is a missing one."""
    return judge([None if vote is None else proposal(*vote.split()) for vote in votes], evidence(), POLICY)


@pytest.mark.parametrize(
    ("votes", "starts", "recommendation", "confidence"),
    [
        pytest.param(["retrain 0.70"], False, "retrain", "0.70", id="0.70 is not above"),
        pytest.param(["retrain 0.7"], False, "retrain", "0.7", id="0.7 is not above"),
        pytest.param(["retrain 0.7000001"], True, "retrain", "0.7000001", id="0.7000001 is above"),
        pytest.param(["retrain 0.70000000000000000001"], True, "retrain", "0.70000000000000000001", id="by a hair"),
        pytest.param(["retrain 0.69999999999999999999"], False, "retrain", "0.69999999999999999999", id="not quite"),
        pytest.param(["retrain 1"], True, "retrain", "1", id="certain"),
        pytest.param(["wait 0.95"], False, "wait", "0.95", id="one for wait"),
        pytest.param(["optimize_parameters 0.95"], False, "optimize_parameters", "0.95", id="one for parameters"),
        pytest.param([None], False, "wait", None, id="none"),
        pytest.param(["retrain 0.9", "retrain 0.8", "wait 0.99"], True, "retrain", "0.85", id="2:1 for"),
        pytest.param(["retrain 0.9", "wait 0.8", "wait 0.6"], False, "wait", "0.7", id="2:1 against"),
        pytest.param(["retrain 0.99", "wait 0.9", "optimize_parameters 0.9"], False, "wait", "0.9", id="1:1:1"),
        pytest.param(["retrain 0.9", "retrain 0.65", "wait 0.95"], True, "retrain", "0.775", id="0.9, 0.65, wait 0.95"),
        pytest.param(["retrain 0.8", "retrain 0.6", "wait 0.95"], False, "retrain", "0.7", id="mean is exactly 0.7"),
        pytest.param(["retrain 0.9", "retrain 0.9", None], True, "retrain", "0.9", id="one missing, two for"),
        pytest.param(["retrain 0.9", None, None], False, "wait", None, id="two missing, one for"),
        pytest.param(["retrain 0.9", "wait 0.9", None], False, "wait", "0.9", id="one missing, 1:1"),
        pytest.param([None, None, None], False, "wait", None, id="all missing"),
        pytest.param(
            ["retrain 0.2", "retrain 0.71", "retrain 0.99"], True, "retrain", "0.71", id="the middle of three"
        ),
        pytest.param(["retrain 0.7", "retrain 0.7", "retrain 1"], False, "retrain", "0.7", id="one sure vote of three"),
        pytest.param(
            ["optimize_parameters 0.9", "optimize_parameters 0.9", "retrain 1"],
            False,
            "optimize_parameters",
            "0.9",
            id="2:1 for parameters",
        ),
        pytest.param(["retrain 0.9"] * 3 + ["wait 1"] * 2, True, "retrain", "0.9", id="3:2 of five"),
        pytest.param(["retrain 0.9"] * 2 + ["wait 1"] * 3, False, "wait", "1", id="2:3 of five"),
        pytest.param(["retrain 0.9"] * 2 + ["wait 1"] + [None] * 2, False, "wait", "1", id="2 of five are no majority"),
    ],
)
def test_votes(votes: list[str | None], starts: bool, recommendation: str, confidence: str | None) -> None:
    verdict = voted(*votes)
    assert verdict.start_retrain is starts
    assert verdict.recommendation is Recommendation(recommendation)
    assert verdict.confidence == (None if confidence is None else Decimal(confidence))


@pytest.mark.parametrize("count", [0, 2, 4])
def test_an_even_number_of_votes_is_refused_since_it_could_tie(count: int) -> None:
    with pytest.raises(ValueError, match="an odd number of votes"):
        judge([proposal()] * count, evidence(), POLICY)


@pytest.mark.parametrize(
    ("changed", "veto"),
    [
        pytest.param(evidence(performance=week(total_trades=9)), "trades", id="nine trades"),
        pytest.param(evidence(performance=week(total_trades=10)), None, id="ten trades"),
        pytest.param(evidence(performance=week(as_of=NOW - DAY)), None, id="a day old"),
        pytest.param(evidence(performance=week(as_of=NOW - DAY - MOMENT)), "evidence", id="older than a day"),
        pytest.param(evidence(performance=week(as_of=NOW + HOUR)), "evidence", id="of the future"),
        pytest.param(evidence(market=Missing("down")), None, id="no market"),
        pytest.param(evidence(models=Missing("none")), None, id="no models"),
        pytest.param(evidence(history=Missing("none")), None, id="no history"),
        pytest.param(evidence(training=training(24)), None, id="a retrain a day ago"),
        pytest.param(evidence(training=training(23.9999)), "cooldown", id="a retrain less than a day ago"),
        pytest.param(evidence(training=training(-1)), "cooldown", id="a retrain of the future"),
        pytest.param(evidence(training=training(last_rollback_at=NOW - DAY)), None, id="a rollback a day ago"),
        pytest.param(evidence(training=training(last_rollback_at=NOW - DAY + MOMENT)), "rollback", id="rolled back"),
        pytest.param(evidence(training=training(30)), None, id="one retrain this week"),
        pytest.param(evidence(training=training(30, 100)), "weekly", id="two retrains this week"),
        pytest.param(evidence(training=training(30, 7 * 24)), None, id="one this week, one a week ago"),
        pytest.param(evidence(training=training(running="abc")), "running", id="one at work"),
        pytest.param(evidence(spending=spending(refusal="this month took $100 of $100")), "budget", id="no budget"),
    ],
)
def test_each_rule_forbids_by_itself_and_says_so(changed: Evidence, veto: str | None) -> None:
    verdict = judge(RETRAIN, changed, POLICY)
    assert [rule.name for rule in verdict.vetoes] == ([] if veto is None else [veto])
    assert verdict.start_retrain is (veto is None)
    assert verdict.recommendation is Recommendation.RETRAIN


@pytest.mark.parametrize(
    ("changed", "vetoes"),
    [
        pytest.param(evidence(performance=Missing("none")), {"trades", "evidence"}, id="performance"),
        pytest.param(
            evidence(training=Missing("damaged")),
            {"evidence", "cooldown", "rollback", "weekly", "running"},
            id="training",
        ),
        pytest.param(evidence(spending=Missing("damaged")), {"evidence", "budget"}, id="spending"),
    ],
)
def test_what_is_not_known_forbids(changed: Evidence, vetoes: set[str]) -> None:
    verdict = judge(RETRAIN, changed, POLICY)
    assert {rule.name for rule in verdict.vetoes} == vetoes
    assert all("not known" in rule.detail or "missing" in rule.detail for rule in verdict.vetoes)


def test_every_rule_is_recorded_with_its_numbers_also_when_an_earlier_one_forbids() -> None:
    verdict = judge([None, None, proposal()], evidence(training=training(5, 50)), POLICY)
    assert [rule.name for rule in verdict.rules] == [
        "majority",
        "confidence",
        "trades",
        "evidence",
        "cooldown",
        "rollback",
        "weekly",
        "running",
        "budget",
    ]
    numbers = {rule.name: rule.numbers for rule in verdict.rules}
    assert numbers["majority"] == {"retrain": 1, "asked": 3, "invalid": 2}
    assert numbers["confidence"] == {"median": "0.9", "above": "0.7"}
    assert (numbers["cooldown"]["hours"], numbers["cooldown"]["hours_at_least"]) == (5.0, 24.0)
    assert numbers["weekly"] == {"retrains": 2, "below": 2}
    assert [rule.name for rule in verdict.vetoes] == ["majority", "cooldown", "weekly"]


def test_a_detail_never_rounds_into_the_opposite_of_its_rule() -> None:
    almost = judge(RETRAIN, evidence(training=training(23.99)), POLICY)
    [cooldown] = almost.vetoes
    assert cooldown.detail == "the last retrain was 23.9900 h ago, 24 h must pass"
    closer = judge(RETRAIN, evidence(training=training(23.9999999)), POLICY)
    assert float(closer.vetoes[0].detail.split()[4]) < 24


def test_the_limits_are_those_of_the_policy() -> None:
    strict = Policy(fewest_trades=41, cooldown=timedelta(hours=48), most_retrains=1)
    verdict = judge(RETRAIN, evidence(training=training(47)), strict)
    assert [rule.name for rule in verdict.vetoes] == ["trades", "cooldown", "weekly"]


CONFIDENCES = st.decimals(0, 1, allow_nan=False, places=9)
PROPOSALS = st.one_of(
    st.none(),
    st.builds(
        lambda what, confidence: proposal(what, str(confidence)), st.sampled_from(list(Recommendation)), CONFIDENCES
    ),
)


@given(st.lists(PROPOSALS, min_size=1, max_size=9).filter(lambda votes: len(votes) % 2 == 1))
def test_a_retrain_needs_a_majority_and_its_order_does_not_matter(votes: list[Proposal | None]) -> None:
    verdict = judge(votes, evidence(), POLICY)
    mine = sorted(one.confidence for one in votes if one and one.recommendation is Recommendation.RETRAIN)
    middle = mine[(len(mine) - 1) // 2] + mine[len(mine) // 2] if mine else Decimal(0)
    assert verdict.start_retrain is (2 * len(mine) > len(votes) and middle > Decimal("1.4"))
    assert judge(votes[::-1], evidence(), POLICY) == verdict


@given(st.text(max_size=200), st.text(max_size=200), st.lists(st.text(max_size=50), max_size=5))
def test_the_words_of_a_vote_change_nothing(reasoning: str, improvement: str, actions: list[str]) -> None:
    spoken = proposal(
        "wait", "0.9", reasoning=reasoning, estimated_improvement=improvement, suggested_actions=tuple(actions)
    )
    assert judge([spoken], evidence(), POLICY) == judge([proposal("wait", "0.9")], evidence(), POLICY)
