"""What is a proposal, and what only looks like one."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.jobs.llm_wire import GOOD, answer_text
from tradeops.domain.llm import SCHEMA, Failure, Proposal, Recommendation, UnusableAnswerError, Urgency, parse_proposal


def failure_of(text: str) -> Failure:
    with pytest.raises(UnusableAnswerError) as caught:
        parse_proposal(text)
    assert str(caught.value)
    return caught.value.failure


def test_a_good_answer_is_taken_as_it_is() -> None:
    assert parse_proposal(answer_text()) == Proposal(
        recommendation=Recommendation.RETRAIN,
        confidence=Decimal("0.83"),
        reasoning="The win rate fell below its interval.",
        urgency=Urgency.HIGH,
        suggested_actions=("retrain on recent data",),
        estimated_improvement="a few points of win rate",
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"  {answer_text()}\n", id="blanks around"),
        pytest.param("\ufeff" + answer_text(), id="byte order mark"),
        pytest.param(f"```json\n{answer_text()}\n```", id="fence"),
        pytest.param(f"```\n{answer_text()}\n```\n\n", id="fence without a language"),
        pytest.param(f"```JSON\r\n{answer_text()}\r\n```", id="fence of Windows"),
        pytest.param(json.dumps(GOOD, indent=4), id="on many lines"),
    ],
)
def test_the_same_answer_in_another_dress_is_the_same_proposal(text: str) -> None:
    assert parse_proposal(text) == parse_proposal(answer_text())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("retrain", id="a word"),
        pytest.param("{'recommendation': 'retrain'}", id="Python"),
        pytest.param(answer_text()[:-1], id="without its end"),
        pytest.param(answer_text() * 2, id="twice"),
        pytest.param(f"{answer_text()}\n{answer_text(recommendation='wait')}", id="two that disagree"),
        pytest.param(f"{answer_text()} I am sure.", id="words after it"),
        pytest.param(f"My vote: {answer_text()}", id="words before it"),
        pytest.param(f"```json\n{answer_text()}\n```\nSo.", id="words after a fence"),
        pytest.param(f"```json\n{answer_text()}\n```\n```json\n{answer_text()}\n```", id="two fences"),
        pytest.param(f"// mine\n{answer_text()}", id="a comment"),
        pytest.param("[" * 50_000, id="nested without end"),
        pytest.param('{"confidence": ' + "9" * 5000 + "}", id="more digits than a number may have"),
        pytest.param(answer_text().replace("0.83", "1e" + "9" * 30), id="an exponent beyond all numbers"),
        pytest.param(answer_text().replace("0.83", ".83"), id="no JSON number"),
        pytest.param(answer_text().replace("0.83", "0,83"), id="a comma as the decimal point"),
    ],
)
def test_what_is_not_one_json_object_may_be_asked_again(text: str) -> None:
    assert failure_of(text) is Failure.NOT_JSON


@pytest.mark.parametrize("text", ["", " ", "\n\t\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert failure_of(text) is Failure.EMPTY


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"[{answer_text()}]", id="a list of one"),
        pytest.param(json.dumps(answer_text()), id="JSON within JSON"),
        pytest.param("null", id="null"),
        pytest.param("0.95", id="a number"),
        pytest.param("true", id="true"),
        pytest.param("{}", id="empty object"),
        pytest.param(json.dumps({"answer": GOOD}), id="wrapped"),
        pytest.param(answer_text(extra=1), id="extra key"),
        pytest.param(answer_text(Confidence=0.9), id="a key in capitals beside"),
        pytest.param(answer_text(recommendation="RETRAIN"), id="RETRAIN"),
        pytest.param(answer_text(recommendation="retrain "), id="a blank behind"),
        pytest.param(answer_text(recommendation="retrаin"), id="a Cyrillic letter"),  # noqa: RUF001 - the point
        pytest.param(answer_text(recommendation="sell everything"), id="unknown recommendation"),
        pytest.param(answer_text(recommendation=["retrain"]), id="recommendation as a list"),
        pytest.param(answer_text(recommendation=None), id="recommendation null"),
        pytest.param(answer_text(urgency="critical"), id="unknown urgency"),
        pytest.param(answer_text(urgency=3), id="urgency as a number"),
        pytest.param(answer_text(reasoning=None), id="reasoning null"),
        pytest.param(answer_text(reasoning={}), id="reasoning as an object"),
        pytest.param(answer_text(suggested_actions="retrain"), id="actions as a text"),
        pytest.param(answer_text(suggested_actions=[1]), id="actions as numbers"),
        pytest.param(answer_text(suggested_actions=None), id="actions null"),
        pytest.param(answer_text(estimated_improvement=5), id="improvement as a number"),
        pytest.param('{"confidence": 0.1, ' + answer_text()[1:], id="confidence twice"),
        pytest.param('{"recommendation": "wait", ' + answer_text()[1:], id="recommendation twice"),
        *(pytest.param(answer_text(**{name: ...}), id=f"without {name}") for name in GOOD),
    ],
)
def test_another_shape_is_no_proposal(text: str) -> None:
    assert failure_of(text) is Failure.SCHEMA


@pytest.mark.parametrize(
    ("written", "above"),
    [("0.7", False), ("0.70", False), ("0.7000001", True), ("0.70000000000000000000001", True), ("7e-1", False)],
)
def test_a_confidence_is_exactly_what_was_written(written: str, above: bool) -> None:
    proposal = parse_proposal(answer_text().replace("0.83", written))
    assert (proposal.confidence > Decimal("0.7")) is above


@pytest.mark.parametrize(
    "written", ["1.0000000000000000001", "-1e-30", "1e3", "1e999999", "70", "-0.1", "NaN", "-Infinity"]
)
def test_a_confidence_outside_0_to_1_is_none(written: str) -> None:
    assert failure_of(answer_text().replace("0.83", written)) is Failure.SCHEMA


def test_texts_are_kept_printable_and_short() -> None:
    proposal = parse_proposal(
        answer_text(
            reasoning="a\x00\x1b[31m\ud800" + "b" * 9000,
            suggested_actions=["c" * 900] * 99,
            estimated_improvement="d\n" * 900,
        )
    )
    assert proposal.reasoning.startswith("a  [31m b")
    assert len(proposal.reasoning) == 4000
    assert proposal.reasoning.encode().isascii()
    assert ([len(one) for one in proposal.suggested_actions], len(proposal.estimated_improvement)) == ([500] * 10, 500)


def test_the_schema_that_is_asked_for_is_the_one_that_is_taken() -> None:
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) == set(GOOD)
    assert SCHEMA["additionalProperties"] is False


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "extra"]), inner, max_size=6),
    max_leaves=8,
)


@given(JSON | st.fixed_dictionaries(dict.fromkeys(GOOD, JSON)), st.text(max_size=5))
def test_whatever_comes_is_a_valid_proposal_or_no_vote(value: object, around: str) -> None:
    try:
        proposal = parse_proposal(json.dumps(value) + around)
    except UnusableAnswerError:
        return
    assert 0 <= proposal.confidence <= 1
