"""What is kept of decisions comes back as it was; what is no such thing is named."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.domain.decisions.builders import NOW, decision, evidence, proposal
from tradeops.domain.decisions.board import Board, claimed, committed
from tradeops.domain.decisions.codec import decoded, encoded
from tradeops.domain.decisions.decision import Decision
from tradeops.domain.decisions.evidence import Evidence, Missing, Retrain
from tradeops.domain.figures import Figure


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(decision(), id="a retrain"),
        pytest.param(decision(None, None, proposal("wait", "0.3")), id="missing votes"),
        pytest.param(decision(evidence=evidence(market=Missing("down"), history=Missing("x"))), id="missing evidence"),
    ],
)
def test_a_decision_comes_back_as_it_was(made: Decision) -> None:
    assert decoded(Decision, json.loads(json.dumps(encoded(made)))) == made


def test_a_board_comes_back_as_it_was() -> None:
    board = claimed(Board(asked_at=NOW), "d", "me", now=NOW)
    assert board
    board = committed(board, "d", {"full": {"a": [1, None, "x"]}}, start_retrain=True, now=NOW)
    assert decoded(Board, json.loads(json.dumps(encoded(board)))) == board


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"at": "yesterday"}, "Retrain.at is 'yesterday', no datetime"),
        ({"at": 5}, "Retrain.at is 5, no datetime"),
        ({"key": True}, "Retrain.key is True, which it cannot be"),
        ({"extra": 1}, "Retrain has the unknown field 'extra'"),
        ({"key": ...}, "Retrain has no key"),
    ],
)
def test_what_is_no_such_thing_is_named(change: dict[str, object], problem: str) -> None:
    body = {"key": "k", "at": NOW.isoformat()} | change
    with pytest.raises(ValueError, match=problem.replace(".", r"\.")):
        decoded(Retrain, {name: value for name, value in body.items() if value is not ...})


@dataclass(frozen=True)
class Odd:
    count: int
    share: float
    flag: bool
    lasted: timedelta
    money: Decimal
    perhaps: Figure | Missing | None = None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", True),
        ("count", 1.5),
        ("share", "0.5"),
        ("share", False),
        ("flag", 1),
        ("lasted", "1"),
        ("money", "much"),
        ("money", 1.5),
        ("perhaps", 5),
        ("perhaps", {"neither": 1}),
    ],
)
def test_a_value_of_another_type_is_refused(field: str, value: object) -> None:
    made = Odd(1, 0.5, flag=True, lasted=timedelta(seconds=2), money=Decimal("0.10"), perhaps=Missing("why"))
    body = encoded(made)
    assert decoded(Odd, body) == made
    assert isinstance(body, dict)
    with pytest.raises(ValueError, match=f"Odd.{field}"):
        decoded(Odd, body | {field: value})


def test_what_has_no_place_in_json_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes cannot be kept"):
        encoded({"a": b"x"})


def test_evidence_with_a_wrong_piece_is_refused() -> None:
    body = encoded(evidence())
    assert isinstance(body, dict)
    with pytest.raises(ValueError, match=r"Evidence\.market"):
        decoded(Evidence, body | {"market": {"symbol": "BTCUSDT"}})
    assert decoded(Evidence, body) == replace(evidence())
