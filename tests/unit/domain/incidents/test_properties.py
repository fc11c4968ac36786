"""What holds for any sequence of looks, at any pace, with silences, dependencies and repeated rounds."""

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.domain.incidents.play import NOON, POLICY, Play, look
from tradeops.domain.incidents.model import Observation, Policy, Silence, Transition
from tradeops.domain.incidents.records import board_body, board_from, silence_body, silence_from
from tradeops.domain.notices import Level

KEYS = ("mongodb", "engine", "frontend", "disk")
LOOKS = st.builds(
    look,
    st.sampled_from(KEYS),
    st.sampled_from([None, None, Level.WARNING, Level.ERROR, Level.CRITICAL]),
    looks=st.integers(1, 3),
    depends_on=st.sampled_from([(), ("disk",), ("engine",)]),
    may_be_starting=st.booleans(),
)
ROUNDS = st.lists(
    st.tuples(st.lists(LOOKS, max_size=5), st.integers(1, 120).map(lambda minutes: timedelta(minutes=minutes))),
    max_size=60,
)
SILENCES = st.lists(
    st.builds(
        lambda pattern, since, hours: Silence(
            "s", pattern, NOON + timedelta(hours=since), NOON + timedelta(hours=since + hours), "why", "ada"
        ),
        st.sampled_from(["*", "mongodb", "e*"]),
        st.integers(0, 20),
        st.integers(1, 10),
    ),
    max_size=2,
)
POLICIES = st.builds(
    lambda failures, successes, grace: replace(
        POLICY, failures=failures, successes=successes, grace=timedelta(minutes=grace)
    ),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from([0, 30]),
)
OPENINGS = {Transition.OPENED, Transition.FLAPPING}


@given(rounds=ROUNDS, silences=SILENCES, policy=POLICIES)
@settings(max_examples=250, deadline=None)
def test_any_sequence_keeps_the_promises(
    rounds: list[tuple[list[Observation], timedelta]], silences: list[Silence], policy: Policy
) -> None:
    play = Play(policy=policy, silences=silences)
    for looks, after in rounds:
        before = {key: one for key, one in play.board.incidents.items() if one.opened_at}
        decision = play.see(*looks, after=after)
        assert len(decision.notices) <= 3
        for key, one in play.board.incidents.items():
            if one.opened_at and key in before and before[key].opened_at == one.opened_at:
                assert one.severity >= before[key].severity, "severity only rises within an incident"
            assert (one.severity is Level.INFO) is (one.opened_at is None)
        assert board_from(json.loads(json.dumps(board_body(play.board)))) == play.board
    each = Counter(change.change_id for _, change in play.changes)
    assert not [key for key, times in each.items() if times > 1], "at most one message per transition"
    keys = [one.key for one in play.board.pending]
    assert len(keys) == len(set(keys))
    for key in KEYS:
        told = play.told_of(key)
        ends = [transition for _, transition in told if transition in {*OPENINGS, Transition.RESOLVED}]
        assert all((end in OPENINGS) is (place % 2 == 0) for place, end in enumerate(ends)), (
            "openings and ends alternate"
        )
        for (before_at, _), (at, transition) in pairwise(told):
            if transition is Transition.REMINDER:
                assert at - before_at >= policy.reminder, "no reminder within four hours of any message"


@given(rounds=ROUNDS, silences=SILENCES)
@settings(max_examples=50, deadline=None)
def test_every_round_may_be_played_twice(
    rounds: list[tuple[list[Observation], timedelta]], silences: list[Silence]
) -> None:
    once, twice = Play(silences=silences), Play(silences=silences)
    for number, (looks, after) in enumerate(rounds):
        once.see(*looks, after=after, run_id=f"r-{number}")
        twice.see(*looks, after=after, run_id=f"r-{number}")
        again = twice.see(*looks, after=timedelta(0), run_id=f"r-{number}")
        assert not again.notices
    assert {one.key for one in once.board.pending} == {one.key for one in twice.board.pending}


@given(rounds=st.lists(st.tuples(LOOKS.map(lambda one: [one]), st.just(timedelta(minutes=15))), max_size=60))
@settings(max_examples=100, deadline=None)
def test_what_is_critical_for_three_looks_is_told_or_explained(
    rounds: list[tuple[list[Observation], timedelta]],
) -> None:
    play = Play()
    for looks, after in rounds:
        play.see(*looks, after=after)
    play.see(*(look(key, Level.CRITICAL, looks=3) for key in KEYS))
    told = {key for key, one in play.board.incidents.items() if one.told is not None}
    assert {"disk", "mongodb"} <= told, "engine and frontend stand on mongodb, these two on nothing"


def test_a_silence_survives_the_store() -> None:
    silence = Silence("s-1", "job:*", NOON, NOON + timedelta(hours=2), "works", "ada")
    assert silence_from("s-1", json.loads(json.dumps(silence_body(silence)))) == silence


@pytest.mark.parametrize("body", [{}, {"started_at": "x", "incidents": [], "pending": []}, {"incidents": 3}])
def test_what_is_no_board_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not readable"):
        board_from(body)
